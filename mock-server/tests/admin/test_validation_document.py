"""Where a room has laws of its own, they are those of the document."""

from __future__ import annotations

import httpx
import pytest

from admin_api_mock.document import Document
from admin_api_mock.validation import Validation

KEY_SCHEMA = Validation(Document.load()).validator("request", "/components/parameters/IdempotencyKey/schema")


@pytest.mark.parametrize(
    "key",
    ["k", '"k"', "k" * 255, "k" * 256, f'"{"k" * 255}"', f'"{"k" * 256}"', '"a\\"b"', '"' + '\\"' * 255 + '"', '"a"b"',
     '"a\\b"', '"a', 'a"', '""', '"', "a b", "~!\\", "\x7f", "a\tb"],
)  # fmt: skip
def test_a_key_is_what_the_document_calls_one(api: httpx.Client, key: str) -> None:
    """The idempotency room reads keys itself, for a malformed one is a 400; it reads as IdempotencyKey says."""
    given = {"username": "alice", "email": "alice@example.net", "roles": ["viewer"]}
    answer = api.post("/api/v1/users", json=given, headers={"Idempotency-Key": key})
    assert (201 if KEY_SCHEMA.is_valid(key) else 400) == answer.status_code


@pytest.mark.parametrize(
    "form,error,description",
    [
        ({}, "invalid_request", "grant_type is missing."),
        ({"grant_type": ""}, "invalid_request", "grant_type is missing."),
        ({"grant_type": "a b"}, "invalid_request", "grant_type is malformed."),
        ({"grant_type": "a" * 65}, "invalid_request", "grant_type is malformed."),
        ({"grant_type": "client_credentials", "scope": "\x01"}, "invalid_scope", "scope is malformed."),
        ({"grant_type": "refresh_token", "refresh_token": "a" * 2049}, "invalid_grant", "refresh_token is malformed."),
        ({"grant_type": "client_credentials", "client_id": "\x01"}, "invalid_request", "client_id is malformed."),
    ],
)
def test_a_form_is_what_the_document_calls_one(
    api: httpx.Client, form: dict[str, str], error: str, description: str
) -> None:
    """Told as RFC 6749, 5.2 wants it; a parameter without a value is none (3.2), one that is not known is ignored."""
    answer = httpx.post(f"{api.base_url}oauth/token", data={**form, "more": "1"}, trust_env=False)
    assert (400, error, description) == (answer.status_code, answer.json()["error"], answer.json()["error_description"])


@pytest.mark.parametrize("hint", ["refresh_token", "made_up", ""])
def test_a_hint_is_a_hint(api: httpx.Client, hint: str) -> None:
    """RFC 7009, 2.1: one that is not known is not looked at."""
    form = {"token": "none", "token_type_hint": hint}
    answer = httpx.post(f"{api.base_url}oauth/revoke", data=form, auth=("suite", "s3cret"), trust_env=False)
    assert 200 == answer.status_code


def test_a_number_of_seconds_may_be_written_as_any_number(api: httpx.Client) -> None:
    """`60.0` seconds are 60."""
    made = api.post("/api/v1/tokens", json={"name": "t", "scopes": ["users:read"]}).json()
    rotated = api.post(
        f"/api/v1/tokens/{made['id']}/rotate",
        content=b'{"overlap_seconds":60.0}',
        headers={"Content-Type": "application/json"},
    )
    assert 201 == rotated.status_code
    assert "2030-01-01T00:01:00.000Z" == api.get(f"/api/v1/tokens/{made['id']}").json()["expires_at"]
