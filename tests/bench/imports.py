"""CPU time from a fresh interpreter to a client with its first resource and models, net of the interpreter's own."""

from __future__ import annotations

import os
import sys

from processes import cores, environment, pinned
from report import Budget, Result, ratios, rotated

OURS, BARE = "admin_api", "httpx"
PROGRAMS = {
    "python": "pass",
    BARE: "import httpx",
    OURS: "import admin_api; admin_api.AdminClient(base_url='http://localhost:1', token='x').users",
    "openai": "import openai; openai.OpenAI(base_url='http://localhost:1', api_key='x').models",
    "anthropic": "import anthropic; anthropic.Anthropic(base_url='http://localhost:1', api_key='x').models",
}


def measure(budget: Budget, rounds: int) -> Result:
    """Rounds of one fresh interpreter per program."""
    _, core = cores() or (None, None)
    runs: list[dict[str, float]] = []
    with pinned(core):
        for number in range(-1, rounds):  # the first round writes the byte code and is thrown away
            took = {name: cpu_seconds(PROGRAMS[name]) for name in rotated(list(PROGRAMS), number)}
            if number >= 0:
                runs.append({name: (took[name] - took["python"]) * 1e3 for name in took if name != "python"})
    found = ratios(runs, BARE)
    return Result(budget, value=found.pop(OURS), peers=found, runs=runs, runs_unit="ms CPU net")


def cpu_seconds(program: str) -> float:
    """User and system time of a fresh interpreter that runs the program."""
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", program], environment())
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        raise RuntimeError(f"{program!r} ended with code {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime
