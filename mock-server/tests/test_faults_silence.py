"""Stalls and drips: answers that do not come, come in part, or come slowly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Raw, Running
from exchange import alive, closed_by_client, creation, exchange, outcomes, request, reset_by_client

from admin_api_mock.control import WorldHandle

#: A drip whose second piece nobody lives to see.
NEVER_MS = 600_000
HELD = {"phase": "held"}


def held(world: WorldHandle) -> None:
    """Waits until a fault keeps a request."""
    world.wait(HELD)
    assert [1] == [fault["waiting"] for fault in world.faults()]


@pytest.mark.parametrize("when,done", [("before", []), ("after_commit", ["notes.create"])])
def test_a_stalled_request_gets_no_byte(raw: Raw, world: WorldHandle, running: Running, when: str, done: Any) -> None:
    """The connection is open and silent; before or behind the commit, and released, it goes on."""
    fault = world.fault("notes.create", stall=when)
    got = exchange(raw, creation(world))
    held(world)
    assert got.silent()
    assert done == running.notes.done[world.id]
    assert [("pending", None)] == outcomes(world)
    world.release(fault)
    assert [("response", 201)] == outcomes(world)
    assert got.whole().head.startswith(b"HTTP/1.1 201 ")
    assert ["notes.create"] == running.notes.done[world.id]
    assert alive(raw, world)


@pytest.mark.parametrize("at", [0, 5])
def test_stall_after_answer_bytes_leaves_part_of_a_body(
    raw: Raw, world: WorldHandle, running: Running, at: int
) -> None:
    """The head, so many bytes, and silence; released, the rest makes it whole."""
    fault = world.fault("notes.create", stall_after_answer_bytes=at)
    got = exchange(raw, creation(world)).until(b"\r\n\r\n")
    held(world)
    while len(got.body) < at:
        got.data += raw.socket.recv(65536)
    assert got.silent()
    assert at == len(got.body)
    assert ["notes.create"] == running.notes.done[world.id]
    world.release(fault)
    assert [("response", 201)] == outcomes(world)
    assert got.whole().body.endswith(b"}")
    assert alive(raw, world)


def test_stall_after_leaves_half_a_line(raw: Raw, world: WorldHandle) -> None:
    """Whole lines, half of the next, and silence; released, the stream goes on to its end mark."""
    fault = world.fault("notes.export", stall_after=1)
    got = exchange(raw, request(world, b"GET", "/notes/export")).until(b'"n1","t\r\n')
    held(world)
    assert got.silent()
    assert b'1a\r\n{"id":"n0","text":"line"}\n\r\nd\r\n{"id":"n1","t\r\n' == got.body
    world.release(fault)
    assert b'{"$end":{"count":4}}\n' in got.whole().body
    assert [("stream", 200)] == outcomes(world)
    assert alive(raw, world)


def test_stall_after_counts_events_and_not_heartbeats(raw: Raw, world: WorldHandle, running: Running) -> None:
    """An event stream falls silent, heartbeats and all: this is what a client's liveness is for."""
    world.fault("notes.stream", stall_after=0)
    got = exchange(raw, request(world, b"GET", "/notes/stream")).until(b"id: n0")
    held(world)
    assert got.silent()
    assert b": heartbeat" in got.body
    assert b'{"id":"n0"}' not in got.body
    assert 1 == running.notes.open_streams
    raw.socket.close()
    world.wait({"outcome": "cut", "status": 200})
    assert 0 == running.notes.open_streams


@pytest.mark.parametrize(
    "how,outcome,came",
    [
        ({"stall_after_answer_bytes": 0}, ("cut", 200), True),
        ({"stall_after_answer_bytes": 5}, ("response", 200), True),
        ({"stall_after": 0}, ("response", 200), True),
        ({"stall": "before"}, ("cut", None), False),
        ({"stall": "after_commit"}, ("cut", None), False),
    ],
)
def test_under_head_a_stall_has_the_head_alone(
    raw: Raw, world: WorldHandle, how: dict[str, Any], outcome: tuple[str, int | None], came: bool
) -> None:
    """Where there is no body, there is nothing to stall in it."""
    world.fault("notes.list", **how)
    got = exchange(raw, request(world, b"HEAD", "/notes"))
    if came:
        assert got.until(b"\r\n\r\n").head.startswith(b"HTTP/1.1 200 ")
    if outcome[0] == "cut":
        held(world)
    assert got.silent()
    assert b"" == got.body
    raw.socket.close()
    world.wait({"outcome": outcome[0]})
    assert [outcome] == outcomes(world)


@pytest.mark.parametrize("leaves", [closed_by_client, reset_by_client])
@pytest.mark.parametrize(
    "how,status,done",
    [
        ({"stall": "before"}, None, []),
        ({"stall": "after_commit"}, None, ["notes.create"]),
        ({"stall_after_answer_bytes": 0}, 201, ["notes.create"]),
        ({"stall_after": 0}, 201, ["notes.create"]),
        ({"drip": {"part": "headers", "bytes": 5, "every_ms": NEVER_MS}}, 201, ["notes.create"]),
        ({"drip": {"part": "body", "bytes": 5, "every_ms": NEVER_MS}}, 201, ["notes.create"]),
    ],
)
def test_a_client_that_leaves_in_the_silence_is_on_record(
    raw: Raw,
    world: WorldHandle,
    running: Running,
    how: dict[str, Any],
    status: int | None,
    done: list[str],
    leaves: Callable[[Raw], None],
) -> None:
    """The attempt is cut: with the status whose head had left, or none; the fault keeps nobody any more."""
    world.fault("notes.create", **how)
    raw.send(creation(world))
    world.wait({"phase": "answering" if "drip" in how else "held"})
    leaves(raw)
    (entry,) = world.wait({"outcome": "cut"})
    assert (status, "fault_before" if how == {"stall": "before"} else "fault_after") == (
        entry["status"],
        entry["phase"],
    )
    assert [0] == [fault["waiting"] for fault in world.faults()]
    assert done == running.notes.done[world.id]


