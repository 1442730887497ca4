"""Laws of lists: keyset pages that lose nothing, cursors bound to their query, filters, sorting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from admin_api_mock.control import WorldHandle

from .conftest import client_of, make_user, pages, problem

USERS = [
    {"username": "Anna", "email": "anna@example.net", "roles": ["viewer"], "created_at": "2029-01-01T00:00:00Z"},
    {"username": "ben", "email": "ben@example.org", "roles": ["editor"], "status": "suspended", "external_id": "x-2"},
    {
        "username": "Cleo",
        "email": "cleo@example.net",
        "roles": ["viewer", "admin"],
        "last_login_at": "2029-06-01T00:00:00Z",
    },
    {"username": "dora", "email": "dora@example.org", "last_login_at": "2029-07-01T00:00:00+02:00"},
]


@pytest.fixture
def world(make_world: Callable[..., WorldHandle]) -> WorldHandle:
    return make_world(users=USERS)


def names(api: httpx.Client, **query: Any) -> list[str]:
    answer = api.get("/api/v1/users", params=query)
    assert answer.status_code == 200, answer.text
    return [user["username"] for user in answer.json()["items"]]


@pytest.mark.parametrize(
    "query,expected",
    [
        ({}, ["Anna", "ben", "Cleo", "dora"]),
        ({"role": "viewer"}, ["Anna", "Cleo"]),
        ({"role": ["admin", "editor"]}, ["ben", "Cleo"]),
        ({"role": "viewer", "status": "suspended"}, []),
        ({"status": ["active", "suspended"]}, ["Anna", "ben", "Cleo", "dora"]),
        ({"username": "ANNA"}, ["Anna"]),
        ({"email": "Ben@Example.org"}, ["ben"]),
        ({"external_id": "x-2"}, ["ben"]),
        ({"q": "EXAMPLE.ORG"}, ["ben", "dora"]),
        ({"q": "le"}, ["Anna", "ben", "Cleo", "dora"]),
        ({"q": "%"}, []),
        ({"created_before": "2029-12-31T00:00:00Z"}, ["Anna"]),
        ({"created_after": "2030-01-01T00:00:00Z"}, ["ben", "Cleo", "dora"]),
        ({"created_before": "2030-01-01T00:00:00Z"}, ["Anna"]),
        ({"last_login_after": "2029-06-01T00:00:00Z"}, ["Cleo", "dora"]),
        ({"last_login_before": "2029-06-30T22:00:00Z"}, ["Cleo"]),
        ({"sort": "-username"}, ["dora", "Cleo", "ben", "Anna"]),
        ({"sort": "created_at"}, ["Anna", "ben", "Cleo", "dora"]),
        ({"sort": "-last_login_at", "role": "viewer"}, ["Cleo", "Anna"]),
    ],
)
def test_filters_and_order(api: httpx.Client, query: dict[str, Any], expected: list[str]) -> None:
    """A repeated name is OR, different names are AND; `_after` is inclusive, `_before` exclusive."""
    assert names(api, **query) == expected


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=x", "colour=red", "role=wizard", "status=asleep", "sort=email",
     "username=a&username=b",     "created_after=yesterday", "created_after=0000-01-01T00:00:00Z"],
)  # fmt: skip
def test_queries_that_are_refused(api: httpx.Client, query: str) -> None:
    """An unknown parameter or filter value, or a limit outside 1 to 500, is a 422 that names the parameter."""
    found = problem(api.get(f"/api/v1/users?{query}"), 422, "validation_failed")
    assert found["errors"][0]["parameter"] == query.partition("=")[0]


@pytest.mark.parametrize("sort", [None, "username", "-username", "created_at", "-created_at", "-last_login_at"])
def test_pages_lose_nothing(make_world: Callable[..., WorldHandle], sort: str | None) -> None:
    """Every item that exists throughout appears exactly once, whatever is added and deleted between the pages."""
    world = make_world(users=23)
    with client_of(world) as api:
        query = {"limit": 5} | ({"sort": sort} if sort else {})
        there = [user["id"] for page in pages(api, "/api/v1/users", limit=500) for user in page]
        seen: list[str] = []
        removed = there[11]
        for number, page in enumerate(pages(api, "/api/v1/users", **query)):
            seen += [user["id"] for user in page]
            if number == 1:
                api.delete(f"/api/v1/users/{removed}")
                make_user(api, "another")
        assert len(seen) == len(set(seen))
        assert set(there) - {removed} <= set(seen)


def test_a_cursor_is_bound_to_its_query(api: httpx.Client, world: WorldHandle) -> None:
    """A cursor works with its own filters, order and list only; a forged one is none; it lives for a day."""
    cursor = api.get("/api/v1/users?limit=1&sort=username").json()["next_cursor"]
    assert names(api, sort="username", limit=3, cursor=cursor) == ["ben", "Cleo", "dora"]
    for query in ({"sort": "-username"}, {"sort": "username", "q": "a"}, {}):
        problem(api.get("/api/v1/users", params={**query, "cursor": cursor}), 422, "cursor_mismatch")
    problem(api.get("/api/v1/roles", params={"cursor": cursor}), 422, "cursor_mismatch")
    for forged in ("a", "AAAA", cursor[:-2] + ("aa" if not cursor.endswith("aa") else "bb"), cursor + "A"):
        problem(api.get("/api/v1/users", params={"sort": "username", "cursor": forged}), 422, "cursor_invalid")
    world.advance(24 * 3600 * 1000)
    problem(api.get("/api/v1/users", params={"sort": "username", "cursor": cursor}), 410, "cursor_expired")


def test_the_last_page_has_no_cursor(api: httpx.Client) -> None:
    """A page that holds the rest says so, also when it is exactly full."""
    assert api.get("/api/v1/users?limit=4").json()["next_cursor"] is None
    assert api.get("/api/v1/users?limit=3").json()["next_cursor"] is not None


def test_roles_are_the_rbac_table(api: httpx.Client) -> None:
    """The admin role grants every scope of the document, each with its description."""
    roles = {role["name"]: role for role in api.get("/api/v1/roles").json()["items"]}
    assert list(roles) == ["admin", "editor", "auditor", "viewer"]
    assert len(roles["admin"]["scopes"]) == 12
    assert [scope["name"] for scope in roles["viewer"]["scopes"]] == ["users:read", "plugins:read", "storage:read"]


@pytest.fixture
def dev(make_world: Callable[..., WorldHandle]) -> Iterator[httpx.Client]:
    with client_of(make_world(seed="dev"), "TOKEN") as client:
        yield client


@pytest.mark.parametrize(
    "path,least",
    [("/api/v1/users", 300), ("/api/v1/plugins", 12), ("/api/v1/config", 10), ("/api/v1/audit/events", 600),
     ("/api/v1/roles", 4), ("/api/v1/tokens", 2)],
)  # fmt: skip
def test_the_dev_seed_is_valid_throughout(dev: httpx.Client, path: str, least: int) -> None:
    """Every seeded row is as the document says: each page passes the server's own check."""
    found = [item for page in pages(dev, path, limit=100) for item in page]
    assert len(found) >= least


def test_the_dev_seed_lets_alice_come(dev: httpx.Client) -> None:
    """The documentation's sample creates alice on the dev seed; a repeat is a 409 that says which member is taken."""
    alice = {"username": "alice", "email": "alice@example.com", "roles": ["admin"]}
    assert dev.post("/api/v1/users", json=alice).json()["sso_mappings"][0]["provider"] == "corp"
    assert problem(dev.post("/api/v1/users", json=alice), 409, "username_taken")["errors"][0]["pointer"] == "/username"
