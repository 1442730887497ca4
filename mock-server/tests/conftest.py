"""A server of notes in a thread of its own, on a free port, once per module; a fresh world per test."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tiny import Notes, document

from admin_api_mock.app import App
from admin_api_mock.control import Control, WorldHandle
from admin_api_mock.serving import Server, listen

ALL = {"Authorization": "Bearer notes:read,notes:write"}


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    url: str
    port: int
    notes: Notes
    control: Control


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    notes = Notes()
    sockets = listen("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    app = App(document(), notes.domain, origin=url, host="127.0.0.1", seed=1)
    ready = threading.Event()
    server = Server(app, None, ready.set)
    thread = threading.Thread(target=server.run, args=(sockets,), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield Running(url, port, notes, Control(url))
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def world(running: Running) -> Iterator[WorldHandle]:
    with running.control.create_world() as made:
        yield made


@pytest.fixture
def http(world: WorldHandle) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.base_url, headers=ALL, timeout=10, trust_env=False) as client:
        yield client


class Raw:
    """A socket, for what no HTTP client would send or notice."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)

    def send(self, *parts: bytes) -> None:
        """Sends as it is."""
        self.socket.sendall(b"".join(parts))

    def read(self) -> tuple[bytes, str]:
        """All that comes, and how it ended: `closed` or `reset`."""
        got = b""
        while True:
            try:
                chunk = self.socket.recv(65536)
            except ConnectionResetError:
                return got, "reset"
            if not chunk:
                return got, "closed"
            got += chunk


@pytest.fixture
def raw(running: Running) -> Iterator[Raw]:
    connection = Raw(running.port)
    yield connection
    connection.socket.close()


def problem_in(answer: bytes) -> dict[str, Any]:
    """The problem document in a raw answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    found: dict[str, Any] = json.loads(body)
    return found
