"""Bytes → lines → server-sent events, over any chunk boundary, in constant memory (STREAM). No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from ._generated import policy

BOM = b"\xef\xbb\xbf"


class LineTooLong(Exception):
    """A line is longer than `max_line_bytes`."""


class Lines:
    """Cuts a byte stream into lines that end in LF, CR or CRLF; an unfinished one is kept for the next chunk."""

    def __init__(self, max_line_bytes: int = policy.FRAMING_MAX_LINE_BYTES) -> None:
        self._max = max_line_bytes
        self._rest: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._first = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes, without their ends.

        Raises:
            LineTooLong: A line grew over the limit.
        """
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")  # the second half of a CRLF
            self._after_cr = False
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        last = lines.pop()
        if lines:
            if self._rest:
                lines[0] = b"".join((*self._rest, lines[0]))
                self._rest.clear()
                self._size = 0
            if self._first:
                self._first = False
                lines[0] = lines[0].removeprefix(BOM)
            if len(chunk) > self._max or len(lines[0]) > self._max:
                self._check(max(map(len, lines)))
        if last:
            self._rest.append(last)
            self._size += len(last)
            self._check(self._size)
        return lines

    def _check(self, size: int) -> None:
        if size > self._max:
            raise LineTooLong

    @property
    def partial(self) -> bool:
        """Whether a line has begun and not ended."""
        return self._size > 0


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """An event as it came (WHATWG HTML, section 9.2)."""

    event: str
    data: str
    id: str
    """The last event id, of this event or an earlier one."""


class ServerSentEvents:
    """Puts lines together to events."""

    def __init__(self) -> None:
        self.last_id = ""
        self.retry: float | None = None
        """Seconds that the server asks to wait before a reconnect."""
        self._id: str | None = None
        self._event = ""
        self._data: list[str] = []

    def feed(self, line: bytes) -> ServerSentEvent | None:
        """The event that this line completes; an `end` needs no data."""
        if not line:
            return self._dispatch()
        if line.startswith(b":"):
            return None
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = float(value) / 1000
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        event, data = self._event or "message", self._data
        if self._id is not None:
            self.last_id = self._id
        self._event, self._data, self._id = "", [], None
        if not data and event != "end":
            return None
        return ServerSentEvent(event, "\n".join(data), self.last_id)
