"""Rows of collections that the document describes and nobody wrote code for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from admin_api_mock.store.database import Database
from admin_api_mock.store.keyset import Key, Order, Row, Where, select


class RowsTable:
    """JSON rows by collection and id, in order of creation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(self, collection: str, row_id: str, doc: Mapping[str, Any]) -> None:
        """A new row."""
        self._database.execute(
            "INSERT INTO rows (collection, id, doc) VALUES (?, ?, ?)", (collection, row_id, orjson.dumps(doc))
        )

    def replace(self, collection: str, row_id: str, doc: Mapping[str, Any]) -> None:
        """The row as it is from now on."""
        self._database.execute(
            "UPDATE rows SET doc = ? WHERE collection = ? AND id = ?", (orjson.dumps(doc), collection, row_id)
        )

    def delete(self, collection: str, row_id: str) -> None:
        """Forgets a row."""
        self._database.execute("DELETE FROM rows WHERE collection = ? AND id = ?", (collection, row_id))

    def get(self, collection: str, row_id: str) -> dict[str, Any] | None:
        """The row of this id."""
        row = self._database.one("SELECT doc FROM rows WHERE collection = ? AND id = ?", (collection, row_id))
        return orjson.loads(row[0]) if row else None

    def page(self, collection: str, filters: Mapping[str, Sequence[Any]], after: Key | None, limit: int) -> list[Row]:
        """Rows behind `after` whose members each have one of the values given for them."""
        where = Where()
        where.equal("collection", collection)
        for member, values in filters.items():
            # json_extract gives a JSON true as 1, which is also how it is bound.
            marks = ", ".join("?" * len(values))
            where.add(f"json_extract(CAST(doc AS TEXT), ?) IN ({marks})", f'$."{member}"', *values)
        return select(self._database, "rows", where, Order(), after, limit)
