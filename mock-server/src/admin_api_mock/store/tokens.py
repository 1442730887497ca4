"""Personal access tokens, found by the SHA-256 of their secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from admin_api_mock.principal import Principal
from admin_api_mock.store.database import Database
from admin_api_mock.store.keyset import Key, Order, Where, select

_COLUMNS = "seq, owner_id, expires_ms, revoked_ms, last_used_ms, doc"


class StoredToken(NamedTuple):
    """A token's row. What changes by time alone (`status`) is not stored."""

    seq: int
    owner_id: str | None
    expires_ms: int | None
    revoked_ms: int | None
    last_used_ms: int | None
    doc: dict[str, Any]


class TokensTable:
    """Tokens in order of creation; revoked and expired ones stay."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Digest → revision, token, and whom it speaks for (authenticate.py); bounded by the number of tokens.
        self.bearers: dict[bytes, tuple[int, StoredToken, Principal]] = {}

    def insert(self, doc: Mapping[str, Any], sha256: bytes, *, owner_id: str | None, expires_ms: int | None) -> None:
        """A new token."""
        self._database.bearers_revision += 1
        self._database.execute(
            "INSERT INTO tokens (id, sha256, owner_id, created_by, expires_ms, doc) VALUES (?, ?, ?, ?, ?, ?)",
            (doc["id"], sha256, owner_id, doc["created_by"], expires_ms, orjson.dumps(doc)),
        )

    def replace(
        self, stored: StoredToken, doc: Mapping[str, Any], *, expires_ms: int | None, revoked_ms: int | None
    ) -> None:
        """The token as it is from now on."""
        self._database.bearers_revision += 1
        self._database.execute(
            "UPDATE tokens SET doc = ?, expires_ms = ?, revoked_ms = ? WHERE seq = ?",
            (orjson.dumps(doc), expires_ms, revoked_ms, stored.seq),
        )

    def used(self, stored: StoredToken, now_ms: int) -> None:
        """Notes a use."""
        self._database.bearers_revision += 1
        self._database.execute("UPDATE tokens SET last_used_ms = ? WHERE seq = ?", (now_ms, stored.seq))

    def get(self, token_id: str) -> StoredToken | None:
        """The token of this id."""
        return self._one("id", token_id)

    def by_secret(self, sha256: bytes) -> StoredToken | None:
        """The token whose secret has this hash."""
        return self._one("sha256", sha256)

    def all_ids(self) -> list[str]:
        """Ids of every token that is not revoked."""
        return [row[0] for row in self._database.all("SELECT id FROM tokens WHERE revoked_ms IS NULL ORDER BY seq")]

    def page(self, where: Where, after: Key | None, limit: int) -> list[StoredToken]:
        """Tokens behind `after`."""
        rows = select(self._database, "tokens", where, Order(), after, limit, doc="id")
        found = (self._one("id", token_id) for token_id, _ in rows)
        return [token for token in found if token is not None]

    def _one(self, column: str, value: str | bytes) -> StoredToken | None:
        row = self._database.one(f"SELECT {_COLUMNS} FROM tokens WHERE {column} = ?", (value,))  # noqa: S608 - names of ours
        return StoredToken._make((*row[:-1], orjson.loads(row[-1]))) if row else None
