"""Clients that leave: what becomes of their request, what the journal says of it, and that nothing is left of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from conftest import Raw, Running
from exchange import TOKEN, closed_by_client, creation, outcomes, request, reset_by_client
from tiny import Notes, document

from admin_api_mock.app import App
from admin_api_mock.control import WorldHandle
from admin_api_mock.serving import Server, listen
from admin_api_mock.worlds import World

LEAVES = pytest.mark.parametrize("leaves", [closed_by_client, reset_by_client])


@LEAVES
@pytest.mark.parametrize("how", [{"latency_ms": 1000}, {"barrier": 2}])
def test_a_request_that_nobody_has_looked_at_is_dropped_with_its_client(
    raw: Raw, world: WorldHandle, running: Running, how: dict[str, Any], leaves: Callable[[Raw], None]
) -> None:
    """It ends at once, as cut and without a status, and time does not bring it back."""
    world.fault("notes.create", **how)
    raw.send(creation(world))
    world.wait({"phase": "held"})
    leaves(raw)
    (entry,) = world.wait({"outcome": "cut"})
    assert (None, "fault_before") == (entry["status"], entry["phase"])
    world.advance(1000)
    world.clear_faults()
    assert [] == running.notes.done[world.id]


@LEAVES
@pytest.mark.parametrize("how", [{"hold": True}, {"hold_ms": 1000}])
def test_a_mutation_in_flight_outlives_its_client(
    raw: Raw, world: WorldHandle, running: Running, how: dict[str, Any], leaves: Callable[[Raw], None]
) -> None:
    """It is still in flight after its client has gone; it is carried out, and its answer is nobody's (SERVER-2)."""
    fault = world.fault("notes.create", **how)
    raw.send(creation(world))
    world.wait({"phase": "held"})
    leaves(raw)
    # Another connection's close is seen no sooner than this one's: when that is on record, this one is known too.
    with Raw(running.port).socket as other:
        world.fault("notes.list", latency_ms=60_000)
        other.sendall(request(world, b"GET", "/notes"))
        world.wait({"operation": "notes.list", "phase": "held"})
    world.wait({"operation": "notes.list", "outcome": "cut"})
    assert ("pending", None) == outcomes(world)[0]
    assert [] == running.notes.done[world.id]
    if "hold" in how:
        world.release(fault)
    else:
        world.advance(1000)
    assert ["notes.create"] == running.notes.done[world.id]
    assert ("cut", None) == outcomes(world)[0]
    assert "fault_after" == world.journal()[0]["phase"]


@LEAVES
def test_a_held_read_ends_with_its_client(
    raw: Raw, world: WorldHandle, running: Running, leaves: Callable[[Raw], None]
) -> None:
    """Nobody misses what changes nothing."""
    world.fault("notes.list", hold=True)
    raw.send(request(world, b"GET", "/notes"))
    world.wait({"phase": "held"})
    leaves(raw)
    world.wait({"outcome": "cut"})
    assert [("cut", None)] == outcomes(world)
    assert [0] == [fault["waiting"] for fault in world.faults()]
    assert [] == running.notes.done[world.id]


def test_a_client_that_leaves_behind_a_large_body_is_noticed(raw: Raw, world: WorldHandle, running: Running) -> None:
    """Reading goes on while a request is kept, though its body has filled all buffers."""
    world.fault("notes.put", hold=True)
    raw.send(request(world, b"PUT", "/notes/n1", b"a" * 1_000_000, b"Content-Type: application/octet-stream\r\n"))
    world.wait({"phase": "held"})
    raw.socket.close()
    with Raw(running.port).socket as other:
        other.sendall(request(world, b"GET", "/notes"))
        other.recv(1)
    world.clear_faults()
    assert [("cut", None), ("response", 200)] == outcomes(world)
    assert ["notes.list", "notes.put"] == running.notes.done[world.id]


