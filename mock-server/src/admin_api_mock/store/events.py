"""The audit trail: appended to, read, never changed, cut off at its old end. The sequence is the row number."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from admin_api_mock.store.database import Database
from admin_api_mock.store.keyset import Key, Order, Row, Where, select

#: Digits of a sequence: it sorts as text, too.
SEQUENCE_DIGITS = 20
#: The newest event that is not kept any more: [sequence, id].
_CUT_AT = "audit trail cut at"


class EventsTable:
    """Events in order of their sequence, and a signal for those who wait for the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: The newest sequence once it was asked for: this is the only writer. A rollback may have taken it back.
        self._last: int | None = None
        #: The newest event that was cut off, once it was asked for.
        self._cut_at: tuple[int, str] | None = None
        #: World time of the last look for what is too old (retention.py).
        self.cut_ms = 0
        database.on_rollback(self._forget)
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
        """The sequence of this event as a number; of the newest that was cut off, too: all behind it is here."""
        row = self._database.one("SELECT sequence FROM events WHERE id = ?", (event_id,))
        if row is not None:
            return int(row[0])
        sequence, cut_id = self._newest_cut()
        return sequence if event_id == cut_id else None

    def was_cut(self, event_id: str) -> bool:
        """Whether this id is that of an event which is not kept any more: ids rise with the sequence."""
        return len(event_id) == len(cut_id := self._newest_cut()[1]) and event_id <= cut_id

    def first_place(self) -> int:
        """The oldest sequence that is kept, or that the next event has if none is."""
        return self._newest_cut()[0] + 1

    def first_sequence(self) -> str:
        """The same, as events show it."""
        return f"{self.first_place():0{SEQUENCE_DIGITS}d}"

    def cut(self, before_ms: int) -> None:
        """Forgets all events in front of the first one of `before_ms` or later."""
        kept = self._database.one(
            "SELECT sequence FROM events WHERE time_ms >= ? ORDER BY sequence LIMIT 1", (before_ms,)
        )
        newest_cut = self.last_place() if kept is None else int(kept[0]) - 1
        if newest_cut < self.first_place():
            return
        (cut_id,) = self._database.one("SELECT id FROM events WHERE sequence = ?", (newest_cut,))
        self._database.execute("DELETE FROM event_targets WHERE sequence <= ?", (newest_cut,))
        self._database.execute("DELETE FROM events WHERE sequence <= ?", (newest_cut,))
        self._database.remember(_CUT_AT, orjson.dumps([newest_cut, cut_id]))
        self._cut_at = newest_cut, cut_id

    def last_place(self) -> int:
        """The newest sequence, kept or not; 0 if there never was an event."""
        if self._last is None:
            newest = self._database.one("SELECT max(sequence) FROM events")[0]
            self._last = self._newest_cut()[0] if newest is None else int(newest)
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

    def _newest_cut(self) -> tuple[int, str]:
        if self._cut_at is None:
            kept = self._database.remembered(_CUT_AT)
            sequence, event_id = orjson.loads(kept) if kept else (0, "")
            self._cut_at = sequence, event_id
        return self._cut_at

    def _forget(self) -> None:
        self._last = None
        self._cut_at = None


def _wake(waiters: Iterable[asyncio.Future[None]]) -> None:
    for waiter in list(waiters):
        if not waiter.done():
            waiter.get_loop().call_soon_threadsafe(_settle, waiter)


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
