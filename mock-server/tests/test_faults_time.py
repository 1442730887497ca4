"""Latency and holds run in world time, and who steps the clock sees what the step brought about (SERVER-2)."""

from __future__ import annotations

from concurrent.futures import Future

import httpx
import pytest
from conftest import ALL, Raw, Running
from exchange import creation, exchange, in_thread, outcomes, request

from admin_api_mock.control import WorldHandle


def get(world: WorldHandle, path: str) -> Future[httpx.Response]:
    return in_thread(lambda: httpx.get(f"{world.base_url}{path}", headers=ALL, timeout=10))


def test_a_late_request_waits_for_world_time(raw: Raw, world: WorldHandle, running: Running) -> None:
    """Nobody looks at it before; the step to its moment answers when it has been answered."""
    world.fault("notes.list", latency_ms=1000)
    got = exchange(raw, request(world, b"GET", "/notes"))
    world.wait({"phase": "held"})
    world.advance(999)
    assert got.silent()
    assert [] == running.notes.done[world.id]
    assert [("pending", None)] == outcomes(world)
    world.advance(1)
    assert [("response", 200)] == outcomes(world)
    assert got.whole().head.startswith(b"HTTP/1.1 200 OK\r\n")
    entry = world.journal()[0]
    assert world.now_ms() - 1000 == entry["at_ms"]


def test_two_late_requests_and_a_step_to_the_middle_and_past_both(world: WorldHandle) -> None:
    """Each goes at its own moment, and the step that frees it is not answered before it."""
    world.fault("notes.list", latency_ms=1000)
    world.fault("notes.search", latency_ms=2000)
    first, second = get(world, "/notes"), get(world, "/notes/search")
    world.wait({"phase": "held"}, count=2)
    began = world.now_ms()
    assert began + 1500 == world.until(began + 1500)
    ended = {entry["operation"]: entry["outcome"] for entry in world.journal()}
    assert {"notes.list": "response", "notes.search": "pending"} == ended
    world.until(began + 5000)
    assert [("response", 200)] * 2 == outcomes(world)
    assert [200, 200] == [first.result(10).status_code, second.result(10).status_code]


def test_a_step_answers_when_all_that_it_freed_has_ended(world: WorldHandle, running: Running) -> None:
    """Never before, however many there are: a case that steps and then looks is no race."""
    world.fault("notes.list", times=20, latency_ms=10)
    calls = [get(world, "/notes") for _ in range(20)]
    world.wait({"phase": "held"}, count=20)
    world.advance(10)
    assert [("response", 200)] * 20 == outcomes(world)
    assert 20 == len(running.notes.done[world.id])
    assert {200} == {call.result(10).status_code for call in calls}


def test_a_step_does_not_wait_for_what_is_kept_again_nor_for_the_end_of_a_stream(
    raw: Raw, world: WorldHandle, running: Running
) -> None:
    """It would wait for ever: for a release, and for a reader to go."""
    world.fault("*", times=2, latency_ms=10)
    world.fault("notes.create", hold=True)
    with Raw(running.port).socket as other:
        other.sendall(request(world, b"GET", "/notes/stream"))
        exchange(raw, creation(world))
        world.wait({"phase": "held"}, count=2)
        world.advance(10)
        phases = {entry["operation"]: (entry["outcome"], entry["phase"]) for entry in world.journal()}
    assert {"notes.create": ("pending", "held"), "notes.stream": ("pending", "answering")} == phases


def test_a_step_past_nobodys_moment_answers_at_once(world: WorldHandle) -> None:
    """What is held by other faults or until later is not waited for."""
    world.fault("notes.list", hold=True)
    world.fault("notes.search", latency_ms=10_000)
    get(world, "/notes"), get(world, "/notes/search")
    world.wait({"phase": "held"}, count=2)
    world.advance(9_999)
    assert [("pending", None)] * 2 == outcomes(world)


def test_a_held_request_goes_when_world_time_is_there(raw: Raw, world: WorldHandle, running: Running) -> None:
    """In flight until then, and no lock is held: others are served."""
    world.fault("notes.create", hold_ms=500)
    got = exchange(raw, creation(world))
    world.wait({"phase": "held"})
    assert 201 == httpx.post(f"{world.base_url}/notes", json={"text": "b"}, headers=ALL).status_code
    world.advance(499)
    assert [("pending", None), ("response", 201)] == outcomes(world)
    world.advance(1)
    assert [("response", 201)] * 2 == outcomes(world)
    assert got.whole().head.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("how", [{"latency_ms": 3_600_000}, {"hold_ms": 3_600_000}, {"hold": True}])
def test_a_release_is_sooner_than_time_and_answers_when_all_has_ended(world: WorldHandle, how: dict[str, int]) -> None:
    """The clock has not moved, and who looks behind the release sees its effect."""
    fault = world.fault("notes.list", times=2, **how)
    calls = [get(world, "/notes") for _ in range(2)]
    world.wait({"phase": "held"}, count=2)
    now_ms = world.now_ms()
    world.release(fault)
    assert [("response", 200)] * 2 == outcomes(world)
    assert now_ms == world.now_ms()
    assert {200} == {call.result(10).status_code for call in calls}


def test_latency_and_an_answer_of_the_tests_own_go_together(world: WorldHandle) -> None:
    """They act at different stages: a slow 503."""
    world.fault("notes.list", latency_ms=1000)
    world.fault("notes.list", respond={"status": 503})
    answer = get(world, "/notes")
    world.wait({"phase": "held"})
    world.advance(1000)
    assert [("response", 503)] == outcomes(world)
    assert 503 == answer.result(10).status_code
