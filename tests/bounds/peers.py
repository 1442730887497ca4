"""Peers that do whatever a network and a server can do to a client, each a coroutine that serves one connection.

All run in one thread, on free ports of loopback, and are gone when their `with` block ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Self, TypeAlias

Peer: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

#: Between the bytes of a drip: well under every timeout of these tests, so that one per socket operation never ends.
DRIP_SECONDS: Final = 0.01
#: What a peer's socket takes in before anybody reads from it.
_SMALL_BUFFER: Final = 4096


class _Reader(asyncio.StreamReader):
    """Knows whether anything has come."""

    used = False

    def feed_data(self, data: bytes) -> None:
        self.used = True
        super().feed_data(data)


class Peers:
    """Starts peers, and knows how many of their connections are open."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="peers")
        self._tasks: dict[asyncio.Task[None], _Reader] = {}
        self._servers: list[asyncio.Server] = []
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        for one in self._sockets:
            one.close()

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, peer: Peer, *, tls: ssl.SSLContext | None = None, small_buffer: bool = False) -> int:
        """A peer's port."""
        listener = socket.create_server(("127.0.0.1", 0))
        if small_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)

        def protocol() -> asyncio.StreamReaderProtocol:
            reader = _Reader()
            return asyncio.StreamReaderProtocol(reader, lambda _, writer: self._connection(peer, reader, writer))

        async def serve() -> None:
            self._servers.append(await self._loop.create_server(protocol, sock=listener, ssl=tls))

        asyncio.run_coroutine_threadsafe(serve(), self._loop).result(10)
        return int(listener.getsockname()[1])

    async def _connection(self, peer: Peer, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] = reader
        try:
            # clients that leave are what this is about
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await peer(reader, writer)
        finally:
            writer.transport.abort()
            del self._tasks[task]

    def open_connections(self) -> int:
        """How many clients have neither left nor been left; one that has not said a word yet is a runtime's reserve."""
        return sum(reader.used for reader in list(self._tasks.values()))

    def deaf(self) -> int:
        """The port of a listener whose backlog is full: connecting to it takes for ever."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = int(listener.getsockname()[1])
        self._sockets.append(listener)
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            self._sockets.append(filler)
        return port


async def request_head(reader: asyncio.StreamReader) -> bytes:
    """The head of the next request; EOFError if the client has left."""
    return await reader.readuntil(b"\r\n\r\n")


async def until_left(reader: asyncio.StreamReader) -> None:
    """Says nothing more until the client leaves."""
    while await reader.read(65536):
        pass


def head(
    status: str = "200 OK", *, content_type: str = "application/json", length: int | None = None, more: str = ""
) -> bytes:
    """The head of an answer."""
    size = "" if length is None else f"content-length: {length}\r\n"
    return f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nx-request-id: req_1\r\n{size}{more}\r\n".encode()


def scripted(*answers: bytes, then: bytes = b"") -> Peer:
    """Answers each request in turn, and says nothing more after the last; `then` follows the last answer at once."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await request_head(reader)
            writer.write(answer)
        writer.write(then)
        await until_left(reader)

    return peer


def ending(answer: bytes) -> Peer:
    """Answers so and hangs up."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(answer)
        await writer.drain()
        writer.write_eof()
        await until_left(reader)

    return peer


def dripping(begin: bytes, byte: bytes = b" ") -> Peer:
    """Begins an answer, and goes on byte by byte for ever."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(begin)
        async with _watching(reader):
            while True:
                await asyncio.sleep(DRIP_SECONDS)
                writer.write(byte)
                await writer.drain()

    return peer


def flooding(begin: bytes, piece: bytes) -> Peer:
    """Begins an answer, and goes on as fast as the client reads, for ever."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(begin)
        async with _watching(reader):
            while True:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)

    return peer


@contextlib.asynccontextmanager
async def _watching(reader: asyncio.StreamReader) -> AsyncIterator[None]:
    """Ends the block when the client leaves."""
    task = asyncio.current_task()
    assert task is not None
    watch = asyncio.ensure_future(until_left(reader))
    watch.add_done_callback(lambda done: done.cancelled() or task.cancel())
    try:
        yield
    finally:
        watch.cancel()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes what comes and never answers."""
    await until_left(reader)


async def unread(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads nothing of what is sent."""
    transport = writer.transport
    assert isinstance(transport, asyncio.ReadTransport)
    transport.pause_reading()
    await asyncio.get_running_loop().create_future()


async def slow_reader(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads a little now and then: each single write of the client succeeds in time."""
    while await reader.read(_SMALL_BUFFER):  # noqa: ASYNC110 - it waits between two pieces, not for anything
        await asyncio.sleep(DRIP_SECONDS)


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Resets the connection once it has the request."""
    await request_head(reader)
    one: socket.socket = writer.get_extra_info("socket")
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def dripping_handshake(context: ssl.SSLContext) -> Peer:
    """A TLS server whose half of the handshake comes byte by byte."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        wrapped = context.wrap_bio(incoming, outgoing, server_side=True)
        while not outgoing.pending:
            incoming.write(await reader.read(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                wrapped.do_handshake()
        async with _watching(reader):
            for byte in outgoing.read():
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(DRIP_SECONDS * 5)
        await until_left(reader)

    return peer


def _block() -> bytes:
    """A megabyte of blanks that any deflate stream may hold, as often as one likes."""
    deflate = zlib.compressobj(9, wbits=-15)
    return deflate.compress(b" " * 2**20) + deflate.flush(zlib.Z_FULL_FLUSH)


_GZIP_HEAD: Final = bytes.fromhex("1f8b08000000000000ff")


def bomb(megabytes: int, *, layers: int = 1) -> bytes:
    """Gzip that a thousandfold of itself comes out of; a millionfold with two layers. Its end is missing."""
    packed = _GZIP_HEAD + _block() * megabytes
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


def problem(status: int, **members: object) -> bytes:
    """Problem details as a body."""
    return json.dumps({"type": "about:blank", "title": "Broken", "status": status, **members}).encode()


def whole(body: bytes, status: str = "200 OK", *, content_type: str = "application/json", more: str = "") -> bytes:
    """An answer that ends."""
    return head(status, content_type=content_type, length=len(body), more=more) + body


USER: Final = json.dumps(
    {
        "id": "usr_1",
        "username": "alice",
        "email": "alice@example.com",
        "display_name": None,
        "external_id": None,
        "roles": ["viewer"],
        "metadata": {},
        "status": "active",
        "sso_mappings": [],
        "last_login_at": None,
        "created_at": "2026-01-01T00:00:00.000Z",
        "created_by": None,
        "updated_at": "2026-01-01T00:00:00.000Z",
        "deleted_at": None,
        "purge_at": None,
    }
).encode()


async def first_page_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Gives the first page of a list, and says nothing to who asks for the second."""
    while b"cursor=" not in await request_head(reader):
        writer.write(whole(b'{"items":[' + USER + b'],"next_cursor":"more"}'))
    await until_left(reader)
