"""Laws of personal tokens: shown once, checksum, escalation, rotation, sealed replays, last use, and their owners."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from admin_api_mock import tokens
from admin_api_mock.app import App
from admin_api_mock.control import WorldHandle
from admin_api_mock.store import Store

from .conftest import client_of, events, problem


def create(api: httpx.Client, *scopes: str, **members: object) -> httpx.Response:
    return api.post("/api/v1/tokens", json={"name": "deploy", "scopes": list(scopes) or ["users:read"], **members})


def test_the_secret_is_shown_once(api: httpx.Client, world: WorldHandle) -> None:
    """A token works, and its secret is in the answer that made it and nowhere else."""
    made = create(api)
    secret = made.json()["secret"]
    assert re.fullmatch(r"admp_[0-9A-Za-z]{38}", secret)
    assert tokens.is_well_formed(secret)
    assert made.headers["cache-control"] == "no-store"
    with client_of(world, secret) as bearer:
        assert bearer.get("/api/v1/users").status_code == 200
        assert problem(bearer.get("/api/v1/plugins"), 403, "insufficient_scope")["missing_scopes"] == ["plugins:read"]
        me = bearer.get("/api/v1/me").json()
        assert (me["type"], me["token_id"], me["scopes"]) == ("api_key", made.json()["id"], ["users:read"])
    texts = [api.get("/api/v1/tokens").text, api.get(f"/api/v1/tokens/{made.json()['id']}").text]
    assert not any(secret in text for text in [*texts, api.get("/api/v1/audit/events").text])
    assert made.json()["prefix_hint"] == secret[:9]


def test_the_checksum_finds_any_slip() -> None:
    """One character changed, and a token is not well formed any more."""
    token = tokens.issue(bytes(range(32)))
    assert tokens.is_well_formed(token)
    for i in range(len(tokens.PREFIX), len(token)):
        assert not tokens.is_well_formed(token[:i] + ("a" if token[i] != "a" else "b") + token[i + 1 :])


def test_no_escalation(api: httpx.Client, world: WorldHandle) -> None:
    """A token cannot give more than its maker has: 403 with the scopes missing, and a denied event that it names."""
    secret = create(api, "tokens:manage").json()["secret"]
    with client_of(world, secret) as limited:
        refused = create(limited, "users:read", "tokens:manage")
        assert problem(refused, 403, "scope_escalation")["missing_scopes"] == ["users:read"]
        assert 'scope="users:read tokens:manage"' in refused.headers["www-authenticate"]
        assert create(limited, "tokens:manage").status_code == 201
    [denied] = events(api, outcome="denied")
    assert denied["id"] == refused.headers["audit-event-id"]
    assert (denied["data"]["action"], denied["data"]["reason"]) == ("tokens.create", "scope_escalation")


def test_expiry(api: httpx.Client, world: WorldHandle) -> None:
    """Left out: 90 days. null: never. The past: 422. An expired token is a 401 and stays listed."""
    assert create(api).json()["expires_at"] == "2030-04-01T00:00:00.000Z"
    assert create(api, expires_at=None).json()["expires_at"] is None
    past = problem(create(api, expires_at="2029-12-31T23:59:59Z"), 422, "validation_failed")
    assert past["errors"][0]["pointer"] == "/expires_at"
    assert problem(create(api, "users:fly"), 422, "validation_failed")["errors"][0]["code"] == "unknown_scope"
    short = create(api, expires_at="2030-01-01T01:00:00+01:00")
    problem(short, 422, "validation_failed")
    short = create(api, expires_at="2030-01-01T00:00:01Z")
    world.advance(1000)
    with client_of(world, short.json()["secret"]) as bearer:
        problem(bearer.get("/api/v1/me"), 401, "invalid_token")
    assert [item["id"] for item in api.get("/api/v1/tokens?status=expired").json()["items"]] == [short.json()["id"]]


def test_rotation_overlaps(api: httpx.Client, world: WorldHandle) -> None:
    """After a rotation both tokens work for the overlap, then the new one; a second one is a 409, no revocation."""
    old = create(api).json()
    rotated = api.post(f"/api/v1/tokens/{old['id']}/rotate", json={"overlap_seconds": 60})
    new = rotated.json()
    assert rotated.status_code == 201
    assert new["replaces"] == old["id"]
    assert rotated.headers["location"].endswith(new["id"])
    again = problem(api.post(f"/api/v1/tokens/{old['id']}/rotate"), 409, "already_rotated")
    assert again["replaced_by"] == new["id"]
    with client_of(world, old["secret"]) as first, client_of(world, new["secret"]) as second:
        assert first.get("/api/v1/users").status_code == second.get("/api/v1/users").status_code == 200
        world.advance(60_000)
        problem(first.get("/api/v1/users"), 401, "invalid_token")
        assert second.get("/api/v1/users").status_code == 200
    assert api.get(f"/api/v1/tokens/{old['id']}").json()["replaced_by"] == new["id"]


def test_revocation(api: httpx.Client, world: WorldHandle) -> None:
    """A revoked token stops at once and stays listed; revoking it again changes nothing."""
    made = create(api).json()
    path = f"/api/v1/tokens/{made['id']}"
    first = api.delete(path).json()
    assert (first["status"], first["revoked_at"]) == ("revoked", "2030-01-01T00:00:00.000Z")
    world.advance(5000)
    assert api.delete(path).json() == first
    with client_of(world, made["secret"]) as bearer:
        problem(bearer.get("/api/v1/me"), 401, "invalid_token")
    problem(api.post(f"{path}/rotate"), 409, "invalid_state")


def test_last_use_is_coarse(api: httpx.Client, world: WorldHandle) -> None:
    """last_used_at is null before the first use, and at most fifteen minutes late."""
    made = create(api).json()
    assert made["last_used_at"] is None
    path = f"/api/v1/tokens/{made['id']}"
    with client_of(world, made["secret"]) as bearer:
        for by_ms, expected in ((0, "2030-01-01T00:00:00.000Z"), (14 * 60_000, "2030-01-01T00:00:00.000Z"),
                                (60_000, "2030-01-01T00:15:00.000Z")):  # fmt: skip
            world.advance(by_ms)
            bearer.get("/api/v1/users")
            assert api.get(path).json()["last_used_at"] == expected


OWNED = {
    "users": [
        {"username": "root", "email": "root@example.net", "roles": ["admin"]},
        {"username": "ada", "email": "ada@example.net", "roles": ["editor"]},
    ],
    "tokens": [
        {"token": "ALL"},
        {"token": "ADA", "owner": "ada", "scopes": ["users:read", "users:create", "tokens:manage"]},
    ],
}


def test_a_token_can_no_more_than_its_owner(make_world: Callable[..., WorldHandle]) -> None:
    """Roles grant scopes: a user's token has those of its own that the user's roles give at this moment."""
    world = make_world(**OWNED)
    with client_of(world) as api, client_of(world, "ADA") as ada:
        me = ada.get("/api/v1/me").json()
        assert (me["type"], me["name"], me["scopes"]) == ("user", "ada", ["users:read", "users:create"])
        path = f"/api/v1/users/{me['id']}"
        assert ada.get("/api/v1/users").status_code == 200
        api.put(f"{path}/roles/auditor")
        api.delete(f"{path}/roles/editor")
        assert ada.get("/api/v1/me").json()["scopes"] == ["users:read"]
        refused = ada.post("/api/v1/users", json={"username": "x", "email": "x@example.net"})
        assert problem(refused, 403, "insufficient_scope")["missing_scopes"] == ["users:create"]
        api.put(f"{path}/roles/admin")
        assert ada.get("/api/v1/tokens").status_code == 200
        assert problem(create(ada, "plugins:read"), 403, "scope_escalation")["missing_scopes"] == ["plugins:read"]


@pytest.mark.parametrize("how", ["suspend", "delete"])
def test_a_suspended_users_tokens_die_at_once(make_world: Callable[..., WorldHandle], how: str) -> None:
    """A user who is suspended or deleted has no token that works, from the next request on; back, they work again."""
    world = make_world(**OWNED)
    with client_of(world) as api, client_of(world, "ADA") as ada:
        path = f"/api/v1/users/{ada.get('/api/v1/me').json()['id']}"
        assert (api.post(f"{path}/suspend") if how == "suspend" else api.delete(path)).status_code == 200
        problem(ada.get("/api/v1/users"), 401, "invalid_token")
        assert api.post(f"{path}/{'reactivate' if how == 'suspend' else 'restore'}").status_code == 200
        assert ada.get("/api/v1/users").status_code == 200


def test_the_last_admin_is_kept_by_the_transaction(make_world: Callable[..., WorldHandle]) -> None:
    """Of two admins who are suspended at the same moment one stays, whichever request came first."""
    users = [{"username": name, "email": f"{name}@example.net", "roles": ["admin"]} for name in ("one", "two")]
    world = make_world(users=users)
    world.fault("users.suspend", barrier=2)
    paths = [f"/api/v1/users/{user_id}/suspend" for user_id in world.told["users"]]
    with client_of(world) as api, ThreadPoolExecutor(2) as both:
        answers = list(both.map(api.post, paths))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        [kept] = [answer for answer in answers if answer.status_code == 409]
        problem(kept, 409, "last_admin")
        assert len(api.get("/api/v1/users?role=admin&status=active").json()["items"]) == 1


def test_a_sealed_replay(api: httpx.Client, world: WorldHandle) -> None:
    """A repeat with the key shows the secret again for ten minutes; then it is a 409 that names the token."""
    key = {"Idempotency-Key": "k-1"}

    def again() -> httpx.Response:
        return api.post("/api/v1/tokens", json={"name": "deploy", "scopes": ["users:read"]}, headers=key)

    first = again()
    world.advance(10 * 60_000 - 1)
    replay = again()
    assert (replay.json(), replay.headers["idempotency-replayed"]) == (first.json(), "true")
    assert replay.headers["cache-control"] == "no-store"
    world.advance(1)
    assert problem(again(), 409, "secret_no_longer_available")["token_id"] == first.json()["id"]
    rotate = f"/api/v1/tokens/{first.json()['id']}/rotate"
    rotated = api.post(rotate, headers=key)
    assert api.post(rotate, headers=key).json() == rotated.json()
    world.advance(10 * 60_000)
    assert problem(api.post(rotate, headers=key), 409, "secret_no_longer_available")["token_id"] == rotated.json()["id"]
    assert world.state()["tokens"] == 3


@contextmanager
def traced(store: Store, statements: list[str]) -> Iterator[None]:
    """Notes what SQLite is asked."""
    store._connection.set_trace_callback(statements.append)
    yield
    store._connection.set_trace_callback(None)


def test_a_wrong_checksum_costs_no_lookup(world: WorldHandle, app: App) -> None:
    """What is no token of ours is refused by its look alone; one with a good checksum is looked for."""
    statements: list[str] = []
    store = app.worlds.get(world.id).store
    with client_of(world, "admp_" + "a" * 38) as mistyped, client_of(world, tokens.issue(bytes(32))) as unknown:
        with traced(store, statements):
            problem(mistyped.get("/api/v1/me"), 401, "invalid_token")
        assert statements == []
        with traced(store, statements):
            problem(unknown.get("/api/v1/me"), 401, "invalid_token")
        assert len(statements) == 1