@asynccontextmanager
async def served() -> AsyncIterator[tuple[World, Notes, int]]:
    """A server in the test's own event loop, so that it can be looked into: its root world, in real time."""
    sockets = listen("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    notes = Notes()
    app = App(document(), notes.domain, origin=f"http://127.0.0.1:{port}", host="127.0.0.1")
    ready = asyncio.Event()
    server = Server(app, None, ready.set)
    serving = asyncio.ensure_future(server.serve(sockets))
    await ready.wait()
    try:
        yield app.worlds.root, notes, port
    finally:
        server.should_exit = True
        await serving


async def until(condition: Callable[[], bool]) -> None:
    """Returns when it holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is looked at has no event
            await asyncio.sleep(0.001)


def sent(path: bytes) -> bytes:
    """A request to the root world."""
    return b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n" % (path, TOKEN)


SILENCES: list[tuple[bytes, Mapping[str, Any]]] = [
    (b"/notes", {"latency_ms": 60_000}),
    (b"/notes", {"barrier": 9}),
    (b"/notes", {"hold": True}),
    (b"/notes", {"hold_ms": 60_000}),
    (b"/notes", {"stall": "before"}),
    (b"/notes", {"stall": "after_commit"}),
    (b"/notes", {"stall_after_answer_bytes": 5}),
    (b"/notes", {"drip": {"part": "headers", "bytes": 1, "every_ms": 60_000}}),
    (b"/notes", {"drip": {"part": "body", "bytes": 1, "every_ms": 60_000}}),
    (b"/notes/export", {"stall_after": 1}),
    (b"/notes/stream", {"stall_after": 1}),
    (b"/notes/stream", {"drip": {"part": "body", "bytes": 1, "every_ms": 60_000}}),
    (b"/notes/stream", {"skip": 1, "hold": True}),
]


async def silenced(world: World, port: int, rounds: int = 1) -> list[asyncio.StreamWriter]:
    """A client in each kind of silence."""
    writers: list[asyncio.StreamWriter] = []
    for path, how in SILENCES * rounds:
        fault = world.faults.add({"operation": "*", **how})
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent(path))
        writers.append(writer)
        await until(lambda: [False] * len(writers) == [entry.moves for entry in world.journal.entries()])
        fault.times = 0  # Whom it keeps, it keeps; the next one is another's.
    return writers


async def test_nothing_is_left_of_clients_that_left() -> None:
    """Of each kind of silence, neither task nor connection nor stream nor captive nor open entry."""
    async with served() as (world, notes, port):
        before = asyncio.all_tasks()
        writers = await silenced(world, port, rounds=3)
        assert 9 == notes.open_streams
        for writer in writers:
            writer.transport.abort()
        await until(lambda: all(entry.outcome == "cut" for entry in world.journal.entries()))
        await until(lambda: asyncio.all_tasks() == before)
        assert 0 == notes.open_streams
        assert {0} == {fault.waiting for fault in world.faults}
        assert 3 * len(SILENCES) == sum(1 for _ in world.journal.entries())


async def test_a_server_that_stops_leaves_no_request_behind() -> None:
    """Whatever is kept, stalled or dripped ends with it, and is not waited for."""
    async with served() as (world, notes, port):
        writers = await silenced(world, port)
        before = asyncio.all_tasks()
        assert 3 == notes.open_streams
    assert {"cut", "reset"} == {entry.outcome for entry in world.journal.entries()}
    assert 0 == notes.open_streams
    await until(lambda: asyncio.all_tasks() <= before)
    for writer in writers:
        writer.transport.abort()


async def test_where_the_clock_follows_real_time_latency_ends_by_itself() -> None:
    """The root world without a seed: not sooner, and without a step."""
    async with served() as (world, _, port):
        world.faults.add({"operation": "notes.list", "latency_ms": 30})
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = time.monotonic()
        writer.write(sent(b"/notes"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - began >= 0.029  # World time counts in whole milliseconds.
        writer.close()
