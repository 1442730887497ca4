"""The control plane's client where there is none, or no server any more: one clear error, in bounded time."""

from __future__ import annotations

import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from conftest import Running

from admin_api_mock.control import Control, ControlError, MockServer, WorldHandle
from admin_api_mock.control._generated.operations import Operations
from admin_api_mock.control.wire import Wire

Answering = Callable[..., str]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Starts a foreign server that answers each connection with the same bytes, and gives its URL."""
    listeners: list[socket.socket] = []
    stopped = threading.Event()

    def serve(listener: socket.socket, answer: bytes, pause_seconds: float) -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                pieces = [answer[i : i + 1] for i in range(len(answer))] if pause_seconds else [answer]
                for piece in pieces:
                    try:
                        connection.sendall(piece)
                    except OSError:
                        break
                    if stopped.wait(pause_seconds):
                        break

    threads: list[threading.Thread] = []

    def start(answer: bytes, *, pause_seconds: float = 0) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        thread = threading.Thread(target=serve, args=(listener, answer, pause_seconds))
        threads.append(thread)
        thread.start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    stopped.set()
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def http(body: bytes, media_type: str = "application/json", status: str = "200 OK") -> bytes:
    """An answer."""
    return b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        status.encode(),
        media_type.encode(),
        len(body),
        body,
    )


@pytest.mark.parametrize(
    "answer",
    [
        http(b"<h1>It works!</h1>", "text/html"),
        http(b'{"worlds": 1}'),
        http(b"{}"),
        http(b"[]"),
        http(b'{"worlds": ['),
        http(b"\xff\xfe"),
        http(b"<h1>No</h1>", "text/html", "502 Bad Gateway"),
        http(b"{}", "application/problem+json", "404 Not Found"),
        http(b"", status="301 Moved Permanently"),
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
    ids=["html", "kind", "member", "array", "half", "bytes", "gateway", "no code", "redirect", "ssh"],
)
def test_a_foreign_answer_is_told(answering: Answering, answer: bytes) -> None:
    """Whatever answers at that port is named, never a KeyError of ours and never taken for worlds."""
    url = answering(answer)
    with pytest.raises(ControlError) as told:
        Control(url).worlds()
    assert ("worlds.list", "unknown_answer") == (told.value.operation, told.value.code)
    assert str(told.value).startswith("worlds.list: ")


@pytest.mark.parametrize("answer", [b"", http(b'{"worlds": []}')[:-1]], ids=["at once", "in the answer"])
def test_a_connection_that_is_closed_is_told(answering: Answering, answer: bytes) -> None:
    """A server that ends in the middle of a request is one that cannot be reached."""
    with pytest.raises(ControlError, match="cannot be reached") as told:
        Control(answering(answer)).worlds()
    assert "unreachable" == told.value.code


def test_an_answer_in_drips_is_bounded(answering: Answering) -> None:
    """The timeout is one of the whole answer, not of each of its bytes."""
    wire = Wire(answering(http(b'{"worlds": []}'), pause_seconds=0.05))
    begin = time.monotonic()
    with pytest.raises(ControlError, match=r"did not answer within 0\.2 s") as told:
        Operations(lambda call: wire.send(call, timeout_seconds=0.2)).worlds_list()
    assert "timed_out" == told.value.code
    assert 2 > time.monotonic() - begin


def test_a_server_that_is_not_there_is_told(world: WorldHandle) -> None:
    """Who forgot to start it reads so; a world of a server that went away says the same."""
    with MockServer() as server:
        lost = server.create_world()
        control = server.control
    for call in (control.worlds, control.create_world, lost.state, lost.journal, lost.delete):
        with pytest.raises(ControlError, match="Is admin-api-mock running there") as told:
            call()
        assert ("unreachable", None) == (told.value.code, told.value.status)


def test_a_world_deleted_twice_is_told(running: Running) -> None:
    """The second time there is no such world; the end of a `with` is content with the first."""
    with running.control.create_world() as world:
        world.delete()
        with pytest.raises(ControlError, match=r"worlds\.delete: 404 not_found: There is no such world"):
            world.delete()


def test_only_a_root_url_is_taken() -> None:
    """A world's base URL, or what is no URL, is refused where it is given."""
    for url in ("http://localhost:1/w/mine", "localhost:8443", "ftp://localhost", ""):
        with pytest.raises(ValueError, match="root URL"):
            Control(url)
    assert "http://localhost:1" == Control("http://localhost:1/").url


def test_credentials_that_a_world_lacks_are_told(running: Running, world: WorldHandle) -> None:
    """Who wants a token of a world made without one is told so, not handed a wrong one."""
    found = running.control.world(world.id)
    for name in ("client_id", "client_secret", "token"):
        with pytest.raises(ControlError, match="was not created here with") as told:
            getattr(found, name)
        assert "no_credentials" == told.value.code
    with running.control.create_world(clients=[{"id": "mine", "secret": "s3cret"}, {"id": "other"}]) as named:
        assert ("mine", "s3cret") == (named.client_id, named.client_secret)


def test_a_control_error_survives_pickling(running: Running) -> None:
    """As test runners with workers need it."""
    with pytest.raises(ControlError) as told:
        running.control.world("nowhere")
    copy = pickle.loads(pickle.dumps(told.value))  # noqa: S301 - our own bytes
    assert (str(told.value), 404, "not_found") == (str(copy), copy.status, copy.code)


def test_a_server_starts_once_and_may_start_again() -> None:
    """A second start would lose the first process; after a stop it is a new one at a new place."""
    server = MockServer().start()
    try:
        first = server.ready.pid
        with pytest.raises(RuntimeError, match="runs already"):
            server.start()
    finally:
        assert 0 == server.stop()
    assert 0 == server.stop()
    with server:
        assert first != server.ready.pid
        assert "root" == server.control.world().id
