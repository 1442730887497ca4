"""What a hostile web page, or a name that it had resolved to loopback, can make a browser send: by raw sockets."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import Running, problem_in
from tiny import Notes, document

from admin_api_mock.app import App
from admin_api_mock.serving import Server, listen

KNOWN = b"Authorization: Bearer notes:read,notes:write\r\n"
#: What the control plane does on request; each of it would be done unseen.
CONTROL = (
    (b"GET", b"/__mock__/worlds", b""),
    (b"POST", b"/__mock__/worlds", b'{"id":"evil"}'),
    (b"POST", b"/__mock__/worlds/root/clock", b'{"advance_ms":1}'),
    (b"POST", b"/__mock__/worlds/root/reset", b""),
    (b"DELETE", b"/__mock__/worlds/root/journal", b""),
)
JSON = b"Content-Type: application/json\r\n"


def answer_to(port: int, head: bytes, body: bytes = b"", *, host: str = "127.0.0.1") -> tuple[int, bytes]:
    """Status and the whole answer; `head` without the length and the empty line."""
    with socket.create_connection((host, port), timeout=10) as connection:
        length = b"Content-Length: %d\r\n" % len(body)
        connection.sendall(head + length + b"Connection: close\r\n\r\n" + body)
        came = b""
        while chunk := connection.recv(65536):
            came += chunk
    return int(came.split(b" ", 2)[1]), came


def code_in(answer: bytes) -> str:
    code: str = problem_in(answer)["code"]
    return code


@pytest.mark.parametrize("method,path,body", CONTROL, ids=lambda value: value.decode()[:30])
@pytest.mark.parametrize(
    "host",
    [
        b"evil.example",
        b"evil.example:%d",
        b"localhost.evil.example",
        b"localhost.",
        b"localhost.:%d",
        b"127.0.0.1.nip.io",
        b"127.1",
        b"2130706433",
        b"0x7f000001",
        b"0.0.0.0:%d",
        b"[::]:%d",
        b"[0:0:0:0:0:0:0:1]:%d",
        b"[::ffff:127.0.0.1]:%d",
        b"::1",
        b"[::1",
        b"localhost@evil.example",
        b"localhost:%d@evil.example",
        b"evil.example#localhost",
        b"evil.example/localhost",
        b"localhost, evil.example",
        b"",
    ],
)
def test_a_rebound_name_reaches_nothing(running: Running, host: bytes, method: bytes, path: bytes, body: bytes) -> None:
    """DNS rebinding: the page is of its own origin then, and only the Host tells that it is not ours."""
    host = host.replace(b"%d", str(running.port).encode())
    status, answer = answer_to(
        running.port, method + b" " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + JSON, body
    )
    assert (421, "forbidden_host") == (status, code_in(answer))
    status, answer = answer_to(running.port, b"GET /notes HTTP/1.1\r\nHost: " + host + b"\r\n" + KNOWN)
    assert (421, "forbidden_host") == (status, code_in(answer))


@pytest.mark.parametrize(
    "hosts", [b"Host: localhost\r\nHost: evil.example\r\n", b"Host: evil.example\r\nHost: localhost\r\n"]
)
def test_two_hosts_are_none(running: Running, hosts: bytes) -> None:
    """RFC 9112, 3.2: whoever looks at one of them only is led astray."""
    status, _ = answer_to(running.port, b"GET /__mock__/worlds HTTP/1.1\r\n" + hosts)
    assert status in (400, 421)


def test_no_host_is_refused(running: Running) -> None:
    """HTTP/1.0 has none; no browser speaks it."""
    status, answer = answer_to(running.port, b"GET /__mock__/worlds HTTP/1.0\r\n")
    assert (421, "forbidden_host") == (status, code_in(answer))


@pytest.mark.parametrize(
    "target,status",
    [
        (b"http://evil.example/__mock__/worlds", 421),
        (b"http://evil.example:%d/__mock__/worlds", 421),
        (b"http://localhost@evil.example/__mock__/worlds", 421),
        (b"http://evil.example?x=/__mock__/worlds", 400),
        (b"http://localhost:%d/__mock__/worlds", 200),
        (b"http://127.0.0.1/__mock__/worlds", 200),
        (b"//evil.example/__mock__/worlds", 404),
        (b"/%5F_mock__/worlds", 404),
        (b"/notes/../__mock__/worlds", 400),
        (b"/w/root/__mock__/worlds", 404),
        (b"*", 404),
    ],
)
def test_the_target_says_which_host_is_meant(running: Running, target: bytes, status: int) -> None:
    """RFC 9112, 3.2.2: in the absolute form the Host field is not looked at; another spelling is no way around."""
    target = target.replace(b"%d", str(running.port).encode())
    found, _ = answer_to(running.port, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n")
    assert status == found


@pytest.mark.parametrize("host", [b"localhost", b"LOCALHOST:%d", b"127.0.0.1:%d", b"[::1]:%d", b"127.0.0.1"])
def test_its_own_names_are_good(running: Running, host: bytes) -> None:
    """In any case of letters, with whatever port a tunnel has."""
    host = host.replace(b"%d", str(running.port).encode())
    assert 200 == answer_to(running.port, b"GET /__mock__/worlds HTTP/1.1\r\nHost: " + host + b"\r\n")[0]


@pytest.mark.parametrize(
    "origin",
    [b"https://evil.example", b"null", b"http://localhost", b"http://localhost:1", b"https://localhost:%d",
     b"http://evil.localhost:%d", b"http://localhost:%d.evil.example", b"http://localhost:%d, null", b"file://", b""],
)  # fmt: skip
@pytest.mark.parametrize("content_type", [b"text/plain", b"application/x-www-form-urlencoded", b"application/json"])
def test_a_page_of_another_origin_is_refused(running: Running, origin: bytes, content_type: bytes) -> None:
    """`null` is a sandboxed frame's, a file's, a redirected request's: of nobody's that is known."""
    origin = origin.replace(b"%d", str(running.port).encode())
    head = b"Host: localhost\r\nOrigin: " + origin + b"\r\nContent-Type: " + content_type + b"\r\n"
    for method, path, body in CONTROL:
        status, answer = answer_to(running.port, method + b" " + path + b" HTTP/1.1\r\n" + head, body)
        assert (403, "forbidden_origin") == (status, code_in(answer))
    status, answer = answer_to(running.port, b"GET /notes HTTP/1.1\r\n" + KNOWN + head)
    assert (403, "forbidden_origin") == (status, code_in(answer))


@pytest.mark.parametrize(
    "content_type",
    [b"text/plain", b"text/plain;application/json", b"application/x-www-form-urlencoded", b"multipart/form-data",
     b"application/jsonp", b"application/csp-report", None],
)  # fmt: skip
def test_what_a_form_can_send_is_no_command(running: Running, content_type: bytes | None) -> None:
    """A browser sends these without asking, and an old one without an Origin."""
    head = b"Host: localhost\r\n" + (b"Content-Type: " + content_type + b"\r\n" if content_type else b"")
    before = set(running.notes.done)
    status, answer = answer_to(running.port, b"POST /__mock__/worlds HTTP/1.1\r\n" + head, b'{"id":"evil"}')
    assert (415, "unsupported_media_type") == (status, code_in(answer))
    assert before == set(running.notes.done)


@pytest.mark.parametrize(
    "site,status", [(b"cross-site", 403), (b"same-site", 403), (b"same-origin", 200), (b"none", 200)]
)
def test_browsers_say_where_a_request_comes_from(running: Running, site: bytes, status: int) -> None:
    """An image or a script element has no Origin; `same-site` is another port of localhost, or a rebound subdomain."""
    head = b"Host: localhost\r\nSec-Fetch-Site: " + site + b"\r\nSec-Fetch-Mode: no-cors\r\n"
    found, _ = answer_to(running.port, b"GET /__mock__/worlds HTTP/1.1\r\n" + head)
    assert status == found


def test_a_preflight_gets_no_permission(running: Running) -> None:
    """Whatever it asks for, private networks included: without --cors nothing is allowed to anybody."""
    for path in (b"/notes", b"/__mock__/worlds"):
        head = b"Host: localhost\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n"
        head += b"Access-Control-Request-Headers: content-type\r\nAccess-Control-Request-Private-Network: true\r\n"
        status, answer = answer_to(running.port, b"OPTIONS " + path + b" HTTP/1.1\r\n" + head)
        assert 403 == status
        assert b"access-control-allow" not in answer.lower()


PAGE = "http://localhost:3000"


@contextmanager
def serving(host: str, *cors: str) -> Iterator[tuple[int, Notes]]:
    """A server bound to `host`."""
    notes = Notes()
    sockets = listen(host, 0)
    port = sockets[0].getsockname()[1]
    app = App(document(), notes.domain, origin=f"http://{host}:{port}", host=host, seed=1, cors=cors)
    ready = threading.Event()
    server = Server(app, None, ready.set)
    thread = threading.Thread(target=server.run, args=(sockets,), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield port, notes
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def test_a_named_origin_gets_the_api_and_never_the_control_plane() -> None:
    """`--cors` is for the pages one writes; they need no power over the server."""
    with serving("localhost", PAGE) as (port, notes):
        head = b"Host: localhost\r\nOrigin: " + PAGE.encode() + b"\r\n"
        status, answer = answer_to(port, b"GET /notes HTTP/1.1\r\n" + KNOWN + head)
        assert 200 == status
        assert b"access-control-allow-origin: " + PAGE.encode() in answer.lower()
        for method, path, body in CONTROL:
            for asked in (b"", b"Access-Control-Request-Method: POST\r\n"):
                verb = b"OPTIONS" if asked else method
                status, answer = answer_to(port, verb + b" " + path + b" HTTP/1.1\r\n" + head + JSON + asked, body)
                assert (403, "forbidden_origin") == (status, code_in(answer))
                assert b"access-control-allow" not in answer.lower()
        for other in (b"http://localhost:3001", b"https://localhost:3000", b"null", b"http://localhost:3000.evil"):
            status, answer = answer_to(
                port, b"GET /notes HTTP/1.1\r\nHost: localhost\r\nOrigin: " + other + b"\r\n" + KNOWN
            )
            assert (403, "forbidden_origin") == (status, code_in(answer))
        assert {"root"} == set(notes.done)


def own_address() -> str:
    """An address of this machine that is not loopback, or any: to connect a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address: str = probe.getsockname()[0]
        except OSError:
            return "0.0.0.0"  # noqa: S104 - without a network, all addresses: not loopback either
    return address


