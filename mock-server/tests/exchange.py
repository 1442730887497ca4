"""One exchange by raw socket: what is sent, what came and how it ended, and what the journal says of it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import httpx
from conftest import Raw

from admin_api_mock.control import WorldHandle

TOKEN = b"Authorization: Bearer notes:read,notes:write\r\n"
#: How long nothing must come to be called silence, in seconds.
SILENCE = 0.05


def request(world: WorldHandle, method: bytes, path: str, body: bytes = b"", *more: bytes) -> bytes:
    """A whole request of the notes API."""
    base_path = f"/w/{world.id}".encode()
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    head = method + b" " + base_path + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n"
    return head + TOKEN + length + b"".join(more) + b"\r\n" + body


def creation(world: WorldHandle) -> bytes:
    """A request that creates a note."""
    return request(world, b"POST", "/notes", b'{"text":"a"}', b"Content-Type: application/json\r\n")


def in_thread(call: Callable[[], httpx.Response]) -> Future[httpx.Response]:
    """The answer to come of a call in a thread of its own."""
    future: Future[httpx.Response] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except httpx.HTTPError as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def outcomes(world: WorldHandle) -> list[tuple[str, int | None]]:
    """Outcome and status of every attempt."""
    return [(entry["outcome"], entry["status"]) for entry in world.journal()]


def reset_by_client(raw: Raw) -> None:
    """The client leaves by a TCP reset."""
    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.socket.close()


def closed_by_client(raw: Raw) -> None:
    """The client leaves in an orderly way."""
    raw.socket.close()


@dataclass
class Got:
    """What has come so far of an answer, as bytes."""

    raw: Raw
    data: bytes = b""

    @property
    def head(self) -> bytes:
        """Up to and with the empty line."""
        head, end, _ = self.data.partition(b"\r\n\r\n")
        return head + end

    @property
    def body(self) -> bytes:
        """What is behind the head, as it was framed."""
        return self.data.partition(b"\r\n\r\n")[2]

    def header(self, name: str) -> str | None:
        """The value of a header, whatever its case."""
        for line in self.head.decode("latin-1").split("\r\n"):
            found, _, value = line.partition(": ")
            if found.lower() == name.lower():
                return value
        return None

    def until(self, marker: bytes) -> Got:
        """Reads until this has come."""
        while marker not in self.data:
            chunk = self.raw.socket.recv(65536)
            assert chunk, f"the end came before {marker!r}: {self.data!r}"
            self.data += chunk
        return self

    def whole(self) -> Got:
        """Reads an answer to the end that its Content-Length or its chunks say."""
        self.until(b"\r\n\r\n")
        length = self.header("Content-Length")
        while len(self.body) < int(length) if length is not None else not self.body.endswith(b"0\r\n\r\n"):
            chunk = self.raw.socket.recv(65536)
            assert chunk, f"the end came too early: {self.data!r}"
            self.data += chunk
        return self

    def end(self) -> str:
        """Reads all that comes; how it ended, `closed` or `reset`."""
        more, end = self.raw.read()
        self.data += more
        return end

    def silent(self) -> bool:
        """Whether nothing more comes, neither bytes nor an end."""
        self.raw.socket.settimeout(SILENCE)
        try:
            self.data += self.raw.socket.recv(65536)
        except TimeoutError:
            return True
        finally:
            self.raw.socket.settimeout(10)
        return False


def exchange(raw: Raw, sent: bytes) -> Got:
    """Sends; nothing has been read yet."""
    raw.send(sent)
    return Got(raw)


def alive(raw: Raw, world: WorldHandle) -> bool:
    """Whether the connection carries another exchange."""
    return exchange(raw, request(world, b"GET", "/notes/n1")).whole().head.startswith(b"HTTP/1.1 200 ")
