"""The adapter to httpx: a Request becomes an exchange on the wire, and whatever happens becomes a value.

httpx is loaded with the first request, not at import. Redirects are never followed (AUTH-8).
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from ._flavour import aio as flavour
from ._flavour.attempt import Attempt
from ._generated import policy
from .errors import ConfigurationError
from .exchange import Body, Headers, Outcome, Request, Response, Secret, WireError
from .proxies import proxy_for
from .wire import failures, wire_error

if TYPE_CHECKING:
    import httpx

Verify: TypeAlias = ssl.SSLContext | str | os.PathLike[str] | bool

_Pools: TypeAlias = "WeakKeyDictionary[flavour.Home, dict[str, tuple[httpx.AsyncHTTPTransport, flavour.Keeper]]]"
"""The pools of each event loop, by origin, each with what closes it when it is let go of."""

CLOSED = WireError("client_closed", "final", "The client is closed.")


class AsyncTransport:
    """Sends requests over pools of its own, or over a client of the user's.

    Args:
        origins: Base URLs that will be used; the proxy for each is read from the environment now.
        verify: A TLS context, the path of a CA bundle, or whether to verify at all; None leaves it to the environment.
        http_client: An object with `send` (an httpx client) or `handle_async_request` (an httpx transport). It keeps
            its own timeouts and is not closed.
    """

    def __init__(self, origins: tuple[str, ...], verify: Verify | None, http_client: object | None) -> None:
        self._foreign = _adapted(http_client)
        if self._foreign is None:
            self._proxies = {origin(url): proxy_for(url, os.environ) for url in origins}
            self._tls_context = _trusting(verify)
        elif verify is not None:
            raise ConfigurationError("verify has no effect on your http_client: set it there.", code="invalid_option")
        self._lock = threading.Lock()
        self._pools: _Pools = WeakKeyDictionary()
        self._running: set[Attempt] = set()
        self._closed = False
        flavour.after_fork(self, AsyncTransport._renew)

    def _renew(self) -> None:
        """In a forked child: a lock that some thread held would stay locked, and the connections are the parent's."""
        self._lock = threading.Lock()
        for pools in list(self._pools.values()):
            for pool, keeper in pools.values():
                flavour.forsake(pool, keeper)
        self._pools = WeakKeyDictionary()
        self._running = set()

    async def send(self, request: Request) -> Outcome:
        """One attempt: from connect to the last byte, or to the last header of a streamed success (RETRY-6)."""
        call = request.call
        left = call.left()
        by_deadline = left is not None and left < call.limits.timeout
        seconds = call.limits.timeout if left is None or not by_deadline else left
        if seconds <= 0:
            return WireError("deadline_exceeded", "final", "The deadline has passed.")
        response: Response | None = None
        attempt = Attempt(0)
        lost: WireError
        try:
            async with flavour.limit(seconds) as attempt:
                self._running.add(attempt)
                if self._closed:  # asked once `close` can see the attempt, so that none gets lost between the two
                    return CLOSED
                attempt.sent = self._foreign is not None  # sockets that are not ours mark nothing
                answer = await self._exchange(request, seconds)
                response = Response(call, answer.status_code, Headers(answer.headers.items()), b"", None)
                if response.headers.get("content-encoding", "identity").lower() not in _ENCODINGS:
                    await answer.aclose()
                    return WireError("invalid_encoding", "maybe_acted", _ENCODED, response.status, response.request_id)
                if call.streamed and answer.status_code < 300:
                    response.stream = answer
                    return response
                return await _read(answer, response) or response
        except failures() as caught:  # named at once: kept, it would keep its frames, and those of the caller
            lost = wire_error(caught, attempt, by_deadline=by_deadline, response=response)
        except RuntimeError as caught:  # a pool that was closed while a request was on its way
            if not self._closed:
                flavour.check_running()
                raise
            lost = wire_error(ConnectionError(str(caught)), attempt, by_deadline=False, response=response)
        finally:
            self._running.discard(attempt)
        if not self._closed:
            return lost
        if not attempt.sent:
            return CLOSED
        return WireError("client_closed", "maybe_acted", "The client was closed.", lost.status, lost.request_id)

    async def _exchange(self, request: Request, seconds: float) -> httpx.Response:
        if self._foreign is not None:
            waits = {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}
            return await self._foreign(_outgoing(request, waits))
        return await self._pool(request.url).handle_async_request(_outgoing(request, flavour.waits(seconds)))

    def _pool(self, url: str) -> httpx.AsyncHTTPTransport:
        """The pool of this loop and origin; made when first needed, TLS context and all (CONF-2)."""
        home = flavour.home()
        key = origin(url)
        pools = self._pools.get(home)
        if pools is not None and key in pools:
            return pools[key][0]
        with self._lock:
            for other in [other for other in self._pools if flavour.is_over(other)]:
                del self._pools[other]  # what is left of it would keep a loop that is closed alive
            pools = self._pools.setdefault(home, {})
            if key not in pools:
                proxy = self._proxies[key]
                pool = flavour.pool(
                    tls_context=self._tls_context() if url.startswith("https:") or _is_https(proxy) else None,
                    proxy=proxy,
                    max_connections=policy.POOL_MAX_CONNECTIONS,
                    max_keepalive=policy.POOL_MAX_KEEPALIVE,
                    keepalive_expiry=policy.POOL_KEEPALIVE_EXPIRY,
                )
                pools[key] = pool, flavour.keeper(pool)
            return pools[key][0]

    def warm_up(self) -> None:
        """Does ahead what the first request would."""
        import_module("httpx")  # which comes with the first request
        if self._foreign is None:
            self._tls_context()

    async def close(self) -> None:
        """Closes the pools; calls on their way end with `client_closed`. Those of other loops are closed there."""
        self._closed = True
        for attempt in list(self._running):
            flavour.end(attempt)
        with self._lock:
            mine = self._pools.pop(flavour.home(), {})
            self._pools.clear()  # each keeper closes its pool, on its own loop
        for _, keeper in mine.values():
            await keeper.aclose()


