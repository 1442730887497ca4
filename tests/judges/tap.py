"""A tap between a client and what it calls: passes each exchange on, whole, and keeps it. Not for streams."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

SECONDS: Final = 10.0
#: Of one connection only (RFC 9110, section 7.6.1), or made anew on the next.
_OF_A_CONNECTION: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


@dataclass(frozen=True, slots=True)
class Passed:
    """An exchange. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    #: Where it was passed on to.
    to: str
    status: int
    answer_headers: dict[str, str]
    answer: bytes


class Tap:
    """Listens on a free port of loopback. `route` says where a request goes on to, by its headers."""

    def __init__(self, route: Callable[[dict[str, str]], str]) -> None:
        self.passed: list[Passed] = []
        tap = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one write: in two, the second would wait for the client's delayed ACK

            def do_GET(self) -> None:
                passed = tap._pass(self)
                tap.passed.append(passed)
                self.send_response(passed.status)
                for name, value in passed.answer_headers.items():
                    if name not in _OF_A_CONNECTION:
                        self.send_header(name, value)
                if passed.status not in (204, 304):
                    self.send_header("Content-Length", str(len(passed.answer)))
                self.end_headers()
                self.wfile.write(passed.answer)

            def do_POST(self) -> None:
                self.do_GET()

            def do_PUT(self) -> None:
                self.do_GET()

            def do_PATCH(self) -> None:
                self.do_GET()

            def do_DELETE(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing: what passes is kept."""

        self._route = route
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Its own address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _pass(self, handler: BaseHTTPRequestHandler) -> Passed:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body = handler.rfile.read(int(headers.get("content-length", 0)))
        to = self._route(headers)
        base = urlsplit(to)
        connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=SECONDS)
        try:
            kept = {name: value for name, value in headers.items() if name not in _OF_A_CONNECTION}
            connection.request(handler.command, base.path + handler.path, body or None, kept)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        answer_headers = {name.lower(): value for name, value in answer.getheaders()}
        return Passed(handler.command, handler.path, headers, body, to, answer.status, answer_headers, content)
