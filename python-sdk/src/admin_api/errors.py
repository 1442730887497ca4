"""The errors that the SDK raises (ERR).

AdminAPIError
├── APIConnectionError              no answer, or a broken one
│   └── APITimeoutError             `timeout` ran out
├── DeadlineExceededError           `deadline` ran out
├── APIStatusError                  any status without a class of its own, 3xx too
│   ├── BadRequestError             400
│   ├── AuthenticationError         401, and a token that cannot be had
│   ├── PermissionDeniedError       403
│   │   └── InsufficientScopeError  … for want of a scope
│   ├── NotFoundError               404
│   ├── ConflictError               409
│   ├── GoneError                   410
│   ├── PreconditionFailedError     412
│   ├── UnprocessableEntityError    422, with `.errors`
│   ├── PreconditionRequiredError   428
│   ├── RateLimitError              429
│   └── InternalServerError         500 and above
├── DecodeError                     an answer that is not what the document says
├── IntegrityError                  content that fails its digest or its cipher
│   └── NoMatchingKeyError          … because it is encrypted to somebody else
├── StreamInterruptedError          a stream that could not be resumed
└── ConfigurationError              options or arguments that cannot work; nothing was sent
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeGuard, cast

CallOutcome = Literal["not_sent", "refused", "unknown", "committed"]
"""What became of the call: none of it left the client; the server refused it; it may have acted; it did act."""


class FieldError:
    """One member or parameter that was refused (RFC 9457 `errors`)."""

    __slots__ = ("code", "detail", "parameter", "pointer")

    def __init__(self, *, code: str, detail: str, pointer: str | None, parameter: str | None) -> None:
        self.code = code
        """What is wrong, for programs."""
        self.detail = detail
        """What is wrong, for people."""
        self.pointer = pointer
        """JSON Pointer (RFC 6901) into the request body."""
        self.parameter = parameter
        """Name of the query, path or header parameter."""

    def __repr__(self) -> str:
        return f"FieldError(code={self.code!r}, pointer={self.pointer!r}, parameter={self.parameter!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldError) and all(getattr(self, n) == getattr(other, n) for n in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.code, self.pointer, self.parameter))


class AdminAPIError(Exception):
    """Base of all errors of the SDK. Picklable; holds no secret."""

    code: str = "admin_api_error"
    """What went wrong, for programs: the problem's `code` if there is one, else one of the SDK's own."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        operation: str | None = None,
        outcome: CallOutcome = "not_sent",
        retryable: bool = False,
        attempts: int = 0,
        status: int | None = None,
        request_id: str | None = None,
        problem: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        """What happened, to which operation, and what to do."""
        if code is not None:
            self.code = code
        self.operation = operation
        """The operation's name, such as `users.create`."""
        self.outcome: CallOutcome = outcome
        """What became of the call, over all its attempts."""
        self.retryable = retryable
        """Whether the same call with the same key may succeed later."""
        self.attempts = attempts
        """How many attempts were made."""
        self.status = status
        """HTTP status, None if there was no answer."""
        self.request_id = request_id
        """The server's request id, for support."""
        self.problem = problem
        """The problem details (RFC 9457), None if the answer had none."""
        self.retry_after = retry_after
        """Seconds that the server asked to wait, None if it did not."""
        self.idempotency_key = idempotency_key
        """The key that the call carried; pass it again to repeat the call safely."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))


def _rebuild(cls: type[AdminAPIError], args: tuple[Any, ...], state: dict[str, Any]) -> AdminAPIError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class APIConnectionError(AdminAPIError):
    """There was no answer, or only part of one."""

    code = "connection_error"


class APITimeoutError(APIConnectionError):
    """An attempt did not end within `timeout`, or a stream fell silent."""

    code = "timeout"


class DeadlineExceededError(AdminAPIError):
    """The call did not end within `deadline`."""

    code = "deadline_exceeded"


class APIStatusError(AdminAPIError):
    """The server answered with an error; the class follows the status."""

    code = "http_error"

    @property
    def errors(self) -> list[FieldError]:
        """The members and parameters that were refused, if the problem names any."""
        given: Any = (self.problem or {}).get("errors")
        entries: Sequence[Any] = cast(Sequence[Any], given) if isinstance(given, list) else ()
        return [_field_error(entry) for entry in entries if _is_entry(entry)]


def _is_entry(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and value != {}


def _field_error(entry: Mapping[str, Any]) -> FieldError:
    def text(name: str) -> str | None:
        value = entry.get(name)
        return value if isinstance(value, str) else None

    return FieldError(
        code=text("code") or "", detail=text("detail") or "", pointer=text("pointer"), parameter=text("parameter")
    )


class BadRequestError(APIStatusError):
    """400: the request could not be parsed."""

    code = "bad_request"


class AuthenticationError(APIStatusError):
    """401: no valid token; or a token that the token endpoint refused to give."""

    code = "unauthenticated"


class PermissionDeniedError(APIStatusError):
    """403: the token is valid and does not allow this."""

    code = "permission_denied"


class InsufficientScopeError(PermissionDeniedError):
    """403: the token lacks a scope."""

    code = "insufficient_scope"
    missing_scopes: tuple[str, ...] = ()
    """The scopes that the operation needs and the token lacks."""
    granted_scopes: tuple[str, ...] | None = None
    """The scopes that the token has, None if not known."""


class NotFoundError(APIStatusError):
    """404: there is no such thing."""

    code = "not_found"


class ConflictError(APIStatusError):
    """409: it conflicts with what is there; `existing_id` in `problem` says with what."""

    code = "conflict"


class GoneError(APIStatusError):
    """410: what a cursor or an id pointed at is no longer kept."""

    code = "gone"


class PreconditionFailedError(APIStatusError):
    """412: the thing has changed, or exists already."""

    code = "precondition_failed"


class UnprocessableEntityError(APIStatusError):
    """422: the request was parsed and is not valid; `errors` says where."""

    code = "unprocessable"


class PreconditionRequiredError(APIStatusError):
    """428: the operation wants `if_match` or `if_none_match`."""

    code = "precondition_required"


class RateLimitError(APIStatusError):
    """429: too many requests; `retry_after` says how long to wait."""

    code = "rate_limited"


class InternalServerError(APIStatusError):
    """500 and above: the server failed."""

    code = "server_error"


class DecodeError(AdminAPIError):
    """The answer is not what the document says it is."""

    code = "decode_error"


class IntegrityError(AdminAPIError):
    """Content does not match its digest, or was changed since it was encrypted."""

    code = "integrity_error"


class NoMatchingKeyError(IntegrityError):
    """Content is encrypted, but not to any of the identities given."""

    code = "no_matching_key"


class StreamInterruptedError(AdminAPIError):
    """A stream broke and could not be resumed; `last_id` is the last item delivered."""

    code = "stream_interrupted"
    last_id: str | None = None


class ConfigurationError(AdminAPIError):
    """Options or arguments that cannot work; nothing was sent."""

    code = "configuration_error"


BY_STATUS: Mapping[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    412: PreconditionFailedError,
    422: UnprocessableEntityError,
    428: PreconditionRequiredError,
    429: RateLimitError,
}


def class_for(status: int, code: str | None) -> type[APIStatusError]:
    """The class of an error answer, by its status and its problem's code."""
    if status == 403 and code == InsufficientScopeError.code:
        return InsufficientScopeError
    return InternalServerError if status >= 500 else BY_STATUS.get(status, APIStatusError)
