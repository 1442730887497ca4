"""Laws of users: creation whole and strict, unique names, soft deletion, the last admin, roles."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from admin_api_mock.control import ControlError, WorldHandle

from .conftest import client_of, events, make_user, patch, problem


def test_create_answers_the_whole_user(api: httpx.Client, world: WorldHandle) -> None:
    """A created user is answered whole, with its place, its tag and the event that recorded it."""
    body = {"username": "alice", "email": "alice@example.com", "roles": ["admin"]}
    answer = api.post("/api/v1/users", json=body)
    assert answer.status_code == 201
    user = answer.json()
    assert {
        "username": "alice",
        "email": "alice@example.com",
        "roles": ["admin"],
        "status": "active",
    }.items() <= user.items()
    assert answer.headers["location"] == f"/w/{world.id}/api/v1/users/{user['id']}"
    got = api.get(f"/api/v1/users/{user['id']}")
    assert got.json() == user
    assert got.headers["etag"] == answer.headers["etag"]
    [event] = events(api)
    assert event["id"] == answer.headers["audit-event-id"]
    assert event["data"]["targets"] == [{"type": "user", "id": user["id"], "name": "alice"}]
    assert {"pointer": "/username", "to": '"alice"'} in event["data"]["changes"]


@pytest.mark.parametrize(
    "first,second,code,pointer",
    [
        ({}, {"username": "ALICE"}, "username_taken", "/username"),
        ({}, {"email": "Alice@Example.NET"}, "email_taken", "/email"),
        ({"external_id": "hr-1"}, {"external_id": "hr-1"}, "external_id_taken", "/external_id"),
    ],
)
def test_duplicates(api: httpx.Client, first: dict[str, str], second: dict[str, str], code: str, pointer: str) -> None:
    """A duplicate, ignoring case, is a 409 that names the member taken and the user who has it; nothing is kept."""
    alice = make_user(api, "alice", **first)
    body = {"username": "bob", "email": "bob@example.net", **second}
    found = problem(api.post("/api/v1/users", json=body), 409, code)
    assert found["existing_id"] == alice["id"]
    assert found["errors"][0]["pointer"] == pointer
    assert len(api.get("/api/v1/users").json()["items"]) == 1
    assert len(events(api)) == 1


def test_unknown_role_is_refused(api: httpx.Client) -> None:
    """An unknown role is a 422 at its place, never dropped."""
    body = {"username": "bob", "email": "bob@example.net", "roles": ["viewer", "wizard"]}
    found = problem(api.post("/api/v1/users", json=body), 422, "validation_failed")
    assert found["errors"] == [{"pointer": "/roles/1", "code": "unknown_role", "detail": "There is no such role."}]
    assert api.get("/api/v1/users").json()["items"] == []


def test_update_merges(api: httpx.Client) -> None:
    """null deletes a member, a member left out is left alone, notes are merged by name, and the event tells it all."""
    user = make_user(api, "bob", metadata={"a": "1", "b": "2"}, display_name="Bob")
    answer = patch(api, f"/api/v1/users/{user['id']}", {"email": None, "metadata": {"a": None, "c": "3"}})
    assert answer.status_code == 200
    assert answer.json()["email"] is None
    assert answer.json()["metadata"] == {"b": "2", "c": "3"}
    assert answer.json()["display_name"] == "Bob"
    changes = {change["pointer"]: change for change in events(api, action="users.update")[0]["data"]["changes"]}
    assert changes == {
        "/email": {"pointer": "/email", "from": '"bob@example.net"'},
        "/metadata/a": {"pointer": "/metadata/a", "from": '"1"'},
        "/metadata/c": {"pointer": "/metadata/c", "to": '"3"'},
    }


def test_update_without_change_is_recorded(api: httpx.Client) -> None:
    """A PATCH that changes nothing leaves the tag as it is and records an event without changes."""
    user = make_user(api, "bob")
    before = api.get(f"/api/v1/users/{user['id']}").headers["etag"]
    answer = patch(api, f"/api/v1/users/{user['id']}", {"username": "bob"})
    assert answer.headers["etag"] == before
    assert events(api, action="users.update")[0]["data"]["changes"] == []


def test_if_match(api: httpx.Client) -> None:
    """An If-Match that does not hold is a 412 with the current tag; one that holds lets the change pass."""
    user = make_user(api, "bob")
    path = f"/api/v1/users/{user['id']}"
    refused = patch(api, path, {"display_name": "B"}, **{"If-Match": '"old"'})
    problem(refused, 412, "precondition_failed")
    tag = refused.headers["etag"]
    assert patch(api, path, {"display_name": "B"}, **{"If-Match": tag}).status_code == 200
    problem(api.delete(path, headers={"If-Match": tag}), 412, "precondition_failed")


def test_soft_delete_and_restore(api: httpx.Client) -> None:
    """A deleted user's name is free at once; it can be restored until the name is taken, and is then refused."""
    user = make_user(api, "bob", external_id="hr-1")
    path = f"/api/v1/users/{user['id']}"
    deleted = api.delete(path)
    assert deleted.status_code == 200
    assert deleted.json()["status"] == "deleted"
    assert deleted.json()["purge_at"] == "2030-01-31T00:00:00.000Z"
    assert api.get("/api/v1/users").json()["items"] == []
    assert [item["id"] for item in api.get("/api/v1/users?include_deleted=true").json()["items"]] == [user["id"]]
    problem(api.delete(path), 404, "not_found")
    problem(patch(api, path, {"display_name": "x"}), 409, "invalid_state")
    restored = api.post(f"{path}/restore")
    assert (restored.status_code, restored.json()["status"], restored.json()["purge_at"]) == (200, "active", None)
    problem(api.post(f"{path}/restore"), 409, "invalid_state")
    api.delete(path)
    other = make_user(api, "bob")
    assert problem(api.post(f"{path}/restore"), 409, "username_taken")["existing_id"] == other["id"]


