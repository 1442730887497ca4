"""What goes wrong on the wire, and what each failure means; mapped here and nowhere else (RETRY-10).

httpx is loaded when the first failure, or the first request, asks for it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import cache

from ._flavour.attempt import Attempt
from .exchange import Effect, Response, WireError

_LONGEST = 500
"""Characters of a peer's own words in a message (ERR-2)."""


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
    message = (f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)[:_LONGEST]
    reasons = [reason for reason in _chain(error) if isinstance(reason, ssl.SSLError)]
    if any(isinstance(reason, ssl.SSLCertVerificationError) for reason in reasons):
        code, effect = "tls_verification_failed", "final"
    elif any(_is_refusal(reason) for reason in reasons):
        code, effect = "tls_refused", "final"
    elif code == "proxy_failed":
        message = f"The proxy answered {error}"[:_LONGEST]
        effect = "final" if _is_final_refusal(str(error)[:3]) else "not_sent"
    elif code in {"timeout", "connect_timeout"}:
        message = "The attempt did not end in time."
    # Before its first byte left. Time that ran out is ours; of other failures only our own sockets know when they came.
    early = not attempt.sent and response is None and (attempt.connecting or isinstance(error, TimeoutError))
    if effect == "maybe_acted" and early:
        code, effect = "connect_timeout" if code == "timeout" else "connect_failed", "not_sent"
    if by_deadline and code in {"timeout", "connect_timeout", "pool_timeout"}:
        code, effect = "deadline_exceeded", "final" if effect == "not_sent" else "maybe_acted"
    status = None if response is None else response.status
    return WireError(code, effect, message, status, None if response is None else response.request_id)


def _is_refusal(error: ssl.SSLError) -> bool:
    """An alert by which the peer refuses to speak with us: our certificate, or want of one, or our TLS version.

    Alerts of that kind end a handshake (RFC 8446, section 6.2), so no request was taken; another try meets the same.
    """
    _, alert, name = (error.reason or "").partition("_ALERT_")
    return bool(alert) and name.startswith(_REFUSALS)


_REFUSALS = (
    "HANDSHAKE_FAILURE",
    "NO_CERTIFICATE",
    "BAD_CERTIFICATE",
    "UNSUPPORTED_CERTIFICATE",
    "CERTIFICATE_",  # REVOKED, EXPIRED, UNKNOWN, REQUIRED …
    "UNKNOWN_CA",
    "ACCESS_DENIED",
    "PROTOCOL_VERSION",
    "INSUFFICIENT_SECURITY",
)


def _is_final_refusal(status: str) -> bool:
    """Whether what a proxy answers to CONNECT stays so: 407 and its like, but not 408, 429 and its own failures."""
    return status.isdigit() and status < "500" and status not in ("408", "429")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that led to it."""
    seen: set[int] = set()  # a chain of causes may bite its own tail
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
