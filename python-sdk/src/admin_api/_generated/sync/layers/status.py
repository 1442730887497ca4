# Derived by make generate from layers/status.py. Do not edit.
"""Turns an outcome that is no success into the error it stands for; the only layer that raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from ....backoff import retry_after, transient
from ....errors import (
    AdminAPIError,
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    DeadlineExceededError,
    DecodeError,
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
    leads_to,
)
from ....outcome import KEPT_NO_LONGER, effect_of, outcome_of
from ... import policy

ADVICE: Mapping[int, str] = {
    401: "Check the credentials.",
    403: "Ask for the scope.",
    404: "Check the id.",
    409: "See `problem` for why.",
    410: "Start over.",
    412: "Get it again, for its etag.",
    422: "See `errors`.",
    428: "Pass if_match, or if_none_match='*' to create.",
    429: "Wait for `retry_after`.",
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
    if error.code == KEPT_NO_LONGER:
        error.outcome = "committed"
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
        _tell_scopes(error, response.call, (problem or {}).get("missing_scopes"))
    return error


def _tell_scopes(error: InsufficientScopeError, call: Call, listed: object = None) -> None:
    """What the token has and what it lacks, as the server lists it, else by the document."""
    granted = None if call.token is None else call.token.scopes
    error.granted_scopes = None if granted is None else tuple(sorted(granted))
    if isinstance(listed, list) and listed:
        error.missing_scopes = tuple(str(scope) for scope in cast("list[object]", listed))
    else:
        error.missing_scopes = tuple(scope for scope in call.scopes if granted is None or scope not in granted)


def problem_of(response: Response) -> Mapping[str, Any] | None:
    """The problem details of an answer (RFC 9457), None if it holds none, whatever its content type says."""
    if not response.is_json:
        return None
    try:
        document = json.loads(response.body.decode("utf-8-sig"), parse_constant=_no_json)
    except (ValueError, RecursionError):  # half a body, or none, or brackets without end
        return None
    return cast("dict[str, Any]", document) if isinstance(document, dict) else None


def _no_json(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity, which only Python takes for JSON


def _message(response: Response, problem: Mapping[str, Any] | None) -> str:
    call = response.call
    parts = [f"{call.operation}: {response.status}"]
    if problem is not None:
        told = [str(problem[name]) for name in ("code", "detail") if isinstance(problem.get(name), str)]
        parts.append((" ".join(told) or str(problem.get("title", "")))[: policy.ERRORS_EXCERPT])
    elif 300 <= response.status < 400:
        to = leads_to(response)
        parts.append(f"A redirect{to and f' to {to}'} is not followed. Check base_url.")
    elif response.body and not call.sensitive:
        parts.append(response.body[: policy.ERRORS_EXCERPT].decode("utf-8", "replace")[: policy.ERRORS_EXCERPT])
    advice = ADVICE.get(response.status, "")
    request_id = f"(request id {response.request_id})" if response.request_id else ""
    return " ".join(part for part in (*parts, advice, request_id) if part)


def _of_token(call: Call, failure: TokenFailure) -> AdminAPIError:
    answer, code = failure.answer, failure.code
    if code == "deadline_exceeded":
        return DeadlineExceededError(f"{call.operation}: {failure.message}")
    if code == InsufficientScopeError.code and answer is None:
        error = InsufficientScopeError(f"{call.operation}: {failure.message}")
        _tell_scopes(error, call)
        return error
    message = f"{call.operation}: No access token. {failure.message}"
    if answer is None:
        return (APITimeoutError if code == "token_timeout" else AuthenticationError)(message, code=code)
    if isinstance(answer, WireError) and code != "refresh_outcome_unknown":
        return _of_wire(call, answer)
    if failure.final or isinstance(answer, WireError):
        return AuthenticationError(message, code=code, status=answer.status, request_id=answer.request_id)
    asked = retry_after(answer, call.clock.now())
    return class_for(answer.status, None)(
        message, code=code, status=answer.status, request_id=answer.request_id, retry_after=asked
    )


def _of_wire(call: Call, wire: WireError) -> AdminAPIError:
    message = f"{call.operation}: {wire.message}"
    if wire.code == "deadline_exceeded":
        return DeadlineExceededError(
            f"{message} Raise `deadline` if it is too short.", status=wire.status, request_id=wire.request_id
        )
    if wire.code == "answer_too_large":
        return DecodeError(message, code=wire.code, status=wire.status, request_id=wire.request_id)
    if wire.code in {"timeout", "connect_timeout", "pool_timeout"}:
        return APITimeoutError(
            f"{message} Raise `timeout` if it is too short.",
            code=wire.code,
            status=wire.status,
            request_id=wire.request_id,
        )
    return APIConnectionError(message, code=wire.code, status=wire.status, request_id=wire.request_id)
