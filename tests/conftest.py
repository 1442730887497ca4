"""The suite's pytest side: one server and one process per driver for the session, a test per case and driver."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from runner.load import Case, RefusedCase, load_folder
from runner.process import DRIVERS, Driver

from admin_api_mock.control import Control, MockServer

TESTS = Path(__file__).parent


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
def cases() -> dict[str, Case]:
    """All cases by id."""
    return {case.id: case for case in load_folder()}


@pytest.fixture(scope="session")
def known_failing() -> dict[str, dict[str, str]]:
    """Driver → case id → reason, from known-failing/<driver>.txt."""
    return {name: _known(TESTS / "known-failing" / f"{name}.txt") for name in DRIVERS}


def _known(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        case_id, _, reason = line.partition(" # ")
        if not reason.strip():
            raise pytest.UsageError(f"{path.name}: {case_id} stands there without a reason.")
        found[case_id.strip()] = reason.strip()
    return found
