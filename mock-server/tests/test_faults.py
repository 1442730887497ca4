"""Matching, and the faults that answer, reset, cut or keep, seen from the wire and from the journal."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from conftest import ALL, Raw, Running
from exchange import creation, exchange, in_thread, outcomes, request

from admin_api_mock.control import Control, ControlError, WorldHandle


def test_respond_stands_in_for_the_server(http: httpx.Client, world: WorldHandle, running: Running) -> None:
    """Any status and header; nothing is done; then it is over."""
    world.fault(
        "notes.list", respond={"status": 503, "headers": {"Retry-After": "7", "date": "never"}, "body": {"a": 1}}
    )
    first, second = http.get("/notes"), http.get("/notes")
    assert (503, "7", {"a": 1}) == (first.status_code, first.headers["Retry-After"], first.json())
    assert 200 == second.status_code
    assert ["notes.list"] == running.notes.done[world.id]
    assert [("response", 503), ("response", 200)] == outcomes(world)


def test_respond_sends_text_as_it_is(http: httpx.Client, world: WorldHandle) -> None:
    """HTML under a status, as proxies do."""
    world.fault("notes.list", respond={"status": 502, "headers": {"Content-Type": "text/html"}, "body": "<html>"})
    answer = http.get("/notes")
    assert (502, "text/html", "<html>") == (answer.status_code, answer.headers["Content-Type"], answer.text)


def test_respond_fills_up_a_problem(http: httpx.Client, world: WorldHandle) -> None:
    """What the document requires of a problem is there."""
    world.fault("notes.list", respond={"status": 429, "problem": {"code": "rate_limited"}})
    answer = http.get("/notes", headers={"X-Request-Id": "r-1"})
    assert "application/problem+json" == answer.headers["Content-Type"]
    assert {"code": "rate_limited", "request_id": "r-1", "status": 429}.items() <= answer.json().items()


def test_skip_and_times_count_matching_requests(http: httpx.Client, world: WorldHandle) -> None:
    """Leave one alone, break two; other operations are not counted."""
    world.fault("notes.list", skip=1, times=2, respond={"status": 500})
    http.get("/notes/search")
    assert [200, 500, 500, 200] == [http.get("/notes").status_code for _ in range(4)]


def test_the_oldest_due_fault_wins_and_the_others_keep_their_turn(http: httpx.Client, world: WorldHandle) -> None:
    """Two faults in a row are a script."""
    world.fault("notes.list", respond={"status": 503})
    world.fault("*", respond={"status": 429})
    assert [503, 429, 200] == [http.get("/notes").status_code for _ in range(3)]


def test_headers_single_out_the_attempts_of_one_call(http: httpx.Client, world: WorldHandle) -> None:
    """Only what carries every header, whatever the case of its name, is broken, and counted."""
    world.fault("notes.list", headers={"X-Request-ID": "one"}, skip=1, respond={"status": 503})
    statuses = [http.get("/notes", headers={"x-request-id": one}).status_code for one in ("two", "one", "two", "one")]
    assert [200, 200, 200, 503] == statuses
    assert 200 == http.get("/notes").status_code


def test_the_journal_names_the_faults_of_an_attempt(http: httpx.Client, world: WorldHandle) -> None:
    """In the order in which they acted; none of those that wait for others."""
    world.fault("notes.get", respond={"status": 500})
    late = world.fault("notes.list", latency_ms=0)
    answered = world.fault("notes.list", respond={"status": 503})
    http.get("/notes")
    http.get("/notes")
    assert [[late, answered], []] == [entry["faults"] for entry in world.journal()]


def test_reset_before_does_nothing(raw: Raw, world: WorldHandle, running: Running) -> None:
    """The connection is reset, not closed, and no handler has run."""
    world.fault("notes.list", reset="before")
    raw.send(request(world, b"GET", "/notes"))
    assert (b"", "reset") == raw.read()
    assert [] == running.notes.done[world.id]
    assert [("reset", None)] == outcomes(world)


def test_reset_after_commit_has_done_it(raw: Raw, world: WorldHandle, running: Running) -> None:
    """The lost answer: the work is done, the client cannot know."""
    world.fault("notes.list", reset="after_commit")
    raw.send(request(world, b"GET", "/notes"))
    assert (b"", "reset") == raw.read()
    assert ["notes.list"] == running.notes.done[world.id]
    assert [("reset", None)] == outcomes(world)


def test_a_refusal_does_not_use_up_a_fault_of_a_later_stage(http: httpx.Client, world: WorldHandle) -> None:
    """A fault counts the requests that reach its stage."""
    world.fault("notes.create", reset="after_commit")
    assert 422 == http.post("/notes", json={}).status_code
    with pytest.raises(httpx.HTTPError):
        http.post("/notes", json={"text": "a"})
    assert 201 == http.post("/notes", json={"text": "a"}).status_code


def test_reset_after_body_bytes_ends_in_the_middle_of_a_body(raw: Raw, world: WorldHandle, running: Running) -> None:
    """The upload is lost on its way."""
    world.fault("notes.put", reset_after_body_bytes=1000)
    whole = request(world, b"PUT", "/notes/n1", b"a" * 200_000, b"Content-Type: application/octet-stream\r\n")
    raw.send(whole[:3000])
    assert (b"", "reset") == raw.read()
    entry = world.journal()[0]
    assert ("reset", "notes.put") == (entry["outcome"], entry["operation"])
    assert 1000 <= entry["body_size"] < 200_000
    assert [] == running.notes.done[world.id]


def test_reset_after_answer_bytes_leaves_half_an_answer(raw: Raw, world: WorldHandle) -> None:
    """The head promises more than comes."""
    world.fault("notes.list", reset_after_answer_bytes=5)
    raw.send(request(world, b"GET", "/notes"))
    got, end = raw.read()
    head, _, body = got.partition(b"\r\n\r\n")
    assert (5, "reset") == (len(body), end)
    assert b"Content-Length: 5\r\n" not in head
    assert [("cut", 200)] == outcomes(world)


def test_cut_after_ends_in_the_middle_of_a_line(raw: Raw, world: WorldHandle) -> None:
    """Two whole lines, half of the third, no end marker."""
    world.fault("notes.export", cut_after=2)
    raw.send(request(world, b"GET", "/notes/export"))
    got, end = raw.read()
    assert "reset" == end
    assert got.count(b'"text":"line"}\n') == 2
    assert b'{"id":"n2"' in got
    assert b"$end" not in got
    assert [("cut", 200)] == outcomes(world)


def test_cut_after_counts_events_and_not_heartbeats(raw: Raw, world: WorldHandle) -> None:
    """A comment or a retry field is no event."""
    world.fault("notes.stream", cut_after=1)
    raw.send(request(world, b"GET", "/notes/stream"))
    got, end = raw.read()
    assert "reset" == end
    assert b"retry: 1000" in got
    assert b'data: {"id":"n0"}\n\n' in got
    assert b"id: n1" in got
    assert b'data: {"id":"n1"}' not in got


def test_an_uncut_stream_is_whole(raw: Raw, world: WorldHandle) -> None:
    """Without a fault the end marker comes, and the journal calls it a stream."""
    raw.send(request(world, b"GET", "/notes/export", b"", b"Connection: close\r\n"))
    got, end = raw.read()
    assert "closed" == end
    assert b'{"$end":{"count":4}}\n' in got
    assert [("stream", 200)] == outcomes(world)


def test_hold_keeps_a_request_in_flight_until_released(world: WorldHandle, running: Running) -> None:
    """Held, it has done nothing and stops nobody else; released, it goes on."""
    fault = world.fault("notes.create", hold=True)
    held = in_thread(lambda: httpx.post(f"{world.base_url}/notes", json={"text": "a"}, headers=ALL, timeout=10))
    (entry,) = world.wait({"operation": "notes.create", "phase": "held"})
    assert ("pending", None) == (entry["outcome"], entry["status"])
    assert 201 == httpx.post(f"{world.base_url}/notes", json={"text": "b"}, headers=ALL).status_code
    assert 1 == world.faults()[0]["waiting"]
    world.release(fault)
    assert 201 == held.result(10).status_code
    assert ["notes.create", "notes.create"] == running.notes.done[world.id]


def test_deleting_a_world_resets_what_it_holds(running: Running) -> None:
    """Nothing waits for ever on what is gone."""
    world = running.control.create_world()
    world.fault("notes.create", hold=True)
    held = in_thread(lambda: httpx.post(f"{world.base_url}/notes", json={"text": "a"}, headers=ALL, timeout=10))
    world.wait({"phase": "held"})
    world.delete()
    assert isinstance(held.exception(10), httpx.HTTPError)


def test_a_barrier_lets_all_go_when_the_last_has_come(world: WorldHandle) -> None:
    """Nobody goes on before n have arrived; the next one is not kept."""
    world.fault("notes.list", barrier=5)
    kept = [in_thread(lambda: httpx.get(f"{world.base_url}/notes", headers=ALL, timeout=10)) for _ in range(4)]
    world.wait({"phase": "held"}, count=4)
    assert not any(future.done() for future in kept)
    assert 200 == httpx.get(f"{world.base_url}/notes", headers=ALL, timeout=10).status_code
    assert [200] * 4 == [future.result(10).status_code for future in kept]
    assert 200 == httpx.get(f"{world.base_url}/notes", headers=ALL, timeout=10).status_code


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"hold": True, "barrier": 2},
        {"hold": False},
        {"respond": {"status": 99}},
        {"respond": {"status": 200, "headers": {"A": "b\r\nC: d"}}},
        {"latency_ms": -1},
        {"stall": True},
        {"drip": {"part": "body", "bytes": 0, "every_ms": 1}},
        {"drip": {"part": "trailers", "bytes": 1, "every_ms": 1}},
        {"malformed": "moon_phase"},
    ],
)
def test_a_fault_that_is_not_understood_is_refused(world: WorldHandle, how: dict[str, Any]) -> None:
    """Never a fault that silently does nothing."""
    with pytest.raises(ControlError) as refused:
        world.fault("notes.list", **how)
    assert 422 == refused.value.status
    assert [] == world.faults()


def test_a_fault_for_an_operation_that_is_not_there_is_refused(world: WorldHandle) -> None:
    """A typing error would be a test that passes without its fault."""
    with pytest.raises(ControlError, match="validation_failed"):
        world.fault("note.list", hold=True)


def test_faults_are_their_worlds_own(running: Running, world: WorldHandle, http: httpx.Client) -> None:
    """Tests run side by side."""
    with running.control.create_world() as other:
        other.fault("*", times=100, respond={"status": 500})
        assert 200 == http.get("/notes").status_code


def test_cleared_faults_are_gone(http: httpx.Client, world: WorldHandle, running: Running) -> None:
    """All of them, the held ones let go."""
    world.fault("notes.list", times=9, respond={"status": 500})
    Control(running.url).world(world.id).clear_faults()
    assert 200 == http.get("/notes").status_code


def test_a_fault_tells_its_kind_and_what_is_left(http: httpx.Client, world: WorldHandle) -> None:
    """As it was set, less what was used up."""
    fault_id = world.fault("notes.list", skip=1, times=2, malformed="empty")
    for _ in range(2):
        http.get("/notes")
    told = {"id": fault_id, "kind": "malformed", "operation": "notes.list", "malformed": "empty"}
    assert [{**told, "skip": 0, "times": 1, "waiting": 0}] == world.faults()


def test_a_fault_on_all_breaks_all_operations_and_not_the_control_plane(running: Running, world: WorldHandle) -> None:
    """OAuth and the document itself are operations like others; what steers is none."""
    root = running.control.world()
    fault_id = root.fault("*", times=4, respond={"status": 500})
    called = [
        httpx.get(f"{running.url}/notes", headers=ALL),
        httpx.post(f"{running.url}/oauth/token", data={"grant_type": "x"}),
        httpx.get(f"{running.url}/openapi.json"),
    ]
    assert [500] * 3 == [answer.status_code for answer in called]
    assert [1] == [fault["times"] for fault in root.faults() if fault["id"] == fault_id]
    assert httpx.get(f"{running.url}/__mock__/openapi.yaml").status_code == 200
    root.clear_faults()


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.yaml"])
def test_the_document_can_be_lost_on_its_way(raw: Raw, world: WorldHandle, path: str) -> None:
    """It needs no transaction, and its answer can break like others."""
    world.fault("*", reset_after_answer_bytes=5)
    got = exchange(raw, request(world, b"GET", path))
    assert ("reset", 5) == (got.end(), len(got.body))


@pytest.mark.parametrize(
    "how,end,outcome",
    [
        ({"reset_after_answer_bytes": 0}, "reset", "cut"),
        ({"reset_after_answer_bytes": 5}, "closed", "response"),
        ({"cut_after": 0}, "closed", "response"),
    ],
)
def test_under_head_there_is_no_body_to_break(
    raw: Raw, world: WorldHandle, how: dict[str, Any], end: str, outcome: str
) -> None:
    """A body that ends before the place of a fault is whole; no byte of a body is under HEAD."""
    world.fault("notes.list", **how)
    got = exchange(raw, request(world, b"HEAD", "/notes", b"", b"Connection: close\r\n"))
    assert end == got.end()
    assert got.head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"" == got.body
    assert [(outcome, 200)] == outcomes(world)


def test_cut_after_takes_a_whole_answer_for_one_item(raw: Raw, world: WorldHandle, running: Running) -> None:
    """Half of it comes, and what it tells of is done."""
    world.fault("notes.create", cut_after=0)
    got = exchange(raw, creation(world))
    assert "reset" == got.end()
    assert len(got.body) == int(got.header("Content-Length") or 0) // 2
    assert ["notes.create"] == running.notes.done[world.id]
    assert [("cut", 201)] == outcomes(world)


def test_a_broken_answer_that_is_not_reached_is_whole_and_the_connection_goes_on(raw: Raw, world: WorldHandle) -> None:
    """A fault whose place is behind the end breaks nothing."""
    world.fault("notes.export", cut_after=99)
    world.fault("notes.create", reset_after_answer_bytes=100_000)
    assert b'{"$end":{"count":4}}\n' in exchange(raw, request(world, b"GET", "/notes/export")).whole().body
    assert b'"text":"a"' in exchange(raw, creation(world)).whole().body
    assert [("stream", 200), ("response", 201)] == outcomes(world)
