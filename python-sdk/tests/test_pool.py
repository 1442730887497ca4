"""The pool of connections: kept, left when stale, and the race with a server that closes what it thinks idle."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any

import pytest

from admin_api import APIConnectionError, AsyncAdminClient, NotFoundError, RequestOptions
from admin_api._generated import policy

from .answers import problem
from .flavours import Flavour
from .loopback import Handler, api_answer, read_whole, serving


class Server:
    """Answers so many requests on each connection and hangs up without an answer at the next; notes all requests."""

    def __init__(self, per_connection: int, *, say_so: bool = False, found: bytes | None = None) -> None:
        self.connections = 0
        self.heads: list[bytes] = []
        self.closed = threading.Semaphore(0)
        self._per_connection = per_connection
        self._hang_up_unasked = say_so
        self._answer = api_answer() if found is None else found

    def handle(self, peer: socket.socket, over: threading.Event) -> None:
        self.connections += 1
        for _ in range(self._per_connection):
            self.heads.append(read_whole(peer))
            peer.sendall(self._answer)
        if not self._hang_up_unasked:
            self.heads.append(read_whole(peer))
        peer.close()
        self.closed.release()

    def keys(self) -> list[str]:
        """The idempotency keys of the requests, in their order."""
        lines = [line for head in self.heads for line in head.decode().split("\r\n")]
        return [line.partition(": ")[2].strip('"') for line in lines if line.lower().startswith("idempotency-key:")]


def client_of(flavour: Flavour, port: int, **options: Any) -> Any:
    return flavour.client(base_url=f"http://127.0.0.1:{port}", timeout=10.0, **options)


@pytest.mark.parametrize("found", [None, api_answer(problem(404, "not_found"))], ids=["200", "404"])
async def test_connections_are_kept(flavour: Flavour, found: bytes | None) -> None:
    """CONF-2: one call after the other uses one connection, whatever the server answers."""
    server = Server(4, found=found)
    with serving(server.handle) as port:
        client = client_of(flavour, port)
        for _ in range(4):
            try:
                await flavour.settle(client.users.get("usr_1"))
            except NotFoundError:
                assert found is not None
        await flavour.settle(client.close())
    assert (1, 4) == (server.connections, len(server.heads))


async def test_a_connection_idle_for_long_is_left(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONF-2: what was idle longer than the pool keeps it is not used again: the server may be about to close it."""
    monkeypatch.setattr(policy, "POOL_KEEPALIVE_EXPIRY", 0.02)
    server = Server(1)
    with serving(_patient(server)) as port:
        client = client_of(flavour, port, max_retries=0)
        for _ in range(2):
            await flavour.settle(client.users.get("usr_1"))
            await asyncio.sleep(0.05)  # real: the pool looks at the system's clock
        await flavour.settle(client.close())
    assert (2, 2) == (server.connections, len([head for head in server.heads if head]))


def _patient(server: Server) -> Handler:
    """The server, to which a client that leaves is no failure."""

    def handle(peer: socket.socket, over: threading.Event) -> None:
        try:
            server.handle(peer, over)
        except ConnectionError:
            return

    return handle


async def test_a_connection_that_the_server_closed_is_not_used(flavour: Flavour) -> None:
    """CONF-2: a connection that was closed in between costs neither a retry nor an error, even without a key."""
    server = Server(1, say_so=True)
    with serving(server.handle) as port:
        client = client_of(flavour, port, max_retries=0)
        for _ in range(3):
            keyless = RequestOptions(idempotency_key=None)
            await flavour.settle(client.users.create(username="a", email="a@example.com", options=keyless))
            assert server.closed.acquire(timeout=10)
            await asyncio.sleep(0.01)  # real: the loop is to see what the kernel knows already
        await flavour.settle(client.close())
    assert (3, 3) == (server.connections, len(server.heads))


@pytest.mark.parametrize("call", ["read", "keyed", "keyless"])
async def test_the_race_with_a_server_that_closes(flavour: Flavour, call: str) -> None:
    """RETRY-2: a server that closes while a request is on its way may have acted on it.

    A read and a mutation with a key are sent again on a new connection, the key the same; one without a key is not.
    """
    server = Server(1)
    with serving(_patient(server)) as port:
        client = client_of(flavour, port)
        await flavour.settle(client.users.get("usr_0"))
        if call == "read":
            assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
        else:
            options = RequestOptions(idempotency_key=None) if call == "keyless" else RequestOptions()
            body = {"username": "a", "email": "a@example.com", "options": options}
            if call == "keyed":
                raw = await flavour.settle(client.users.with_raw_response.create(**body))
                assert (2, ["key-1", "key-1"]) == (raw.attempts, server.keys())
            else:
                with pytest.raises(APIConnectionError) as raised:
                    await flavour.settle(client.users.create(**body))
                assert ("unknown", 1) == (raised.value.outcome, raised.value.attempts)
        await flavour.settle(client.close())
    assert (1 if call == "keyless" else 2, 2 if call == "keyless" else 3) == (server.connections, len(server.heads))


async def test_nobody_listens(flavour: Flavour) -> None:
    """RETRY-10: a connection that is refused, and a host that has no address, have sent nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # so that nobody else gets it
        for base in (f"http://127.0.0.1:{taken.getsockname()[1]}", "https://nobody.invalid"):
            client = flavour.client(base_url=base, timeout=10.0, verify=False)
            keyless = RequestOptions(idempotency_key=None)
            with pytest.raises(APIConnectionError) as raised:
                await flavour.settle(client.users.create(username="a", email="a@example.com", options=keyless))
            await flavour.settle(client.close())
            error = raised.value
            assert ("connect_failed", "not_sent", 3) == (error.code, error.outcome, error.attempts)


@pytest.mark.parametrize("where", ["before the answer", "in its body"])
async def test_a_reset(flavour: Flavour, where: str) -> None:
    """RETRY-10: a connection that is reset once the request left may have acted, and has, if its answer had begun."""

    def handle(peer: socket.socket, over: threading.Event) -> None:
        read_whole(peer)
        if where == "in its body":  # more than sockets hold, so that the client has the head for sure
            peer.sendall(b"HTTP/1.1 201 Created\r\ncontent-length: 20000000\r\n\r\n" + bytes(15_000_000))
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset instead of an end
        peer.close()

    with serving(handle) as port:
        client = client_of(flavour, port)
        keyless = RequestOptions(idempotency_key=None)
        with pytest.raises(APIConnectionError) as raised:
            await flavour.settle(client.users.create(username="a", email="a@example.com", options=keyless))
        await flavour.settle(client.close())
    expected = ("unknown", None) if where == "before the answer" else ("committed", 201)
    assert (*expected, 1) == (raised.value.outcome, raised.value.status, raised.value.attempts)


async def test_a_call_that_is_cancelled_at_any_step_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """RETRY-9: with room for one connection, calls are cancelled a step of the loop later each time; the last fits."""
    monkeypatch.setattr(policy, "POOL_MAX_CONNECTIONS", 1)

    serving_them: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving_them.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):  # the client hangs up
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(api_answer())
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, AsyncAdminClient(base_url=f"http://127.0.0.1:{port}", token="TOKEN", timeout=5.0) as client:
        for steps in [*range(60), *range(60)]:
            call = asyncio.ensure_future(client.users.get("usr_1"))
            for _ in range(steps):
                await asyncio.sleep(0)
            call.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await call
        assert (await client.users.get("usr_1")).id
        await client.close()
        await asyncio.gather(*filter(None, serving_them))
