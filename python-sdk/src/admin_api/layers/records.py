"""What is written of calls, attempts and retries, by allow-list: all else is REDACTED, bodies never appear (LOG).

A record is a text and its fields, both as in Node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .._generated import policy
from ..backoff import RetryRecord
from ..errors import AdminAPIError
from ..exchange import Call, Outcome, Request, Response, Secret

REDACTED = "REDACTED"


class Record(NamedTuple):
    """One record of the log."""

    text: str
    fields: Mapping[str, Any]


def of_call(call: Call, ended: Response | BaseException, ms: int, ending: str | None = None) -> Record:
    """How a call ended; `ending` says how the reading of a stream did."""
    error = ended if isinstance(ended, BaseException) else None
    failed = error if isinstance(error, AdminAPIError) else None
    known = failed or (ended if isinstance(ended, Response) else None)
    fields = _given(
        operation=call.operation,
        method=call.method,
        status=known and known.status,
        ending=ending,
        error=error and _name_of(error),
        code=failed and _of_server(failed.code),
        attempts=call.attempts,
        duration_ms=ms,
        outcome=failed and failed.outcome,
        request_id=known and _of_server(known.request_id),
    )
    first = ("operation", "error", "code") if error else ("operation", "status", "ending")
    how = " ".join(str(fields[name]) for name in first if name in fields)
    rest = "".join(f", {name.replace('_', ' ')} {fields[name]}" for name in ("outcome", "request_id") if name in fields)
    return Record(f"{how} after {call.attempts} attempts in {ms} ms{rest}", fields)


def of_attempt(request: Request, ended: Outcome | BaseException, ms: int) -> Record:
    """What went over the wire in an attempt."""
    call, url = request.call, shown_url(request.url)
    answer = ended if isinstance(ended, Response) else None
    code = None if isinstance(ended, Response) else _name_of(ended) if isinstance(ended, BaseException) else ended.code
    fields = _given(
        operation=call.operation,
        attempt=call.attempts,
        method=request.method,
        url=url,
        status=answer and answer.status,
        code=code,
        duration_ms=ms,
        request_id=answer and _of_server(answer.request_id),
        request_headers=shown(request.headers),
        response_headers=answer and shown(answer.headers),
    )
    how = answer.status if answer else code
    return Record(f"{call.operation} attempt {call.attempts}: {request.method} {url} {how} in {ms} ms", fields)


def of_retry(retry: RetryRecord) -> Record:
    """That an attempt failed and another will follow."""
    ms = round(retry.delay * 1000)
    fields = _given(
        operation=retry.operation,
        attempt=retry.attempt,
        status=retry.status,
        code=retry.code,
        delay_ms=ms,
        request_id=_of_server(retry.request_id),
    )
    reason = retry.status if retry.code is None else retry.code
    return Record(f"{retry.operation} attempt {retry.attempt} failed ({reason}), next in {ms} ms", fields)


def shown(headers: Mapping[str, object]) -> dict[str, str]:
    """Headers as they may be logged."""
    return {
        name: plain(str(value)) if name in policy.LOGGING_HEADERS and not isinstance(value, Secret) else REDACTED
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


_HIDDEN = re.compile("[^ -~]")


def plain(text: str) -> str:
    """A text as one line of visible ASCII: whatever a server says, it forges no record and moves no cursor."""
    return _HIDDEN.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"\\u{unit}" for unit in found[0].encode("utf-16-be", "surrogatepass").hex(" ", 2).split())


def _of_server(word: str | None) -> str | None:
    return None if word is None else plain(word[: policy.LOGGING_MAX_WORD])


def _name_of(error: BaseException) -> str:
    name = type(error).__name__
    return "cancelled" if name == "CancelledError" else name


def _given(**fields: Any) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
