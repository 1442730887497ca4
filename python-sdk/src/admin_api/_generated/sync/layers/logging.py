# Derived by make generate from layers/logging.py. Do not edit.
"""One record per call and one per attempt, by allow-list: all else is REDACTED, bodies never appear (LOG)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from ....errors import AdminAPIError
from ....exchange import Layer, Outcome, Request, Response, Secret, Send
from ... import policy
from .retry import RetryRecord

REDACTED = "REDACTED"


def call_log(logger: logging.Logger) -> Layer:
    """The outermost layer: how each call ended, at INFO."""

    def layer(send: Send) -> Send:
        def logged(request: Request) -> Outcome:
            if not logger.isEnabledFor(logging.INFO):
                return send(request)
            call = request.call
            try:
                outcome = send(request)
            except AdminAPIError as error:
                logger.info(
                    "%s %s %s after %d attempts in %d ms, outcome %s, request id %s",
                    call.operation, type(error).__name__, error.code, call.attempts, _elapsed(request), error.outcome,
                    error.request_id,
                )  # fmt: skip
                raise
            if isinstance(outcome, Response):
                logger.info(
                    "%s %d after %d attempts in %d ms, request id %s",
                    call.operation, outcome.status, call.attempts, _elapsed(request), outcome.request_id,
                )  # fmt: skip
            return outcome

        return logged

    return layer


def attempt_log(logger: logging.Logger) -> Layer:
    """The innermost layer: each exchange on the wire, at DEBUG."""

    def layer(send: Send) -> Send:
        def logged(request: Request) -> Outcome:
            if not logger.isEnabledFor(logging.DEBUG):
                return send(request)
            number = request.call.attempts
            logger.debug(
                "%s attempt %d: %s %s headers %s",
                request.call.operation,
                number,
                request.method,
                shown_url(request.url),
                shown(request.headers),
            )
            outcome = send(request)
            if isinstance(outcome, Response):
                logger.debug(
                    "%s attempt %d: %d headers %s",
                    request.call.operation,
                    number,
                    outcome.status,
                    shown(outcome.headers),
                )
            else:
                logger.debug("%s attempt %d: %s", request.call.operation, number, outcome.code)
            return outcome

        return logged

    return layer


def retry_log(logger: logging.Logger) -> Callable[[RetryRecord], None]:
    """Consumes retry's records, at INFO."""

    def log(record: RetryRecord) -> None:
        logger.info(
            "%s attempt %d failed (%s), next in %.3f s",
            record.operation, record.attempt, record.status if record.code is None else record.code, record.delay,
        )  # fmt: skip

    return log


def shown(headers: Mapping[str, object]) -> dict[str, str]:
    """Headers as they may be logged."""
    return {
        name: str(value) if name in policy.LOGGING_HEADERS and not isinstance(value, Secret) else REDACTED
        for name, value in headers.items()
    }


def shown_url(url: str) -> str:
    """A URL as it may be logged: values of the query only where they are known to be harmless.

    All of it stays encoded as it is sent, so that nothing in it can forge a line of the log.
    """
    parts = urlsplit(url)
    pairs = (pair.partition("=") for pair in parts.query.split("&") if pair)
    query = "&".join(f"{name}={value if name in policy.LOGGING_QUERY else REDACTED}" for name, _, value in pairs)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment="").geturl()


def _elapsed(request: Request) -> int:
    return int((request.call.clock.monotonic() - request.call.started_at) * 1000)
