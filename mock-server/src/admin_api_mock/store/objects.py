"""Encrypted objects: what is known of each. Their ciphertext lies apart (contents.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from admin_api_mock.store.contents import ContentsTable
from admin_api_mock.store.database import Database
from admin_api_mock.store.keyset import Key, Order, Row, Where, select


class ObjectsTable:
    """Objects by id and by name, in order of upload."""

    def __init__(self, database: Database, contents: ContentsTable) -> None:
        self._database = database
        self._contents = contents

    def insert(self, doc: Mapping[str, Any]) -> None:
        """A new object; its content is appended, or given, to its id."""
        self._database.execute(
            "INSERT INTO objects (id, name, doc) VALUES (?, ?, ?)", (doc["id"], doc["name"], orjson.dumps(doc))
        )

    def delete(self, object_id: str) -> None:
        """Forgets an object and its content."""
        self._database.execute("DELETE FROM objects WHERE id = ?", (object_id,))
        self._contents.delete(object_id)

    def get(self, object_id: str) -> dict[str, Any] | None:
        """The object of this id."""
        row = self._database.one("SELECT doc FROM objects WHERE id = ?", (object_id,))
        return orjson.loads(row[0]) if row else None

    def named(self, name: str) -> dict[str, Any] | None:
        """The object of this name."""
        row = self._database.one("SELECT doc FROM objects WHERE name = ?", (name,))
        return orjson.loads(row[0]) if row else None

    def page(self, prefix: str | None, after: Key | None, limit: int) -> list[Row]:
        """Objects behind `after`."""
        where = Where()
        where.begins("name", prefix)
        return select(self._database, "objects", where, Order(), after, limit)
