"""Worlds, clock and journal by the control plane and its client."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from conftest import ALL, Running

from admin_api_mock.clock import WorldClock
from admin_api_mock.control import ControlError, WorldHandle
from admin_api_mock.control.routes import CALLS, DOCUMENT
from admin_api_mock.document import Document
from admin_api_mock.journal import MAX_RECORDED_BODY, Entry, Journal
from admin_api_mock.validation import Validation

INSTANT_2030 = 1_893_456_000_000


def test_every_control_operation_has_a_handler() -> None:
    """The control document and the table name the same operations."""
    assert set(Document.load(DOCUMENT).operations) == set(CALLS)


def test_worlds_are_isolated(running: Running) -> None:
    """What happens in one is not seen in another, nor in the root world."""
    with running.control.create_world() as one, running.control.create_world() as other:
        httpx.get(f"{one.base_url}/notes", headers=ALL)
        assert ({"done": 1}, {"done": 0}) == (one.state(), other.state())
        assert [] == other.journal()
        assert {one.id, other.id, "root"} <= {world.id for world in running.control.worlds()}


def test_a_world_tells_where_it_is_and_what_it_made(running: Running) -> None:
    """Base URL, token URL, its time, and ids in the order asked for."""
    with running.control.create_world(id="mine", users=[{"username": "a"}, {"username": "b"}]) as world:
        assert f"{running.url}/w/mine" == world.base_url
        assert f"{running.url}/w/mine/oauth/token" == world.token_url
        assert (INSTANT_2030, ["usr_0", "usr_1"]) == (world.told["now_ms"], world.told["users"])


def test_a_world_that_cannot_be_populated_is_not_there(running: Running) -> None:
    """Whole or not at all; its id stays free."""
    with pytest.raises(ControlError, match="A user needs a name"):
        running.control.create_world(id="half", users=[{}])
    running.control.create_world(id="half").delete()


def test_an_id_in_use_is_a_409(running: Running, world: WorldHandle) -> None:
    """Two tests cannot share a world by accident."""
    with pytest.raises(ControlError) as refused:
        running.control.create_world(id=world.id)
    assert (409, "conflict") == (refused.value.status, refused.value.code)


def test_a_wrong_creation_is_a_422(running: Running) -> None:
    """A misspelt member is told, not ignored."""
    with pytest.raises(ControlError) as refused:
        running.control.create_world(client=[])
    assert [{"pointer": "/client", "code": "unknown_member"}.items()] == [
        {k: e[k] for k in ("pointer", "code")}.items() for e in refused.value.problem["errors"]
    ]


def test_reset_makes_the_world_anew(running: Running) -> None:
    """State, clock, journal and faults are as they were at the beginning."""
    with running.control.create_world(now="2031-01-01T00:00:00Z") as world:
        begin = world.now_ms()
        world.advance(1000)
        world.fault("*", respond={"status": 500})
        httpx.get(f"{world.base_url}/notes", headers=ALL)
        world.reset()
        assert (begin, [], [], {"done": 0}) == (world.now_ms(), world.journal(), world.faults(), world.state())


def test_a_deleted_world_is_a_404_and_the_root_world_stays(running: Running) -> None:
    """Its paths name nothing any more."""
    world = running.control.create_world()
    world.delete()
    assert 404 == httpx.get(f"{world.base_url}/notes", headers=ALL).status_code
    with pytest.raises(ControlError, match="404"):
        world.state()
    with pytest.raises(ControlError, match="409"):
        running.control.world("root").delete()


def test_time_moves_forward_only_and_to_the_maximum(world: WorldHandle) -> None:
    """Two sleeps of 7 s until the same moment are 7 s."""
    assert INSTANT_2030 == world.now_ms()
    assert INSTANT_2030 + 7000 == world.until(INSTANT_2030 + 7000)
    assert INSTANT_2030 + 7000 == world.until(INSTANT_2030 + 7000)
    assert INSTANT_2030 + 7000 == world.until(INSTANT_2030)
    assert INSTANT_2030 + 7500 == world.advance(500)


def test_an_entry_tells_the_attempt_as_it_was(world: WorldHandle, http: httpx.Client) -> None:
    """Order and spelling of headers and query, digest and size of the body; credentials as a fingerprint only."""
    content = b'{"text":"a"}'
    http.post("/notes", content=content, headers={"Content-Type": "application/json", "Idempotency-Key": '"k"'})
    http.get("/notes?tag=red&tag=blue&limit=1")
    post, get = world.journal()
    assert (1, INSTANT_2030, "api", "notes.create", "POST", "/notes") == tuple(
        post[name] for name in ("seq", "at_ms", "channel", "operation", "method", "path")
    )
    assert (len(content), hashlib.sha256(content).hexdigest()) == (post["body_size"], post["body_sha256"])
    assert (201, "response", "fault_after", False) == (post["status"], post["outcome"], post["phase"], post["replayed"])
    headers = dict(post["headers"])
    assert ('"k"', "application/json") == (headers["idempotency-key"], headers["content-type"])
    credential = hashlib.sha256(ALL["Authorization"].encode()).hexdigest()[:16]
    assert f"sha256:{credential}" == headers["authorization"]
    assert [["tag", "red"], ["tag", "blue"], ["limit", "1"]] == get["query"]
    assert post["connection"] == get["connection"]
    assert "body" not in post
    assert ["X-Request-Id", post["answer_headers"][1][1]] in post["answer_headers"]


def test_what_matches_no_operation_is_journalled_too(world: WorldHandle, http: httpx.Client) -> None:
    """A client that calls the wrong path is what one looks for in a journal."""
    http.get("/nowhere")
    (entry,) = world.journal()
    assert (None, 404, "route") == (entry["operation"], entry["status"], entry["phase"])


def test_entries_are_what_the_control_document_says(world: WorldHandle, http: httpx.Client) -> None:
    """The control plane keeps to its own contract."""
    http.get("/notes")
    http.get("/nowhere")
    Validation(Document.load(DOCUMENT)).check_own(
        "journal", "/components/schemas/Entries", {"entries": json.loads(json.dumps(world.journal()))}
    )


def test_token_traffic_has_a_channel_of_its_own(world: WorldHandle, http: httpx.Client) -> None:
    """So that a list of API calls is exact whatever tokens were fetched."""
    http.post("/oauth/token", data={"grant_type": "client_credentials"})
    http.get("/notes")
    assert [["oauth.token"], ["notes.list"]] == [
        [entry["operation"] for entry in world.journal(channel=channel)] for channel in ("auth", "api")
    ]
    assert ["notes.list"] == [entry["operation"] for entry in world.journal(after=1)]


def test_bodies_are_kept_only_where_asked_and_without_credentials(running: Running) -> None:
    """A form's client_secret is a fingerprint, even in a world that keeps bodies."""
    with running.control.create_world(journal={"bodies": True}) as world:
        httpx.post(f"{world.base_url}/oauth/token", data={"client_secret": "s3cret", "scope": "a"})
        httpx.post(f"{world.base_url}/notes", json={"text": "a"}, headers=ALL)
        token, note = world.journal()
        assert "s3cret" not in json.dumps(world.journal(channel="auth")[0]["body"])
        assert ("a", True) == (token["body"]["scope"], token["body"]["client_secret"].startswith("sha256:"))
        assert {"text": "a"} == note["body"]
        assert {"text": "a"} == note["answer_body"]["body"]