def _outgoing(request: Request, timeouts: Mapping[str, float | None]) -> httpx.Request:
    """The request as httpx wants it. Secrets are revealed here alone, in a frame gone before the wait (AUTH-9)."""
    import httpx

    content = request.content
    return httpx.Request(
        request.method,
        request.url,
        headers=[
            (name, value.reveal() if isinstance(value, Secret) else value) for name, value in request.headers.items()
        ],
        content=content if content is None or isinstance(content, bytes) else AsyncBodyStream(content),
        extensions={"timeout": timeouts},
    )


class AsyncBodyStream:
    """A body that can be sent again, as httpx wants it."""

    def __init__(self, body: Body) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._body.chunks():
            yield chunk


async def _read(answer: httpx.Response, response: Response) -> WireError | None:
    """Reads the body, and of an error no more than 1 MiB; what is wrong with it, if anything is (ERR-4).

    The connection is free afterwards.
    """
    failed = response.status >= 300
    most = policy.ERRORS_MAX_ERROR_BODY if failed else policy.ERRORS_MAX_ANSWER_BODY
    parts: list[bytes] = []
    size = 0
    chunks: Any = answer.aiter_bytes()  # a generator, which its type does not say
    whole = False
    try:
        async for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            if size >= most:
                break
        else:
            whole = True  # and so closed
    finally:
        if not whole:
            await chunks.aclose()
            await answer.aclose()
    if size >= most and not failed:
        return WireError("answer_too_large", "final", _TOO_LARGE, response.status, response.request_id)
    response.body = b"".join(parts)[:most]
    return None


_TOO_LARGE = "The answer is too long. Ask for less at a time."
_ENCODED = "The answer is encoded in a way that was not asked for."
_ENCODINGS = frozenset({"identity", "gzip", "deflate"})
"""What is asked for, once: what is packed several times over may be a thousand times a thousandfold (ERR-4)."""


def origin(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_https(proxy: Secret | None) -> bool:
    return proxy is not None and proxy.reveal().startswith("https:")


def _trusting(verify: Verify | None) -> Callable[[], ssl.SSLContext]:
    """Gives the TLS context when first needed; a CA bundle is read now, so that a wrong path is seen (CONF-6)."""
    if verify is None:
        verify = os.environ.get("ADMIN_API_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
    if isinstance(verify, ssl.SSLContext):
        return lambda: verify
    if isinstance(verify, bool):
        return cache(lambda: _default_context(verify))
    if not isinstance(verify, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance] (callers without a type checker)
        raise ConfigurationError("verify must be a path, a TLS context, or a bool.", code="invalid_option")
    path = os.fspath(verify)
    try:
        context = ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as caught:
        reason = type(caught).__name__
    else:
        return lambda: context
    raise ConfigurationError(f"The CA bundle {path!r} cannot be read ({reason}).", code="invalid_ca_bundle")


def _default_context(verify: bool) -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context(verify, trust_env=False)


def _adapted(client: Any) -> Callable[[httpx.Request], Awaitable[httpx.Response]] | None:
    """How to send over the user's own client or transport (CONF-2)."""
    if client is None:
        return None
    if hasattr(client, "send") and flavour.is_ours(client):

        async def send(request: httpx.Request) -> httpx.Response:
            del request.extensions["timeout"]  # so that the client sets its own
            return cast("httpx.Response", await client.send(request, stream=True, follow_redirects=False))

        return send
    handle: Callable[[httpx.Request], Awaitable[httpx.Response]] | None = getattr(client, flavour.HANDLE, None)
    if handle is not None and not isinstance(client, type):
        return handle
    raise ConfigurationError(flavour.NO_CLIENT, code="invalid_option")
