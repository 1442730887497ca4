"""The suite can fail: each known bug, put into an SDK or into the server, is noticed by the case that names it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

import pytest
import yaml
from runner.judge import judge
from runner.load import TESTS, Case
from runner.match import Mismatch
from runner.process import DRIVERS, Driver, DriverFailed
from runner.run import run

from admin_api_mock.control import Control

Listed: TypeAlias = dict[str, dict[str, str]]

MUTANTS: Listed = yaml.safe_load((TESTS / "mutants" / "mutants.yaml").read_text("utf-8"))
OF_THE_SERVER: Listed = yaml.safe_load((TESTS / "mutants" / "server.yaml").read_text("utf-8"))
#: The driver that meets the mutants of the server.
WITNESS = "python-sync"


def tried(case: Case, driver: str, mutant: str, control: Control) -> list[Mismatch]:
    """What a case has against a driver with a bug."""
    with Driver(driver, DRIVERS[driver], mutant) as broken:
        return judge(case, run(case, broken, control))


@contextmanager
def server_with(mutant: str) -> Iterator[Control]:
    """A reference server with a bug, ended by its pid."""
    command = [sys.executable, str(TESTS / "mutants" / "server.py"), mutant, "--port", "0", "--no-tls"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Control(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def trials(request: pytest.FixtureRequest, cases: dict[str, Case], controls: dict[str, Control]) -> Iterator[Any]:
    """Mutant and driver → what its case has against it, a lane for each driver."""
    chosen = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    pairs = [(one["mutant"], one["driver"]) for one in chosen if {"mutant", "driver"} <= one.keys()]
    with ExitStack() as stack:
        lanes = {name: stack.enter_context(ThreadPoolExecutor(1)) for name in DRIVERS}
        yield {
            (mutant, name): lanes[name].submit(tried, cases[MUTANTS[mutant]["killed_by"]], name, mutant, controls[name])
            for mutant, name in pairs
        }
        for lane in lanes.values():
            lane.shutdown(cancel_futures=True)


@pytest.mark.parametrize("driver", DRIVERS, indirect=True)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutant_is_killed(
    mutant: str,
    driver: Driver,
    cases: dict[str, Case],
    controls: dict[str, Control],
    passed: set[tuple[str, str]],
    trials: dict[tuple[str, str], Future[list[Mismatch]]],
) -> None:
    """The case passes without the bug and fails with it, by what it expects and not by a crash of the driver."""
    case = cases[MUTANTS[mutant]["killed_by"]]
    wrong = trials[mutant, driver.name].result()
    if (case.id, driver.name) not in passed:
        assert [] == judge(case, run(case, driver, controls[driver.name]))
    assert wrong, f"{case.id} does not notice: {MUTANTS[mutant]['bug']}"


@pytest.mark.parametrize("mutant", OF_THE_SERVER)
def test_mutant_of_the_server_is_killed(
    mutant: str, cases: dict[str, Case], control: Control, drivers: dict[str, Driver], passed: set[tuple[str, str]]
) -> None:
    """The case passes against the server and fails against the one with the bug."""
    case, driver = cases[OF_THE_SERVER[mutant]["killed_by"]], drivers[WITNESS]
    if (case.id, driver.name) not in passed:
        assert [] == judge(case, run(case, driver, control))
    with server_with(mutant) as broken:
        assert judge(case, run(case, driver, broken)), f"{case.id} does not notice: {OF_THE_SERVER[mutant]['bug']}"


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_mutant_that_is_not_there_is_refused(driver: str) -> None:
    """A driver that does not have the bug it is asked to run with does not run."""
    with Driver(driver, DRIVERS[driver], "no-such-bug") as broken, pytest.raises(DriverFailed, match="no-such-bug"):
        broken.ensure_started()


def test_every_case_that_kills_is_there(cases: dict[str, Case]) -> None:
    """A mutant names a case that exists."""
    named = [bug["killed_by"] for bug in [*MUTANTS.values(), *OF_THE_SERVER.values()]]
    assert [] == [case_id for case_id in named if case_id not in cases]