@pytest.mark.parametrize("host", ["0.0.0.0", "own"])  # noqa: S104 - what is tested
def test_off_loopback_there_is_no_control_plane(host: str) -> None:
    """Whoever reaches it, by whatever name, from this machine too; the API is there."""
    host = own_address() if host == "own" else host
    at = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - all addresses are loopback's, too
    with serving(host) as (port, notes):
        for method, path, body in CONTROL:
            for name in (b"localhost", host.encode(), b"api.example"):
                status, answer = answer_to(
                    port, method + b" " + path + b" HTTP/1.1\r\nHost: " + name + b"\r\n" + JSON, body, host=at
                )
                assert (404, "not_found") == (status, code_in(answer))
        assert {"root"} == set(notes.done)
        assert 200 == answer_to(port, b"GET /notes HTTP/1.1\r\nHost: api.example\r\n" + KNOWN, host=at)[0]


def test_what_is_refused_leaves_the_connection_in_order(running: Running) -> None:
    """A refused request is read to its end: what follows on the connection is not taken for the rest of it."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        smuggled = b"DELETE /__mock__/worlds/root/journal HTTP/1.1\r\nHost: localhost\r\n\r\n"
        length = b"Content-Length: %d\r\n\r\n" % len(smuggled)
        connection.sendall(b"POST /__mock__/worlds HTTP/1.1\r\nHost: evil.example\r\n" + JSON + length + smuggled)
        connection.sendall(b"GET /__mock__/worlds HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        came = b""
        while chunk := connection.recv(65536):
            came += chunk
    assert [b"421", b"200"] == [part.split(b" ", 1)[0] for part in came.split(b"HTTP/1.1 ")[1:]]
    assert json.loads(came.rpartition(b"\r\n\r\n")[2])["worlds"]
