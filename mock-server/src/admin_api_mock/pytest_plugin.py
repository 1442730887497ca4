"""The reference server in your own tests: one per session, a fresh world per test, its journal when a test fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from admin_api_mock.control import Control, Entry, WorldHandle

SECTION = "admin-api-mock journal"
#: Of a long journal, the end: that is where the test failed.
SHOWN_ENTRIES = 50

_WORLD: pytest.StashKey[WorldHandle] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The command line's options and the ini file's."""
    group = parser.getgroup("admin-api-mock", "the Admin API's reference server")
    group.addoption(
        "--admin-api-mock-url", metavar="URL", help="use the server that runs at this root URL instead of starting one"
    )
    group.addoption("--admin-api-mock-ca", metavar="FILE", help="CA certificate of the server at --admin-api-mock-url")
    parser.addini(
        "admin_api_mock_arguments",
        "arguments of the admin-api-mock command (default: --port 0 --no-tls)",
        type="args",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker."""
    config.addinivalue_line(
        "markers", "admin_api_mock(users=…, clients=…, config=…, …): what the test's world begins with (WorldCreation)"
    )


@pytest.fixture(scope="session")
def admin_api_mock_server(pytestconfig: pytest.Config) -> Iterator[Control]:
    """The control plane of the session's server (`.url`, `.ca`, `.create_world()`); with xdist, one per worker.

    Started when a test first asks for it, unless `--admin-api-mock-url` names one that runs.
    """
    from admin_api_mock.control import Control, MockServer

    if url := pytestconfig.getoption("--admin-api-mock-url"):
        yield Control(url, pytestconfig.getoption("--admin-api-mock-ca"))
        return
    arguments: Sequence[str] = pytestconfig.getini("admin_api_mock_arguments")
    with MockServer(arguments) if arguments else MockServer() as server:
        yield server.control


@pytest.fixture
def admin_api_mock(admin_api_mock_server: Control, request: pytest.FixtureRequest) -> Iterator[WorldHandle]:
    """A fresh world of the reference server, gone after the test.

    For a client: `.base_url` with `.token`, or with `.client_id` and `.client_secret` (`.token_url`). For the test:
    `.fault()`, `.journal()`, `.wait()`, `.advance()`, `.state()` … The marker `admin_api_mock(users=3, …)` says what
    the world begins with. If the test fails, the report has a section with the world's journal.
    """
    marker = request.node.get_closest_marker("admin_api_mock")
    creation: dict[str, Any] = dict(marker.kwargs) if marker is not None else {}
    with admin_api_mock_server.create_world(**creation) as world:
        request.node.stash[_WORLD] = world
        yield world


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attaches the journal to the report of a failed test, while its world is still there."""
    report = yield
    world = item.stash.get(_WORLD, None)
    if report.failed and report.when == "call" and world is not None:
        report.sections.append((SECTION, _told(world)))
    return report


def _told(world: WorldHandle) -> str:
    from admin_api_mock.control import ControlError

    try:
        entries = world.journal()
    except ControlError as error:
        return f"not readable: {error}"
    if not entries:
        return f"{world.base_url} was not called."
    lines = [_line(entry, entries[0]["at_ms"]) for entry in entries[-SHOWN_ENTRIES:]]
    left_out = len(entries) - len(lines)
    head = [f"… {left_out} earlier entries"] if left_out else []
    return "\n".join([world.base_url, *head, *lines])


def _line(entry: Entry, begin_ms: int) -> str:
    """`  2   +7.000s POST /api/v1/users users.create → 503`, and what else is special about it."""
    query = "&".join(f"{name}={value}" for name, value in entry["query"])
    target = f"{entry['path']}?{query}" if query else entry["path"]
    status = "no answer" if entry["status"] is None else str(entry["status"])
    special: list[str] = [entry["outcome"]] if entry["outcome"] not in ("response", "stream") else []
    special += ["replayed"] if entry["replayed"] else []
    ended = f" ({', '.join(special)} in {entry['phase']})" if special else ""
    elapsed = f"+{(entry['at_ms'] - begin_ms) / 1000:.3f}s"
    return f"{entry['seq']:>3} {elapsed:>10} {entry['method']} {target} {entry['operation'] or '-'} → {status}{ended}"
