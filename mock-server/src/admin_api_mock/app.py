"""The ASGI application: one request in, through the phases, one answer out — or broken, if a fault says so."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias

from admin_api_mock.context import Context
from admin_api_mock.control.routes import ControlPlane
from admin_api_mock.cors import Cors
from admin_api_mock.document import Document
from admin_api_mock.domain import Domain
from admin_api_mock.faults import Cut, Reset
from admin_api_mock.guards import Guards
from admin_api_mock.http import Answer, Disconnected, Receive, Request
from admin_api_mock.phases import PHASES, SANE_REQUEST_ID, Frame
from admin_api_mock.problems import Problem
from admin_api_mock.protocol import reset
from admin_api_mock.routing import Router
from admin_api_mock.validation import Validation
from admin_api_mock.worlds import Worlds

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger("admin_api_mock")
#: Nothing may follow on a connection whose request was not read to its end.
_UNREAD = frozenset({"payload_too_large"})
_BODILESS = frozenset({204, 304})


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
            pass  # There is nobody to answer; the journal has it.
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
        if not ctx.request_id:
            ctx.request_id = f"req_{secrets.token_hex(10)}"
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
        if self._cors is not None:
            headers |= self._cors.headers(ctx.request)
        if isinstance(answer.body, bytes) and answer.status not in _BODILESS:
            headers["Content-Length"] = str(len(answer.body))
        if answer.close:
            headers["Connection"] = "close"
        answer.headers = headers | answer.headers
        return answer

    async def _send(self, ctx: Context, answer: Answer, send: Send) -> None:
        body = b"" if answer.status in _BODILESS else answer.body
        if isinstance(body, bytes) and ctx.cut is None and not (answer.close or answer.scripted):
            _ended(ctx, "response")
            if ctx.request.send_whole is not None and ctx.request.send_whole(answer, body):
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
        cut = ctx.cut
        if isinstance(body, bytes) and cut is None:
            _ended(ctx, "refused" if answer.close else "response")
            if answer.close:
                # The whole answer first, then what is still coming, then the close: a reset would overtake the answer.
                await send({"type": "http.response.body", "body": body, "more_body": True})
                await ctx.request.drain()
                body = b""
            await send({"type": "http.response.body", "body": body, "more_body": False})
            return
        items = _one(body) if isinstance(body, bytes) else body
        await self._stream(ctx, items, cut, send)

    async def _stream(self, ctx: Context, items: AsyncIterator[bytes], cut: Cut | None, send: Send) -> None:
        """Sends item by item until the end, the cut, or the client's leaving; the source is closed in every case."""
        sending = asyncio.ensure_future(_pump(ctx, _cut(items, cut) if cut else items, send))
        gone = asyncio.ensure_future(ctx.request.gone())
        self._streams.add(sending)
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                return  # The client has gone.
            if sending.cancelled():  # The server is closing.
                ctx.request.transport.close()
                await ctx.request.gone()
                return
            failure = sending.exception()
            if failure is None:
                return
            if not isinstance(failure, _EndOfCut):
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
        await reset(ctx.request.transport)
        await ctx.request.gone()


def _ended(ctx: Context, outcome: str) -> None:
    """Ends the journal's entry, before the last bytes leave: who has seen the end of an answer finds it there."""
    entry = getattr(ctx, "entry", None)
    if entry is not None and entry.outcome == "pending":
        entry.phase = ctx.phase
        ctx.world.journal.answered(entry, outcome, ctx.answer)


class _EndOfCut(Exception):
    """A cut stream has come to where it ends."""


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


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _cut(items: AsyncIterator[bytes], cut: Cut) -> AsyncIterator[bytes]:
    """The items up to where the fault ends them, then _EndOfCut; all of them if there are fewer."""
    sent_bytes = sent_items = 0
    try:
        async for item in items:
            # Heartbeats and the retry field of an event stream are no events.
            counts = not item.startswith((b":", b"retry:"))
            if cut.after_items is not None and counts:
                if sent_items == cut.after_items:
                    yield item[: len(item) // 2]
                    raise _EndOfCut
                sent_items += 1
            if cut.at_bytes is not None:
                if sent_bytes + len(item) >= cut.at_bytes:
                    yield item[: cut.at_bytes - sent_bytes]
                    raise _EndOfCut
                sent_bytes += len(item)
            yield item
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


_NO_SCOPE: Mapping[str, Any] = {"method": "", "raw_path": b"", "query_string": b"", "client": None, "headers": []}


async def _no_body() -> Mapping[str, Any]:
    return {"type": "http.disconnect"}
