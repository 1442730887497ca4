"""The journal: every attempt as the server saw it, in order, with credentials as fingerprints; and waiting for one."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.clock import WorldClock
    from admin_api_mock.http import Answer, Request

MAX_RECORDED_BODY = 1024 * 1024
CREDENTIAL_HEADERS = frozenset({b"authorization", b"proxy-authorization", b"cookie"})
CREDENTIAL_MEMBERS = frozenset({"client_secret", "token", "refresh_token", "access_token", "client_assertion"})


def fingerprint(secret: bytes) -> str:
    """Tells two credentials apart and gives neither away."""
    return f"sha256:{hashlib.sha256(secret).hexdigest()[:16]}"


@dataclass(slots=True, eq=False)
class Entry:
    """One attempt. `outcome` is pending until the answer has left; `phase` is where it is, or where it ended."""

    seq: int
    at_ms: int
    method: str
    path: str
    channel: str = "api"
    operation: str | None = None
    status: int | None = None
    outcome: str = "pending"
    phase: str = "arrived"
    replayed: bool = False
    scripted: bool = False
    faults: tuple[str, ...] = ()
    body_size: int = 0
    body_sha256: str | None = None
    connection: int = 0
    answer_headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    answer_body: bytes | bytearray | None = None
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def moves(self) -> bool:
        """True while its request goes on by itself: not ended, not kept by a fault, its answer not begun."""
        return self.outcome == "pending" and self.phase not in ("held", "answering")

    def render(self) -> dict[str, Any]:
        """As the control plane shows it."""
        rendered: dict[str, Any] = {
            "seq": self.seq,
            "at_ms": self.at_ms,
            "channel": self.channel,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "query": [[name, _safe_value(name, value)] for name, value in self.query],
            "headers": [[name.decode("latin-1"), _safe_header(name, value)] for name, value in self.headers],
            "body_size": self.body_size,
            "body_sha256": self.body_sha256,
            "status": self.status,
            "outcome": self.outcome,
            "phase": self.phase,
            "replayed": self.replayed,
            "scripted": self.scripted,
            "faults": list(self.faults),
            "answer_headers": [list(pair) for pair in self.answer_headers],
            "connection": self.connection,
        }
        if self.body is not None:
            content_type = next((value for name, value in self.headers if name == b"content-type"), b"")
            rendered |= _safe_body("body", self.body, content_type.decode("latin-1"), self.channel)
        if self.answer_body is not None:
            content_type_sent = dict(self.answer_headers).get("Content-Type", "")
            rendered |= _safe_body("answer_body", self.answer_body, content_type_sent, self.channel)
        return rendered

    def matches(self, match: Mapping[str, Any]) -> bool:
        """True if every named member is equal."""
        return all(getattr(self, name) == value for name, value in match.items())


class Journal:
    """The attempts of one world, the newest `limit` of them."""

    def __init__(self, clock: WorldClock, *, limit: int, bodies: bool) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._seq = 0
        self._waiting: set[asyncio.Event] = set()
        self._closed = False
        self.bodies = bodies

    def arrived(self, request: Request) -> Entry:
        """Begins an entry."""
        self._seq += 1
        entry = Entry(
            self._seq,
            self._clock.now_ms(),
            request.method,
            request.path,
            connection=request.connection,
            headers=tuple(request.raw_headers),
            query=tuple(request.query) if request.raw_query else (),
        )
        self._entries.append(entry)
        return entry

    def read(self, entry: Entry, request: Request) -> None:
        """Notes the request's body."""
        entry.body_size = len(request.body)
        entry.body_sha256 = request.body_sha256
        if self.bodies and len(request.body) <= MAX_RECORDED_BODY:
            entry.body = request.body

    def answering(self, entry: Entry) -> None:
        """Notes that an answer of no certain end has begun."""
        entry.phase = "answering"
        self.changed()

    async def recorded(self, entry: Entry, items: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """The lines, events or parts of a streamed answer; the entry has them as they pass."""
        entry.answer_body = kept = bytearray()
        try:
            async for item in items:
                if len(kept) + len(item) <= MAX_RECORDED_BODY:
                    kept += item
                else:
                    entry.answer_body = None
                yield item
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()

    def answered(self, entry: Entry, outcome: str, answer: Answer | None) -> None:
        """Ends an entry, once nothing more will be sent."""
        if answer is not None:
            entry.status = answer.status
            entry.replayed = answer.replayed
            entry.scripted = answer.scripted
            entry.answer_headers = tuple(answer.headers.items())
            if self.bodies and isinstance(answer.body, bytes) and len(answer.body) <= MAX_RECORDED_BODY:
                entry.answer_body = answer.body
        entry.outcome = outcome
        self.changed()

    def changed(self) -> None:
        """Wakes those who wait; called whenever an entry enters a state that one may wait for."""
        for event in self._waiting:
            event.set()

    def entries(self, after: int = 0, channel: str | None = None) -> Iterator[Entry]:
        """Entries with a greater `seq`, in order."""
        return (entry for entry in self._entries if entry.seq > after and channel in (None, entry.channel))

    async def wait(self, match: Mapping[str, Any], count: int, timeout_ms: int) -> list[Entry]:
        """The matching entries, as soon as there are `count`; a 408 when real time runs out first."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                while len(found := [entry for entry in self._entries if entry.matches(match)]) < count:
                    if self._closed:
                        raise Problem("not_found", "The world has ended.")
                    event.clear()
                    await event.wait()
                return found
        except TimeoutError:
            seen = sum(entry.matches(match) for entry in self._entries)
            raise Problem("wait_timed_out", f"{seen} of {count} entries had come.", found=seen) from None
        finally:
            self._waiting.discard(event)

    async def settled(self, entries: Collection[Entry]) -> None:
        """Returns once none of the entries moves any more, or the world has ended."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while not self._closed and any(entry.moves for entry in entries):
                event.clear()
                await event.wait()
        finally:
            self._waiting.discard(event)

    def clear(self) -> None:
        """Forgets all entries; `seq` goes on."""
        self._entries.clear()

    def close(self) -> None:
        """Ends every wait."""
        self._closed = True
        self.changed()


def _safe_value(name: str, value: str) -> str:
    return fingerprint(value.encode()) if name in CREDENTIAL_MEMBERS else value


def _safe_header(name: bytes, value: bytes) -> str:
    return fingerprint(value) if name in CREDENTIAL_HEADERS else value.decode("latin-1")


def _safe_body(member: str, body: bytes | bytearray, content_type: str, channel: str) -> dict[str, Any]:
    """JSON as data, text as text, the rest as base64; what the auth channel carries loses its credentials."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        form = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
        return {member: _without_credentials(form)}
    if media_type.endswith("json") and not media_type.endswith("ndjson"):
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            return {f"{member}_base64": base64.b64encode(body).decode()}
        return {member: _without_credentials(content) if channel == "auth" and isinstance(content, dict) else content}
    try:
        return {member: body.decode("utf-8")}
    except UnicodeDecodeError:
        return {f"{member}_base64": base64.b64encode(body).decode()}


def _without_credentials(members: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _safe_value(name, str(value)) if name in CREDENTIAL_MEMBERS else value for name, value in members.items()
    }
