"""Chapters in a row on one driver, and what they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from runner.process import Driver

from admin_api_mock.control import Control
from chaos.accounts import breaches
from chaos.model import MUTATIONS
from chaos.plan import plan
from chaos.play import Evidence, Told, play
from chaos.story import tell
from chaos.weather import kind_of


@dataclass(slots=True)
class Tally:
    """How much was done, how it ended, and what was wrong."""

    calls: int = 0
    mutations: int = 0
    #: Requests that the server saw, and those of them that met a fault.
    requests: int = 0
    hit: int = 0
    #: acknowledged, cancelled, or an error's outcome → how many calls.
    ends: Counter[str] = field(default_factory=Counter)
    #: Kind of fault → how many requests met it.
    faults: Counter[str] = field(default_factory=Counter)
    stories: list[str] = field(default_factory=list)

    @property
    def hit_share(self) -> float:
        """The part of the requests that met a fault."""
        return self.hit / self.requests

    def add(self, evidence: Evidence) -> None:
        """A chapter."""
        for call_id, told in evidence.told.items():
            if told.done is None:
                continue
            attempts = evidence.attempts[call_id]
            self.calls += 1
            self.mutations += told.planned.operation in MUTATIONS
            self.requests += len(attempts)
            self.hit += sum(1 for entry in attempts if entry["faults"])
            self.ends[_end(told)] += 1
            for entry in attempts:
                self.faults.update(kind_of(evidence.faults[fault]) for fault in entry["faults"])
        self.stories += [tell(breach, evidence) for breach in breaches(evidence)]

    def __str__(self) -> str:
        ends = ", ".join(f"{number} {end}" for end, number in self.ends.most_common())
        faults = ", ".join(f"{number} {kind}" for kind, number in self.faults.most_common())
        return (
            f"{self.calls} calls ({self.mutations} mutations): {ends}\n"
            f"{self.requests} requests, {self.hit_share:.0%} of them broken: {faults}"
        )


def _end(told: Told) -> str:
    if told.acknowledged:
        return "acknowledged"
    return "cancelled" if told.error is None else str(told.error["outcome"])


def tally(driver: Driver, control: Control, seed: int, chapters: Iterable[int], mutations: int) -> Tally:
    """Plays the chapters until there are so many mutations, or one breaks a law.

    Raises DriverFailed if the driver dies, or a call of its hangs.
    """
    total = Tally()
    for number in chapters:
        total.add(play(plan(seed, number), driver, control))
        if total.stories or total.mutations >= mutations:
            break
    return total
