"""The HTTP protocol under the app: uvicorn's on httptools, with a header limit, problems for what is not HTTP, and the
transport in the scope, so that faults reach the socket."""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from functools import partial
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from admin_api_mock.http import DRAIN_SECONDS, MAX_DRAIN_BYTES, Answer
from admin_api_mock.problems import Problem

#: Above any sane request, below any harm (RULES SERVER).
MAX_HEADER_BYTES = 64 * 1024

_connections = itertools.count(1)


class Refuser(Protocol):
    """What the protocol asks of the app: an answer for a request that never became one."""

    def refuse(self, problem: Problem) -> Answer:
        """The whole answer, headers and all."""
        ...


class AdminHttpProtocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Numbers the connection."""
        super().connection_made(transport)
        self._extensions: dict[str, Any] = {
            "admin_api_mock.transport": transport,
            "admin_api_mock.connection": next(_connections),
        }
        self._in_headers = True
        self._section_bytes = 0
        self._drain_left: int | None = None

    def data_received(self, data: bytes) -> None:
        """Feeds the parser, unless this connection is refused already or its header section grows without end."""
        if self._drain_left is not None:
            self._drain_left -= len(data)
            if self._drain_left <= 0:
                self.transport.close()
            return
        if self._in_headers:
            # The parser hands over whole headers only: one that never ends must be counted here.
            self._section_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._section_bytes > MAX_HEADER_BYTES:
            self._refuse(Problem("header_too_large", f"The header section may have {MAX_HEADER_BYTES} bytes."))

    def on_message_begin(self) -> None:
        """Begins a scope that carries the transport."""
        super().on_message_begin()
        extensions: Any = self._extensions.copy()  # The specification's are dicts; ours are private to this package.
        self.scope["extensions"] = extensions

    def on_headers_complete(self) -> None:
        """Starts the request if its header section is within the limit."""
        if self._drain_left is not None:
            return
        self._in_headers = False
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEADER_BYTES:
            self._refuse(Problem("header_too_large", f"The header section may have {MAX_HEADER_BYTES} bytes."))
            return
        super().on_headers_complete()
        cycle: RequestResponseCycle = self.cycle  # Made just now; another request may follow before it is answered.
        extensions: Any = self.scope["extensions"]
        extensions["admin_api_mock.send_whole"] = partial(_send_whole, cycle)

    def on_body(self, body: bytes) -> None:
        """Hands the body on, unless the request was refused."""
        if self._drain_left is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends the request; the next header section begins."""
        self._in_headers = True
        self._section_bytes = 0
        if self._drain_left is None:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for what its parser does not take."""
        if self.cycle is not None and not self.cycle.response_complete:
            # A request is under way: it ends here, and if its answer has begun nothing can be added to it.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        self._refuse(Problem("invalid_request", "This is not HTTP."))

    def _unsupported_upgrade_warning(self) -> None:
        """An Upgrade is ignored, as RFC 9110 section 7.8 allows; uvicorn would suggest to install a library."""

    def _refuse(self, problem: Problem) -> None:
        if self._drain_left is not None or self.transport.is_closing():
            return
        refuser: Refuser = self.app  # The app is ours (serving.py); uvicorn types it as Any.
        refusal = refuser.refuse(problem)
        assert isinstance(refusal.body, bytes), "a refusal is never streamed"
        self.transport.writelines((_head(refusal, keep_alive=False), refusal.body))
        # To close now, with bytes unread, would send a reset that overtakes the answer.
        self._drain_left = MAX_DRAIN_BYTES
        if self.transport.can_write_eof():  # Not under TLS. A client that sees the end need not wait for the close.
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(DRAIN_SECONDS, self.transport.close)


async def reset(transport: Any) -> None:
    """Sends what is buffered, then a TCP reset (under TLS the peer sees a close without close_notify)."""
    await _flushed(transport)
    raw = transport.get_extra_info("socket")
    if raw is not None and not transport.is_closing():
        # uvloop's socket object cannot set options; a duplicate of its descriptor can, for the same socket.
        with socket.socket(fileno=socket.dup(raw.fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _flushed(transport: Any) -> None:
    # A peer that does not read cannot keep a fault waiting for long.
    for _ in range(200):
        if transport.is_closing() or transport.get_write_buffer_size() == 0:
            return
        await asyncio.sleep(0.005)


def _send_whole(cycle: RequestResponseCycle, answer: Answer, body: bytes) -> bool:
    """Sends a whole answer at once: uvicorn's way is two segments, and another look at every header.

    False, and nothing is sent, if the client has gone or has stopped reading: both are for uvicorn to handle.
    """
    if cycle.disconnected or cycle.flow.write_paused:
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    head = _head(answer, keep_alive=cycle.keep_alive)
    cycle.transport.writelines((head, body) if body and cycle.scope["method"] != "HEAD" else (head,))
    cycle.message_event.set()  # What waits for more of the request learns that it is over.
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True


def _head(answer: Answer, *, keep_alive: bool) -> bytes:
    lines = [f"{name}: {value}\r\n" for name, value in answer.headers.items()]
    if not keep_alive:
        lines.append("Connection: close\r\n")
    fields = "".join(lines)
    if fields.count("\n") != len(lines) or fields.count("\r") != len(lines):
        raise ValueError("A header must be one line.")  # Or its value could go on as headers, and as an answer.
    return b"%b%b\r\n" % (STATUS_LINE[answer.status], fields.encode("latin-1"))