def test_streams_are_kept_as_they_pass(running: Running) -> None:
    """Of a stream the journal has what was sent, of one that a fault cuts what was meant up to there."""
    with running.control.create_world(journal={"bodies": True}) as world:
        whole = httpx.get(f"{world.base_url}/notes/export", headers=ALL)
        world.fault("notes.export", cut_after=1)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{world.base_url}/notes/export", headers=ALL)
        sent, cut = world.journal()
        assert ("stream", whole.text) == (sent["outcome"], sent["answer_body"])
        assert ("cut", "".join(whole.text.splitlines(keepends=True)[:2])) == (cut["outcome"], cut["answer_body"])


def test_a_large_stream_passes_and_is_not_kept() -> None:
    """The limit on what is kept is none on what is sent."""
    entry, journal = Entry(1, 0, "GET", "/"), Journal(WorldClock.real(), limit=1, bodies=True)

    async def large() -> AsyncIterator[bytes]:
        for _ in range(2):
            yield b"x" * MAX_RECORDED_BODY

    async def passed() -> list[int]:
        return [len(item) async for item in journal.recorded(entry, large())]

    assert ([MAX_RECORDED_BODY] * 2, None) == (asyncio.run(passed()), entry.answer_body)


def test_an_answer_of_a_test_is_told_from_one_of_the_server(world: WorldHandle, http: httpx.Client) -> None:
    """What a fault wrote may say anything, so who judges answers has to know it."""
    world.fault("notes.list", respond={"status": 200, "body": {"no": "note"}})
    http.get("/notes")
    http.get("/notes")
    assert [True, False] == [entry["scripted"] for entry in world.journal()]


def test_a_limited_journal_keeps_the_newest(running: Running) -> None:
    """Old entries go, numbers go on."""
    with running.control.create_world(journal={"limit": 2}) as world:
        for _ in range(3):
            httpx.get(f"{world.base_url}/notes", headers=ALL)
        assert [2, 3] == [entry["seq"] for entry in world.journal()]
        world.clear_journal()
        httpx.get(f"{world.base_url}/notes", headers=ALL)
        assert [4] == [entry["seq"] for entry in world.journal()]


def test_a_wait_that_is_not_met_ends_with_what_it_saw(world: WorldHandle, http: httpx.Client) -> None:
    """A test that waits in vain is told how far things got."""
    http.get("/notes")
    with pytest.raises(ControlError) as refused:
        world.wait({"operation": "notes.list", "status": 200}, count=2, timeout_ms=50)
    assert (408, "wait_timed_out", 1) == (refused.value.status, refused.value.code, refused.value.problem["found"])


def test_revocation_and_objects_are_the_domains(world: WorldHandle) -> None:
    """The control plane passes them on."""
    assert 1 == world.revoke_tokens()
    assert b"\x00\xff" == world.object_bytes("obj_1")
    with pytest.raises(ControlError, match="404"):
        world.object_bytes("obj_2")


def test_oauth_metadata_is_found_as_rfc_8414_inserts_it(running: Running, world: WorldHandle) -> None:
    """`/.well-known/oauth-authorization-server/w/<id>` is the same resource of that world."""
    httpx.get(f"{running.url}/.well-known/oauth-authorization-server/w/{world.id}")
    assert ["/.well-known/oauth-authorization-server"] == [entry["path"] for entry in world.journal()]
