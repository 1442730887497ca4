"""The audit trail: appended to, read, never changed. The sequence is the row number, so it has no gaps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from admin_api_mock.store.database import Database
from admin_api_mock.store.keyset import Key, Order, Row, Where, select

#: Digits of a sequence: it sorts as text, too.
SEQUENCE_DIGITS = 20


class EventsTable:
    """Events in order of their sequence, and a signal for those who wait for the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: The newest sequence once it was asked for: this is the only writer. A rollback may have taken it back.
        self._last: int | None = None
        database.on_rollback(self._forget_last)
        self._waiters: set[asyncio.Future[None]] = set()
        #: False once the store is closed: nothing can be read any more.
        self.open = True
        #: True once the world is gone for good: streams say so to who listens.
        self.gone = False

    def next_sequence(self) -> str:
        """The number of the next event; taken only when its transaction commits."""
        return f"{self.last_place() + 1:0{SEQUENCE_DIGITS}d}"

    def append(self, doc: Mapping[str, Any], time_ms: int) -> None:
        """Adds an event, `doc["sequence"]` being `next_sequence()`."""
        data = doc["data"]
        sequence = int(doc["sequence"])
        self._database.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                sequence,
                doc["id"],
                time_ms,
                data["action"],
                data["outcome"],
                data["actor"]["id"],
                data["actor"]["token_id"],
                data["context"]["request_id"],
                orjson.dumps(doc),
            ),
        )
        for target_id in {target["id"] for target in data["targets"]}:
            self._database.execute("INSERT INTO event_targets VALUES (?, ?)", (target_id, sequence))
        self._last = sequence

    def get(self, event_id: str) -> bytes | None:
        """The event of this id."""
        row = self._database.one("SELECT doc FROM events WHERE id = ?", (event_id,))
        return row[0] if row else None

    def place(self, event_id: str) -> int | None:
        """The sequence of this event as a number."""
        row = self._database.one("SELECT sequence FROM events WHERE id = ?", (event_id,))
        return row[0] if row else None

    def first_place(self) -> int:
        """The oldest sequence that is kept; 1 of an empty trail."""
        return int(self._database.one("SELECT coalesce(min(sequence), 1) FROM events")[0])

    def last_place(self) -> int:
        """The newest sequence; 0 if there is no event."""
        if self._last is None:
            self._last = int(self._database.one("SELECT coalesce(max(sequence), 0) FROM events")[0])
        return self._last

    def page(self, where: Where, after: Key | None, limit: int, *, descending: bool = False) -> list[Row]:
        """Events behind `after`."""
        return select(self._database, "events", where, Order(("sequence",), descending), after, limit)

    async def more(self, timeout_seconds: float) -> bool:
        """True after the next commit of an event or when the store closes, False after `timeout_seconds`."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            done, _ = await asyncio.wait([waiter], timeout=timeout_seconds)
        finally:
            self._waiters.discard(waiter)
        return bool(done)

    def announce(self) -> None:
        """Wakes who waits in `more`; called after a commit, never within a transaction."""
        _wake(self._waiters)

    def end(self, *, for_good: bool) -> None:
        """Ends every stream; `for_good` if there is nothing to come back to."""
        self.open = False
        self.gone = for_good
        _wake(self._waiters)

    def _forget_last(self) -> None:
        self._last = None


def _wake(waiters: Iterable[asyncio.Future[None]]) -> None:
    for waiter in list(waiters):
        if not waiter.done():
            waiter.get_loop().call_soon_threadsafe(_settle, waiter)


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
