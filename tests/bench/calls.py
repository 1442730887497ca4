"""CPU time per call, typed and with all layers on, against a bare httpx client that gets the same bytes as a dict."""

from __future__ import annotations

import json
from contextlib import ExitStack

from processes import cores, line_of, python, started
from report import Budget, Result, ratios, rotated
from subjects import ASYNC, SYNC

OURS, BARE = "admin_api", "httpx"
CALLS = {"get": 300, "list": 100}


def measure(budget: Budget, rounds: int, *, flavour: str, shape: str) -> Result:
    """Rounds of one batch of calls per client, each client in its own process, the server on the other core."""
    names = list(ASYNC if flavour == "async" else SYNC)
    server_core, client_core = cores() or (None, None)
    runs: list[dict[str, float]] = []
    with ExitStack() as stack:
        server = stack.enter_context(started(python("canned.py"), core=server_core))
        url = f"http://127.0.0.1:{line_of(server).strip()}"
        children = {
            name: stack.enter_context(started(python("subjects.py", flavour, name, shape, url), core=client_core))
            for name in names
        }
        for child in children.values():
            line_of(child)  # it has made its first call, and understood the answer
        for number in range(-1, rounds):  # the first round fills caches and is thrown away
            run: dict[str, float] = {}
            for name in rotated(names, number):
                child = children[name]
                assert child.stdin is not None
                child.stdin.write(f"{CALLS[shape]}\n")
                child.stdin.flush()
                run[name] = json.loads(line_of(child)) * 1e6
            if number >= 0:
                runs.append(run)
    found = ratios(runs, BARE)
    return Result(budget, value=found.pop(OURS), peers=found, runs=runs, runs_unit="µs CPU per call")
