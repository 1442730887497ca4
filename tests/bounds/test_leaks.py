"""Nothing is left behind: after many calls that failed, timed out or were cancelled, one number for each kind of leak.

`BOUNDS_CALLS` says how many; `make leaks` makes ten thousand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from admin_api_mock.control import Control
from bounds.conftest import clean_environment

_HERE: Final = Path(__file__).parent
CALLS: Final = int(os.environ.get("BOUNDS_CALLS", "1000"))
#: A call takes a few milliseconds of a machine that is not busy.
PATIENCE_SECONDS: Final = 60 + CALLS / 10

_PYTHON: Final = (sys.executable, "-W", "always::ResourceWarning", str(_HERE / "leaks.py"))
PROGRAMS: Final = {
    "python-sync": (*_PYTHON, "sync"),
    "python-async": (*_PYTHON, "async"),
    "node": ("node", "--expose-gc", str(_HERE / "leaks.mjs")),
}

#: How each operation is broken, for as long as anybody asks.
FAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "users.list": {"respond": {"status": 503, "problem": {"code": "busy"}}},
    "roles.list": {"reset": "before"},
    "plugins.list": {"malformed": "gzip"},
    "config.get": {"stall": "before"},
    "audit.events.get": {"stall": "before"},
    "config.list": {"respond": {"status": 503, "headers": {"retry-after": "60"}, "problem": {"code": "busy"}}},
    "tokens.list": {"malformed": "json"},
}
#: Each of these must have happened, or the numbers prove nothing.
HAPPENED: Final = {"not_found", "busy", "connection_lost", "decode_error", "timeout", "not_encrypted", "ended"}

#: What gc finds of one call. Under asyncio each connection that is closed leaves a transport that holds itself.
GARBAGE_PER_CALL: Final = {"python-sync": 0.1, "python-async": 14}
#: A pool keeps fewer connections than this; there are as many as callers at a time.
CONNECTIONS: Final = 20
#: Growth over all calls, however many they are.
GROWN_BYTES: Final = {"python-sync": 1_000_000, "python-async": 1_000_000, "node": 6_000_000}


@pytest.fixture(scope="module")
def broken_world(control: Control) -> Iterator[str]:
    """The base URL of a world where most calls fail."""
    world = control.create_world(seed="dev")
    for operation, how in FAULTS.items():
        world.fault(operation, times=100 * CALLS, **how)  # type: ignore[arg-type]  # how to break it is data here
    yield world.base_url
    world.delete()


@pytest.fixture(scope="module")
def left(broken_world: str) -> dict[str, dict[str, Any]]:
    """What is left of the calls, by flavour, each run once."""
    return {name: _run(program, broken_world) for name, program in PROGRAMS.items()}


def _run(program: tuple[str, ...], base_url: str) -> dict[str, Any]:
    done = subprocess.run(
        [*program, base_url, str(CALLS)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        env=clean_environment(),
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)  # a socket that nobody closed is told there
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_calls_were_what_they_should_be(name: str, left: dict[str, dict[str, Any]]) -> None:
    """The mix holds every way to fail, and all calls have ended."""
    ended = left[name]["ended"]
    assert HAPPENED | ({"cancelled"} if name != "python-sync" else set()) <= set(ended)
    assert CALLS == sum(ended.values())


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_connection_is_left(name: str, left: dict[str, dict[str, Any]]) -> None:
    """RETRY-9: what failed frees its connection: none beyond those that a pool keeps, and none once it is closed."""
    told = left[name]
    assert told["connections"] <= (0 if name == "node" else CONNECTIONS)  # Node: that would keep the process alive
    assert told.get("connections_closed", 0) == 0


@pytest.mark.parametrize("name", ["python-sync", "python-async"])
def test_no_task_and_no_thread_is_left(name: str, left: dict[str, dict[str, Any]]) -> None:
    """AUTH-3, RETRY-9: nobody goes on working; asyncio keeps the threads of its own executor."""
    assert left[name].get("tasks", 0) == 0
    assert left[name]["threads"] <= (0 if name == "python-sync" else (os.cpu_count() or 1) + 4)


def test_no_timer_and_no_listener_is_left(left: dict[str, dict[str, Any]]) -> None:
    """RETRY-9: not on the signal that all calls shared, nor of the process."""
    told = left["node"]
    assert (0, 0, 0) == (told["timers"], told["timers_closed"], told["listeners"])


@pytest.mark.parametrize("name", PROGRAMS)
def test_memory_does_not_grow(name: str, left: dict[str, dict[str, Any]]) -> None:
    """ERR: an error that is dropped is gone, with all it knew."""
    assert left[name]["grown_bytes"] < GROWN_BYTES[name]


@pytest.mark.parametrize("name", ["python-sync", "python-async"])
def test_no_error_keeps_frames(name: str, left: dict[str, dict[str, Any]]) -> None:
    """ERR: an error that is dropped frees its caller's frame at once, and leaves nothing to the garbage collector."""
    assert [] == left[name]["kept_frames"]
    assert left[name]["garbage"] <= GARBAGE_PER_CALL[name] * CALLS


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_file_is_left(name: str, left: dict[str, dict[str, Any]]) -> None:
    """FILE-1, FILE-2: no temporary file outlives its call."""
    assert [] == left[name]["files"]
