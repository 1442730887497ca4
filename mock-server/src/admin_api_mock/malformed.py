"""Answers that are wrong: of the right HTTP with the wrong content (rewritings), or no HTTP at all (framings)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from admin_api_mock.http import Answer

#: How many bytes a wrong length is wrong by.
OFF_BY = 16
HEADER_SIZE = 1024 * 1024
PAGE = b"<!DOCTYPE html><title>Log in</title><p>Log in to use this network.\n"
NO_GZIP = b"\x1f\x8b\x08\x00 this was never compressed"
NO_UTF8 = b'"\xff\xfe\xfa"'
EXCESS = b"x" * OFF_BY


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes of an answer. `excess` is what comes where nothing may, under HEAD too."""

    head: bytes
    body: bytes
    excess: bytes = b""
    closes: bool = True


#: The answer that was meant, and its body.
Rewrite: TypeAlias = Callable[[Answer, bytes], Answer]
#: The head that was meant, without a Content-Length, and the body.
Frames: TypeAlias = Callable[[bytes, bytes], Frame]


def _gzip(answer: Answer, body: bytes) -> Answer:
    return _with(answer, NO_GZIP, {"Content-Encoding": "gzip"})


def _json(answer: Answer, body: bytes) -> Answer:
    return _with(answer, body[: len(body) // 2])


def _utf8(answer: Answer, body: bytes) -> Answer:
    return _with(answer, NO_UTF8)


def _content_type(answer: Answer, body: bytes) -> Answer:
    return _with(answer, body, {"Content-Type": "text/html"})


def _html(answer: Answer, body: bytes) -> Answer:
    return Answer(200, {"Date": answer.headers["Date"], "Content-Type": "text/html"}, PAGE)  # Nothing of ours is in it.


def _empty(answer: Answer, body: bytes) -> Answer:
    return _with(answer, b"")


def _with(answer: Answer, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(answer.status, {**answer.headers, **(headers or {})}, body, replayed=answer.replayed)


def _status_line(head: bytes, body: bytes) -> Frame:
    _, _, fields = head.partition(b"\r\n")
    return Frame(b"HTTP/1.1 2OO OK\r\n" + fields, body)


def _header(head: bytes, body: bytes) -> Frame:
    return Frame(_and(head, b"This is no header"), body)


def _header_size(head: bytes, body: bytes) -> Frame:
    return Frame(_and(head, b"X-Long: " + b"x" * HEADER_SIZE), body)


def _chunk_size(head: bytes, body: bytes) -> Frame:
    return Frame(_and(head, b"Transfer-Encoding: chunked"), b"zz\r\n" + body + b"\r\n0\r\n\r\n")


def _chunk_end(head: bytes, body: bytes) -> Frame:
    return Frame(_and(head, b"Transfer-Encoding: chunked"), _chunk(body))


def _content_length_short(head: bytes, body: bytes) -> Frame:
    return Frame(_and(head, _length(len(body) + OFF_BY)), body)


def _content_length_long(head: bytes, body: bytes) -> Frame:
    return Frame(_and(head, _length(len(body))), body, EXCESS, closes=False)


def _duplicate_content_length(head: bytes, body: bytes) -> Frame:
    return Frame(_and(head, _length(len(body)), _length(len(body) + OFF_BY)), body)


def _transfer_encoding_and_length(head: bytes, body: bytes) -> Frame:
    lines = _and(head, _length(len(body) + OFF_BY), b"Transfer-Encoding: chunked")
    return Frame(lines, _chunk(body) + b"0\r\n\r\n")


def _length(size: int) -> bytes:
    return b"Content-Length: %d" % size


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""


def _and(head: bytes, *lines: bytes) -> bytes:
    """The head with more lines at its end."""
    return head.removesuffix(b"\r\n") + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


#: Both by their names in control/openapi.yaml, which says of each what it is; a test holds the three together.
REWRITINGS: Mapping[str, Rewrite] = {
    "gzip": _gzip,
    "json": _json,
    "utf8": _utf8,
    "content_type": _content_type,
    "html": _html,
    "empty": _empty,
}
FRAMINGS: Mapping[str, Frames] = {
    "status_line": _status_line,
    "header": _header,
    "header_size": _header_size,
    "chunk_size": _chunk_size,
    "chunk_end": _chunk_end,
    "content_length_short": _content_length_short,
    "content_length_long": _content_length_long,
    "duplicate_content_length": _duplicate_content_length,
    "transfer_encoding_and_length": _transfer_encoding_and_length,
}
#: Those that are known without the body: a stream need not have begun.
OF_THE_HEAD = frozenset({"status_line", "header", "header_size", "html", "empty", "gzip", "utf8"})
