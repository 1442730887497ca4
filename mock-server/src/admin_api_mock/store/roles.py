"""The RBAC table as rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from admin_api_mock.store.database import Database
from admin_api_mock.store.keyset import Key, Order, Row, Where, select


class RolesTable:
    """Roles in the order they were made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names: set[str] | None = None
        database.on_rollback(self._forget_names)

    def insert(self, doc: Mapping[str, Any]) -> None:
        """A new role."""
        self._names = None
        self._database.execute("INSERT INTO roles (name, doc) VALUES (?, ?)", (doc["name"], orjson.dumps(doc)))

    def exists(self, name: str) -> bool:
        """Whether there is a role of this name."""
        if self._names is None:  # Asked at every write of a user; the table changes at the start only.
            self._names = {row[0] for row in self._database.all("SELECT name FROM roles")}
        return name in self._names

    def page(self, after: Key | None, limit: int) -> list[Row]:
        """Roles behind `after`."""
        return select(self._database, "roles", Where(), Order(), after, limit)

    def _forget_names(self) -> None:
        self._names = None
