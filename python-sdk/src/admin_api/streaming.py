"""Exports and event streams that resume where they broke: nothing lost, nothing twice, nothing half (STREAM)."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from ._flavour import aio as flavour
from ._generated import policy
from .backoff import backoff
from .errors import AdminAPIError, APITimeoutError, DecodeError, StreamInterruptedError
from .exchange import Response
from .framing import Lines, LineTooLong, ServerSentEvents
from .operation import Op, decode_error
from .options import OMIT, RequestOptions
from .wire import failures, is_timeout

if TYPE_CHECKING:
    from .resource import AsyncCaller

T = TypeVar("T")


class Broken(Exception):
    """The connection is gone, or fell silent; nothing of what was delivered is lost."""


class AsyncStream(Generic[T]):
    """A stream that has not been opened yet. Iterate it, or use it as a context manager to close it early.

    The attempt counter returns to zero with each item delivered. More than `max_retries` fruitless attempts in a row
    raise `StreamInterruptedError` with the id of the last item.
    """

    def __init__(self, reader: AsyncReader[T]) -> None:
        self._reader = reader  # which knows no stream: what is dropped in a cycle is not closed in order
        self._iterator: AsyncGenerator[T, None] | None = None

    @property
    def last_id(self) -> str | None:
        """Id of the last item delivered; pass it to go on from there in another process."""
        return self._reader.last_id

    @property
    def idle_timeout(self) -> float | None:
        """Seconds without an item, while one is waited for, that raise APITimeoutError; None waits for ever."""
        return self._reader.idle_timeout

    @idle_timeout.setter
    def idle_timeout(self, seconds: float | None) -> None:
        self._reader.idle_timeout = seconds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the stream and frees its connection."""
        if self._iterator is not None:
            await self._iterator.aclose()

    def __aiter__(self) -> AsyncIterator[T]:
        if self._iterator is None:
            self._iterator = self._reader.items()
            flavour.close_at_exit(self._iterator)
        return self._iterator


class AsyncItemStream(AsyncStream[T]):
    """An NDJSON export: items in order of creation, until the line that says how many there were."""


class AsyncEventStream(AsyncStream[T]):
    """Server-sent events, reconnected with Last-Event-ID; `event: end` or a 204 is the end."""

    _reader: AsyncEventReader[T]

    @property
    def liveness(self) -> float:
        """Seconds without a byte, heartbeats included, after which the connection counts as lost."""
        return self._reader.liveness

    @liveness.setter
    def liveness(self, seconds: float) -> None:
        self._reader.liveness = seconds


class AsyncReader(Generic[T]):
    """Reads a stream from connection to connection."""

    idle_timeout: float | None

    def __init__(
        self,
        caller: AsyncCaller,
        op: Op[T],
        path: Mapping[str, str],
        query: Mapping[str, object],
        headers: Mapping[str, object],
        options: RequestOptions | None,
    ) -> None:
        self._caller = caller
        self._op = op
        self._path = path
        self._query = query
        self._headers = headers
        self._options = options
        self._waiting_since = 0.0
        self.last_id: str | None = None

    async def items(self) -> AsyncGenerator[T, None]:
        """All items, to the end of the stream."""
        fruitless = 0
        while True:
            response = await self._open(fruitless)
            how = "left"
            try:
                # One generator and no more: those of a loop that shuts down are closed all at once, so that one which
                # closes another would find it running.
                chunks, lines = response.stream.aiter_bytes(), Lines()
                self._begin()
                while (chunk := await self._chunk(chunks, response)) is not None:
                    for line in self._cut(lines, chunk, response):
                        items = self._items_of(line, response)
                        if items is None:
                            how = "ended"
                            return
                        for item in items:
                            fruitless = 0
                            yield item
                            self._waiting_since = (
                                self._caller.clock.monotonic()
                            )  # the consumer's own time does not count
                if self._is_whole(response):
                    how = "ended"
                    return
                raise Broken(self._cut_short)
            except Broken as broken:
                reason, how = str(broken), "interrupted"
            except AdminAPIError as error:
                how = error.code
                raise
            finally:
                if response.on_end is not None:
                    response.on_end(how)
                await response.stream.aclose()
            fruitless += 1
            if fruitless > self._max_retries():
                raise self._interrupted(reason)
            await self._caller.clock.sleep(self._pause(backoff(fruitless - 1, self._caller.clock.random())))

    def _max_retries(self) -> int:
        given = self._options.max_retries if self._options else OMIT
        return self._caller.limits.max_retries if given is OMIT else given

    async def _open(self, fruitless: int) -> Response:
        """Opens at the last item; attempts that failed since then count."""
        query, headers = self._position()
        limits = self._caller.limits.override(
            timeout=self._options.timeout if self._options else OMIT,
            deadline=self._options.deadline if self._options else OMIT,
            max_retries=self._max_retries() - fruitless,
        )
        options = self._options and RequestOptions(headers=self._options.headers, query=self._options.query)
        request = self._caller.prepare(
            self._op, path=self._path, query=query, headers=headers, options=options, limits=limits
        )
        try:
            return await self._caller.send(request)
        except AdminAPIError as error:
            if fruitless == 0 or not error.retryable:
                raise
            raise self._interrupted(error.message) from error

    def _interrupted(self, reason: str) -> StreamInterruptedError:
        error = StreamInterruptedError(
            f"{self._op.id}: The stream broke and could not be resumed: {reason} Go on behind last_id.",
            operation=self._op.id,
            outcome="unknown",
            retryable=True,
            attempts=self._max_retries() + 1,
        )
        error.last_id = self.last_id
        return error

    def _position(self) -> tuple[Mapping[str, object], Mapping[str, object]]:
        """Query and headers that open the stream behind the last item."""
        raise NotImplementedError

    _cut_short: str
    """What a connection is that ends before the stream does."""

    def _begin(self) -> None:
        """A connection begins."""
        self._waiting_since = self._caller.clock.monotonic()

    def _items_of(self, line: bytes, response: Response) -> Sequence[T] | None:
        """What a line brings; None for the end of the stream."""
        raise NotImplementedError

    def _is_whole(self, response: Response) -> bool:
        """Whether an answer that brought no end was whole all the same."""
        return False

    def _silence(self) -> float | None:
        """Seconds without a byte that break a connection."""
        return None

    def _pause(self, delay: float) -> float:
        """Seconds before the next attempt."""
        return delay

    async def _chunk(self, chunks: AsyncIterator[bytes], response: Response) -> bytes | None:
        """The next bytes of a connection, None at its end; silence for too long breaks it."""
        silence, idle = self._silence(), None
        if self.idle_timeout is not None:
            idle = self.idle_timeout - (self._caller.clock.monotonic() - self._waiting_since)
            if idle <= 0:  # bytes came, heartbeats for one, and no item
                raise self._idle(response)
        bounds = [bound for bound in (silence, idle) if bound is not None]
        error: Exception
        try:
            async with flavour.limit(min(bounds) if bounds else None):
                return await anext(chunks, None)
        except failures() as caught:
            error = caught
        timed_out = is_timeout(error)
        if timed_out and idle is not None and (silence is None or idle <= silence):
            raise self._idle(response)
        raise Broken(
            "The connection fell silent." if timed_out else f"The connection was lost ({type(error).__name__})."
        )

    def _idle(self, response: Response) -> APITimeoutError:
        return APITimeoutError(
            f"{self._op.id}: No item for {self.idle_timeout} s. Raise idle_timeout if that is usual.",
            code="idle_timeout",
            operation=self._op.id,
            outcome="unknown",
            retryable=True,
            attempts=response.call.attempts,
            request_id=response.request_id,
        )

    def _cut(self, lines: Lines, chunk: bytes, response: Response) -> list[bytes]:
        try:
            return lines.feed(chunk)
        except LineTooLong:
            reason = f"a line is longer than {policy.FRAMING_MAX_LINE_BYTES} bytes"
        raise self._unreadable(response, reason, b"")

    def _item(self, data: bytes, response: Response) -> T:
        model: Any = self._op.returns
        try:
            return cast("T", model.model_validate_json(data))
        except ValueError as caught:
            reason = type(caught).__name__
        raise self._unreadable(response, f"an item is not as the document says ({reason})", data)

    def _unreadable(self, response: Response, reason: str, data: bytes) -> DecodeError:
        return decode_error(response, reason, data)


