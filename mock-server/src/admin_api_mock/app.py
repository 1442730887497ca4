"""The ASGI application: one request in, through the phases, one answer out — or broken, if a fault says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias

from admin_api_mock.breaking import send_broken
from admin_api_mock.context import Context
from admin_api_mock.control.routes import ControlPlane
from admin_api_mock.cors import Cors
from admin_api_mock.document import Document
from admin_api_mock.domain import Domain
from admin_api_mock.faults import Fault, Reset
from admin_api_mock.guards import Guards
from admin_api_mock.http import BODILESS, Answer, Disconnected, Receive, Request
from admin_api_mock.phases import PHASES, SANE_REQUEST_ID, Frame
from admin_api_mock.problems import Problem
from admin_api_mock.routing import Router
from admin_api_mock.validation import Validation
from admin_api_mock.worlds import Worlds

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger("admin_api_mock")
#: Nothing may follow on a connection whose request was not read to its end.
_UNREAD = frozenset({"payload_too_large"})
#: RFC 6749, section 5.1: what the token endpoint says, refusals too, is in no cache, be it of HTTP/1.0.
_NO_STORE: Mapping[str, str] = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class App:
    """The server without its socket. `origin` is scheme, host and port as clients see them; `cors` names the origins
    of pages that may call it."""

    def __init__(
        self,
        document: Document,
        domain: Domain,
        *,
        origin: str,
        host: str,
        seed: int | None = None,
        data_dir: Path | None = None,
        cors: Collection[str] = (),
    ) -> None:
        validation = Validation(document)
        self._cors = Cors(document, cors) if cors else None
        guards = Guards(host, origin, self._cors)
        worlds = Worlds(
            document, validation, domain, origin=origin, loopback=guards.loopback, seed=seed, data_dir=data_dir
        )
        self.worlds = worlds
        self._frame = Frame(
            document=document,
            router=Router(document.operations.values()),
            validation=validation,
            worlds=worlds,
            guards=guards,
            cors=self._cors,
            control=ControlPlane(worlds, domain),
            domain=domain,
        )
        self._uncached = frozenset(
            operation.path
            for operation in document.operations.values()
            if operation.id.startswith("oauth.") and operation.method == "POST"
        )
        self._streams: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        request = Request(scope, receive)
        given = request.headers.get("x-request-id", "")
        ctx = Context(request, given if SANE_REQUEST_ID.fullmatch(given) else "")
        try:
            ctx.answer = self._finished(ctx, await self._answer(ctx))
            await self._send(ctx, ctx.answer, send)
        except Reset:
            ctx.answer = None  # Whatever it was, it does not leave.
            await self._reset(ctx, "reset")
        except Disconnected:
            ctx.answer = None  # There is nobody to answer.
            await self._abandon(ctx)
        finally:
            _ended(ctx, "cut")  # Unless it ended in another way, the client went away.

    def refuse(self, problem: Problem) -> Answer:
        """The answer to what never became a request (protocol.py)."""
        ctx = Context(Request(_NO_SCOPE, _no_body))
        return self._finished(ctx, problem.answer(self._request_id(ctx)))

    def close(self) -> None:
        """Ends streams, holds and waits, then the worlds."""
        for stream in self._streams:
            stream.cancel()
        self.worlds.close()

    async def _answer(self, ctx: Context) -> Answer:
        try:
            for name, run, _ in PHASES:
                ctx.phase = name
                answer = await run(self._frame, ctx)
                if answer is not None:
                    return answer
            raise AssertionError("the last phase gives an answer")
        except Problem as problem:
            answer = problem.answer(self._request_id(ctx), ctx.request.path)
            answer.close = problem.code in _UNREAD
            return answer
        except (Reset, Disconnected):
            raise
        except Exception:
            # A bug of ours: told to the operator in full, to the client by its id alone.
            request_id = self._request_id(ctx)
            log.exception("request %s failed: %s %s", request_id, ctx.request.method, ctx.request.path)
            return Problem("internal_error", "The server failed; its log has more.").answer(
                request_id, ctx.request.path
            )

    def _request_id(self, ctx: Context) -> str:
        if not ctx.request_id:  # It came to no world; the root world's is as good, and the same on every seeded run.
            ctx.request_id = self.worlds.root.new_request_id()
        return ctx.request_id

    def _finished(self, ctx: Context, answer: Answer) -> Answer:
        """The answer with the headers that every answer has. What an answer brings itself is left as it is."""
        world = getattr(ctx, "world", None) or self.worlds.root
        operation = getattr(ctx, "operation", None)
        standing = ctx.standing or world.limiter.take(ctx.request.client or "", world.clock.now_ms())
        headers = {
            "Date": world.clock.date(),
            "X-Request-Id": self._request_id(ctx),
            "Admin-Api-Version": self._frame.document.version,
            "RateLimit": standing.header(),
            "RateLimit-Policy": world.limiter.policy,
        }
        if operation is not None and operation.deprecated:
            headers |= operation.deprecation
        if ctx.request.path in self._uncached:
            headers |= _NO_STORE
        if self._cors is not None:
            headers |= self._cors.headers(ctx.request)
        if isinstance(answer.body, bytes) and answer.status not in BODILESS:
            headers["Content-Length"] = str(len(answer.body))
        if answer.close:
            headers["Connection"] = "close"
        answer.headers = headers | answer.headers
        return answer

    async def _send(self, ctx: Context, answer: Answer, send: Send) -> None:
        if ctx.request.wire.left:
            raise Disconnected
        if not isinstance(answer.body, bytes) and ctx.world.journal.bodies:
            answer.body = ctx.world.journal.recorded(ctx.entry, answer.body)
        if ctx.broken_by is not None:
            ctx.world.journal.answering(ctx.entry)
            await self._while_there(ctx, _break(ctx, answer, ctx.broken_by))
            return
        body = b"" if answer.status in BODILESS else answer.body
        if isinstance(body, bytes):
            _ended(ctx, "refused" if answer.close else "response")
            if not (answer.close or answer.scripted) and ctx.request.wire.send_whole(answer, body):
                return
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [
                    (name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()
                ],
            }
        )
        if isinstance(body, bytes):
            if answer.close:
                # The whole answer first, then what is still coming, then the close: a reset would overtake the answer.
                await send({"type": "http.response.body", "body": body, "more_body": True})
                await ctx.request.drain()
                body = b""
            await send({"type": "http.response.body", "body": body, "more_body": False})
            return
        ctx.world.journal.answering(ctx.entry)
        await self._while_there(ctx, _pump(ctx, body, send))

    async def _while_there(self, ctx: Context, sends: Coroutine[Any, Any, None]) -> None:
        """Sends until it is done, the connection is to be reset, or the client leaves."""
        sending = asyncio.ensure_future(sends)
        gone = asyncio.ensure_future(ctx.request.gone())
        self._streams.add(sending)
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                return  # The client has gone.
            if sending.cancelled():  # The server is closing.
                ctx.request.wire.close()
                await ctx.request.gone()
                return
            failure = sending.exception()
            if failure is None:
                return
            if isinstance(failure, Disconnected):
                await self._abandon(ctx)
                return
            if not isinstance(failure, Reset):
                # Too late for a problem: the missing end tells the client that this is not whole.
                log.error("request %s failed in its stream", ctx.request_id, exc_info=failure)
            await self._reset(ctx, "cut")
        finally:
            self._streams.discard(sending)
            for task in (sending, gone):
                task.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)

    async def _reset(self, ctx: Context, outcome: str) -> None:
        _ended(ctx, outcome)
        await ctx.request.wire.reset()
        await ctx.request.gone()

    async def _abandon(self, ctx: Context) -> None:
        _ended(ctx, "cut")
        ctx.request.wire.abandon()
        await ctx.request.gone()


def _ended(ctx: Context, outcome: str) -> None:
    """Ends the journal's entry, before the last bytes leave: who has seen the end of an answer finds it there."""
    entry = getattr(ctx, "entry", None)
    if entry is not None and entry.outcome == "pending":
        entry.phase = ctx.phase
        ctx.world.journal.answered(entry, outcome, ctx.answer)


async def _break(ctx: Context, answer: Answer, fault: Fault) -> None:
    outcome, close = await send_broken(ctx, answer, fault)
    _ended(ctx, outcome)
    ctx.request.wire.finish(close=close)


async def _pump(ctx: Context, items: AsyncIterator[bytes], send: Send) -> None:
    try:
        if ctx.request.method != "HEAD":
            async for item in items:
                await send({"type": "http.response.body", "body": item, "more_body": True})
        _ended(ctx, "stream")
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


_NO_SCOPE: Mapping[str, Any] = {"method": "", "raw_path": b"", "query_string": b"", "client": None, "headers": []}


async def _no_body() -> Mapping[str, Any]:
    return {"type": "http.disconnect"}
