"""The suite's pytest side: one server and one process per driver for the session, a test per case and driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest
from runner.known import known_failures
from runner.load import Case, RefusedCase, load_folder
from runner.process import DRIVERS, Driver

from admin_api_mock.control import Control, MockServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--case` and `--driver`: patterns, as in a shell."""
    group = parser.getgroup("contract suite")
    group.addoption("--case", default="*", help="only cases whose id is like this, e.g. 'retry/*'")
    group.addoption("--driver", default="*", help="only drivers whose name is like this, e.g. python-sync")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test per case and driver, for tests that take both; what a driver lacks the features for is no test of its."""
    if not {"case", "driver"} <= set(metafunc.fixturenames):
        return
    try:
        cases = load_folder()
    except RefusedCase as error:
        raise pytest.UsageError(str(error)) from error
    chosen = [case for case in cases if fnmatchcase(case.id, metafunc.config.getoption("--case"))]
    names = [name for name in DRIVERS if fnmatchcase(name, metafunc.config.getoption("--driver"))]
    if not chosen or not names:
        raise pytest.UsageError("No case, or no driver, is like that.")
    pairs = [(case, name) for name in names for case in chosen if case.needs <= DRIVERS[name].features]
    metafunc.parametrize("case,driver", pairs, ids=[f"{case.id}@{name}" for case, name in pairs], indirect=["driver"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who names cases or drivers wants them alone, not the mutants and the runner's own tests."""
    if (config.getoption("--case"), config.getoption("--driver")) != ("*", "*"):
        others = [item for item in items if "case" not in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item not in others]
        config.hook.pytest_deselected(items=others)


@pytest.fixture(scope="session")
def control() -> Iterator[Control]:
    """The control plane of the session's server."""
    with MockServer() as server:
        yield server.control


@pytest.fixture(scope="session")
def drivers() -> Iterator[dict[str, Driver]]:
    """Every driver, its process started when first needed."""
    made = {name: Driver(name, spec) for name, spec in DRIVERS.items()}
    yield made
    for driver in made.values():
        driver.stop()
    assert [] == [line for driver in made.values() for line in driver.noise()]


@pytest.fixture
def driver(request: pytest.FixtureRequest, drivers: dict[str, Driver]) -> Driver:
    """The driver that the test is about."""
    return drivers[request.param]


@pytest.fixture(scope="session")
def first_told() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Case id → the driver that ran it first, and what it told."""
    return {}


@pytest.fixture(scope="session")
def passed() -> set[tuple[str, str]]:
    """Case id and driver of each case that passed in this session."""
    return set()


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    """All cases by id."""
    return {case.id: case for case in load_folder()}


@pytest.fixture(scope="session")
def known_failing() -> dict[str, Mapping[str, str]]:
    """Driver → case id → reason, from known-failing/<driver>.txt."""
    return {name: known_failures(name) for name in DRIVERS}
