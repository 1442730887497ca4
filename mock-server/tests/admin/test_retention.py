"""Laws of retention: the trail is cut at its old end by world time, goes on counting, and no gap is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from admin_api_mock.app import App
from admin_api_mock.context import Context
from admin_api_mock.control import WorldHandle
from admin_api_mock.document import Document
from admin_api_mock.handlers import HANDLERS
from admin_api_mock.http import Request
from admin_api_mock.transaction import Tx
from admin_api_mock.worlds import World

from .conftest import client_of, events, make_user, problem, serving
from .test_audit import Listener, lines

DAY_MS = 24 * 60 * 60 * 1000
KEPT_DAYS = {"audit.retention_days": {"value": 10}}
TRAIL = "/api/v1/audit/events"
EXPORT = "/api/v1/exports/audit-events"


@pytest.fixture
def world(make_world: Callable[..., WorldHandle]) -> WorldHandle:
    """Five events of the first day, kept for ten days."""
    return make_world(events=5, config=KEPT_DAYS)


def numbers(found: list[dict[str, str]]) -> list[int]:
    return [int(event["sequence"]) for event in found]


def expired(answer: httpx.Response, oldest: int) -> None:
    """The answer is a 410 that tells where to begin again."""
    assert problem(answer, 410, "events_expired")["oldest_sequence"] == f"{oldest:020d}"


def record(api: httpx.Client, name: str) -> str:
    """One more event; its id."""
    make_user(api, name)
    return events(api)[-1]["id"]


def test_what_is_older_is_gone(world: WorldHandle, api: httpx.Client) -> None:
    """To the millisecond, in lists, exports and by id; the sequence goes on as if nothing had been."""
    first = events(api)[0]["id"]
    world.advance(DAY_MS)
    record(api, "a")
    world.advance(9 * DAY_MS)
    assert numbers(events(api)) == [1, 2, 3, 4, 5, 6]
    world.advance(1)
    assert numbers(events(api)) == [6]
    assert numbers(events(api, sort="-sequence")) == [6]
    assert numbers(lines(api.get(EXPORT))[:-1]) == [6]
    problem(api.get(f"{TRAIL}/{first}"), 404, "not_found")
    assert events(api, target_id="usr_seed0") == []
    world.advance(DAY_MS)
    assert events(api) == []
    record(api, "b")
    assert numbers(events(api)) == [7]


def test_without_the_entry_all_is_kept(make_world: Callable[..., WorldHandle]) -> None:
    """And from the moment it is set it counts; taken away, what is gone stays gone."""
    world = make_world(events=3)
    with client_of(world) as api:
        world.advance(100 * DAY_MS)
        assert numbers(events(api)) == [1, 2, 3]
        entry = api.put("/api/v1/config/audit.retention_days", json={"value": 99}, headers={"If-None-Match": "*"})
        assert entry.is_success
        assert numbers(events(api)) == [4]
        api.delete("/api/v1/config/audit.retention_days", headers={"If-Match": entry.headers["etag"]})
        assert numbers(events(api)) == [4, 5]


@pytest.mark.parametrize("value", [0, 1.5, "10", None, 36_501])
def test_the_entry_is_a_number_of_days(make_world: Callable[..., WorldHandle], value: object) -> None:
    """Whatever schema it is given: the server reads it."""
    with client_of(make_world()) as api:
        refused = api.put("/api/v1/config/audit.retention_days", json={"value": value}, headers={"If-None-Match": "*"})
    assert problem(refused, 422, "validation_failed")["errors"][0]["pointer"].startswith("/value")


@pytest.mark.parametrize("sort", ["sequence", "-sequence"])
def test_a_cursor_into_what_is_gone_is_a_410(make_world: Callable[..., WorldHandle], sort: str) -> None:
    """A list that went on would leave out what lay between; at the very edge nothing lies between."""
    world = make_world(events=5, now="2030-01-01T00:00:00Z", config={"audit.retention_days": {"value": 1}})
    with client_of(world) as api:
        world.advance(DAY_MS - 1000)
        record(api, "a")

        def page(cursor: str | None = None) -> httpx.Response:
            return api.get(TRAIL, params={"limit": 2, "sort": sort} | ({"cursor": cursor} if cursor else {}))

        first = page().json()
        second = page(first["next_cursor"]).json()
        third = page(second["next_cursor"])
        assert third.status_code == 200
        world.advance(2000)  # Now only the sixth is kept.
        if sort == "sequence":
            expired(page(first["next_cursor"]), 6)
            expired(page(second["next_cursor"]), 6)
        else:
            # The first page ended with the fifth, and there is nothing below the sixth any more.
            expired(page(first["next_cursor"]), 6)
        assert numbers(page().json()["items"]) == [6]


def test_a_cursor_at_the_edge_goes_on(make_world: Callable[..., WorldHandle]) -> None:
    """A page that ended with the newest event that is gone missed nothing."""
    world = make_world(events=2, config={"audit.retention_days": {"value": 1}})
    with client_of(world) as api:
        world.advance(DAY_MS - 1000)
        record(api, "a")
        cursor = api.get(TRAIL, params={"limit": 2}).json()["next_cursor"]
        world.advance(2000)
        answer = api.get(TRAIL, params={"limit": 2, "cursor": cursor})
        assert numbers(answer.json()["items"]) == [3]


def test_an_export_resumes_behind_what_is_kept(world: WorldHandle, api: httpx.Client) -> None:
    """`after` the newest event that is gone it is complete, after an older one a 410; what never was is another 410."""
    ids = [event["id"] for event in events(api)]
    world.advance(DAY_MS)
    record(api, "a")
    world.advance(10 * DAY_MS - 1)
    expired(api.get(EXPORT, params={"after": ids[0]}), 6)
    expired(api.get(EXPORT, params={"after": ids[3]}), 6)
    assert numbers(lines(api.get(EXPORT, params={"after": ids[4]}))[:-1]) == [6]
    problem(api.get(EXPORT, params={"after": "evt_Z" + "Z" * 25}), 410, "resume_point_gone")
    problem(api.get(EXPORT, params={"after": "never"}), 410, "resume_point_gone")


async def _gone() -> Mapping[str, Any]:
    return {"type": "http.disconnect"}


def begun(
    app: App, world: WorldHandle, operation: str, last_event_id: str | None = None
) -> tuple[World, AsyncIterator[bytes]]:
    """A streamed answer of the running server's, to be read as slowly as a test likes."""
    ctx = Context(Request({"method": "GET", "raw_path": b"/", "query_string": b"", "headers": []}, _gone))
    ctx.world = app.worlds.get(world.id)
    ctx.operation = ctx.world.document.operations[operation]
    ctx.header_params = {} if last_event_id is None else {"last-event-id": last_event_id}
    body = HANDLERS[operation](Tx(ctx), ctx).body
    assert not isinstance(body, bytes)
    return ctx.world, body


