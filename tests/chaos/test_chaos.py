"""A short run of the chaos on every SDK, and proof that it notices what it is there for."""

from __future__ import annotations

import copy
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from runner.process import DRIVERS, Driver

from admin_api_mock.control import Control
from chaos.accounts import LAWS, breaches
from chaos.model import MUTATIONS
from chaos.plan import plan
from chaos.play import Evidence, Told, play
from chaos.tally import tally

SEED: Final = 6
#: Mutations of the short run, per SDK; `make chaos` plays 10 000.
SHORT: Final = 600
#: How long a bug may go unnoticed.
MUTANT_MUTATIONS: Final = 3000
MUTANTS: Final = ("new-key-per-attempt", "repeated-without-key", "outcome-forgets")


@pytest.mark.parametrize("driver", DRIVERS, indirect=True)
def test_no_write_is_lost_or_doubled(driver: Driver, control: Control) -> None:
    """What the server has done and recorded is what every caller was told, with a fifth of all requests broken."""
    total = tally(driver, control, SEED, range(100), SHORT)
    if total.stories:
        pytest.fail("\n\n".join(total.stories), pytrace=False)
    assert total.mutations >= SHORT
    assert total.hit_share >= 0.2, str(total)
    assert {"acknowledged", "refused", "committed", "unknown", "not_sent"} <= total.ends.keys(), str(total)


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_mutant_is_noticed(driver: str, mutant: str, control: Control) -> None:
    """With the bug in the SDK a law does not hold, by what the accounts say and not by a crash."""
    with Driver(driver, DRIVERS[driver], mutant) as broken:
        assert tally(broken, control, SEED, range(100), MUTANT_MUTATIONS).stories


def test_the_plan_is_a_function_of_seed_and_number() -> None:
    """Another process, with other hashes, plans the same."""
    program = (
        "import hashlib; from chaos.plan import plan; print(hashlib.sha256(repr(plan(7, 3)).encode()).hexdigest())"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert hashlib.sha256(repr(plan(7, 3)).encode()).hexdigest() == told.stdout.strip()
    assert plan(7, 3).calls.keys().isdisjoint(plan(7, 4).calls)
    assert plan(7, 3).lanes != plan(8, 3).lanes


@pytest.fixture(scope="module")
def evidence(drivers: dict[str, Driver], control: Control) -> Evidence:
    """A chapter in which all laws hold."""
    played = play(plan(SEED, 1), drivers["python-sync"], control)
    assert [] == breaches(played)
    return played


@pytest.mark.parametrize("law", LAWS)
def test_every_law_can_be_broken(law: str, evidence: Evidence) -> None:
    """Evidence that was tampered with in one place breaks the law that speaks of it."""
    assert law in {breach.law for breach in breaches(_TAMPERINGS[law](copy.deepcopy(evidence)))}


def _did(evidence: Evidence, wanted: Callable[[Told], bool] = lambda told: True) -> Told:
    """A keyed mutation that was acknowledged, with its raw answer."""
    return next(
        told
        for told in evidence.told.values()
        if told.raw is not None
        and told.planned.operation in MUTATIONS
        and "idempotency_key" not in told.planned.options
        and not told.args.get("dry_run")
        and wanted(told)
    )


def _event_of(evidence: Evidence, told: Told) -> Mapping[str, Any]:
    return next(event for event in evidence.events if event["correlationid"] == told.planned.id)


def _without_its_event(evidence: Evidence) -> Evidence:
    event = _event_of(evidence, _did(evidence))
    return replace(evidence, events=[other for other in evidence.events if other is not event])


def _twice(evidence: Evidence) -> Evidence:
    return replace(evidence, events=[*evidence.events, _event_of(evidence, _did(evidence))])


def _told_that_it_was_refused(evidence: Evidence) -> Evidence:
    told = _did(evidence)
    told.done = {"error": {"outcome": "refused", "attempts": 1}}
    return evidence


def _a_read_that_wrote(evidence: Evidence) -> Evidence:
    read = next(told for told in evidence.told.values() if told.planned.operation == "users.get" and told.done)
    event = {**_event_of(evidence, _did(evidence)), "correlationid": read.planned.id}
    return replace(evidence, events=[*evidence.events, event])


def _a_strangers_event(evidence: Evidence) -> Evidence:
    event = {**_event_of(evidence, _did(evidence)), "correlationid": "nobody"}
    return replace(evidence, events=[*evidence.events, event])


def _another_key_on_retry(evidence: Evidence) -> Evidence:
    told = _did(evidence, lambda told: len(evidence.attempts[told.planned.id]) > 1)
    attempts = evidence.attempts[told.planned.id]
    changed = {**attempts[-1], "headers": [["idempotency-key", '"another"']]}
    return replace(evidence, attempts={**evidence.attempts, told.planned.id: [*attempts[:-1], changed]})


def _another_path_on_retry(evidence: Evidence) -> Evidence:
    told = _did(evidence, lambda told: len(evidence.attempts[told.planned.id]) > 1)
    attempts = evidence.attempts[told.planned.id]
    changed = {**attempts[-1], "path": "/elsewhere"}
    return replace(evidence, attempts={**evidence.attempts, told.planned.id: [*attempts[:-1], changed]})


def _attempts_without_end(evidence: Evidence) -> Evidence:
    told = _did(evidence)
    assert told.done is not None
    told.done["result"]["attempts"] = 99
    return evidence


def _a_row_that_is_lost(evidence: Evidence) -> Evidence:
    evidence.after.users.popitem()
    return evidence


#: Law → what breaks it.
_TAMPERINGS: Final[Mapping[str, Callable[[Evidence], Evidence]]] = {
    "what is acknowledged is there": _without_its_event,
    "nothing happens twice": _twice,
    "each outcome is true": _told_that_it_was_refused,
    "reads and dry runs change nothing": _a_read_that_wrote,
    "every event is a call's": _a_strangers_event,
    "one key for all attempts, and for no other call": _another_key_on_retry,
    "all attempts are the same request": _another_path_on_retry,
    "attempts are counted, and bounded": _attempts_without_end,
    "the state is what was done": _a_row_that_is_lost,
}
