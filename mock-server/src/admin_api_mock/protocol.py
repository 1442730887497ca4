"""The HTTP protocol under the app: uvicorn's on httptools, with a header limit, problems for what is not HTTP, and the
wire in the scope, so that faults reach the socket."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from admin_api_mock.http import DRAIN_SECONDS, MAX_DRAIN_BYTES, Answer
from admin_api_mock.problems import Problem
from admin_api_mock.wire import Wire, answer_head

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
        self._number = next(_connections)
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

    def on_headers_complete(self) -> None:
        """Starts the request if its header section is within the limit."""
        if self._drain_left is not None:
            return
        self._in_headers = False
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEADER_BYTES:
            self._refuse(Problem("header_too_large", f"The header section may have {MAX_HEADER_BYTES} bytes."))
            return
        if not self.url.startswith(b"/"):
            self._take_host_of_target()
        super().on_headers_complete()
        # The specification's extensions are dicts; ours are private to this package. The cycle is of this request,
        # made just now; another request may follow before it is answered.
        extensions: Any = {"admin_api_mock.wire": Wire(self.cycle), "admin_api_mock.connection": self._number}
        self.scope["extensions"] = extensions

    def _take_host_of_target(self) -> None:
        """In the absolute form the target says which host is meant, whatever the Host field says (RFC 9112, 3.2.2)."""
        _, found, target = self.url.partition(b"://")
        if found:
            authority = target.partition(b"/")[0].partition(b"?")[0]
            # In place: the scope has the same list.
            self.headers[:] = [field for field in self.headers if field[0] != b"host"] + [(b"host", authority)]

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
        self.transport.writelines((answer_head(refusal, keep_alive=False), refusal.body))
        # To close now, with bytes unread, would send a reset that overtakes the answer.
        self._drain_left = MAX_DRAIN_BYTES
        if self.transport.can_write_eof():  # Not under TLS. A client that sees the end need not wait for the close.
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(DRAIN_SECONDS, self.transport.close)