def test_an_export_that_is_overtaken_ends_without_its_end(make_world: Callable[..., WorldHandle], app: App) -> None:
    """What is cut off while an export runs makes it an interruption, never a shorter export."""

    async def read() -> None:
        world, body = begun(app, make_world(events=1200, config=KEPT_DAYS), "audit.events.export")
        assert (await anext(body)).count(b"\n") == 500
        world.store.events.cut(world.clock.now_ms() + 1)
        assert [rest async for rest in body] == []

    asyncio.run(read())


def test_a_stream_that_is_overtaken_ends_without_its_end(make_world: Callable[..., WorldHandle], app: App) -> None:
    """A reader so slow that its next event is gone is sent away, and told so when it comes back."""
    made = make_world(events=1200, config=KEPT_DAYS)
    with client_of(made) as api:
        ids = [event["id"] for event in events(api)]

        async def read() -> None:
            world, body = begun(app, made, "audit.events.stream", ids[0])
            got = [await anext(body) for _ in range(500)]
            assert orjson.loads(got[-1].partition(b"data: ")[2])["sequence"] == f"{501:020d}"
            world.store.events.cut(world.clock.now_ms() + 1)
            assert [rest async for rest in body] == []

        asyncio.run(read())
        expired(api.get("/api/v1/audit/stream", headers={"Last-Event-ID": ids[1]}), 1201)


def test_a_stream_resumes_behind_what_is_kept(world: WorldHandle, api: httpx.Client) -> None:
    """Last-Event-ID of an event that is gone is a 410; of the newest of these it goes on, and nothing was missed."""
    ids = [event["id"] for event in events(api)]
    world.advance(10 * DAY_MS + 1)
    expired(api.get("/api/v1/audit/stream", headers={"Last-Event-ID": ids[3]}), 6)
    with client_of(world) as other:
        listener = Listener(other, ids[4])
        assert world.wait({"operation": "audit.events.stream", "phase": "fault_after"})
        made = record(api, "a")
        listener.wait(lambda it: it.ids() == [made])
        world.reset()
        listener.wait(lambda it: it.ended)


def test_a_trail_that_nobody_reads_is_cut_too(world: WorldHandle, api: httpx.Client) -> None:
    """By the mutations, once an hour of world time."""
    world.advance(11 * DAY_MS)
    make_user(api, "a")
    assert world.state()["audit_events"] == 1


def test_a_rolled_back_mutation_cuts_nothing_for_good(world: WorldHandle, api: httpx.Client) -> None:
    """The event of a refusal is undone, the numbers are not: the next event is the next number."""
    make_user(api, "a")
    world.advance(11 * DAY_MS)
    problem(api.post("/api/v1/users", json={"username": "a", "email": "b@example.net"}), 409, "username_taken")
    make_user(api, "b")
    assert numbers(events(api)) == [7]


def test_the_place_of_the_cut_is_kept(tmp_path: Path) -> None:
    """With --data a trail that was cut to nothing goes on counting after a restart."""

    def trail(root: WorldHandle) -> list[int]:
        with client_of(root, "TOKEN") as api:
            return numbers(events(api, sort="-sequence"))

    with serving(Document.load(), data_dir=tmp_path) as control:
        root = control.world()
        newest = trail(root)[0]
        root.advance(731 * DAY_MS)
        assert trail(root) == []
    with serving(Document.load(), data_dir=tmp_path) as control, client_of(control.world(), "TOKEN") as api:
        make_user(api, "next")
        assert numbers(events(api)) == [newest + 1]
