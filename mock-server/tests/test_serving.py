"""The command: where it listens, what it says first, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from admin_api_mock.control import MockServer
from admin_api_mock.serving import PortTaken, listen


def test_the_first_line_says_where() -> None:
    """One JSON line, `ca` null without TLS, the pid one's own; the server answers at once."""
    with MockServer() as server:
        assert server.ready.ca is None
        assert f"{server.url}/oauth/token" == server.ready.token_url
        assert 200 == httpx.get(f"{server.url}/openapi.json").status_code
        os.kill(server.ready.pid, 0)


def test_tls_is_trusted_by_its_ca_under_every_loopback_name() -> None:
    """localhost, 127.0.0.1 and ::1; and by nothing else; the CA's private key is nowhere; nothing is left behind."""
    with MockServer(["--port", "0"]) as server:
        assert server.ready.ca is not None
        ca = Path(server.ready.ca)
        assert ["ca.pem"] == [path.name for path in ca.parent.iterdir()]
        assert "PRIVATE" not in ca.read_text()
        context = ssl.create_default_context(cafile=str(ca))
        port = httpx.URL(server.url).port
        names = ["localhost", "127.0.0.1"] + (["[::1]"] if len(addresses("localhost")) > 1 else [])
        for name in names:
            assert 200 == httpx.get(f"https://{name}:{port}/openapi.json", verify=context).status_code
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/openapi.json")
        assert "root" == server.control.world().id
    assert not ca.parent.exists()


def addresses(name: str) -> set[str]:
    return {str(info[4][0]) for info in socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM)}


def test_ca_dir_keeps_the_certificate_where_asked(tmp_path: Path) -> None:
    """A directory that the user names is the user's."""
    with MockServer(["--port", "0", "--ca-dir", str(tmp_path / "ca")]) as server:
        assert str(tmp_path / "ca" / "ca.pem") == server.ready.ca
    assert (tmp_path / "ca" / "ca.pem").exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_clean_end(ending: signal.Signals) -> None:
    """Exit code 0, without waiting for idle connections or open streams, and without a traceback."""
    process = subprocess.Popen(
        [sys.executable, "-m", "admin_api_mock", "--port", "0", "--no-tls"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    with httpx.Client(headers={"Authorization": "Bearer TOKEN"}) as client:
        assert 200 == client.get(f"{url}/api/v1/users?limit=1").status_code
        with client.stream("GET", f"{url}/api/v1/audit/stream") as stream:
            assert 200 == stream.status_code
            begin = time.monotonic()
            process.send_signal(ending)
            _, errors = process.communicate(timeout=10)
    assert (0, "") == (process.returncode, errors)
    assert time.monotonic() - begin < 3


def test_a_taken_port_is_said_and_exit_code_2() -> None:
    """Before anything is served, in one line, with what to do."""
    with MockServer() as server:
        port = str(httpx.URL(server.url).port)
        second = subprocess.run(
            [sys.executable, "-m", "admin_api_mock", "--port", port, "--no-tls"],
            capture_output=True,
            check=False,
            text=True,
            timeout=20,
        )
    assert (2, "") == (second.returncode, second.stdout)
    assert f"Port {port} on 127.0.0.1 is taken." in second.stderr
    assert "--port 0" in second.stderr
    assert 1 == second.stderr.count("\n")


def test_localhost_listens_on_every_loopback() -> None:
    """A client may take either address of the name."""
    sockets = listen("localhost", 0)
    try:
        ports = {listening.getsockname()[1] for listening in sockets}
        assert 1 == len(ports)
        with pytest.raises(PortTaken):
            listen("127.0.0.1", ports.pop())
    finally:
        for listening in sockets:
            listening.close()


def test_a_document_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Exit code 2 and the path."""
    missing = tmp_path / "nothing.yaml"
    ended = subprocess.run(
        [sys.executable, "-m", "admin_api_mock", "--document", str(missing), "--no-tls", "--port", "0"],
        capture_output=True,
        check=False,
        text=True,
        timeout=20,
    )
    assert 2 == ended.returncode
    assert str(missing) in ended.stderr
