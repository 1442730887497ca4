"""Plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from admin_api_mock.store.database import Database
from admin_api_mock.store.keyset import Key, Order, Row, Where, select


class PluginsTable:
    """Plugins by id and by name, in order of registration."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(self, doc: Mapping[str, Any]) -> None:
        """A new plugin."""
        self._database.execute(
            "INSERT INTO plugins (id, name, status, doc) VALUES (?, ?, ?, ?)",
            (doc["id"], doc["name"], doc["status"], orjson.dumps(doc)),
        )

    def replace(self, doc: Mapping[str, Any]) -> None:
        """The plugin as it is from now on."""
        self._database.execute(
            "UPDATE plugins SET status = ?, doc = ? WHERE id = ?", (doc["status"], orjson.dumps(doc), doc["id"])
        )

    def delete(self, plugin_id: str) -> None:
        """Forgets a plugin."""
        self._database.execute("DELETE FROM plugins WHERE id = ?", (plugin_id,))

    def get(self, plugin_id: str) -> dict[str, Any] | None:
        """The plugin of this id."""
        row = self._database.one("SELECT doc FROM plugins WHERE id = ?", (plugin_id,))
        return orjson.loads(row[0]) if row else None

    def named(self, name: str) -> dict[str, Any] | None:
        """The plugin of this name."""
        row = self._database.one("SELECT doc FROM plugins WHERE name = ?", (name,))
        return orjson.loads(row[0]) if row else None

    def enabled(self) -> list[dict[str, Any]]:
        """Every enabled plugin, in order of registration."""
        rows = self._database.all("SELECT doc FROM plugins WHERE status = 'enabled' ORDER BY seq")
        return [orjson.loads(row[0]) for row in rows]

    def page(self, where: Where, after: Key | None, limit: int) -> list[Row]:
        """Plugins behind `after`."""
        return select(self._database, "plugins", where, Order(), after, limit)
