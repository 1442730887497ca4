"""CPU time per call, typed and with all layers on, against the bare client beneath that gets the same bytes as data."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import peers
from canned import PAGE_ITEMS, USER_ID
from processes import BENCH, cores, line_of, python, started
from report import Budget, Result, ratios, rotated
from subjects import ASYNC, SYNC


@dataclass(frozen=True)
class Flavour:
    """One way to call: its clients, the bare one among them, and how to start a process that measures one of them."""

    ours: str
    bare: str
    names: Sequence[str]
    #: Subject, shape and URL → command.
    command: Callable[[str, str, str], list[str]]
    #: Calls in a batch, by shape.
    batch: dict[str, int]
    #: Rounds thrown away: the first fills caches, and V8 compiles again what it finds hot.
    warm_up: int
    #: What must be installed.
    needs: Callable[[], None] = lambda: None


def _in_python(flavour: str, name: str, shape: str, url: str) -> list[str]:
    return python("subjects.py", flavour, name, shape, url)


def _in_node(name: str, shape: str, url: str) -> list[str]:
    return ["node", str(BENCH / "subjects.mjs"), name, shape, url, USER_ID, str(PAGE_ITEMS)]


_PYTHON_BATCH = {"get": 300, "list": 100}

FLAVOURS = {
    "sync": Flavour("admin_api", "httpx", list(SYNC), partial(_in_python, "sync"), _PYTHON_BATCH, 1),
    "async": Flavour("admin_api", "httpx", list(ASYNC), partial(_in_python, "async"), _PYTHON_BATCH, 1),
    "node": Flavour(
        "admin-api",
        "fetch",
        ["admin-api", "fetch", "with telemetry", "openai"],
        _in_node,
        {"get": 1500, "list": 750},
        4,
        peers.install,
    ),
}


def measure(budget: Budget, rounds: int, *, flavour: str, shape: str) -> Result:
    """Rounds of one batch of calls per client, each client in its own process, the server on the other core."""
    way = FLAVOURS[flavour]
    way.needs()
    server_core, client_core = cores() or (None, None)
    runs: list[dict[str, float]] = []
    with ExitStack() as stack:
        server = stack.enter_context(started(python("canned.py"), core=server_core))
        url = f"http://127.0.0.1:{line_of(server).strip()}"
        children = {
            name: stack.enter_context(started(way.command(name, shape, url), core=client_core)) for name in way.names
        }
        for child in children.values():
            line_of(child)  # it has made its first call, and understood the answer
        for number in range(-way.warm_up, rounds):
            run: dict[str, float] = {}
            for name in rotated(way.names, number):
                child = children[name]
                assert child.stdin is not None
                child.stdin.write(f"{way.batch[shape]}\n")
                child.stdin.flush()
                run[name] = json.loads(line_of(child)) * 1e6
            if number >= 0:
                runs.append(run)
    found = ratios(runs, way.bare)
    return Result(budget, value=found.pop(way.ours), peers=found, runs=runs, runs_unit="µs CPU per call")
