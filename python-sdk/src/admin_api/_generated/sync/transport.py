# Derived by make generate from transport.py. Do not edit.
"""The adapter to httpx: a Request becomes an exchange on the wire, and whatever happens becomes a value.

Errors of the wire are mapped here and nowhere else (RETRY-10). Redirects are never followed (AUTH-8).
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx

from ..._flavour import sync as flavour
from ..._flavour.attempt import Attempt
from ...errors import ConfigurationError
from ...exchange import (
    Body,
    Effect,
    Headers,
    Outcome,
    Request,
    Response,
    Secret,
    WireError,
)
from .. import policy

CLOSED = WireError("client_closed", "final", "The client is closed.")

WIRE_ERRORS: tuple[tuple[type[Exception], str, Effect], ...] = (
    (httpx.ConnectTimeout, "connect_timeout", "not_sent"),
    (httpx.PoolTimeout, "pool_timeout", "not_sent"),
    (httpx.ConnectError, "connect_failed", "not_sent"),
    (httpx.ProxyError, "proxy_failed", "not_sent"),
    (httpx.UnsupportedProtocol, "unsupported_protocol", "final"),
    (httpx.LocalProtocolError, "invalid_request", "final"),
    (httpx.InvalidURL, "invalid_request", "final"),
    (httpx.TimeoutException, "timeout", "maybe_acted"),
    (httpx.RemoteProtocolError, "invalid_answer", "maybe_acted"),
    (httpx.DecodingError, "invalid_encoding", "maybe_acted"),
    (httpx.NetworkError, "connection_lost", "maybe_acted"),
    (httpx.HTTPError, "connection_lost", "maybe_acted"),
    (TimeoutError, "timeout", "maybe_acted"),
    (OSError, "connection_lost", "maybe_acted"),
)
"""What each failure means, the first that fits; *not sent* is a promise, so what is not known may have acted."""


def wire_error(error: Exception, attempt: Attempt, *, by_deadline: bool, response: Response | None) -> WireError:
    """Names what went wrong on the wire; holds nothing of the exception but its kind and its text."""
    code: str
    effect: Effect
    code, effect = next((code, effect) for kind, code, effect in WIRE_ERRORS if isinstance(error, kind))
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if _is_verification(error):
        code, effect = "tls_verification_failed", "final"
    elif code == "timeout":
        message = "The attempt did not end in time."
        if isinstance(error, TimeoutError) and not attempt.sent:  # ours, and it ran out before the first byte left
            effect = "not_sent"
    if by_deadline and code in {"timeout", "connect_timeout", "pool_timeout"}:
        code, effect = "deadline_exceeded", "final" if effect == "not_sent" else "maybe_acted"
    status = None if response is None else response.status
    return WireError(code, effect, message, status, None if response is None else response.request_id)


def _is_verification(error: BaseException | None) -> bool:
    seen: set[int] = set()  # a chain of causes may bite its own tail
    while error is not None and id(error) not in seen:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


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
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as caught:
            error = caught
        except RuntimeError as caught:  # a pool that was closed while a request was on its way
            if not self._closing.is_set():
                raise
            error = httpx.ReadError(str(caught))
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


class BodyStream(httpx.SyncByteStream):
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
        return cast(Callable[[httpx.Request], httpx.Response], client.handle_request)
    raise ConfigurationError("http_client must have `send` or `handle_async_request`.", code="invalid_option")
