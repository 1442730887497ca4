"""A headless Chromium that opens a page of this server's own origin and waits for what the page sends back."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FLAGS = (
    "--headless",
    "--no-sandbox",  # as root, and in containers, there is none to be had; the only page is ours
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
HTML = (
    b'<!doctype html><title>Smoke</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>'
)
STOP_SECONDS = 10


class PageServer:
    """Serves a page, its script and its world on a free port, and takes its results."""

    def __init__(self) -> None:
        page_server = self
        self.results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.script = b""
        self.world: Mapping[str, Any] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served = {
                    "/": ("text/html", HTML),
                    "/page.js": ("text/javascript", page_server.script),
                    "/world.json": ("application/json", json.dumps(page_server.world).encode()),
                }
                media_type, content = served.get(self.path, ("text/plain", b""))
                self._answer(200 if self.path in served else 404, media_type, content)

            def do_POST(self) -> None:
                page_server.results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer(204, "text/plain", b"")

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing: what the page asks for is no news."""

            def _answer(self, status: int, media_type: str, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", f"{media_type}; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def origin(self) -> str:
        """Its origin: another host and another port than the API's."""
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


def run_page(program: str, pages: PageServer, profile: Path, environment: Mapping[str, str], seconds: float) -> Any:
    """Opens the page in a browser with a fresh profile; what it sent back. Raises AssertionError if it sent nothing."""
    log = profile.with_suffix(".log")
    with log.open("wb") as stderr:
        browser = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", pages.origin],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environment,
            start_new_session=True,  # so that its helpers can be ended with it
        )
        try:
            return pages.results.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"the page sent nothing in {seconds} s:\n{log.read_text()[-4000:]}") from None
        finally:
            browser.terminate()
            with suppress(subprocess.TimeoutExpired):
                browser.wait(STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
