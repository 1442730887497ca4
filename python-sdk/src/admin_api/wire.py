"""What goes wrong on the wire, and what each failure means; mapped here and nowhere else (RETRY-10).

httpx is loaded when the first failure, or the first request, asks for it.
"""

from __future__ import annotations

import ssl
from functools import cache

from ._flavour.attempt import Attempt
from .exchange import Effect, Response, WireError


@cache
def wire_errors() -> tuple[tuple[type[Exception], str, Effect], ...]:
    """Each failure, its code and its effect, the first that fits; what is not known to be *not sent* may have acted."""
    import httpx

    return (
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
        (httpx.StreamError, "connection_lost", "maybe_acted"),
        (TimeoutError, "timeout", "maybe_acted"),
        (OSError, "connection_lost", "maybe_acted"),
    )


@cache
def failures() -> tuple[type[Exception], ...]:
    """The classes of all failures, for an `except`."""
    return tuple(kind for kind, _, _ in wire_errors())


def is_timeout(error: Exception) -> bool:
    """Whether time ran out, ours or httpx's."""
    import httpx

    return isinstance(error, TimeoutError | httpx.TimeoutException)


def wire_error(error: Exception, attempt: Attempt, *, by_deadline: bool, response: Response | None) -> WireError:
    """Names what went wrong on the wire; holds nothing of the exception but its kind and its text."""
    code: str
    effect: Effect
    code, effect = next((code, effect) for kind, code, effect in wire_errors() if isinstance(error, kind))
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
