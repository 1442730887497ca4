"""What is under one request's answer: whole answers in one segment, raw bytes for the faults, the end of the socket."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from admin_api_mock.http import Answer, Disconnected


class Wire:
    """The way out of one request, past uvicorn's checks but with its books kept."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    @property
    def left(self) -> bool:
        """True once the client has gone, or the connection is on its way to be closed."""
        return self._cycle.disconnected or self._cycle.transport.is_closing()

    def send_whole(self, answer: Answer, body: bytes) -> bool:
        """Sends a whole answer at once: uvicorn's way is two segments, and another look at every header.

        False, and nothing is sent, if the client has gone or has stopped reading: both are for uvicorn to handle.
        """
        cycle = self._cycle
        if cycle.disconnected or cycle.flow.write_paused:
            return False
        head = answer_head(answer, keep_alive=cycle.keep_alive)
        self._begun()
        cycle.transport.writelines((head, body) if body and cycle.scope["method"] != "HEAD" else (head,))
        self.finish()
        return True

    def head(self, answer: Answer, *more: bytes) -> bytes:
        """Status line and headers, `more` lines among them, as they would be sent."""
        return answer_head(answer, more, keep_alive=self._cycle.keep_alive)

    async def write(self, data: bytes) -> None:
        """Sends bytes as they are; nothing is awaited behind them. Raises Disconnected if the client has gone."""
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if self.left:
            raise Disconnected
        self._begun()
        cycle.transport.write(data)

    def finish(self, *, close: bool = False) -> None:
        """Ends the answer; the connection waits for the next request, or is closed in an orderly way."""
        cycle = self._cycle
        cycle.response_complete = True
        cycle.message_event.set()  # What waits for more of the request learns that it is over.
        if close or not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()

    def close(self) -> None:
        """Closes the connection in the midst of an answer, in an orderly way."""
        self._cycle.transport.close()

    def abandon(self) -> None:
        """Gives up a connection whose client has gone."""
        if not self._cycle.disconnected:
            self._cycle.transport.abort()

    async def reset(self) -> None:
        """Sends what is buffered, then a TCP reset (under TLS the peer sees a close without close_notify)."""
        transport = self._cycle.transport
        await _flushed(transport)
        raw = transport.get_extra_info("socket")
        if raw is not None and not transport.is_closing():
            # uvloop's socket object cannot set options; a duplicate of its descriptor can, for the same socket.
            with socket.socket(fileno=socket.dup(raw.fileno())) as same:
                same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def _begun(self) -> None:
        self._cycle.response_started = True
        self._cycle.waiting_for_100_continue = False


def answer_head(answer: Answer, more: Sequence[bytes] = (), *, keep_alive: bool) -> bytes:
    """Status line and headers. Raises ValueError if a header is more than one line."""
    lines = [f"{name}: {value}\r\n" for name, value in answer.headers.items()]
    if not keep_alive:
        lines.append("Connection: close\r\n")
    fields = "".join(lines)
    if fields.count("\n") != len(lines) or fields.count("\r") != len(lines):
        raise ValueError("A header must be one line.")  # Or its value could go on as headers, and as an answer.
    return b"%b%b%b\r\n" % (STATUS_LINE[answer.status], fields.encode("latin-1"), b"".join(more))


async def _flushed(transport: asyncio.Transport) -> None:
    # A peer that does not read cannot keep a fault waiting for long.
    for _ in range(200):
        if transport.is_closing() or transport.get_write_buffer_size() == 0:
            return
        await asyncio.sleep(0.005)
