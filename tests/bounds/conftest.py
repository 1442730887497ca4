"""One process per flavour that makes calls, peers to make them to, and a certificate that they trust."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
import trustme

from bounds.peers import Peers

_HERE: Final = Path(__file__).parent
FLAVOURS: Final[Mapping[str, Sequence[str]]] = {
    "python-sync": (sys.executable, str(_HERE / "calls.py"), "sync"),
    "python-async": (sys.executable, str(_HERE / "calls.py"), "async"),
    "node": ("node", str(_HERE / "calls.mjs")),
}
#: A call that says nothing for so long hangs; the busiest machine is not meant.
PATIENCE_SECONDS: Final = 60.0
_TRIES: Final = 4
#: Loads what the first request loads, which is not what a small timeout is to bound.
_FIRST: Final = {"kind": "get", "base_url": "https://localhost:9", "limits": {"timeout": 30_000, "max_retries": 0}}

Until: TypeAlias = Callable[[Mapping[str, Any]], bool]


class Caller:
    """A process that makes calls, one at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            FLAVOURS[name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment()
        )

    def call(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """How a call went."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watch = threading.Timer(PATIENCE_SECONDS, self._process.kill)
        watch.start()
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        assert line, f"{self.name} hung or died in {asked}"
        told: dict[str, Any] = json.loads(line)
        return told

    def stop(self) -> None:
        """Ends the process by the end of its input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_SECONDS)
        self._process.stdout.close()


class Callers:
    """Every flavour, asked for the same call at the same time."""

    def __init__(self) -> None:
        self._callers = {name: Caller(name) for name in FLAVOURS}
        self.call(_FIRST)

    def call(
        self, asked: Mapping[str, Any], *, until: Until = lambda _: True, but: frozenset[str] = frozenset()
    ) -> dict[str, dict[str, Any]]:
        """How the call went, by flavour; made again, a few times, until it proves something."""
        chosen = {name: caller for name, caller in self._callers.items() if name not in but}

        def made(caller: Caller) -> dict[str, Any]:
            told = caller.call(asked)
            for _ in range(_TRIES - 1):
                if until(told):
                    break
                told = caller.call(asked)
            return told

        with ThreadPoolExecutor(len(chosen)) as pool:
            running = {name: pool.submit(made, caller) for name, caller in chosen.items()}
            return {name: one.result() for name, one in running.items()}

    def stop(self) -> None:
        for caller in self._callers.values():
            caller.stop()


def got_there(outcome: str, status: int | None, error: Mapping[str, Any]) -> bool:
    """False on a machine so busy that a call ended before it met what it was to meet: true as well, but no proof."""
    order = ["not_sent", "unknown", "committed"]
    return order.index(error["outcome"]) >= order.index(outcome) and (status is None or error["status"] == status)


def believable(outcome: str, flavour: str) -> set[str]:
    """What may be told of a call; fetch does not always know that nothing had left (PARITY-4)."""
    return {outcome, "unknown"} if flavour == "node" and outcome == "not_sent" else {outcome}


def clean_environment() -> dict[str, str]:
    """Without what would configure an SDK from outside."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ADMIN_API_") and not name.lower().endswith("_proxy")
    }


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate for localhost, as a server uses it and as a client trusts it."""

    context: ssl.SSLContext
    bundle: str


@pytest.fixture(scope="session")
def callers() -> Iterator[Callers]:
    """A process per flavour, for the session."""
    made = Callers()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def peers() -> Iterator[Peers]:
    """Peers of the session."""
    with Peers() as made:
        yield made


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate authority of the session's own."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    bundle = tmp_path_factory.mktemp("bounds") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return Tls(context, str(bundle))
