"""The suite's pytest side: one server and one process per driver for the session, a test per case and driver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from runner.ahead import Ahead, in_real_time
from runner.exchanges import Exchanges
from runner.judge import secrets_of
from runner.known import known_failures
from runner.load import Case, RefusedCase, load_folder
from runner.process import DRIVERS, Driver
from secrecy.judge import Judge

from admin_api_mock.control import Control, MockServer

EXCHANGES = Path(__file__).parent.parent / "build" / "exchanges.jsonl"


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
    pairs.sort(key=lambda pair: in_real_time(pair[0]))  # as they run
    metafunc.parametrize("case,driver", pairs, ids=[f"{case.id}@{name}" for case, name in pairs], indirect=["driver"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who names cases or drivers wants them and their judges alone, not the mutants and the runner's own tests."""
    if (config.getoption("--case"), config.getoption("--driver")) != ("*", "*"):
        others = [item for item in items if not {"case", "exchanges"} & set(getattr(item, "fixturenames", ()))]
        items[:] = [item for item in items if item not in others]
        config.hook.pytest_deselected(items=others)


@pytest.fixture(scope="session")
def control() -> Iterator[Control]:
    """The control plane of the session's server."""
    with MockServer() as server:
        yield server.control


@pytest.fixture(scope="session")
def controls(control: Control) -> Iterator[dict[str, Control]]:
    """A server for each driver, since the worlds of a case have the same name, and so the same ids, on all."""
    with ExitStack() as servers:
        others = {name: servers.enter_context(MockServer()).control for name in list(DRIVERS)[1:]}
        yield dict.fromkeys(DRIVERS, control) | others


@pytest.fixture(scope="session")
def drivers(cases: dict[str, Case]) -> Iterator[dict[str, Driver]]:
    """Every driver, its process started when first needed; what it says beside the protocol is no secret (AUTH-9)."""
    made = {name: Driver(name, spec) for name, spec in DRIVERS.items()}
    yield made
    for driver in made.values():
        driver.stop()
    assert [] == [line for driver in made.values() for line in driver.noise()]
    secrets = Judge({secret: secret for case in cases.values() for secret in secrets_of(case)})
    assert {} == {name: found for name, driver in made.items() if (found := secrets.found(driver.said()))}


@pytest.fixture(scope="session")
def ahead(request: pytest.FixtureRequest, controls: dict[str, Control], drivers: dict[str, Driver]) -> Iterator[Ahead]:
    """The cases of this session, on their way."""
    chosen = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    pairs = [(params["case"], params["driver"]) for params in chosen if {"case", "driver"} <= params.keys()]
    running = Ahead(controls, drivers, pairs)
    yield running
    running.stop()


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
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchanges]:
    """What the server saw and said in the cases of this session; in the end in build/exchanges.jsonl."""
    own = tmp_path_factory.mktemp("exchanges") / EXCHANGES.name  # another session may be on its way
    with own.open("w", encoding="utf-8") as file:
        yield Exchanges(own, file)
    EXCHANGES.parent.mkdir(exist_ok=True)
    shutil.copyfile(own, EXCHANGES)


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    """All cases by id."""
    return {case.id: case for case in load_folder()}


@pytest.fixture(scope="session")
def known_failing() -> dict[str, Mapping[str, str]]:
    """Driver → case id → reason, from known-failing/<driver>.txt."""
    return {name: known_failures(name) for name in DRIVERS}
