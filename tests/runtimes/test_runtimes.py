"""The packed and installed Node SDK in every runtime it is made for: one suite, smoke.mjs, run by each of them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from runtimes.chromium import PageServer, run_page

from admin_api_mock.control import MockServer
from admin_api_mock.document import Document

HERE = Path(__file__).parent
SDK = HERE.parents[1] / "node-sdk"
PROGRAMS = HERE / "node_modules"
#: How long a runtime may take for all of it; it takes about a second.
SECONDS = 60.0
#: A lane that reports fewer has lost some.
CHECKS = 21
SECRET = "smoke-secret"
PAGERS = [f"pager{n}" for n in range(5)]


class Lane(NamedTuple):
    """A runtime: where its program may be, and what comes between it and the suite."""

    name: str
    places: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    #: Checks that the runtime has no means for.
    without: tuple[str, ...] = ()
    #: What a refused connection means: browsers do not tell it from a lost one (RETRY-10).
    refused: str = "not_sent"


LANES = (
    Lane("node20", (str(PROGRAMS / "node20/bin/node"),)),  # the oldest that the package promises
    Lane("node22", (str(PROGRAMS / "node22/bin/node"),)),
    Lane("node24", (str(PROGRAMS / "node24/bin/node"),)),
    Lane("bun", (str(PROGRAMS / "@oven/bun-linux-x64/bin/bun"),)),
    Lane(
        "deno",
        (str(PROGRAMS / "@deno/linux-x64-glibc/deno"),),
        (
            "run",
            "--no-prompt",
            "--node-modules-dir=manual",
            "--allow-env",
            "--allow-net",
            "--allow-read",
            "--allow-write",
        ),
    ),
    Lane(
        "chromium",
        ("chromium", "chromium-browser", "google-chrome"),
        without=("given_ca_is_trusted", "given_proxy_is_used", "paths_are_read_and_written", "unknown_certificate"),
        refused="unknown",
    ),
)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the programs: no setting, no proxy and no cache of the machine's."""
    home = str(tmp_path_factory.mktemp("home"))
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ADMIN_API_") and not name.lower().endswith("_proxy")
    }
    # Node 20 warns that X25519 of Web Crypto is an experiment there; nothing else may be said on stderr.
    quiet = {"NO_COLOR": "1", "NODE_OPTIONS": "--disable-warning=ExperimentalWarning"}
    return kept | quiet | {"HOME": home, "DENO_DIR": home, "DENO_NO_UPDATE_CHECK": "1"}


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A folder in which the tarball is installed, with its optional peers and the suite beside it."""
    root = tmp_path_factory.mktemp("runtimes")
    # Built in a copy: the checkout's own build may be older than its source, and in use.
    copy = root / "sdk"
    shutil.copytree(SDK, copy, ignore=shutil.ignore_patterns("node_modules", "dist", "test", "build"))
    (copy / "node_modules").symlink_to(SDK / "node_modules")
    run(["npm", "run", "--silent", "build"], copy, environment)
    run(["npm", "pack", "--silent", f"--pack-destination={root}"], copy, environment)
    (tarball,) = root.glob("*.tgz")
    folder = root / "app"
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "app", "private": true, "type": "module"}\n')
    run(["npm", "install", "--silent", "--offline", "--no-audit", "--no-fund", str(tarball)], folder, environment)
    for peer in ("age-encryption", "undici"):
        install(peer, SDK / "node_modules", folder / "node_modules")
    for part in HERE.glob("*.mjs"):
        shutil.copy(part, folder)
    return folder


def install(package: str, source: Path, target: Path) -> None:
    """Copies a package and what it depends on, as the SDK's lock brought it."""
    if not (target / package).exists():
        shutil.copytree(source / package, target / package)
        for dependency in json.loads((source / package / "package.json").read_text()).get("dependencies", {}):
            install(dependency, source, target)


def run(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """What a program says. Fails, with all of it, if it failed, complained, or did not end by itself."""
    ended = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS,
        check=False,
    )  # fmt: skip
    assert (0, "") == (ended.returncode, ended.stderr), f"{command[0]}:\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="session")
def pages() -> Iterator[PageServer]:
    with PageServer() as server:
        yield server