class AsyncItemReader(AsyncReader[T]):
    """NDJSON, until the line that says how many items there were."""

    idle_timeout: float | None = policy.STREAM_NDJSON_IDLE_TIMEOUT

    def _position(self) -> tuple[Mapping[str, object], Mapping[str, object]]:
        assert self._op.stream is not None
        assert self._op.stream.resume is not None
        query = self._query if self.last_id is None else {**self._query, self._op.stream.resume: self.last_id}
        return query, self._headers

    _cut_short = "The export ended before its last line."

    def _items_of(self, line: bytes, response: Response) -> Sequence[T] | None:
        if not line.strip():
            return ()
        if self._end() in line[:64] and self._ends(line):
            return None
        item = self._item(line, response)
        self.last_id = str(getattr(item, "id", "")) or self.last_id
        return (item,)

    def _end(self) -> bytes:
        """How the name of the terminator is spelled."""
        if self._spelled is None:
            assert self._op.stream is not None
            assert self._op.stream.terminator is not None
            self._spelled = json.dumps(self._op.stream.terminator).encode()
        return self._spelled

    _spelled: bytes | None = None

    def _ends(self, line: bytes) -> bool:
        """Whether this is the last line: an object whose one member is the terminator."""
        assert self._op.stream is not None
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):  # no last line, so an item that will be refused as such
            return False
        return isinstance(document, dict) and list(cast("dict[str, object]", document)) == [self._op.stream.terminator]


class AsyncEventReader(AsyncReader[T]):
    """Server-sent events; `event: end` or a 204 is the end."""

    idle_timeout: float | None = None
    liveness: float = policy.STREAM_LIVENESS
    _retry: float | None = None

    def _position(self) -> tuple[Mapping[str, object], Mapping[str, object]]:
        return self._query, self._headers if self.last_id is None else {**self._headers, "Last-Event-ID": self.last_id}

    def _pause(self, delay: float) -> float:
        return max(delay, min(self._retry or 0.0, policy.RETRY_CAP))

    _cut_short = "The stream ended without an end event."

    def _begin(self) -> None:
        super()._begin()
        self._events = ServerSentEvents()

    def _silence(self) -> float | None:
        return self.liveness

    def _is_whole(self, response: Response) -> bool:
        return response.status == 204

    def _items_of(self, line: bytes, response: Response) -> Sequence[T] | None:
        event = self._events.feed(line)
        self._retry = self._events.retry if self._events.retry is not None else self._retry
        if event is None:
            return ()
        if event.event == "end":
            return None
        item = self._item(event.data.encode(), response)
        self.last_id = event.id or self.last_id
        return (item,)
