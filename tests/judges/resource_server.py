"""A resource server with one resource, `GET /api/v1/me`, for who has a good token; it keeps what it saw."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

#: Who calls, as the document has it.
ME: Final[dict[str, Any]] = {
    "type": "service_account",
    "id": "judge",
    "name": "judge",
    "token_id": None,
    "scopes": ["users:read"],
    "expires_at": None,
}


class ResourceServer:
    """Listens on a free port of loopback. `takes` says whether a token is good."""

    def __init__(self, takes: Callable[[str], bool]) -> None:
        #: Each token that came, and whether it was taken.
        self.seen: list[tuple[str, bool]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one write: in two, the second would wait for the client's delayed ACK

            def do_GET(self) -> None:
                scheme, _, token = self.headers["Authorization"].partition(" ")
                taken = scheme == "Bearer" and self.path == "/api/v1/me" and takes(token)
                server.seen.append((token, taken))
                problem = {"type": "about:blank", "title": "Invalid token", "status": 401, "code": "invalid_token"}
                content = json.dumps(ME if taken else {**problem, "request_id": "req_1"}).encode()
                self.send_response(200 if taken else 401)
                self.send_header("Content-Type", "application/json" if taken else "application/problem+json")
                self.send_header("Content-Length", str(len(content)))
                if not taken:
                    self.send_header("WWW-Authenticate", 'Bearer error="invalid_token"')
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing: what comes is kept."""

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
