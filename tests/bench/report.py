"""Budgets, results, and how they are written: `build/bench.json` for machines, `build/bench.md` for people."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal


@dataclass(frozen=True)
class Budget:
    """A figure and what it may be."""

    id: str
    what: str
    unit: str
    limit: float
    #: Whether the figure may be at most the limit, or must be at least that.
    better: Literal["lower", "higher"]


@dataclass(frozen=True)
class Result:
    """A measured budget."""

    budget: Budget
    value: float
    #: The same figure of others, measured in the same rounds.
    peers: Mapping[str, float]
    #: The raw figures of every round.
    runs: Sequence[Mapping[str, float]]
    runs_unit: str

    @property
    def met(self) -> bool:
        """Whether the budget is kept."""
        return self.value <= self.budget.limit if self.budget.better == "lower" else self.value >= self.budget.limit


def ratios(runs: Sequence[Mapping[str, float]], base: str) -> dict[str, float]:
    """The median over rounds of each one's figure ÷ that of `base` in the same round."""
    return {name: median(run[name] / run[base] for run in runs) for name in runs[0] if name != base}


def rotated(names: Sequence[str], number: int) -> list[str]:
    """The order of a round: each begins another time, so that none always runs in the wake of the same one."""
    start = number % len(names)
    return [*names[start:], *names[:start]]


def as_json(results: Sequence[Result]) -> str:
    """Budget id → value, unit, limit, peers, runs."""
    document = {
        result.budget.id: {
            "value": round(result.value, 3),
            "unit": result.budget.unit,
            "limit": result.budget.limit,
            "peers": {name: round(value, 3) for name, value in result.peers.items()},
            "runs": [{name: round(value, 3) for name, value in run.items()} for run in result.runs],
            "runs_unit": result.runs_unit,
        }
        for result in results
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_markdown(results: Sequence[Result]) -> str:
    """A table of all, and beneath it the medians it comes from."""
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    lines = [
        "# Benchmarks",
        "",
        f"{machine}. Every figure is a median over rounds in which all take turns: ratios hold where times do not.",
        "",
        "| budget | what | ours | limit | | peers |",
        "|---|---|--:|--:|---|---|",
    ]
    lines += [_row(result) for result in results]
    lines += ["", "| budget | rounds | medians |", "|---|--:|---|"]
    lines += [_medians(result) for result in results]
    return "\n".join(lines) + "\n"


def write(results: Sequence[Result], folder: Path) -> None:
    """Both files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(as_json(results), encoding="utf-8", newline="\n")
    (folder / "bench.md").write_text(as_markdown(results), encoding="utf-8", newline="\n")


def line(result: Result) -> str:
    """One result for the terminal."""
    budget = result.budget
    mark = "met" if result.met else "MISSED"
    return f"{budget.id:18} {result.value:6.2f} {budget.unit:2} ({_limit(budget)}, {mark:6})  {_peers(result)}"


def _row(result: Result) -> str:
    budget = result.budget
    mark = "met" if result.met else "**missed**"
    figures = f"{result.value:.2f} {budget.unit} | {_limit(budget)} | {mark}"
    return f"| `{budget.id}` | {budget.what} | {figures} | {_peers(result)} |"


def _limit(budget: Budget) -> str:
    return f"{'≤' if budget.better == 'lower' else '≥'} {budget.limit:g}"


def _peers(result: Result) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in result.peers.items())


def _medians(result: Result) -> str:
    figures = ", ".join(f"{name} {median(run[name] for run in result.runs):.4g}" for name in result.runs[0])
    return f"| `{result.budget.id}` | {len(result.runs)} | {figures} ({result.runs_unit}) |"
