"""Bytes → lines → events, whatever the chunks."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from admin_api.framing import Lines, LineTooLong, ServerSentEvent, ServerSentEvents

LINES = [
    (b"a\nb\n", [b"a", b"b"]),
    (b"a\r\nb\r\n", [b"a", b"b"]),
    (b"a\rb\r", [b"a", b"b"]),
    (b"a\n\rb\r\n\nc\n", [b"a", b"", b"b", b"", b"c"]),
    (b"\n\n", [b"", b""]),
    (b"\r\r\n\r", [b"", b"", b""]),
    (b"\r\n\r\n", [b"", b""]),
    (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", [b"a", b"\xef\xbb\xbfb"]),
    (b"\xef\xbb\xbf\n", [b""]),
    (b"a\nhalf", [b"a"]),
    (b"half", []),
    (b"", []),
    ("ü€😀\n".encode(), ["ü€😀".encode()]),
    (b"\x00\x0b\x0c\x1c\x85\xe2\x80\xa8\n", [b"\x00\x0b\x0c\x1c\x85\xe2\x80\xa8"]),
]


def splits(data: bytes) -> Iterator[list[bytes]]:
    """The data whole, cut in two and in three at every place, and in single bytes."""
    yield [data]
    for i in range(len(data) + 1):
        yield [data[:i], data[i:]]
        for j in range(i, len(data) + 1):
            yield [data[:i], data[i:j], data[j:]]
    yield [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize("data, expected", LINES)
def test_lines_at_every_chunk_boundary(data: bytes, expected: list[bytes]) -> None:
    """STREAM: lines end in LF, CR or CRLF, whatever the chunks; only a first BOM is dropped."""
    for chunks in splits(data):
        lines = Lines()
        assert expected == [line for chunk in chunks for line in lines.feed(chunk)], chunks
        assert data.endswith(b"half") == lines.partial


@pytest.mark.parametrize("seed", range(200))
def test_any_chunks_give_the_lines_of_the_whole(seed: int) -> None:
    """STREAM: chunked or whole, the lines are the same."""
    random = Random(seed)
    pieces = [bytes(random.choices(b"ab\r\n", k=random.randrange(6))) for _ in range(random.randrange(12))]
    chunked, whole = Lines(), Lines()
    assert whole.feed(b"".join(pieces)) == [line for piece in pieces for line in chunked.feed(piece)]
    assert whole.partial == chunked.partial


@pytest.mark.parametrize("data", [b"12345\n", b"1234\n12345\n", b"12345", b"\n12345", b"12345\n1\n"])
def test_a_line_over_the_limit(data: bytes) -> None:
    """STREAM: a line longer than `max_line_bytes` is refused, at whatever boundary it grows too long."""
    for chunks in splits(data):
        lines = Lines(max_line_bytes=4)
        with pytest.raises(LineTooLong):
            _ = [line for chunk in chunks for line in lines.feed(chunk)]


def test_lines_at_the_limit_pass() -> None:
    """STREAM: the limit itself is allowed, and many lines may be longer together."""
    for chunks in splits(b"1234\n1234\n\n1234\n"):
        lines = Lines(max_line_bytes=4)
        assert [b"1234", b"1234", b"", b"1234"] == [line for chunk in chunks for line in lines.feed(chunk)]


EVENTS: list[tuple[bytes, list[tuple[str, str, str]]]] = [
    (b"data: a\n\n", [("message", "a", "")]),
    (b"data:a\n\n", [("message", "a", "")]),
    (b"data:  a\n\n", [("message", " a", "")]),
    (b"data\n\n", [("message", "", "")]),
    (b"data: a\ndata: b\n\n", [("message", "a\nb", "")]),
    (b"event: x\ndata: a\n\n", [("x", "a", "")]),
    (b"id: 1\ndata: a\n\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
    (b"id: 1\ndata: a\n\nid\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "")]),
    (b"id: a\0b\ndata: a\n\n", [("message", "a", "")]),
    (b": heartbeat\n\ndata: a\n\n", [("message", "a", "")]),
    (b"event: x\n\ndata: a\n\n", [("message", "a", "")]),
    (b"id: 7\n\ndata: a\n\n", [("message", "a", "7")]),
    (b"event: end\n\n", [("end", "", "")]),
    (b"unknown: x\nDATA: x\n data: x\ndata: a\n\n", [("message", "a", "")]),
    (b"data: a\n", []),
    (b"data: a:b: c\r\n\r\n", [("message", "a:b: c", "")]),
    (b"\xef\xbb\xbfdata: a\r\r", [("message", "a", "")]),
]


@pytest.mark.parametrize("data, expected", EVENTS)
def test_events_at_every_chunk_boundary(data: bytes, expected: list[tuple[str, str, str]]) -> None:
    """WHATWG HTML, section 9.2: fields, comments, several data lines, ids that stay; an unended event is dropped."""
    for chunks in splits(data):
        lines, events = Lines(), ServerSentEvents()
        found = [event for chunk in chunks for line in lines.feed(chunk) if (event := events.feed(line)) is not None]
        assert [ServerSentEvent(*one) for one in expected] == found, chunks


@pytest.mark.parametrize(
    "line, seconds",
    [
        (b"retry: 1500", 1.5),
        (b"retry:0", 0.0),
        (b"retry: -1", None),
        (b"retry: 1.5", None),
        (b"retry:", None),
        ("retry: ٣".encode(), None),
        ("retry: ²".encode(), None),
        (b"retry: 99999999999999", 99_999_999_999.999),
        (b"retry: 0000000001500", 1.5),
    ],
)
def test_retry_takes_digits_only(line: bytes, seconds: float | None) -> None:
    """STREAM: `retry:` is milliseconds in ASCII digits, all else is ignored."""
    events = ServerSentEvents()
    assert events.feed(line) is None
    assert seconds == events.retry
