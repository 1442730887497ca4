"""The suite can fail: each known bug, put into an SDK, is noticed by the case that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from runner.judge import judge
from runner.load import Case
from runner.process import DRIVERS, Driver, DriverFailed
from runner.run import run

from admin_api_mock.control import Control

MUTANTS: dict[str, dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "mutants" / "mutants.yaml").read_text("utf-8")
)


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.parametrize("driver", DRIVERS, indirect=True)
def test_mutant_is_killed(
    mutant: str, driver: Driver, cases: dict[str, Case], control: Control, passed: set[tuple[str, str]]
) -> None:
    """The case passes without the bug and fails with it, by what it expects and not by a crash of the driver."""
    case = cases[MUTANTS[mutant]["killed_by"]]
    if (case.id, driver.name) not in passed:
        assert [] == judge(case, run(case, driver, control))
    with Driver(driver.name, DRIVERS[driver.name], mutant) as broken:
        assert judge(case, run(case, broken, control)), f"{case.id} does not notice: {MUTANTS[mutant]['bug']}"


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_mutant_that_is_not_there_is_refused(driver: str) -> None:
    """A driver that does not have the bug it is asked to run with does not run."""
    with Driver(driver, DRIVERS[driver], "no-such-bug") as broken, pytest.raises(DriverFailed, match="no-such-bug"):
        broken.ensure_started()
