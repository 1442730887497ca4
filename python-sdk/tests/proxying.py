"""Forward proxies on loopback: one of our own that notes what it is asked, and Debian's tinyproxy."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .loopback import read_request, serving

OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Proxy:
    """Opens tunnels and forwards absolute-form requests (RFC 9110, section 9.3.6; RFC 9112, section 3.2.2).

    Args:
        refusals: Whole answers to the first requests, one each; an empty one hangs up.
    """

    def __init__(self, *refusals: bytes) -> None:
        self.url = ""
        self.asked: list[str] = []
        """First lines, without the version."""
        self.authorizations: list[str | None] = []
        self._refusals = list(refusals)

    def handle(self, peer: socket.socket, over: threading.Event) -> None:
        """Serves one connection."""
        head = read_request(peer)
        lines = head.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        self.asked.append(f"{method} {target}")
        self.authorizations.append(headers.get("proxy-authorization"))
        if self._refusals:
            peer.sendall(self._refusals.pop(0))
            return
        host, _, port = target.removeprefix("http://").partition("/")[0].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as server:
            if method == "CONNECT":
                peer.sendall(OPENED)
            else:
                server.sendall(head.replace(f"http://{host}:{port}".encode(), b"", 1))
            relay(peer, server, over)


def relay(one: socket.socket, other: socket.socket, over: threading.Event) -> None:
    """Carries bytes both ways until either side hangs up."""
    while not over.is_set():
        pending = isinstance(one, ssl.SSLSocket) and one.pending() > 0
        for source in [one] if pending else select.select([one, other], [], [], 0.05)[0]:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)


@contextlib.contextmanager
def proxying(*refusals: bytes, tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """A proxy of our own, over TLS if a context is given."""
    proxy = Proxy(*refusals)
    with serving(proxy.handle, tls=tls) as port:
        proxy.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        yield proxy


def refusal(status: str) -> bytes:
    """An answer by which a proxy opens no tunnel."""
    return f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nproxy-authenticate: Basic\r\n\r\n".encode()


class Tinyproxy:
    """A tinyproxy that runs."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._log = log

    def url(self, credentials: str = "") -> str:
        return f"http://{credentials}{'@' if credentials else ''}127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text()


@contextlib.contextmanager
def tinyproxy(folder: Path, credentials: str = "") -> Iterator[Tinyproxy]:
    """Debian's tinyproxy, which nobody here wrote; skipped where it is missing, but not if REQUIRE_LANES=all."""
    program = shutil.which("tinyproxy")
    if program is None:
        reason = "there is no tinyproxy: apt-get install tinyproxy"
        if os.environ.get("REQUIRE_LANES") == "all":
            pytest.fail(reason)
        pytest.skip(reason)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    log = folder / "tinyproxy.log"
    settings = [
        f"Port {port}",
        "Listen 127.0.0.1",
        "Allow 127.0.0.1",
        f'LogFile "{log}"',
        "LogLevel Connect",
        "Timeout 20",
    ]
    if credentials:
        settings.append(f"BasicAuth {credentials.replace(':', ' ')}")
    (folder / "tinyproxy.conf").write_text("\n".join(settings) + "\n")
    process = subprocess.Popen([program, "-d", "-c", str(folder / "tinyproxy.conf")], stdout=subprocess.DEVNULL)
    try:
        _await_listening(process, port)
        yield Tinyproxy(port, log)
    finally:
        process.terminate()
        process.wait(20)


def _await_listening(process: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "tinyproxy did not start"
            assert time.monotonic() < give_up
            time.sleep(0.01)  # real: it starts in real time
        else:
            return
