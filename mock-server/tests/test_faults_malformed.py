"""Malformed answers: what is on the wire, byte for byte, what an HTTP library nobody here wrote makes of it, and that
the state knows nothing of it."""

from __future__ import annotations

from typing import Any

import h11
import pytest
from conftest import Raw, Running
from exchange import Got, alive, creation, exchange, outcomes, request

from admin_api_mock.control import WorldHandle
from admin_api_mock.control.routes import DOCUMENT
from admin_api_mock.document import Document
from admin_api_mock.malformed import EXCESS, FRAMINGS, HEADER_SIZE, NO_GZIP, NO_UTF8, OF_THE_HEAD, PAGE, REWRITINGS

NOTE = b'{"path":{},"query":{},"headers":{},"body":{"text":"a"}}'
LINE = b'{"id":"n0","text":"line"}\n'
#: What is no HTTP, → how it ends. The connection is closed where nobody could say where the next answer begins.
CLOSED = sorted(FRAMINGS.keys() - {"content_length_long"})


def meant(kind: str, body: bytes) -> bytes:
    """What stands behind the head of an answer that a fault of this kind breaks."""
    chunk = b"%x\r\n%b\r\n" % (len(body), body)
    wrong = {
        "chunk_size": b"zz\r\n" + body + b"\r\n0\r\n\r\n",
        "chunk_end": chunk,
        "transfer_encoding_and_length": chunk + b"0\r\n\r\n",
        "content_length_long": body + EXCESS,
        "gzip": NO_GZIP,
        "json": body[: len(body) // 2],
        "utf8": NO_UTF8,
        "html": PAGE,
        "empty": b"",
    }
    return wrong.get(kind, body)


def lines(got: Got, name: bytes) -> list[bytes]:
    """All values of a header, in order."""
    found = (line.partition(b": ") for line in got.head.split(b"\r\n"))
    return [value for header, _, value in found if header.lower() == name]


def check_head(kind: str, got: Got, status: bytes, size: int) -> None:
    """The head of an answer that a fault of this kind breaks; `size` is that of the body that was meant."""
    if kind == "status_line":
        assert got.head.startswith(b"HTTP/1.1 2OO OK\r\n")
    else:
        assert got.head.startswith(b"HTTP/1.1 200 OK\r\n" if kind == "html" else b"HTTP/1.1 %b\r\n" % status)
    assert ([b"x" * HEADER_SIZE] if kind == "header_size" else []) == lines(got, b"x-long")
    assert (b"\r\nThis is no header\r\n" in got.head) is (kind == "header")
    chunked = kind in ("chunk_size", "chunk_end", "transfer_encoding_and_length")
    assert ([b"chunked"] if chunked else []) == lines(got, b"transfer-encoding")
    lengths = {
        "status_line": [],
        "header": [],
        "header_size": [],
        "chunk_size": [],
        "chunk_end": [],
        "content_length_short": [size + 16],
        "content_length_long": [size],
        "duplicate_content_length": [size, size + 16],
        "transfer_encoding_and_length": [size + 16],
        "gzip": [len(NO_GZIP)],
        "json": [size // 2],
        "utf8": [len(NO_UTF8)],
        "content_type": [size],
        "html": [len(PAGE)],
        "empty": [0],
    }
    assert [b"%d" % length for length in lengths[kind]] == lines(got, b"content-length")
    assert ([b"gzip"] if kind == "gzip" else []) == lines(got, b"content-encoding")
    assert (lines(got, b"content-type") == [b"text/html"]) is (kind in ("content_type", "html"))
    assert bool(lines(got, b"x-request-id")) is (kind != "html")


def test_every_kind_of_the_document_is_there() -> None:
    """The document, the two tables and these tests name the same kinds, and the document says of each what it is."""
    schema: Any = Document.load(DOCUMENT).raw["components"]["schemas"]["Malformed"]
    assert sorted(schema["enum"]) == sorted([*REWRITINGS, *FRAMINGS])
    assert all(f"- `{kind}`: " in schema["description"] for kind in schema["enum"])
    assert {*REWRITINGS, *FRAMINGS} > OF_THE_HEAD


@pytest.mark.parametrize("kind", [*REWRITINGS, *FRAMINGS])
def test_a_committed_answer_is_malformed(raw: Raw, world: WorldHandle, running: Running, kind: str) -> None:
    """The mutation is done, the answer is wrong in the one way that was asked for, and the journal says so."""
    world.fault("notes.create", malformed=kind)
    got = exchange(raw, creation(world))
    if kind in CLOSED:
        assert "closed" == got.end()
    else:
        got.whole().until(meant(kind, NOTE))
        assert alive(raw, world)
    check_head(kind, got, b"201 Created", len(NOTE))
    assert meant(kind, NOTE) == got.body
    assert "notes.create" == running.notes.done[world.id][0]
    entry = world.journal()[0]
    assert ("malformed", 200 if kind == "html" else 201) == (entry["outcome"], entry["status"])


@pytest.mark.parametrize("kind", [*REWRITINGS, *FRAMINGS])
def test_under_head_the_head_is_malformed(raw: Raw, world: WorldHandle, kind: str) -> None:
    """No body, whatever the head says; only what exceeds all promises comes all the same."""
    size = len(exchange(raw, request(world, b"GET", "/notes")).whole().body)
    world.fault("notes.list", malformed=kind)
    got = exchange(raw, request(world, b"HEAD", "/notes"))
    if kind in CLOSED:
        assert "closed" == got.end()
    else:
        got.until(b"\r\n\r\n" + (EXCESS if kind == "content_length_long" else b""))
        assert alive(raw, world)
    check_head(kind, got, b"200 OK", size)
    assert (EXCESS if kind == "content_length_long" else b"") == got.body
    assert ("malformed", 200) == outcomes(world)[1]


@pytest.mark.parametrize("kind", [*REWRITINGS, *FRAMINGS])
def test_of_a_stream_one_line_is_malformed(raw: Raw, world: WorldHandle, kind: str) -> None:
    """The first line stands for all of them, and an end in place of the rest."""
    world.fault("notes.export", malformed=kind)
    got = exchange(raw, request(world, b"GET", "/notes/export"))
    line = b"" if kind in OF_THE_HEAD else LINE
    if kind in CLOSED:
        assert "closed" == got.end()
    else:
        got.whole().until(meant(kind, line))
        assert alive(raw, world)
    check_head(kind, got, b"200 OK", len(line))
    assert meant(kind, line) == got.body
    assert ("malformed", 200) == outcomes(world)[0]


@pytest.mark.parametrize("kind", [*REWRITINGS, *FRAMINGS])
def test_an_answer_without_a_body_has_its_head_alone_malformed(
    raw: Raw, world: WorldHandle, running: Running, kind: str
) -> None:
    """A 204 stays without a body, but for the page that takes its place and for what exceeds it."""
    world.fault("notes.put", malformed=kind)
    got = exchange(raw, request(world, b"PUT", "/notes/n1", b"a", b"Content-Type: application/octet-stream\r\n"))
    expected = {"html": PAGE, "content_length_long": EXCESS}.get(kind, b"")
    if kind in CLOSED:
        assert "closed" == got.end()
    else:
        got.until(b"\r\n\r\n" + expected)
        assert alive(raw, world)
    assert expected == got.body
    assert "notes.put" == running.notes.done[world.id][0]
    assert ("malformed", 200 if kind == "html" else 204) == outcomes(world)[0]


@pytest.mark.parametrize("kind", sorted(OF_THE_HEAD))
def test_a_malformed_head_does_not_wait_for_an_event(raw: Raw, world: WorldHandle, running: Running, kind: str) -> None:
    """A stream in which nothing happens is malformed at once, and is not left open behind that."""
    world.fault("notes.stream", malformed=kind)
    got = exchange(raw, request(world, b"GET", "/notes/stream"))
    got.until(b"\r\n\r\n")
    world.wait({"outcome": "malformed"})
    assert 0 == running.notes.open_streams


@pytest.mark.parametrize("kind", CLOSED)
def test_a_library_refuses_what_is_no_http(raw: Raw, world: WorldHandle, kind: str) -> None:
    """A parser that reads it to the end finds an error in it: the fault is a fault to others too."""
    world.fault("notes.create", malformed=kind)
    got = exchange(raw, creation(world))
    got.end()
    if kind == "transfer_encoding_and_length":
        # RFC 9112 section 6.3 lets a client go by the chunks; both being there is what it has to be wary of.
        assert [b"Content-Length", b"Transfer-Encoding"] == sorted(
            line.partition(b":")[0] for line in got.head.split(b"\r\n") if line.startswith((b"Content-L", b"Transfer"))
        )
        return
    with pytest.raises(h11.RemoteProtocolError):
        read_by_h11(got.data)


@pytest.mark.parametrize("kind", [*REWRITINGS, "content_length_long"])
def test_a_library_takes_what_is_http(raw: Raw, world: WorldHandle, kind: str) -> None:
    """The rest is for those who look at what they were given."""
    world.fault("notes.create", malformed=kind)
    got = exchange(raw, creation(world)).whole().until(meant(kind, NOTE))
    body, excess = read_by_h11(got.data)
    assert meant(kind, NOTE) == body + excess
    assert (EXCESS if kind == "content_length_long" else b"") == excess


def read_by_h11(data: bytes) -> tuple[bytes, bytes]:
    """The body that h11 finds in an answer, and what is behind its end."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "localhost")]))
    client.send(h11.EndOfMessage())
    pieces = [data[start : start + 65536] for start in range(0, len(data), 65536)]
    body = b""
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Data):
            body += bytes(event.data)
        elif event is h11.NEED_DATA:
            client.receive_data(pieces.pop(0) if pieces else b"")  # Behind the last piece, the end.
    return body, client.trailing_data[0]
