# Derived by make generate from layers/status.py. Do not edit.
"""Turns an outcome that is no success into the error it stands for; the only layer that raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from ....backoff import retry_after, transient
from ....errors import (
    AdminAPIError,
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    DeadlineExceededError,
    InsufficientScopeError,
    class_for,
)
from ....exchange import (
    Call,
    Layer,
    Outcome,
    Request,
    Response,
    Send,
    TokenFailure,
    WireError,
)
from ....outcome import effect_of, outcome_of
from ... import policy

ADVICE: Mapping[int, str] = {
    401: "Check the token or the client credentials.",
    403: "Ask for a token with the scope.",
    404: "Check the id.",
    409: "See `problem` for what is in the way.",
    410: "Start over without the cursor or id.",
    412: "Get the current version and try again with its etag.",
    422: "See `errors` for the members that were refused.",
    428: "Pass if_match with the etag you know, or if_none_match='*' to create.",
    429: "Wait for `retry_after` seconds.",
}


def status() -> Layer:
    """The layer."""

    def layer(send: Send) -> Send:
        def raising(request: Request) -> Outcome:
            outcome = send(request)
            if isinstance(outcome, Response) and (outcome.status < 300 or outcome.status == 304):
                return outcome
            raise error_for(request, outcome)

        return raising

    return layer


def error_for(request: Request, outcome: Outcome) -> AdminAPIError:
    """The error that an outcome stands for."""
    if isinstance(outcome, Response):
        error = _of_status(outcome)
    elif isinstance(outcome, TokenFailure):
        error = _of_token(request.call, outcome)
    else:
        error = _of_wire(request.call, outcome)
    call = request.call
    error.operation = call.operation
    error.attempts = call.attempts
    error.idempotency_key = call.idempotency_key
    error.outcome = outcome_of(call, effect_of(outcome))
    error.retryable = transient(outcome, request.method) and (
        call.keyed or call.method in policy.RETRY_SAFE_METHODS or error.outcome in {"not_sent", "refused"}
    )
    if call.stop == "retry_budget_exhausted":
        error.code = call.stop
    return error


def _of_status(response: Response) -> AdminAPIError:
    problem = problem_of(response)
    given = (problem or {}).get("code")
    code = given if isinstance(given, str) and given else None
    asked = retry_after(response, response.call.clock.now())
    error = class_for(response.status, code)(
        _message(response, problem),
        code=code,
        status=response.status,
        request_id=response.request_id,
        problem=problem,
        retry_after=asked,
    )
    if isinstance(error, InsufficientScopeError):
        granted = response.call.token_scopes
        error.granted_scopes = None if granted is None else tuple(sorted(granted))
        error.missing_scopes = _missing(response, problem, granted)
    return error


def _missing(response: Response, problem: Mapping[str, Any] | None, granted: frozenset[str] | None) -> tuple[str, ...]:
    listed: Any = (problem or {}).get("missing_scopes")
    if isinstance(listed, list) and listed:
        return tuple(str(scope) for scope in cast("list[object]", listed))
    return tuple(scope for scope in response.call.scopes if granted is None or scope not in granted)


def problem_of(response: Response) -> Mapping[str, Any] | None:
    """The problem details of an answer (RFC 9457), None if it holds none, whatever its content type says."""
    if "json" not in response.headers.get("content-type", ""):
        return None
    try:
        document = json.loads(response.body)
    except ValueError:  # half a body, or none
        return None
    return cast("dict[str, Any]", document) if isinstance(document, dict) else None


def _message(response: Response, problem: Mapping[str, Any] | None) -> str:
    call = response.call
    parts = [f"{call.operation}: {response.status}"]
    if problem is not None:
        parts.append(
            " ".join(str(problem[name]) for name in ("code", "detail") if isinstance(problem.get(name), str))
            or str(problem.get("title", ""))
        )
    elif 300 <= response.status < 400:
        to = urlsplit(response.headers.get("location", ""))
        parts.append(
            f"A redirect to {to.scheme}://{to.hostname or ''} is not followed. Check base_url."
            if to.scheme
            else "A redirect is not followed. Check base_url."
        )
    elif response.body and not call.sensitive:
        parts.append(response.body[: policy.ERRORS_EXCERPT].decode("utf-8", "replace")[: policy.ERRORS_EXCERPT])
    advice = ADVICE.get(response.status, "")
    request_id = f"(request id {response.request_id})" if response.request_id else ""
    return " ".join(part for part in (*parts, advice, request_id) if part)


def _of_token(call: Call, failure: TokenFailure) -> AdminAPIError:
    answer = failure.answer
    if failure.code == "deadline_exceeded":
        return DeadlineExceededError(f"{call.operation}: {failure.message}")
    message = f"{call.operation}: No access token. {failure.message}"
    if failure.final and isinstance(answer, Response):
        return AuthenticationError(message, code=failure.code, status=answer.status, request_id=answer.request_id)
    if isinstance(answer, Response):
        asked = retry_after(answer, call.clock.now())
        return class_for(answer.status, None)(
            message, code=failure.code, status=answer.status, request_id=answer.request_id, retry_after=asked
        )
    if isinstance(answer, WireError):
        return _of_wire(call, answer)
    return (
        APITimeoutError(message, code=failure.code)
        if failure.code == "token_timeout"
        else AuthenticationError(message, code=failure.code)
    )


def _of_wire(call: Call, wire: WireError) -> AdminAPIError:
    message = f"{call.operation}: {wire.message}"
    if wire.code == "deadline_exceeded":
        return DeadlineExceededError(f"{message} Raise `deadline` if it is too short.")
    if wire.code in {"timeout", "connect_timeout", "pool_timeout"}:
        return APITimeoutError(
            f"{message} Raise `timeout` if it is too short.",
            code=wire.code,
            status=wire.status,
            request_id=wire.request_id,
        )
    return APIConnectionError(message, code=wire.code, status=wire.status, request_id=wire.request_id)
