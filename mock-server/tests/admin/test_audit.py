"""Laws of the audit trail: exactly one event per mutation, gap-free, complete in lists, exports and streams."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from admin_api_mock.control import WorldHandle
from admin_api_mock.document import Document

from .conftest import access_token, client_of, events, make_user, patch, problem, upload


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def every_mutation(api: httpx.Client) -> Iterator[tuple[str, httpx.Response]]:
    """Each audited operation once, with what it needs made by the one before."""
    user = make_user(api, "bob")
    path = f"/api/v1/users/{user['id']}"
    yield "users.create", api.post("/api/v1/users", json={"username": "eve", "email": "eve@example.net"})
    yield "users.update", patch(api, path, {"display_name": "Bob"})
    yield "users.suspend", api.post(f"{path}/suspend")
    yield "users.reactivate", api.post(f"{path}/reactivate")
    yield "users.roles.assign", api.put(f"{path}/roles/viewer")
    yield "users.roles.remove", api.delete(f"{path}/roles/viewer")
    yield "users.delete", api.delete(path)
    yield "users.restore", api.post(f"{path}/restore")
    source = {"type": "registry", "package": "m"}
    plugin = api.post("/api/v1/plugins", json={"name": "metrics", "version": "1.0.0", "source": source})
    yield "plugins.register", plugin
    path = f"/api/v1/plugins/{plugin.json()['id']}"
    yield "plugins.update", patch(api, path, {"settings": {"a": 1}})
    yield "plugins.uninstall", api.delete(path)
    entry = api.put("/api/v1/config/a", json={"value": 1}, headers={"If-None-Match": "*"})
    yield "config.set", entry
    yield "config.delete", api.delete("/api/v1/config/a", headers={"If-Match": entry.headers["etag"]})
    yield "config.versions.rollback", api.post("/api/v1/config/a/rollback", json={"version": 1})
    stored = upload(api, "a")
    yield "storage.objects.upload", stored
    yield "storage.objects.delete", api.delete(f"/storage/objects/{stored.json()['id']}")
    parts = {"Upload-Complete": "?0", "Admin-Encryption": "age-v1"}
    yield "storage.uploads.create", api.post("/storage/uploads?name=b", headers=parts)
    token = api.post("/api/v1/tokens", json={"name": "t", "scopes": ["users:read"]})
    yield "tokens.create", token
    rotated = api.post(f"/api/v1/tokens/{token.json()['id']}/rotate")
    yield "tokens.rotate", rotated
    yield "tokens.revoke", api.delete(f"/api/v1/tokens/{rotated.json()['id']}")


def test_every_mutation_records_one_event(api: httpx.Client) -> None:
    """Each audited operation of the document records exactly one event, named in its answer, numbered without gaps."""
    done = []
    for action, answer in every_mutation(api):
        assert answer.is_success, f"{action}: {answer.text}"
        newest = events(api)[-1]
        assert newest["id"] == answer.headers["audit-event-id"]
        assert (newest["data"]["action"], newest["data"]["outcome"]) == (action, "success")
        assert newest["correlationid"] == answer.headers["x-request-id"]
        done.append(action)
    assert {operation.audit for operation in Document.load().operations.values() if operation.audit} == set(done)
    trail = events(api)
    assert [event["sequence"] for event in trail] == [f"{i:020d}" for i in range(1, len(trail) + 1)]
    # Beside what it yields, `every_mutation` makes one user.
    assert len(trail) == len(done) + 1


def test_a_refused_mutation_records_a_denied_event(world: WorldHandle, api: httpx.Client) -> None:
    """A 403 of an audited operation commits one denied event and names it; that of a read records none."""
    with client_of(world, access_token(world, "reader", "r3ad")) as reader:
        refused = reader.request("DELETE", "/api/v1/users/usr_x%07y")
        problem(refused, 403, "insufficient_scope")
        assert 'scope="users:delete"' in refused.headers["www-authenticate"]
        problem(reader.get("/api/v1/plugins"), 403, "insufficient_scope")
    [event] = events(api)
    assert event["id"] == refused.headers["audit-event-id"]
    data = event["data"]
    assert (data["action"], data["outcome"], data["actor"]["id"]) == ("users.delete", "denied", "reader")
    assert data["targets"] == [{"type": "user", "id": "usr_x\ufffdy", "name": None}]


def test_context_is_recorded(api: httpx.Client) -> None:
    """An event says from where, by which program and in which request."""
    headers = {"User-Agent": "suite/1 " + "x" * 600, "X-Request-Id": "given-id"}
    answer = api.post("/api/v1/users", json={"username": "a", "email": "a@example.net"}, headers=headers)
    assert answer.status_code == 201
    context = events(api, request_id="given-id")[0]["data"]["context"]
    assert context["ip"] == "127.0.0.1"
    assert context["user_agent"].startswith("suite/1 xxx")
    assert len(context["user_agent"]) == 500


def test_filters(api: httpx.Client, world: WorldHandle) -> None:
    """By actor, token, action, target, outcome, request and time; the order is the sequence, either way."""
    user = make_user(api, "bob")
    world.advance(1000)
    patch(api, f"/api/v1/users/{user['id']}", {"display_name": "B"})
    me = api.get("/api/v1/me").json()
    for query, expected in (
        ({"actor_id": me["id"]}, 2),
        ({"actor_id": "nobody"}, 0),
        ({"token_id": me["token_id"]}, 2),
        ({"action": "users.update"}, 1),
        ({"target_id": user["id"]}, 2),
        ({"target_id": user["id"], "action": "users.create"}, 1),
        ({"outcome": "denied"}, 0),
        ({"occurred_after": "2030-01-01T00:00:01Z"}, 1),
        ({"occurred_before": "2030-01-01T00:00:01Z"}, 1),
    ):
        assert len(events(api, **query)) == expected, query
    assert [event["sequence"][-1] for event in events(api, sort="-sequence")] == ["2", "1"]
    assert api.get(f"/api/v1/audit/events/{events(api)[0]['id']}").json() == events(api)[0]
    problem(api.get("/api/v1/audit/events/evt_x"), 404, "not_found")


@pytest.mark.parametrize("path", ["/api/v1/exports/users", "/api/v1/exports/audit-events"])
def test_exports_resume(make_world: Callable[..., WorldHandle], path: str) -> None:
    """An export is every row in order and a last line that counts; `after` goes on just behind; unknown is a 410."""
    world = make_world(users=1203, events=1203)
    with client_of(world) as api:
        *rows, end = lines(api.get(path))
        assert end == {"$end": {"count": 1203}}
        assert len({row["id"] for row in rows}) == 1203
        *rest, end = lines(api.get(path, params={"after": rows[700]["id"]}))
        assert [row["id"] for row in rest] == [row["id"] for row in rows[701:]]
        assert end == {"$end": {"count": 502}}
        assert lines(api.get(path, params={"after": rows[-1]["id"]})) == [{"$end": {"count": 0}}]
        problem(api.get(path, params={"after": "usr_never"}), 410, "resume_point_gone")


def test_a_deleted_user_still_marks_its_place(make_world: Callable[..., WorldHandle]) -> None:
    """An export goes on behind a user that has been deleted meanwhile."""
    world = make_world(users=3)
    with client_of(world) as api:
        ids = [user["id"] for user in api.get("/api/v1/users").json()["items"]]
        api.delete(f"/api/v1/users/{ids[1]}")
        rest = lines(api.get("/api/v1/exports/users", params={"after": ids[1]}))
        assert [row.get("id") for row in rest] == [ids[2], None]
        assert [row.get("id") for row in lines(api.get("/api/v1/exports/users"))] == [ids[0], ids[2], None]
        assert lines(api.get("/api/v1/exports/users?q=user000002"))[-1] == {"$end": {"count": 1}}


def test_a_cut_export_ends_in_half_a_line(make_world: Callable[..., WorldHandle]) -> None:
    """A fault cuts an export after n lines and half of the next, though lines are else sent together."""
    world = make_world(users=5)
    world.fault("users.export", cut_after=2)
    with client_of(world) as api:
        parts: list[bytes] = []
        with api.stream("GET", "/api/v1/exports/users") as answer, pytest.raises(httpx.HTTPError):
            parts.extend(answer.iter_raw())  # What came before the reset is in the list.
        got = b"".join(parts)
        assert got.count(b"\n") == 2
        assert not got.endswith(b"\n")


class Listener:
    """Reads an event stream in a thread: frames as they come."""

    def __init__(self, api: httpx.Client, last: str | None = None) -> None:
        self.frames: list[str] = []
        self.came = threading.Condition()
        self.ended = False
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        self._thread = threading.Thread(target=self._read, args=(api, headers), daemon=True)
        self._thread.start()

    def _read(self, api: httpx.Client, headers: dict[str, str]) -> None:
        text = ""
        with api.stream("GET", "/api/v1/audit/stream", headers=headers) as answer:
            for chunk in answer.iter_text():
                text += chunk
                *frames, text = text.split("\n\n")
                with self.came:
                    self.frames += frames
                    self.came.notify_all()
        with self.came:
            self.ended = True
            self.came.notify_all()

    def wait(self, what: Callable[[Listener], bool]) -> None:
        """Waits until it holds."""
        with self.came:
            assert self.came.wait_for(lambda: what(self), 10), self.frames

    def ids(self) -> list[str]:
        """Ids of the events that came."""
        return [frame.split("\n")[0].removeprefix("id: ") for frame in self.frames if frame.startswith("id: ")]


def test_stream(make_world: Callable[..., WorldHandle]) -> None:
    """A stream gives what is recorded from now on, with heartbeats in between, and ends for good with its world."""
    world = make_world(heartbeat_ms=20, events=2)
    with client_of(world) as api, client_of(world) as writer:
        listener = Listener(api)
        listener.wait(lambda it: ": heartbeat" in it.frames)
        made = writer.post("/api/v1/users", json={"username": "a", "email": "a@example.net"})
        listener.wait(lambda it: len(it.ids()) == 1)
        assert listener.ids() == [made.headers["audit-event-id"]]
        world.reset()
        listener.wait(lambda it: it.ended)
        assert listener.frames[-1] == "event: end\ndata: {}"


def test_stream_resumes(make_world: Callable[..., WorldHandle]) -> None:
    """With Last-Event-ID a stream goes on just behind it; an id that is not kept is a 410 with the oldest sequence."""
    world = make_world(events=5)
    with client_of(world) as api, client_of(world) as other:
        ids = [event["id"] for event in events(api)]
        listener = Listener(other, ids[1])
        listener.wait(lambda it: len(it.ids()) == 3)
        assert listener.ids() == ids[2:]
        refused = api.get("/api/v1/audit/stream", headers={"Last-Event-ID": "evt_never"})
        assert problem(refused, 410, "events_expired")["oldest_sequence"] == f"{1:020d}"
        world.reset()
        listener.wait(lambda it: it.ended)


def test_stream_of_a_revoked_token_closes(make_world: Callable[..., WorldHandle]) -> None:
    """When its token is revoked a stream closes without `end`: with a new token it can go on."""
    world = make_world(heartbeat_ms=20)
    with client_of(world, access_token(world)) as api:
        listener = Listener(api)
        listener.wait(lambda it: ": heartbeat" in it.frames)
        world.revoke_tokens(client_id="suite")
        listener.wait(lambda it: it.ended)
        assert not any("event: end" in frame for frame in listener.frames)
