"""The error tree."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import pytest

import admin_api
from admin_api.errors import BY_STATUS, AdminAPIError, APIStatusError, FieldError, InsufficientScopeError, class_for

CODES = {
    "AdminAPIError": ("Exception", "admin_api_error"),
    "APIConnectionError": ("AdminAPIError", "connection_error"),
    "APITimeoutError": ("APIConnectionError", "timeout"),
    "DeadlineExceededError": ("AdminAPIError", "deadline_exceeded"),
    "APIStatusError": ("AdminAPIError", "http_error"),
    "BadRequestError": ("APIStatusError", "bad_request"),
    "AuthenticationError": ("APIStatusError", "unauthenticated"),
    "PermissionDeniedError": ("APIStatusError", "permission_denied"),
    "InsufficientScopeError": ("PermissionDeniedError", "insufficient_scope"),
    "NotFoundError": ("APIStatusError", "not_found"),
    "ConflictError": ("APIStatusError", "conflict"),
    "GoneError": ("APIStatusError", "gone"),
    "PreconditionFailedError": ("APIStatusError", "precondition_failed"),
    "UnprocessableEntityError": ("APIStatusError", "unprocessable"),
    "PreconditionRequiredError": ("APIStatusError", "precondition_required"),
    "RateLimitError": ("APIStatusError", "rate_limited"),
    "InternalServerError": ("APIStatusError", "server_error"),
    "DecodeError": ("AdminAPIError", "decode_error"),
    "IntegrityError": ("AdminAPIError", "integrity_error"),
    "NoMatchingKeyError": ("IntegrityError", "no_matching_key"),
    "StreamInterruptedError": ("AdminAPIError", "stream_interrupted"),
    "ConfigurationError": ("AdminAPIError", "configuration_error"),
}
"""The tree and its codes, as users rely on them."""


def classes() -> list[type[AdminAPIError]]:
    found: list[type[AdminAPIError]] = [AdminAPIError]
    for cls in found:
        found.extend(one for one in cls.__subclasses__() if one not in found)
    return found


def test_the_tree_and_its_codes_are_stable() -> None:
    """ERR: classes, their bases and their codes are a promise; no two classes share a code."""
    assert CODES == {cls.__name__: (cls.__bases__[0].__name__, cls.code) for cls in classes()}
    assert len(CODES) == len({code for _, code in CODES.values()})


def test_every_class_is_public() -> None:
    """ERR: what can be raised can be caught by name."""
    assert [] == [name for name in CODES if name not in admin_api.__all__]


def full(cls: type[AdminAPIError]) -> AdminAPIError:
    error = cls(
        "users.create: 409 taken.",
        code="a_code",
        operation="users.create",
        outcome="refused",
        retryable=True,
        attempts=3,
        status=409,
        request_id="req_1",
        problem={"code": "a_code", "errors": [{"pointer": "/email", "code": "taken", "detail": "d"}]},
        retry_after=1.5,
        idempotency_key="k",
    )
    if isinstance(error, InsufficientScopeError):
        error.missing_scopes = ("a",)
        error.granted_scopes = ("b",)
    if isinstance(error, admin_api.StreamInterruptedError):
        error.last_id = "usr_7"
    return error


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_error_survives_pickling(cls: type[AdminAPIError], protocol: int) -> None:
    """ERR: an error that crosses a process is whole: class, arguments and every attribute."""
    error = full(cls)
    for other in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 (our own bytes)
        assert type(error) is type(other)
        assert (error.args, error.__dict__, str(error)) == (other.args, other.__dict__, str(other))


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.__name__)
def test_every_error_has_every_attribute(cls: type[AdminAPIError]) -> None:
    """ERR: whoever catches the base may read all attributes; what is not known is None."""
    error = cls("What happened.")
    found: list[Any] = [
        error.code, error.operation, error.attempts, error.request_id, error.status, error.problem,
        error.retry_after, error.idempotency_key, error.retryable, error.outcome,
    ]  # fmt: skip
    assert [cls.code, None, 0, None, None, None, None, None, False, "not_sent"] == found
    assert "What happened." == str(error) == error.message


def test_a_code_of_the_problem_leaves_the_class_alone() -> None:
    """ERR: the code of one error is not the code of its class."""
    assert "x" == APIStatusError("m", code="x").code
    assert "http_error" == APIStatusError("m").code == APIStatusError.code


@pytest.mark.parametrize(
    "status, name",
    [*[(status, cls.__name__) for status, cls in BY_STATUS.items()], (500, "InternalServerError"),
     (599, "InternalServerError"), (304, "APIStatusError"), (405, "APIStatusError"), (418, "APIStatusError")],
)  # fmt: skip
def test_the_class_follows_the_status(status: int, name: str) -> None:
    """ERR: any status without a class of its own is an APIStatusError."""
    assert name == class_for(status, None).__name__


def test_insufficient_scope_has_a_class() -> None:
    """AUTH-6: a 403 for want of a scope; the code alone, with another status, does not make it one."""
    assert "InsufficientScopeError" == class_for(403, "insufficient_scope").__name__
    assert "PermissionDeniedError" == class_for(403, "scope_escalation").__name__
    assert "UnprocessableEntityError" == class_for(422, "insufficient_scope").__name__


@pytest.mark.parametrize(
    "errors, expected",
    [
        (
            [
                {"pointer": "/email", "code": "taken", "detail": "d"},
                {"parameter": "limit", "code": "max", "detail": "d"},
            ],
            [
                FieldError(code="taken", detail="d", pointer="/email", parameter=None),
                FieldError(code="max", detail="d", pointer=None, parameter="limit"),
            ],
        ),
        ([{}], []),
        ([{"novel": 1}], [FieldError(code="", detail="", pointer=None, parameter=None)]),
        (["text", None, 7], []),
        ({"a": 1}, []),
        (None, []),
    ],
)
def test_refused_members(errors: object, expected: list[FieldError]) -> None:
    """ERR: `.errors[]` has pointer or parameter, code and detail; what says nothing is left out."""
    assert expected == APIStatusError("m", problem={"errors": errors}).errors
    assert [] == APIStatusError("m").errors


def test_a_field_error_is_a_value() -> None:
    """Equal members, equal errors."""
    one, same = (FieldError(code="a", detail="b", pointer="/c", parameter=None) for _ in range(2))
    other = FieldError(code="a", detail="x", pointer="/c", parameter=None)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert "FieldError(code='a', pointer='/c', parameter=None)" == repr(one)


def test_a_traceback_shows_the_message() -> None:
    """ERR: what a terminal shows is enough to act on."""
    try:
        raise full(admin_api.ConflictError)
    except AdminAPIError as error:
        shown = "".join(traceback.format_exception(error))
    assert shown.endswith("admin_api.errors.ConflictError: users.create: 409 taken.\n")
