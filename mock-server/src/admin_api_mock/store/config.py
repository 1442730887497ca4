"""Configuration entries: every version is a row, and one of them is in force."""

from __future__ import annotations

from typing import NamedTuple

from admin_api_mock.store.database import Database
from admin_api_mock.store.keyset import Key, Where

_COLUMNS = "key, version, etag, value, secret, fingerprint, schema, changed_by, changed_at, audit_event_id"


class ConfigRow(NamedTuple):
    """One version of one entry. `value` and `schema` are JSON; `value` is None for a deletion."""

    key: str
    version: int
    etag: str
    value: bytes | None
    secret: bool
    fingerprint: str | None
    schema: bytes
    changed_by: str
    changed_at: str
    audit_event_id: str | None


class ConfigTable:
    """Entries by key, and their versions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Versions in force that were asked for: provisioning does at every new user. Bounded by the number of entries.
        self._in_force: dict[str, ConfigRow] = {}
        database.on_rollback(self._in_force.clear)

    def current(self, key: str) -> ConfigRow | None:
        """The version in force; None if there is no such entry."""
        known = self._in_force.get(key)
        if known is None:
            rows = self._select("config JOIN config_versions USING (key, version)", "key = ?", (key,), "key", 1)
            if not rows:
                return None
            known = self._in_force[key] = rows[0]
        return known

    def version(self, key: str, version: int) -> ConfigRow | None:
        """One version, of a deleted entry too."""
        rows = self._select("config_versions", "key = ? AND version = ?", (key, version), "key", 1)
        return rows[0] if rows else None

    def newest(self, key: str) -> ConfigRow | None:
        """The newest version, deletion or not; None if the entry never was."""
        rows = self._select("config_versions", "key = ?", (key,), "version DESC", 1)
        return rows[0] if rows else None

    def put(self, row: ConfigRow) -> None:
        """A new version, which is in force from now on; one without a value ends the entry."""
        self._in_force.pop(row.key, None)
        self._database.execute("INSERT INTO config_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        if row.value is None:
            self._database.execute("DELETE FROM config WHERE key = ?", (row.key,))
        else:
            self._database.execute("INSERT OR REPLACE INTO config VALUES (?, ?)", (row.key, row.version))

    def page(self, prefix: str | None, after: Key | None, limit: int) -> list[ConfigRow]:
        """Entries in order of their key."""
        where = Where()
        where.begins("key", prefix)
        if after is not None:
            where.add("key > ?", *after)
        return self._select("config JOIN config_versions USING (key, version)", str(where), where.values, "key", limit)

    def versions(self, key: str, after: Key | None, limit: int) -> list[ConfigRow]:
        """Versions of an entry, oldest first."""
        behind = 0 if after is None else after[0]
        return self._select("config_versions", "key = ? AND version > ?", (key, behind), "version", limit)

    def _select(
        self, table: str, clause: str, values: tuple[str | int, ...] | list[str | int], order: str, limit: int
    ) -> list[ConfigRow]:
        statement = f"SELECT {_COLUMNS} FROM {table} WHERE {clause} ORDER BY {order} LIMIT ?"  # noqa: S608 - every part is ours; values are bound
        return [
            ConfigRow(*row)._replace(secret=bool(row[4])) for row in self._database.all(statement, (*values, limit))
        ]
