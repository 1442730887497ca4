"""Faults and mutations with a key: what is in flight, what is committed, what a repeat meets."""

from __future__ import annotations

import socket
import threading
from typing import Any

import httpx
import pytest

from admin_api_mock.control import WorldHandle

from .conftest import events, problem

ALICE = b'{"username":"alice","email":"alice@example.net"}'
HEADERS = {"Idempotency-Key": "k1", "Content-Type": "application/json"}


def create(api: httpx.Client) -> httpx.Response:
    return api.post("/api/v1/users", content=ALICE, headers=HEADERS)


def connection(world: WorldHandle) -> socket.socket:
    """A raw socket that has sent a creation with the key."""
    url = httpx.URL(world.base_url)
    raw = socket.create_connection((url.host, url.port), timeout=10)
    head = f"POST {url.path}/api/v1/users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ALL\r\n"
    fields = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    raw.sendall(f"{head}{fields}Content-Length: {len(ALICE)}\r\n\r\n".encode() + ALICE)
    return raw


def outcomes(world: WorldHandle) -> list[tuple[str, int | None, bool]]:
    return [(entry["outcome"], entry["status"], entry["replayed"]) for entry in world.journal()]


def test_a_keyed_mutation_stays_in_flight_when_its_client_leaves(api: httpx.Client, world: WorldHandle) -> None:
    """Its repeat meets 409, and once it has ended its answer: one user, one event, and the first attempt is cut."""
    fault = world.fault("users.create", hold=True)
    raw = connection(world)
    world.wait({"phase": "held"})
    raw.close()
    refused = create(api)
    problem(refused, 409, "idempotency_in_flight")
    assert refused.headers["Retry-After"] == "1"
    world.release(fault)
    again = create(api)
    assert (201, "true") == (again.status_code, again.headers["Idempotency-Replayed"])
    assert [("cut", None, False), ("response", 409, False), ("response", 201, True)] == outcomes(world)
    assert 1 == len(events(api))


def test_a_step_to_retry_after_ends_what_was_in_flight(api: httpx.Client, world: WorldHandle) -> None:
    """Who sleeps in world time as long as asked meets the first answer, and no race."""
    world.fault("users.create", hold_ms=900)
    first: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: first.append(create(api)))
    thread.start()
    world.wait({"phase": "held"})
    refused = create(api)
    problem(refused, 409, "idempotency_in_flight")
    world.advance(1000 * int(refused.headers["Retry-After"]))
    again = create(api)
    thread.join(10)
    assert "true" == again.headers["Idempotency-Replayed"]
    assert first[0].content == again.content


@pytest.mark.parametrize(
    "how",
    [
        {"reset": "after_commit"},
        {"reset_after_answer_bytes": 3},
        {"cut_after": 0},
        {"malformed": "status_line"},
        {"malformed": "json"},
        {"malformed": "empty"},
        {"malformed": "html"},
    ],
)
def test_a_fault_after_the_commit_changes_nothing_of_what_is_kept(
    api: httpx.Client, world: WorldHandle, how: dict[str, Any]
) -> None:
    """The state, the event and the record of the key are those of a call without a fault; a repeat is whole."""
    world.fault("users.create", **how)
    with connection(world):
        world.wait({"operation": "users.create", "phase": "fault_after"})
    again = create(api)
    assert (201, "true") == (again.status_code, again.headers["Idempotency-Replayed"])
    assert "alice" == again.json()["username"]
    assert again.json() == api.get(f"/api/v1/users/{again.json()['id']}").json()
    assert [again.headers["Audit-Event-Id"]] == [event["id"] for event in events(api)]


def test_a_token_answer_can_break_and_is_granted_all_the_same(world: WorldHandle) -> None:
    """OAuth's operations are broken like others."""
    form = {"grant_type": "client_credentials", "client_id": "suite", "client_secret": "s3cret"}
    world.fault("oauth.token", malformed="json")
    broken = httpx.post(world.token_url, data=form)
    assert broken.text.startswith('{"access_token"')
    assert not broken.text.endswith("}")
    assert [("auth", "malformed", 200)] == [
        (entry["channel"], entry["outcome"], entry["status"]) for entry in world.journal()
    ]


def test_an_export_in_pieces_is_the_export(api: httpx.Client, world: WorldHandle) -> None:
    """A stream that is batched for speed goes line by line under a fault, and is the same in the end."""
    for name in ("ann", "bob", "cyd"):
        api.post("/api/v1/users", json={"username": name, "email": f"{name}@example.net"})
    whole = api.get("/api/v1/exports/users").text
    world.fault("users.export", drip={"part": "body", "bytes": 100, "every_ms": 1})
    assert whole == api.get("/api/v1/exports/users").text
    world.fault("users.export", cut_after=2)
    with pytest.raises(httpx.ReadError):
        api.get("/api/v1/exports/users")
    assert [("stream", 200), ("stream", 200), ("cut", 200)] == [
        (entry["outcome"], entry["status"]) for entry in world.journal() if entry["operation"] == "users.export"
    ]
