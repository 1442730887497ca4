# Derived by make generate from transport.py. Do not edit.
"""The adapter to httpx: a Request becomes an exchange on the wire, and whatever happens becomes a value.

httpx is loaded with the first request, not at import. Redirects are never followed (AUTH-8).
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from ..._flavour import sync as flavour
from ..._flavour.attempt import Attempt
from ...errors import ConfigurationError
from ...exchange import Body, Headers, Outcome, Request, Response, Secret, WireError
from ...wire import failures, wire_error
from .. import policy

if TYPE_CHECKING:
    import httpx

CLOSED = WireError("client_closed", "final", "The client is closed.")


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for an origin, None for a direct connection."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import (  # a heavy import for a rare need
        getproxies,
        proxy_bypass,
    )

    parts = urlsplit(url)
    proxies = getproxies()
    if proxy_bypass(parts.netloc):
        return None
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


class Transport:
    """Sends requests over pools of its own, or over a client of the user's.

    Args:
        origins: Base URLs that will be used; the proxy for each is read from the environment now.
        verify: A TLS context, the path of a CA bundle, or whether to verify at all.
        http_client: An object with `send` (an httpx client) or `handle_async_request` (an httpx transport). It keeps
            its own timeouts and is not closed.
    """

    def __init__(
        self, origins: tuple[str, ...], verify: ssl.SSLContext | str | bool, http_client: object | None
    ) -> None:
        self._proxies = {origin(url): proxy_for(url) for url in origins}
        self._verify = _verified(verify)
        self._foreign = _adapted(http_client)
        self._renew_lock()
        flavour.after_fork(self, Transport._renew_lock)
        self._pools: WeakKeyDictionary[flavour.Home, dict[tuple[int, str | None], httpx.HTTPTransport]] = (
            WeakKeyDictionary()
        )
        self._closing = threading.Event()

    def _renew_lock(self) -> None:
        """A lock that some thread held at the fork would stay locked for ever in the child (CONF)."""
        self._lock = threading.Lock()

    def send(self, request: Request) -> Outcome:
        """One attempt: from connect to the last byte, or to the last header of a streamed success (RETRY-6)."""
        if self._closing.is_set():
            return CLOSED
        call = request.call
        left = call.left()
        by_deadline = left is not None and left < call.limits.timeout
        seconds = call.limits.timeout if left is None or not by_deadline else left
        if seconds <= 0:
            return WireError("deadline_exceeded", "final", "The deadline has passed.")
        response: Response | None = None
        attempt = Attempt(0)
        error: Exception
        try:
            with flavour.limit(seconds) as attempt:
                attempt.sent = self._foreign is not None  # sockets that are not ours mark nothing
                answer = self._exchange(request, seconds)
                response = Response(call, answer.status_code, Headers(answer.headers.items()), b"", None)
                if call.streamed and answer.status_code < 300:
                    response.stream = answer
                    return response
                response.body = _read(answer)
                return response
        except failures() as caught:
            error = caught
        except RuntimeError as caught:  # a pool that was closed while a request was on its way
            if not self._closing.is_set():
                raise
            error = ConnectionError(str(caught))
        if self._closing.is_set():
            return CLOSED if not attempt.sent else WireError("client_closed", "maybe_acted", "The client was closed.")
        return wire_error(error, attempt, by_deadline=by_deadline, response=response)

    def _exchange(self, request: Request, seconds: float) -> httpx.Response:
        # What is streamed is read in its consumer's time; our own sockets are bounded without httpx's help.
        read = None if request.call.streamed and self._foreign is None else seconds
        outgoing = _outgoing(request, {"connect": seconds, "read": read, "write": seconds, "pool": seconds})
        if self._foreign is not None:
            return self._foreign(outgoing)
        return self._pool(request.url).handle_request(outgoing)

    def _pool(self, url: str) -> httpx.HTTPTransport:
        """The pool of this loop, process and proxy; made when first needed, TLS context and all (CONF)."""
        home = flavour.home()
        proxy = self._proxies[origin(url)]
        key = (os.getpid(), proxy)
        pools = self._pools.get(home)
        if pools is not None and key in pools:
            return pools[key]
        with self._lock:
            pools = self._pools.setdefault(home, {})
            if key not in pools:
                pools[key] = flavour.pool(
                    verify=self._verify() if url.startswith("https:") or (proxy or "").startswith("https:") else False,
                    proxy=proxy,
                    max_connections=policy.POOL_MAX_CONNECTIONS,
                    max_keepalive=policy.POOL_MAX_KEEPALIVE,
                    keepalive_expiry=policy.POOL_KEEPALIVE_EXPIRY,
                )
            return pools[key]

    def close(self) -> None:
        """Closes the pools of this loop; calls on their way end with `client_closed`."""
        self._closing.set()
        with self._lock:
            pools = self._pools.pop(flavour.home(), {})
        for (pid, _), pool in pools.items():
            if pid == os.getpid():  # another process's sockets are its own
                pool.close()


def _outgoing(request: Request, timeouts: dict[str, float | None]) -> httpx.Request:
    """The request as httpx wants it. Secrets are revealed here alone, in a frame gone before the wait (AUTH-9)."""
    import httpx

    content = request.content
    return httpx.Request(
        request.method,
        request.url,
        headers=[
            (name, value.reveal() if isinstance(value, Secret) else value) for name, value in request.headers.items()
        ],
        content=content if content is None or isinstance(content, bytes) else BodyStream(content),
        extensions={"timeout": timeouts},
    )


class BodyStream:
    """A body that can be sent again, as httpx wants it."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._body.chunks():
            yield chunk


def _read(answer: httpx.Response) -> bytes:
    """The whole body of a success; of an error at most 1 MiB (ERR). The connection is free afterwards."""
    if answer.status_code < 300:
        return answer.read()
    body = bytearray()
    try:
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) >= policy.ERRORS_MAX_ERROR_BODY:
                break
    finally:
        answer.close()
    return bytes(body[: policy.ERRORS_MAX_ERROR_BODY])


def origin(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _verified(verify: ssl.SSLContext | str | bool) -> Callable[[], ssl.SSLContext | bool]:
    """Gives the TLS context when first needed; a CA bundle is read now, so that a wrong path is seen."""
    if isinstance(verify, str):
        try:
            context = ssl.create_default_context(cafile=verify)
        except (OSError, ssl.SSLError) as caught:
            reason = type(caught).__name__
        else:
            return lambda: context
        raise ConfigurationError(f"The CA bundle {verify!r} cannot be read ({reason}).", code="invalid_ca_bundle")
    return lambda: verify


def _adapted(client: Any) -> Callable[[httpx.Request], httpx.Response] | None:
    """How to send over the user's own client or transport (CONF)."""
    if client is None:
        return None
    if hasattr(client, "send"):

        def send(request: httpx.Request) -> httpx.Response:
            del request.extensions["timeout"]  # so that the client sets its own
            return cast("httpx.Response", client.send(request, stream=True, follow_redirects=False))

        return send
    if hasattr(client, "handle_async_request"):
        handle: Callable[[httpx.Request], httpx.Response] = client.handle_request
        return handle
    raise ConfigurationError("http_client must have `send` or `handle_async_request`.", code="invalid_option")
