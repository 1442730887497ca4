"""The status layer: what is no success becomes the error it stands for."""

from __future__ import annotations

from typing import Any

import httpcore
import httpx
import pytest

import admin_api
from admin_api import AdminAPIError, APIStatusError, InsufficientScopeError, UnprocessableEntityError

from .answers import REQUEST_ID, answer, problem
from .conftest import Wire
from .flavours import LOST, Chunks, Flavour


async def raised_by(flavour: Flavour, wire: Wire, *script: Any, **options: Any) -> AdminAPIError:
    wire.answers(*script)
    with pytest.raises(AdminAPIError) as raised:
        await flavour.settle(flavour.client(max_retries=0, **options).users.get("usr_1"))
    return raised.value


@pytest.mark.parametrize(
    "status, name",
    [
        (301, "APIStatusError"), (400, "BadRequestError"), (401, "AuthenticationError"), (402, "APIStatusError"),
        (403, "PermissionDeniedError"), (404, "NotFoundError"), (405, "APIStatusError"), (408, "APIStatusError"),
        (409, "ConflictError"), (410, "GoneError"), (412, "PreconditionFailedError"), (413, "APIStatusError"),
        (422, "UnprocessableEntityError"), (428, "PreconditionRequiredError"), (429, "RateLimitError"),
        (500, "InternalServerError"), (501, "InternalServerError"), (503, "InternalServerError"),
    ],
)  # fmt: skip
async def test_each_status_has_its_class(flavour: Flavour, wire: Wire, status: int, name: str) -> None:
    """ERR: the class follows the status, the code the problem; the message says what happened, to what, with its id."""
    error = await raised_by(flavour, wire, problem(status, "some_code", extra=[1]))
    assert name == type(error).__name__
    assert ("some_code", status, REQUEST_ID, "users.get", 1) == (
        error.code,
        error.status,
        error.request_id,
        error.operation,
        error.attempts,
    )
    assert [1] == (error.problem or {})["extra"]
    assert error.message.startswith(f"users.get: {status} some_code Detail of some_code.")
    assert error.message.endswith(f"(request id {REQUEST_ID})")
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize(
    "status, advice",
    [
        (401, "Check the credentials"),
        (403, "scope"),
        (404, "Check the id"),
        (412, "etag"),
        (428, "if_match"),
        (429, "Wait"),
    ],
)
async def test_the_message_says_what_to_do(flavour: Flavour, wire: Wire, status: int, advice: str) -> None:
    """ERR: a message ends with what to do about it."""
    assert advice in (await raised_by(flavour, wire, problem(status, "c"))).message


@pytest.mark.parametrize(
    "content_type, content",
    [
        ("text/html", b"<h1>Bad gateway</h1>"),
        ("", b""),
        ("application/problem+json", b""),
        ("application/problem+json", b'{"code": "half'),
        ("application/problem+json", b"<h1>no json</h1>"),
        ("application/json", b"[1, 2]"),
        ("application/json", b"null"),
        ("application/octet-stream", b"\xff\xfe\x00"),
        ("text/plain", "ü".encode() * 2000),
    ],
)
async def test_an_error_that_is_no_problem(flavour: Flavour, wire: Wire, content_type: str, content: bytes) -> None:
    """ERR: HTML, nothing, half a body or a lying content type is typed, with at most 500 characters of the body."""
    error = await raised_by(flavour, wire, httpx.Response(502, headers={"content-type": content_type}, content=content))
    assert ("InternalServerError", "server_error", None, None) == (
        type(error).__name__,
        error.code,
        error.problem,
        error.request_id,
    )
    assert len(error.message) <= 500 + 60
    assert content.decode("utf-8", "replace")[:8] in error.message


async def test_a_problem_whose_members_lie(flavour: Flavour, wire: Wire) -> None:
    """ERR: a problem with members of the wrong types still becomes its class."""
    body = {"code": 7, "detail": ["x"], "title": None, "errors": "none", "status": "404"}
    error = await raised_by(flavour, wire, httpx.Response(404, json=body))
    assert ("NotFoundError", "not_found") == (type(error).__name__, error.code)
    assert isinstance(error, APIStatusError)
    assert [] == error.errors


async def test_refused_members_are_listed(flavour: Flavour, wire: Wire) -> None:
    """ERR: a 422 says which member, by pointer."""
    refused = [{"pointer": "/email", "code": "format", "detail": "is no address"}]
    error = await raised_by(flavour, wire, problem(422, "validation_failed", errors=refused))
    assert isinstance(error, UnprocessableEntityError)
    assert [("/email", "format", "is no address")] == [(one.pointer, one.code, one.detail) for one in error.errors]


@pytest.mark.parametrize(
    "location, shown",
    [
        ("https://evil.example/login?token=t0p", "https://evil.example"),
        ("/login?token=t0p", "redirect"),
        (None, "redirect"),
    ],
)
async def test_redirects_are_not_followed(flavour: Flavour, wire: Wire, location: str | None, shown: str) -> None:
    """AUTH-8: a redirect is an error that names the origin of its Location and nothing more of it."""
    headers = {} if location is None else {"location": location}
    error = await raised_by(flavour, wire, httpx.Response(302, headers=headers))
    assert ("APIStatusError", 302) == (type(error).__name__, error.status)
    assert shown in error.message
    assert "t0p" not in error.message
    assert 1 == len(wire.requests)


