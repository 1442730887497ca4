"""The whole Admin API in a server of its own thread, once per session; a fresh empty world per test."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from admin_api_mock.admin import ADMIN
from admin_api_mock.app import App
from admin_api_mock.control import Control, WorldHandle
from admin_api_mock.document import Document
from admin_api_mock.serving import Server, listen

#: What worlds of these tests begin with: two clients and a token with all scopes.
CREATION: Mapping[str, Any] = {
    "clients": [
        {"id": "suite", "secret": "s3cret", "scopes": list(Document.load().scopes)},
        {"id": "reader", "secret": "r3ad", "scopes": ["users:read"]},
    ],
    "tokens": [{"token": "ALL", "name": "all", "scopes": list(Document.load().scopes)}],
}
AGE = b"age-encryption.org/v1\n-> X25519 tests\nnot really\n--- mac\n"


@contextmanager
def serving(document: Document, *, data_dir: Path | None = None) -> Iterator[Control]:
    """The control plane of `running`."""
    with running(document, data_dir=data_dir) as (_, control):
        yield control


@contextmanager
def running(document: Document, *, data_dir: Path | None = None) -> Iterator[tuple[App, Control]]:
    """The server of a document, in a thread of its own, on a free port; and its inside, for what no request shows."""
    sockets = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    app = App(document, ADMIN, origin=url, host="127.0.0.1", seed=1, data_dir=data_dir)
    ready = threading.Event()
    server = Server(app, None, ready.set)
    thread = threading.Thread(target=server.run, args=(sockets,), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield app, Control(url)
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[App, Control]]:
    with running(Document.load()) as started:
        yield started


@pytest.fixture(scope="session")
def control(server: tuple[App, Control]) -> Control:
    return server[1]


@pytest.fixture(scope="session")
def app(server: tuple[App, Control]) -> App:
    return server[0]


@pytest.fixture
def make_world(control: Control) -> Iterator[Callable[..., WorldHandle]]:
    """Makes worlds that end with the test."""
    made: list[WorldHandle] = []

    def make(**creation: Any) -> WorldHandle:
        made.append(control.create_world(**{**CREATION, **creation}))
        return made[-1]

    yield make
    for world in made:
        world.delete()


@pytest.fixture
def world(make_world: Callable[..., WorldHandle]) -> WorldHandle:
    return make_world()


def client_of(world: WorldHandle, token: str = "ALL") -> httpx.Client:
    """An HTTP client of a world."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=world.base_url, headers=headers, timeout=10, trust_env=False)


@pytest.fixture
def api(world: WorldHandle) -> Iterator[httpx.Client]:
    """Calls the test's world with all scopes."""
    with client_of(world) as client:
        yield client


def access_token(world: WorldHandle, client_id: str = "suite", secret: str = "s3cret", **form: str) -> str:
    """An access token by client credentials."""
    answer = httpx.post(
        world.token_url, data={"grant_type": "client_credentials", **form}, auth=(client_id, secret), trust_env=False
    )
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def make_user(api: httpx.Client, username: str, **members: Any) -> dict[str, Any]:
    """A user by the API."""
    answer = api.post("/api/v1/users", json={"username": username, "email": f"{username}@example.net", **members})
    assert answer.status_code == 201, answer.text
    user: dict[str, Any] = answer.json()
    return user


def patch(api: httpx.Client, path: str, body: Any, **headers: str) -> httpx.Response:
    """A merge-patch."""
    headers = {"Content-Type": "application/merge-patch+json", **headers}
    return api.request("PATCH", path, content=httpx.Request("POST", "http://x", json=body).content, headers=headers)


def upload(
    api: httpx.Client, name: str, content: bytes = AGE, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """An upload of a file that begins as age files do."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    own = {
        "Content-Type": "application/octet-stream",
        "Admin-Encryption": "age-v1",
        "Content-Digest": f"sha-256=:{digest}:",
    }
    return api.post("/storage/objects", params={"name": name}, content=content, headers={**own, **(headers or {})})


def events(api: httpx.Client, **filters: str) -> list[dict[str, Any]]:
    """Audit events of a page of 500."""
    answer = api.get("/api/v1/audit/events", params={"limit": 500, **filters})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem in an answer, which must be this one."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"] or answer.headers.get("idempotency-replayed")
    found: dict[str, Any] = answer.json()
    return found


def pages(api: httpx.Client, path: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
    """Every page of a list."""
    cursor: str | None = None
    while True:
        answer = api.get(path, params={**query, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        yield answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return
