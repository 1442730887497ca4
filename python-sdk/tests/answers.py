"""What servers answer in these tests, and the calls, requests and responses of the layers below."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from admin_api.exchange import Call, Headers, Request, Response
from admin_api.options import Limits

from .clocks import Time

REQUEST_ID = "req_1"


def user(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A user as the document has it."""
    return {
        "id": f"usr_{number}",
        "username": f"user{number}",
        "email": f"user{number}@example.com",
        "display_name": None,
        "external_id": None,
        "roles": ["viewer"],
        "metadata": {},
        "status": "active",
        "sso_mappings": [],
        "last_login_at": None,
        "created_at": "2026-01-01T00:00:00.000Z",
        "created_by": None,
        "updated_at": "2026-01-01T00:00:00.000Z",
        "deleted_at": None,
        "purge_at": None,
        **changes,
    }


def stored(size: int, sha256: str, **changes: Any) -> dict[str, Any]:
    """A stored object as the document has it."""
    return {
        "id": "obj_1",
        "name": "report.pdf",
        "size": size,
        "sha256": sha256,
        "metadata": {},
        "encryption": "age-v1",
        "etag": '"e1"',
        "created_by": "usr_1",
        "created_at": "2026-01-01T00:00:00.000Z",
        **changes,
    }


def answer(status: int = 200, document: Any = None, **headers: str) -> httpx.Response:
    """An answer on the wire; underscores in header names stand for dashes."""
    given = {"x-request-id": REQUEST_ID, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.Response(status, headers=given, json=user() if document is None else document)


def problem(status: int, code: str, *, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
    """An error answer with problem details."""
    document = {
        "type": f"urn:admin-api:problem:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        "detail": f"Detail of {code}.",
        "request_id": REQUEST_ID,
        **members,
    }
    return httpx.Response(
        status,
        headers={"x-request-id": REQUEST_ID, "content-type": "application/problem+json", **(headers or {})},
        content=json.dumps(document).encode(),
    )


def page(numbers: range | list[int], next_cursor: str | None) -> httpx.Response:
    """A page of users."""
    return answer(200, {"items": [user(number) for number in numbers], "next_cursor": next_cursor})


def token_answer(token: str = "access-1", expires_in: float | None = 3600, **members: Any) -> httpx.Response:
    """What the token endpoint answers."""
    document: dict[str, Any] = {"access_token": token, "token_type": "Bearer", **members}
    if expires_in is not None:
        document["expires_in"] = expires_in
    return httpx.Response(200, json=document)


def call(clock: Time, *, method: str = "GET", key: str | None = None, attempts: int = 1, **options: Any) -> Call:
    """A call that has made so many attempts."""
    limits = options.pop("limits", None) or Limits(**{k: options.pop(k) for k in list(options) if k in _LIMITS})
    made = Call(
        operation=options.pop("operation", "users.get"),
        method=method,
        limits=limits,
        clock=clock,  # type: ignore[arg-type]  # the sleeping half is not used here, or the test gives the right flavour
        idempotency_key=key,
        **options,
    )
    made.attempts = attempts
    return made


_LIMITS = frozenset({"timeout", "deadline", "max_retries", "max_retry_after", "token_timeout"})


def request(
    of: Call, url: str = "http://localhost:8099/api/v1/users/usr_1", headers: Mapping[str, str] | None = None
) -> Request:
    """A request of a call."""
    return Request(of, of.method, url, dict(headers or {}), None)


def response(of: Call, status: int, *, content: bytes = b"", headers: Mapping[str, str] | None = None) -> Response:
    """A response of a call."""
    return Response(of, status, Headers((headers or {}).items()), content)