@pytest.fixture(scope="session")
def server(pages: PageServer) -> Iterator[MockServer]:
    with MockServer(["--port", "0", "--no-tls", "--cors", pages.origin]) as server:
        yield server


@pytest.fixture(scope="session")
def tls_server() -> Iterator[MockServer]:
    """A server whose certificate no runtime was told to trust."""
    with MockServer(["--port", "0"]) as server:
        yield server


@pytest.fixture(scope="session")
def nobody() -> Iterator[str]:
    """An address that is taken, so that nobody else gets it, and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def world(
    request: pytest.FixtureRequest, server: MockServer, tls_server: MockServer, nobody: str, tmp_path: Path
) -> Iterator[dict[str, Any]]:
    """What the suite is told: a world of its own, and what will break in it."""
    lane: Lane = request.getfixturevalue("lane")
    creation = {
        "users": [{"username": name, "email": f"{name}@example.com"} for name in PAGERS],
        "clients": [
            {"id": "smoke", "secret": SECRET, "scopes": sorted(Document.load().scopes)},
            {"id": "reader", "secret": SECRET, "scopes": ["users:read"]},
        ],
    }
    with server.control.create_world(**creation) as made:
        seconds = {"Retry-After": "7"}
        # The world's clock stands at the first moment of 2030.
        date = {"Retry-After": "Tue, 01 Jan 2030 00:00:07 GMT"}
        made.fault("users.get", respond={"status": 503, "headers": seconds, "problem": {}})
        made.fault("roles.list", respond={"status": 503, "headers": date, "problem": {}})
        made.fault("users.export", cut_after=2)
        made.fault("storage.objects.download", reset_after_answer_bytes=100_000)
        made.fault("config.list", respond={"status": 302, "headers": {"Location": f"{nobody}/"}})
        made.fault("me.get", hold=True, times=2)
        made.fault("users.update", reset="after_commit")
        yield {
            "baseUrl": made.base_url,
            "tokenUrl": made.token_url,
            "clientSecret": SECRET,
            "users": PAGERS,
            "userId": made.told["users"][0],
            "elsewhere": nobody,
            "nobody": nobody,
            "tlsUrl": tls_server.url,
            "ca": tls_server.ready.ca,
            "folder": str(tmp_path),
            "effects": {"refused": lane.refused},
            "without": lane.without,
        }


def program_of(lane: Lane) -> str:
    """The runtime's program; without it the lane is skipped, or fails if REQUIRE_LANES=all."""
    for place in lane.places:
        found = shutil.which(place)
        if found is not None:
            return found
    reason = f"lane {lane.name}: there is no {' or '.join(lane.places)}"
    if os.environ.get("REQUIRE_LANES") == "all":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("lane", LANES, ids=[lane.name for lane in LANES])
def test_the_installed_package_does_its_work_here(
    request: pytest.FixtureRequest, lane: Lane, environment: dict[str, str], tmp_path: Path
) -> None:
    """Calls, errors, pages, streams, retries, limits and encrypted files, and nothing is left open at the end."""
    program = program_of(lane)  # First: a lane that is skipped makes nothing.
    app: Path = request.getfixturevalue("app")
    world: dict[str, Any] = request.getfixturevalue("world")
    if lane.name == "chromium":
        results = in_browser(program, request.getfixturevalue("pages"), app, world, environment, tmp_path)
    else:
        told = run([program, *lane.arguments, "program.mjs", json.dumps(world)], app, environment)
        results = json.loads(told)
    wrong = [f"{result['name']}: {result['wrong']}" for result in results if result["wrong"] is not None]
    assert not wrong, "\n\n".join(wrong)
    assert CHECKS == len(results) + len(lane.without)


def in_browser(
    program: str, pages: PageServer, app: Path, world: dict[str, Any], environment: dict[str, str], tmp_path: Path
) -> Any:
    """The suite, bundled for browsers, from a page of another origin than the API."""
    esbuild = str(SDK / "node_modules/esbuild/bin/esbuild")
    bundle = run(["node", esbuild, "page.mjs", "--bundle", "--format=esm", "--log-level=warning"], app, environment)
    pages.script, pages.world = bundle.encode(), world
    return run_page(program, pages, tmp_path / "profile", environment, SECONDS)
