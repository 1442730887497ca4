"""Laws of Idempotency-Key: one effect, one first answer, kept for a day; secrets sealed and for ten minutes."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from admin_api_mock.control import WorldHandle
from admin_api_mock.document import Document

from .conftest import CREATION, access_token, client_of, events, make_user, problem, serving, upload

ALICE = {"username": "alice", "email": "alice@example.net"}
DAY_MS = 24 * 3600 * 1000


def create(api: httpx.Client, key: str, body: Any = ALICE, **headers: str) -> httpx.Response:
    return api.post("/api/v1/users", json=body, headers={"Idempotency-Key": key, **headers})


def test_replay(api: httpx.Client) -> None:
    """A repeat with the key gets the first answer, says so, and has no second effect."""
    first, again = create(api, "k1"), create(api, '"k1"')
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    for name in ("etag", "location", "audit-event-id", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert len(events(api)) == 1


def test_another_request_with_the_key(api: httpx.Client) -> None:
    """Another payload under the same key is a 422; another operation is free to use it."""
    create(api, "k1")
    problem(create(api, "k1", {**ALICE, "display_name": "A"}), 422, "idempotency_key_reused")
    user = make_user(api, "bob")
    assert api.delete(f"/api/v1/users/{user['id']}", headers={"Idempotency-Key": "k1"}).status_code == 200


def test_keys_belong_to_the_caller(api: httpx.Client, world: WorldHandle) -> None:
    """Two callers' equal keys are two keys; a caller's refreshed token meets its own first answer."""
    create(api, "k1")
    with client_of(world, access_token(world)) as first, client_of(world, access_token(world)) as refreshed:
        bob = {"username": "bob", "email": "bob@example.net"}
        assert "idempotency-replayed" not in create(first, "k1", bob).headers
        assert create(refreshed, "k1", bob).headers["idempotency-replayed"] == "true"


def test_refusals_of_the_handler_are_kept(api: httpx.Client) -> None:
    """A 409 is kept and replayed even when its cause has gone; a 422 of validation is not kept at all."""
    user = make_user(api, "alice")
    problem(create(api, "k1"), 409, "username_taken")
    api.delete(f"/api/v1/users/{user['id']}")
    again = create(api, "k1")
    problem(again, 409, "username_taken")
    assert again.headers["idempotency-replayed"] == "true"
    problem(create(api, "k2", {"username": "alice"}), 422, "validation_failed")
    assert create(api, "k2").status_code == 201


def test_delete_and_conditional_put_replay(api: httpx.Client) -> None:
    """A DELETE repeated after a lost answer does not meet 404, nor a conditional PUT 412."""
    user = make_user(api, "alice")
    for _ in range(2):
        assert api.delete(f"/api/v1/users/{user['id']}", headers={"Idempotency-Key": "d"}).status_code == 200
    headers = {"Idempotency-Key": "p", "If-None-Match": "*"}
    for _ in range(2):
        assert api.put("/api/v1/config/a.b", json={"value": 1}, headers=headers).status_code == 201
    problem(
        api.put("/api/v1/config/a.b", json={"value": 1}, headers={"If-None-Match": "*"}), 412, "precondition_failed"
    )


def test_missing_precondition_is_not_kept(api: httpx.Client) -> None:
    """A 428 is not kept: the same key works once the condition is stated."""
    headers = {"Idempotency-Key": "p"}
    problem(api.put("/api/v1/config/a.b", json={"value": 1}, headers=headers), 428, "precondition_required")
    assert (
        api.put("/api/v1/config/a.b", json={"value": 1}, headers={**headers, "If-None-Match": "*"}).status_code == 201
    )


def test_kept_for_a_day(api: httpx.Client, world: WorldHandle) -> None:
    """The first answer is kept for 24 hours of world time, then the key is new again."""
    create(api, "k1")
    world.advance(DAY_MS - 1)
    assert create(api, "k1").headers["idempotency-replayed"] == "true"
    world.advance(1)
    problem(create(api, "k1"), 409, "username_taken")


@pytest.mark.parametrize(
    "key", ['"open', '""', "sp ace", '"a\\b"', "x" * 256, '"' + "x" * 256 + '"', "é".encode().decode("latin-1")]
)
def test_malformed_keys(api: httpx.Client, key: str) -> None:
    """A key that is no string of 1 to 255 visible ASCII characters is a 400, and nothing happens."""
    answer = api.post("/api/v1/users", json=ALICE, headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    problem(answer, 400, "idempotency_key_invalid")
    assert events(api) == []


def test_in_flight(api: httpx.Client, world: WorldHandle) -> None:
    """While the first request is still running, a repeat is a 409 with Retry-After, another payload a 422."""
    fault = world.fault("users.create", hold=True)
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(create(api, "k1")))
    first.start()
    world.wait({"operation": "users.create", "phase": "held"})
    refused = create(api, "k1")
    problem(refused, 409, "idempotency_in_flight")
    assert refused.headers["retry-after"] == "1"
    problem(create(api, "k1", {**ALICE, "display_name": "A"}), 422, "idempotency_key_reused")
    world.release(fault)
    first.join(10)
    assert answers[0].status_code == 201
    assert create(api, "k1").headers["idempotency-replayed"] == "true"


def test_lost_answer(api: httpx.Client, world: WorldHandle) -> None:
    """A commit whose answer was lost is replayed to the same key: one user, one event."""
    world.fault("users.create", reset="after_commit")
    with pytest.raises(httpx.HTTPError):
        create(api, "k1")
    assert create(api, "k1").headers["idempotency-replayed"] == "true"
    assert len(events(api)) == 1


def test_secrets_are_sealed(api: httpx.Client, world: WorldHandle) -> None:
    """A replayed tokens.create gives the secret for ten minutes, then a 409 with the token's id."""
    body = {"name": "deploy", "scopes": ["users:read"]}

    def call() -> httpx.Response:
        return api.post("/api/v1/tokens", json=body, headers={"Idempotency-Key": "t"})

    first = call()
    assert first.status_code == 201
    world.advance(10 * 60 * 1000 - 1)
    assert call().json()["secret"] == first.json()["secret"]
    world.advance(1)
    assert problem(call(), 409, "secret_no_longer_available")["token_id"] == first.json()["id"]
    create(api, "k1")  # Any keyed write forgets sealed answers that are over.
    assert problem(call(), 409, "secret_no_longer_available")["token_id"] == first.json()["id"]


def test_upload_replays(api: httpx.Client) -> None:
    """An upload repeated with its key stores one object."""
    for _ in range(2):
        assert upload(api, "a", headers={"Idempotency-Key": "u"}).status_code == 201
    assert len(api.get("/storage/objects").json()["items"]) == 1
    assert len(events(api)) == 1


def test_a_failing_own_answer_keeps_nothing() -> None:
    """An answer that the document does not allow is a 500 with nothing kept: no user, no event, no record."""
    text = Document.load().text
    narrowed = text.replace("enum: [active, suspended, deleted]", "enum: [suspended, deleted]")
    assert narrowed != text
    with serving(Document(narrowed)) as control:
        world = control.create_world(**CREATION)
        with client_of(world) as api:
            problem(create(api, "k1"), 500, "internal_error")
            assert events(api) == []
        assert world.state()["users"] == 0
        assert world.state()["idempotency_records"] == 0
