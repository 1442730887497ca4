# Derived by make generate from layers/logging.py. Do not edit.
"""One record per call, per attempt and per retry (LOG); what they say is in `records`.

The fields of a record stand as a mapping under its attribute `admin_api`, for formatters.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ....backoff import RetryRecord
from ....exchange import Layer, Outcome, Request, Response, Send
from ....layers.records import Record, of_attempt, of_call, of_retry, plain


def call_log(logger: logging.Logger) -> Layer:
    """The outermost layer: how each call ended, at INFO; of a stream, when it is at its end or left."""

    def layer(send: Send) -> Send:
        def logged(request: Request) -> Outcome:
            if not logger.isEnabledFor(logging.INFO):
                return send(request)
            call = request.call

            def tell(ended: Response | BaseException, ending: str | None = None) -> None:
                _tell(logger, logging.INFO, of_call(call, ended, _ms_since(call.started_at, request), ending))

            try:
                outcome = send(request)
            except BaseException as error:
                tell(error)
                raise
            if isinstance(outcome, Response):
                if outcome.stream is None:
                    tell(outcome)
                else:
                    answer = Response(call, outcome.status, outcome.headers, b"")  # not itself: that would be a cycle
                    outcome.on_end = _both(lambda how: tell(answer, how), outcome.on_end)
            return outcome

        return logged

    return layer


def attempt_log(logger: logging.Logger) -> Layer:
    """The innermost layer: each exchange on the wire, at DEBUG."""

    def layer(send: Send) -> Send:
        def logged(request: Request) -> Outcome:
            if not logger.isEnabledFor(logging.DEBUG):
                return send(request)
            began = request.call.clock.monotonic()

            def tell(ended: Outcome | BaseException) -> None:
                _tell(logger, logging.DEBUG, of_attempt(request, ended, _ms_since(began, request)))

            try:
                outcome = send(request)
            except BaseException as error:
                tell(error)
                raise
            tell(outcome)
            return outcome

        return logged

    return layer


def retry_log(logger: logging.Logger) -> Callable[[RetryRecord], None]:
    """Consumes retry's records, at INFO."""

    def log(record: RetryRecord) -> None:
        if logger.isEnabledFor(logging.INFO):
            _tell(logger, logging.INFO, of_retry(record))

    return log


def warn_log(logger: logging.Logger) -> Callable[[str], None]:
    """How to tell of what went wrong and stopped nobody, at WARNING."""
    return lambda text: _tell(logger, logging.WARNING, Record(plain(text), {}))


def _tell(logger: logging.Logger, level: int, record: Record) -> None:
    try:
        logger.log(level, record.text, extra={"admin_api": record.fields})
    except Exception:  # noqa: BLE001 (a log fails no call; this is how `logging` tells of a handler that fails)
        logging.Handler().handleError(logging.makeLogRecord({"name": "admin_api", "msg": record.text}))


def _both(first: Callable[[str], None], then: Callable[[str], None] | None) -> Callable[[str], None]:
    def both(how: str) -> None:
        first(how)
        if then is not None:
            then(how)

    return both


def _ms_since(moment: float, request: Request) -> int:
    seconds: float = request.call.clock.monotonic() - moment
    return round(seconds * 1000)
