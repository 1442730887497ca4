"""Ciphertext in chunks, so that none need ever be whole in memory; apart from objects, so that lists lack it."""

from __future__ import annotations

from collections.abc import Iterator

from admin_api_mock.store.database import Database

CHUNK_BYTES = 1024 * 1024


class ContentGone(Exception):
    """The owner was deleted while its content was being read."""


class ContentsTable:
    """Bytes by owner: an object, or an upload that becomes one without a copy."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, owner_id: str, start: int, content: bytes) -> None:
        """Adds `content`, of which the first byte is the owner's byte number `start`."""
        for at in range(0, len(content), CHUNK_BYTES):
            chunk = content[at : at + CHUNK_BYTES]
            chunk_id = self._database.execute("INSERT INTO chunks (content) VALUES (?)", (chunk,)).lastrowid
            self._database.execute(
                "INSERT INTO content_chunks VALUES (?, ?, ?, ?)",
                (owner_id, start + at, start + at + len(chunk), chunk_id),
            )

    def read(self, owner_id: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, chunk by chunk. Raises ContentGone if they go away meanwhile."""
        chunks = self._database.all(
            "SELECT start, chunk_id FROM content_chunks WHERE owner_id = ? AND stop > ? AND start < ? ORDER BY start",
            (owner_id, start, stop),
        )
        return self._read(chunks, start, stop)

    def give(self, owner_id: str, new_owner_id: str) -> None:
        """Makes all bytes of one owner another's, touching none of them."""
        self._database.execute("UPDATE content_chunks SET owner_id = ? WHERE owner_id = ?", (new_owner_id, owner_id))

    def delete(self, owner_id: str) -> None:
        """Forgets an owner's bytes."""
        self._database.execute(
            "DELETE FROM chunks WHERE id IN (SELECT chunk_id FROM content_chunks WHERE owner_id = ?)", (owner_id,)
        )
        self._database.execute("DELETE FROM content_chunks WHERE owner_id = ?", (owner_id,))

    def _read(self, chunks: list[tuple[int, int]], start: int, stop: int) -> Iterator[bytes]:
        for chunk_start, chunk_id in chunks:
            first = max(start - chunk_start, 0)
            # Ids of chunks are never used twice: what is found is what was there when the reading began.
            row = self._database.one(
                "SELECT substr(content, ?, ?) FROM chunks WHERE id = ?",
                (first + 1, stop - chunk_start - first, chunk_id),
            )
            if row is None:
                raise ContentGone
            yield row[0]