def test_purged_user_is_gone(api: httpx.Client, world: WorldHandle) -> None:
    """After thirty days a deleted user is a 404, and in no list."""
    user = make_user(api, "bob")
    api.delete(f"/api/v1/users/{user['id']}")
    world.advance(30 * 24 * 3600 * 1000)
    problem(api.get(f"/api/v1/users/{user['id']}"), 404, "not_found")
    problem(api.post(f"/api/v1/users/{user['id']}/restore"), 404, "not_found")
    assert api.get("/api/v1/users?include_deleted=true").json()["items"] == []


@pytest.mark.parametrize("how", ["demote", "remove_role", "suspend", "delete"])
def test_last_admin_stays(api: httpx.Client, how: str) -> None:
    """The last active admin cannot lose its role, be suspended or be deleted; with another one it can."""
    root = make_user(api, "root", roles=["admin", "viewer"])
    path = f"/api/v1/users/{root['id']}"
    calls: dict[str, Callable[[], httpx.Response]] = {
        "demote": lambda: patch(api, path, {"roles": ["viewer"]}),
        "remove_role": lambda: api.delete(f"{path}/roles/admin"),
        "suspend": lambda: api.post(f"{path}/suspend", json={"reason": "On leave."}),
        "delete": lambda: api.delete(path),
    }
    problem(calls[how](), 409, "last_admin")
    make_user(api, "second", roles=["admin"])
    assert calls[how]().status_code == 200


def test_roles_are_assigned_and_removed(api: httpx.Client) -> None:
    """Assigning and removing a role answer the user, twice the same, each with an event of its own."""
    user = make_user(api, "bob", roles=["viewer"])
    path = f"/api/v1/users/{user['id']}/roles"
    for _ in range(2):
        assert api.put(f"{path}/auditor").json()["roles"] == ["viewer", "auditor"]
    for _ in range(2):
        assert api.delete(f"{path}/viewer").json()["roles"] == ["auditor"]
    problem(api.put(f"{path}/wizard"), 404, "not_found")
    changes = [event["data"]["changes"] for event in events(api, action="users.roles.assign")]
    assert changes == [[{"pointer": "/roles", "from": '["viewer"]', "to": '["viewer","auditor"]'}], []]


def test_a_suspended_users_token_stops_at_once(make_world: Callable[..., WorldHandle]) -> None:
    """Suspending a user stops its tokens at once (401); reactivating it lets them work again."""
    world = make_world(seed="dev")
    with client_of(world, "TOKEN") as admin, client_of(world) as other:
        me = admin.get("/api/v1/me").json()
        assert (me["type"], me["name"]) == ("user", "admin")
        assert other.post(f"/api/v1/users/{me['id']}/suspend").status_code == 200
        refused = admin.get("/api/v1/me")
        problem(refused, 401, "invalid_token")
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        assert other.post(f"/api/v1/users/{me['id']}/reactivate").status_code == 200
        assert admin.get("/api/v1/me").status_code == 200


def test_sso_mapping_by_domain(make_world: Callable[..., WorldHandle]) -> None:
    """A user whose e-mail's domain has a provider gets a pending mapping, in the event of its creation."""
    providers = {"corp": {"issuer": "https://sso.example.com", "domains": ["Example.com"]}}
    world = make_world(config={"sso.providers": {"value": providers}})
    with client_of(world) as api:
        [mapping] = make_user(api, "alice", email="alice@EXAMPLE.com")["sso_mappings"]
        assert (mapping["provider"], mapping["subject"], mapping["status"]) == ("corp", None, "pending")
        assert make_user(api, "bob")["sso_mappings"] == []
        pointers = [change["pointer"] for change in events(api)[0]["data"]["changes"]]
        assert "/sso_mappings" in pointers
        assert len(events(api)) == 2


def test_sso_mapping_is_unique(make_world: Callable[..., WorldHandle]) -> None:
    """An identity is bound to one user: a second is a 409, an unknown provider a 422; deletion frees it."""
    providers = {"corp": {"issuer": "https://sso.example.com", "domains": []}}
    world = make_world(config={"sso.providers": {"value": providers}})
    with client_of(world) as api:
        alice = make_user(api, "alice", sso_mappings=[{"provider": "corp", "subject": "s-1"}])
        assert alice["sso_mappings"][0]["status"] == "linked"
        body = {"username": "bob", "email": "bob@example.net", "sso_mappings": [{"provider": "corp", "subject": "s-1"}]}
        assert problem(api.post("/api/v1/users", json=body), 409, "sso_mapping_taken")["existing_id"] == alice["id"]
        unknown = {**body, "sso_mappings": [{"provider": "other", "subject": "s-1"}]}
        errors = problem(api.post("/api/v1/users", json=unknown), 422, "validation_failed")["errors"]
        assert errors[0]["pointer"] == "/sso_mappings/0/provider"
        api.delete(f"/api/v1/users/{alice['id']}")
        assert api.post("/api/v1/users", json=body).status_code == 201
        problem(api.post(f"/api/v1/users/{alice['id']}/restore"), 409, "sso_mapping_taken")


def test_a_world_refuses_users_that_the_api_would(make_world: Callable[..., WorldHandle]) -> None:
    """A world's creation body is held to the API's own rules, and leaves no half a world behind."""
    for users in ([{"username": "x"}], [{"username": "a", "email": "a@b.example", "roles": ["wizard"]}]):
        with pytest.raises(ControlError) as refused:
            make_world(id="half", users=users)
        assert refused.value.status == 422
    assert make_world(id="half", users=3).state()["users"] == 3