@pytest.mark.parametrize(
    "how,marker,body_bytes",
    [
        ({"stall": "before"}, b"", 0),
        ({"stall": "after_commit"}, b"", 0),
        ({"stall_after_answer_bytes": 5}, b'\r\n\r\n{"pat', 5),
        ({"drip": {"part": "headers", "bytes": 5, "every_ms": NEVER_MS}}, b"HTTP/", 0),
    ],
)
def test_the_end_of_a_world_resets_who_waits_in_it(
    running: Running, raw: Raw, how: dict[str, Any], marker: bytes, body_bytes: int
) -> None:
    """There is nothing left to answer from."""
    world = running.control.create_world()
    world.fault("notes.list", **how)
    got = exchange(raw, request(world, b"GET", "/notes"))
    world.wait({"phase": "answering" if "drip" in how else "held"})
    got.until(marker)
    world.delete()
    assert "reset" == got.end()
    assert got.data.endswith(marker)
    assert body_bytes == len(got.body)


def test_a_deleted_fault_lets_go(raw: Raw, world: WorldHandle) -> None:
    """As a released one does."""
    world.fault("notes.list", stall="before")
    got = exchange(raw, request(world, b"GET", "/notes"))
    held(world)
    world.clear_faults()
    assert [("response", 200)] == outcomes(world)
    assert got.whole().head.startswith(b"HTTP/1.1 200 ")


def test_times_and_skip_count_stalls(raw: Raw, world: WorldHandle) -> None:
    """The first passes, the second stalls and is let go, and nobody stalls after that."""
    fault = world.fault("notes.list", skip=1, times=5, stall="after_commit")
    listing = request(world, b"GET", "/notes")
    exchange(raw, listing).whole()
    got = exchange(raw, listing)
    held(world)
    assert [4] == [fault["times"] for fault in world.faults()]
    world.release(fault)
    got.whole()
    exchange(raw, listing).whole()
    assert [("response", 200)] * 3 == outcomes(world)


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_drip_sends_so_many_bytes_and_then_nothing_for_so_long(
    raw: Raw, world: WorldHandle, running: Running, part: str
) -> None:
    """One piece, silence; released, the rest comes at once, and it is the answer byte for byte."""
    fault = world.fault("notes.create", drip={"part": part, "bytes": 5, "every_ms": NEVER_MS})
    got = exchange(raw, creation(world)).until(b"HTTP/" if part == "headers" else b"\r\n\r\n")
    world.wait({"phase": "answering"})
    while part == "body" and not got.body:
        got.data += raw.socket.recv(65536)
    assert got.silent()
    assert b"HTTP/" == got.data if part == "headers" else 5 == len(got.body)
    assert ["notes.create"] == running.notes.done[world.id]
    assert [1] == [fault["waiting"] for fault in world.faults()]
    world.release(fault)
    got.whole()
    world.wait({"outcome": "response", "status": 201})
    dripped = got.data
    again = exchange(raw, creation(world)).whole().data
    assert _constant(again) == _constant(dripped)


@pytest.mark.parametrize("part,every_ms", [("headers", 5), ("body", 5)])
def test_a_drip_takes_its_time(raw: Raw, world: WorldHandle, part: str, every_ms: int) -> None:
    """Pieces of the size asked for are so far apart; it is real time, for sockets are real."""
    world.fault("notes.list", drip={"part": part, "bytes": 20, "every_ms": every_ms})
    began = time.monotonic()
    got = exchange(raw, request(world, b"GET", "/notes")).whole()
    took_ms = (time.monotonic() - began) * 1000
    pauses = -(-len(got.head if part == "headers" else got.body) // 20) - 1
    assert pauses >= 2
    assert took_ms >= pauses * every_ms * 0.9  # Timers count in whole milliseconds.
    assert [("response", 200)] == outcomes(world)


def test_a_stream_drips_in_chunks(raw: Raw, world: WorldHandle) -> None:
    """Each piece is a chunk of its own, none has two lines, and the end mark comes."""
    world.fault("notes.export", drip={"part": "body", "bytes": 20, "every_ms": 1})
    got = exchange(raw, request(world, b"GET", "/notes/export")).whole()
    assert got.body.startswith(b'14\r\n{"id":"n0","text":"l\r\n6\r\nine"}\n\r\n14\r\n{"id":"n1"')
    assert got.body.endswith(b'14\r\n{"$end":{"count":4}}\r\n1\r\n\n\r\n0\r\n\r\n')
    assert [("stream", 200)] == outcomes(world)
    assert alive(raw, world)


def test_head_drips_its_head_alone(raw: Raw, world: WorldHandle) -> None:
    """And a drip of a body that is not there is none."""
    for part in ("headers", "body"):
        world.fault("notes.list", drip={"part": part, "bytes": 100, "every_ms": 1})
        got = exchange(raw, request(world, b"HEAD", "/notes")).until(b"\r\n\r\n")
        assert got.head.startswith(b"HTTP/1.1 200 ")
        assert alive(raw, world)
    assert [("response", 200)] * 4 == outcomes(world)


def _constant(answer: bytes) -> list[bytes]:
    """An answer without what counts its requests."""
    return [line for line in answer.split(b"\r\n") if not line.startswith((b"RateLimit:", b"X-Request-Id:", b"Date:"))]
