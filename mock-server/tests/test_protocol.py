"""The edge of HTTP, by raw sockets."""

from __future__ import annotations

import pytest
from conftest import Raw, Running, problem_in

from admin_api_mock.http import Answer
from admin_api_mock.wire import answer_head

HOST = b"Host: localhost\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELLO\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET * \r\n\r\n",
    ],
)
def test_what_is_not_http_is_a_400_problem(raw: Raw, sent: bytes) -> None:
    """Unparsable bytes get a whole problem, then an orderly close."""
    raw.send(sent)
    answer, end = raw.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    problem = problem_in(answer)
    assert ("invalid_request", 400, "closed") == (problem["code"], problem["status"], end)
    assert f"X-Request-Id: {problem['request_id']}".encode() in answer
    assert b"\r\nAdmin-Api-Version: 1.2.3\r\n" in answer
    assert b"\r\nDate: " in answer


def test_a_header_of_10_mb_is_a_431_problem(raw: Raw) -> None:
    """One endless header is refused without being collected, and the refusal is not lost to a reset."""
    raw.send(b"GET / HTTP/1.1\r\n", HOST, b"X-Long: ")
    with pytest.raises(OSError):  # noqa: PT012, PT011 - the point is that sending ends, whichever way the kernel tells it
        for _ in range(10):
            raw.send(b"a" * 1024 * 1024)
        raw.send(b"\r\n\r\n")
        raise ConnectionAbortedError
    answer, _ = raw.read()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert problem_in(answer)["code"] == "header_too_large"


def test_many_headers_above_the_limit_are_a_431_problem(raw: Raw) -> None:
    """The section counts as a whole."""
    raw.send(b"GET / HTTP/1.1\r\n", HOST, b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(70)), b"\r\n")
    answer, end = raw.read()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert end == "closed"


def test_60_kib_of_headers_pass(raw: Raw) -> None:
    """The limit is 64 KiB and not less."""
    long = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(60))
    raw.send(b"GET /openapi.json HTTP/1.1\r\n", HOST, long, b"Connection: close\r\n\r\n")
    assert raw.read()[0].startswith(b"HTTP/1.1 200 ")


def test_the_limit_is_per_request(raw: Raw) -> None:
    """A connection may be used for ever."""
    for _ in range(4):
        raw.send(b"GET /nowhere HTTP/1.1\r\n", HOST, b"X: ", b"a" * 40_000, b"\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += raw.socket.recv(65536)
        assert head.startswith(b"HTTP/1.1 404 ")


def test_a_body_said_to_be_100_mb_is_a_413_before_it_comes(raw: Raw) -> None:
    """Content-Length alone decides; the answer is whole and the connection closed."""
    raw.send(b"PUT /notes/n1 HTTP/1.1\r\n", HOST, b"Content-Length: 104857600\r\n\r\n", b"a" * 1000)
    raw.socket.settimeout(5)
    head = raw.socket.recv(65536)
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in head.lower()


def test_a_chunked_body_above_the_limit_is_a_413(running: Running) -> None:
    """A body without a length is counted while it comes."""
    raw = Raw(running.port)
    raw.send(b"PUT /notes/n1 HTTP/1.1\r\n", HOST, b"Transfer-Encoding: chunked\r\n\r\n")
    block = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"
    try:
        for _ in range(80):
            raw.send(block)
    except OSError:
        pass  # Refused while we were sending: what the test is about is the answer.
    assert raw.read()[0].startswith(b"HTTP/1.1 413 ")
    raw.socket.close()


def test_broken_chunking_in_a_body_is_a_400(raw: Raw) -> None:
    """A request that turns into garbage half-way is told so."""
    raw.send(b"PUT /notes/n1 HTTP/1.1\r\n", HOST, b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n")
    assert raw.read()[0].startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
    ],
)
def test_an_ambiguous_length_is_a_400(raw: Raw, headers: bytes) -> None:
    """Two readings of where a request ends are how requests are smuggled (RFC 9112 section 6.3)."""
    raw.send(b"PUT /notes/n1 HTTP/1.1\r\n", HOST, headers, b"\r\nab")
    assert raw.read()[0].startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("target", [b"/caf\xc3\xa9", b"/notes?q=caf\xc3\xa9", b"*", b"http://["])
def test_a_target_outside_of_ascii_or_form_is_a_problem(raw: Raw, target: bytes) -> None:
    """Never a 500, never silence."""
    raw.send(b"GET ", target, b" HTTP/1.1\r\n", HOST, b"Authorization: Bearer notes:read\r\nConnection: close\r\n\r\n")
    answer, _ = raw.read()
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ", b"HTTP/1.1 422 "))
    assert problem_in(answer)["request_id"]


def test_an_upgrade_is_ignored(raw: Raw) -> None:
    """RFC 9110 section 7.8: a server may ignore it."""
    raw.send(b"GET /openapi.json HTTP/1.1\r\n", HOST, b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n")
    assert raw.read()[0].startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_are_answered_in_order(raw: Raw) -> None:
    """Two requests in one segment get two answers."""
    raw.send(b"GET /a HTTP/1.1\r\n", HOST, b"\r\nGET /openapi.json HTTP/1.1\r\n", HOST, b"Connection: close\r\n\r\n")
    answer, _ = raw.read()
    assert answer.index(b"HTTP/1.1 404 ") < answer.index(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"/notes/..", b"/notes/%2e%2e", b"/notes/.", b"/../notes"])
def test_dot_segments_are_refused(raw: Raw, path: bytes) -> None:
    """A `..` is neither resolved nor a value."""
    raw.send(b"GET ", path, b" HTTP/1.1\r\n", HOST, b"Authorization: Bearer notes:read\r\nConnection: close\r\n\r\n")
    assert problem_in(raw.read()[0])["code"] == "invalid_request"


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_whole_answer_is_one_segment(raw: Raw, method: bytes) -> None:
    """Head and body leave together, and HEAD has the head of GET without its body."""
    raw.send(method, b" /openapi.json HTTP/1.1\r\n", HOST, b"Connection: close\r\n\r\n")
    head, _, body = raw.socket.recv(65536).partition(b"\r\n\r\n")
    rest, end = raw.read()
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert bool(body) is (method == b"GET")
    assert (len(body + rest), end) == (length if method == b"GET" else 0, "closed")
    assert b"\r\nConnection: close" in head


def test_http_1_0_is_answered_and_closed(raw: Raw) -> None:
    """A client that did not ask to keep the connection does not have to."""
    raw.send(b"GET /nowhere HTTP/1.0\r\n", HOST, b"\r\n")
    answer, end = raw.read()
    assert (problem_in(answer)["code"], end) == ("not_found", "closed")


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb"])
def test_a_header_cannot_become_two(value: str) -> None:
    """A line break in a value is a bug of ours, and must not become somebody's header."""
    with pytest.raises(ValueError, match="one line"):
        answer_head(Answer(200, {"X-A": value}), keep_alive=True)
