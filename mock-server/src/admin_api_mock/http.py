"""What travels: the Request as it arrived, the Answer as it will leave. Nothing here knows the API or ASGI's dicts."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import unquote_plus

import orjson

if TYPE_CHECKING:
    from admin_api_mock.wire import Wire

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
NDJSON = "application/x-ndjson"
EVENT_STREAM = "text/event-stream"
OCTET_STREAM = "application/octet-stream"


EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
#: The largest single request body (RULES FILE: `max_single_upload`, the server's 413 limit).
MAX_BODY_BYTES = 64 * 1024 * 1024
#: Statuses whose answer has no body (RFC 9110 sections 15.3.5 and 15.4.5).
BODILESS = frozenset({204, 304})
#: How much of a body that is refused early is still read, so that the client gets to see why (RULES SERVER).
MAX_DRAIN_BYTES = 1024 * 1024
#: And for how long, in real time.
DRAIN_SECONDS = 1.0

Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]


class Disconnected(Exception):
    """The client went away before its request was whole; there is nobody to answer."""


class BodyTooLarge(Exception):
    """The body is, or says it is, above the limit."""


class Request:
    """One request as the wire gave it. `path` is relative to its world's base path once the world is known."""

    def __init__(self, scope: Mapping[str, Any], receive: Receive) -> None:
        self.method: str = scope["method"]
        self.raw_path: str = scope["raw_path"].decode("ascii")
        self.path: str = self.raw_path
        self.raw_query: str = scope["query_string"].decode("ascii", "replace")
        self.scheme: str = scope.get("scheme") or "http"
        self.client: str | None = scope["client"][0] if scope.get("client") else None
        self.raw_headers: list[tuple[bytes, bytes]] = scope["headers"]
        extensions: Mapping[str, Any] = scope.get("extensions") or {}
        #: What is under the answer (protocol.py puts it there). Absent from what never became a request.
        self.wire = cast("Wire", extensions.get("admin_api_mock.wire"))
        #: A number per connection, so that a test can see reuse.
        self.connection: int = extensions.get("admin_api_mock.connection", 0)
        self.body = b""
        #: Lower-case name → value; a repeated header's values are joined by ", " (RFC 9110 section 5.3).
        self.headers: dict[str, str] = {}
        for raw_name, raw_value in self.raw_headers:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1").strip()
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value
        self._receive = receive
        # Not functools.cached_property: on Python 3.11 that takes a lock at each first use.
        self._query: list[tuple[str, str]] | None = None
        self._body_sha256: str | None = None

    def header(self, name: str) -> str | None:
        """The header's value, or None; `name` in lower case."""
        return self.headers.get(name)

    @property
    def query(self) -> list[tuple[str, str]]:
        """Decoded name-value pairs in the order sent; a name without `=` has an empty value."""
        if self._query is None:
            self._query = [
                (unquote_plus(name), unquote_plus(value))
                for name, _, value in (part.partition("=") for part in self.raw_query.split("&") if part)
            ]
        return self._query

    @property
    def target(self) -> str:
        """Path and query as sent, for problems' `instance` and fingerprints."""
        return f"{self.path}?{self.raw_query}" if self.raw_query else self.path

    @property
    def media_type(self) -> str | None:
        """The Content-Type without parameters, in lower case."""
        value = self.header("content-type")
        return value.partition(";")[0].strip().lower() if value else None

    @property
    def body_sha256(self) -> str:
        """Lower-case hex of the body's SHA-256; computed once, for journal, fingerprint and Content-Digest alike."""
        if self._body_sha256 is None:
            self._body_sha256 = hashlib.sha256(self.body).hexdigest() if self.body else EMPTY_SHA256
        return self._body_sha256

    async def read(self, limit: int = MAX_BODY_BYTES, stop_after: int | None = None) -> None:
        """Fills `body`. Raises BodyTooLarge above `limit`, Disconnected if the client left first.

        `stop_after` returns as soon as that many bytes are there (the fault that resets in the middle of a body).
        """
        length = self.header("content-length")
        if length is not None and int(length) > limit:
            raise BodyTooLarge
        if length is None and "transfer-encoding" not in self.headers:
            return  # No length and not chunked: there is no body (RFC 9112 section 6.3), so nothing to await.
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk: bytes = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge
            more = message.get("more_body", False)
            if stop_after is not None and size >= stop_after:
                break
        self.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def drain(self, limit: int = MAX_DRAIN_BYTES) -> None:
        """Reads and forgets at most `limit` bytes of what is still coming, for DRAIN_SECONDS at the longest."""
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while size < limit:
                    message = await self._receive()
                    size += len(message.get("body", b""))
                    if not message.get("more_body", False):  # Whole, or the client has gone.
                        return

    async def gone(self) -> None:
        """Returns when the client has gone. Only to be awaited once the body has been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


@dataclass(slots=True)
class Answer:
    """What is sent back. A streamed body yields exactly one line or one event per chunk, so that faults can cut it.

    Header names are written as they shall appear; no answer of this API repeats a header.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[bytes] = b""
    #: True when this is the stored first answer to an Idempotency-Key.
    replayed: bool = False
    #: True when the connection must not be used again (an early refusal).
    close: bool = False
    #: True when a test wrote it (faults.py): it may say anything, even of its own length and connection.
    scripted: bool = False

    @classmethod
    def json(cls, status: int, content: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """An `application/json` answer from plain data."""
        return cls(status, {"Content-Type": JSON, **(headers or {})}, orjson.dumps(content))
