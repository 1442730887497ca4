"""The RBAC table as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from admin_api_mock.store.database import Database
from admin_api_mock.store.keyset import Key, Order, Row, Where, select


class RolesTable:
    """Roles in the order they were made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._scopes: Mapping[str, frozenset[str]] | None = None
        database.on_rollback(self._forget)

    def insert(self, doc: Mapping[str, Any]) -> None:
        """A new role."""
        self._scopes = None
        self._database.execute("INSERT INTO roles (name, doc) VALUES (?, ?)", (doc["name"], orjson.dumps(doc)))

    def exists(self, name: str) -> bool:
        """Whether there is a role of this name."""
        return name in self._granted()

    def scopes(self, names: Iterable[str]) -> frozenset[str]:
        """What these roles grant together."""
        granted = self._granted()
        return frozenset().union(*(granted.get(name, frozenset()) for name in names))

    def page(self, after: Key | None, limit: int) -> list[Row]:
        """Roles behind `after`."""
        return select(self._database, "roles", Where(), Order(), after, limit)

    def _granted(self) -> Mapping[str, frozenset[str]]:
        """Role → its scopes. Asked at every write of a user; the table changes at the start only."""
        if self._scopes is None:
            docs = (orjson.loads(row[0]) for row in self._database.all("SELECT doc FROM roles"))
            self._scopes = {doc["name"]: frozenset(scope["name"] for scope in doc["scopes"]) for doc in docs}
        return self._scopes

    def _forget(self) -> None:
        self._scopes = None