async def test_a_secret_that_is_kept_no_longer(flavour: Flavour, wire: Wire) -> None:
    """ERR-3: the answer tells that an earlier attempt was committed, though its secret is gone."""
    error = await raised_by(flavour, wire, problem(409, "secret_no_longer_available"))
    assert ("committed", False) == (error.outcome, error.retryable)


async def test_missing_scopes_are_named(flavour: Flavour, wire: Wire) -> None:
    """AUTH-6: a 403 for want of a scope names the scopes: those of the problem, else those of the operation."""
    listed = await raised_by(flavour, wire, problem(403, "insufficient_scope", missing_scopes=["a", "b"]))
    assert isinstance(listed, InsufficientScopeError)
    assert (("a", "b"), None) == (listed.missing_scopes, listed.granted_scopes)
    derived = await raised_by(flavour, wire, problem(403, "insufficient_scope"))
    assert isinstance(derived, InsufficientScopeError)
    assert ("users:read",) == derived.missing_scopes


@pytest.mark.parametrize(
    "failure, name, code, outcome, retryable",
    [
        (httpcore.ConnectError("refused"), "APIConnectionError", "connect_failed", "not_sent", True),
        (httpcore.ConnectTimeout("slow"), "APITimeoutError", "connect_timeout", "not_sent", True),
        (httpcore.PoolTimeout("full"), "APITimeoutError", "pool_timeout", "not_sent", True),
        (httpcore.ReadError("reset"), "APIConnectionError", "connection_lost", "unknown", True),
        (httpcore.WriteError("reset"), "APIConnectionError", "connection_lost", "unknown", True),
        (httpcore.RemoteProtocolError("garbage"), "APIConnectionError", "invalid_answer", "unknown", True),
    ],
)  # fmt: skip
async def test_wire_errors(
    flavour: Flavour, wire: Wire, failure: Exception, name: str, code: str, outcome: str, retryable: bool
) -> None:
    """ERR, AUTH-9: a wire error is typed and raised outside of any `except`, so that no frame of httpx clings to it."""
    error = await raised_by(flavour, wire, failure)
    assert (name, code, outcome, retryable, None) == (
        type(error).__name__,
        error.code,
        error.outcome,
        error.retryable,
        error.status,
    )
    assert error.__cause__ is None
    assert error.__context__ is None


async def test_a_success_whose_body_is_lost_is_committed(flavour: Flavour, wire: Wire) -> None:
    """ERR: headers of a 2xx arrived, the body did not: committed, and the status is known."""
    script = httpx.Response(
        201, headers={"content-type": "application/json", "x-request-id": "r"}, stream=Chunks(b'{"id"', LOST)
    )
    error = await raised_by(flavour, wire, script)
    assert ("APIConnectionError", "committed", 201, "r") == (
        type(error).__name__,
        error.outcome,
        error.status,
        error.request_id,
    )


async def test_an_error_body_is_bounded(flavour: Flavour, wire: Wire) -> None:
    """ERR: at most 1 MiB of an error body is read, then the connection is closed."""
    chunk = b"x" * 65536
    read: list[int] = []

    class Endless(Chunks):
        def __iter__(self) -> Any:
            while True:
                read.append(1)
                assert len(read) < 100, "read on and on"
                yield chunk

    stream = Endless()
    error = await raised_by(flavour, wire, httpx.Response(400, stream=stream))
    assert "BadRequestError" == type(error).__name__
    assert 16 == len(read)
    assert stream.closed


async def test_an_error_of_a_stream_is_read_and_typed(flavour: Flavour, wire: Wire) -> None:
    """STREAM: a streamed call that is refused is an error like any other."""
    wire.answers(problem(410, "resume_point_gone"))
    with pytest.raises(admin_api.GoneError) as raised:
        await flavour.collect(flavour.client().users.export(after="usr_0"))
    assert "resume_point_gone" == raised.value.code


async def test_gzip_is_decoded(flavour: Flavour, wire: Wire) -> None:
    """CONF: a compressed answer is read as what it holds."""
    import gzip
    import json

    from .answers import user

    compressed = gzip.compress(json.dumps(user()).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    wire.answers(httpx.Response(200, headers=headers, content=compressed))
    assert "usr_1" == (await flavour.settle(flavour.client().users.get("usr_1"))).id


async def test_success_is_passed_on(flavour: Flavour, wire: Wire) -> None:
    """DESIGN 3: a raw answer has data, headers, status, request id and audit event id."""
    wire.answers(answer(201, audit_event_id="evt_1", etag='"e"'))
    raw = await flavour.settle(
        flavour.client().users.with_raw_response.create(username="a", email="a@b.c", roles=["x"])
    )
    assert ("usr_1", 201, REQUEST_ID, "evt_1", '"e"', 1) == (
        raw.data.id,
        raw.status,
        raw.request_id,
        raw.audit_event_id,
        raw.headers["ETag"],
        raw.attempts,
    )
    assert "RawResponse(201, request_id='req_1')" == repr(raw)
