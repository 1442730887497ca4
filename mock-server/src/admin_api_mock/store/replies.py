"""First answers by Idempotency-Key. What is kept, and for how long, is decided in idempotency.py."""

from __future__ import annotations

from typing import NamedTuple

from admin_api_mock.store.database import Database


class Reply(NamedTuple):
    """A stored first answer; `body` is None once a sealed one has been forgotten."""

    fingerprint: bytes
    stored_ms: int
    status: int
    headers: bytes
    body: bytes | None
    secret_of: str | None


class RepliesTable:
    """Answers by place: the digest of subject, operation and key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: When `forget` was last called.
        self.forgot_ms = 0

    def get(self, place: bytes) -> Reply | None:
        """The stored answer, however old."""
        row = self._database.one(
            "SELECT fingerprint, stored_ms, status, headers, body, secret_of FROM replies WHERE place = ?",
            (place,),
        )
        return Reply(*row) if row else None

    def put(self, place: bytes, reply: Reply) -> None:
        """Stores an answer in place of an expired one, if there is one."""
        self._database.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?)", (place, *reply))

    def forget(self, before_ms: int, secrets_before_ms: int) -> None:
        """Drops answers stored before `before_ms`, and sealed bodies stored before `secrets_before_ms`."""
        self._database.execute("DELETE FROM replies WHERE stored_ms < ?", (before_ms,))
        self._database.execute(
            "UPDATE replies SET body = NULL WHERE stored_ms < ? AND secret_of IS NOT NULL AND body IS NOT NULL",
            (secrets_before_ms,),
        )
