"""Users, the roles they have, and the SSO subjects bound to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from admin_api_mock.store.database import Database
from admin_api_mock.store.keyset import Key, Order, Row, Where, select

#: `last_login_ms` of a user who never signed in: sorts before every instant.
NEVER = -1


def fold(text: str) -> str:
    """What usernames and e-mail addresses are compared by: they are unique and found ignoring case."""
    return text.casefold()


class StoredUser(NamedTuple):
    """A user's row."""

    seq: int
    doc: dict[str, Any]
    version: int
    status_before_deletion: str | None
    purge_ms: int | None


class UsersTable:
    """Rows by id; the keys that must be unique are columns of their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, user_id: str) -> StoredUser | None:
        """The user, deleted or not."""
        row = self._database.one(
            "SELECT seq, doc, version, status_before_deletion, purge_ms FROM users WHERE id = ?", (user_id,)
        )
        return StoredUser(row[0], orjson.loads(row[1]), *row[2:]) if row else None

    def insert(self, doc: Mapping[str, Any], *, created_ms: int, last_login_ms: int = NEVER) -> None:
        """A new user; uniqueness has been asked for with `holder_of` before."""
        cursor = self._database.execute(
            "INSERT INTO users"
            " (id, username_key, email_key, external_id, status, created_ms, last_login_ms, version, doc)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)",
            (doc["id"], *_keys(doc), doc["status"], created_ms, last_login_ms, orjson.dumps(doc)),
        )
        assert cursor.lastrowid is not None
        self._write_roles(cursor.lastrowid, doc["roles"])
        self._bind_subjects(doc)

    def replace(
        self,
        stored: StoredUser,
        doc: Mapping[str, Any],
        *,
        status_before_deletion: str | None = None,
        purge_ms: int | None = None,
    ) -> int:
        """The user as it is from now on; returns its new version."""
        version = stored.version + 1
        self._database.bearers_revision += 1
        self._database.execute(
            "UPDATE users SET username_key = ?, email_key = ?, external_id = ?, status = ?, status_before_deletion = ?,"
            " purge_ms = ?, version = ?, doc = ? WHERE seq = ?",
            (*_keys(doc), doc["status"], status_before_deletion, purge_ms, version, orjson.dumps(doc), stored.seq),
        )
        self._database.execute("DELETE FROM user_roles WHERE user_seq = ?", (stored.seq,))
        self._write_roles(stored.seq, doc["roles"])
        self._database.execute("DELETE FROM sso_subjects WHERE user_id = ?", (doc["id"],))
        if doc["status"] != "deleted":  # A deleted user's identities are as free as its name.
            self._bind_subjects(doc)
        return version

    def holder_of(self, column: str, value: str) -> str | None:
        """Id of the user, not deleted, that has this `username_key`, `email_key` or `external_id`."""
        statement = f"SELECT id FROM users WHERE {column} = ? AND status <> 'deleted'"  # noqa: S608 - a column of ours
        row = self._database.one(statement, (value,))
        return row[0] if row else None

    def holder_of_subject(self, provider: str, subject: str) -> str | None:
        """Id of the user bound to this identity."""
        row = self._database.one(
            "SELECT user_id FROM sso_subjects WHERE provider = ? AND subject = ?", (provider, subject)
        )
        return row[0] if row else None

    def other_active_admin(self, seq: int) -> bool:
        """Whether an active admin other than this user exists."""
        return (
            self._database.one(
                "SELECT 1 FROM user_roles JOIN users ON users.seq = user_seq"
                " WHERE role = 'admin' AND status = 'active' AND user_seq <> ? LIMIT 1",
                (seq,),
            )
            is not None
        )

    def place(self, user_id: str) -> int | None:
        """Where the user stands in order of creation, deleted or not; None if it never was."""
        row = self._database.one("SELECT seq FROM users WHERE id = ?", (user_id,))
        return row[0] if row else None

    def last_place(self) -> int:
        """Where the newest user stands; 0 if there is none."""
        return int(self._database.one("SELECT coalesce(max(seq), 0) FROM users")[0])

    def page(self, where: Where, order: Order, after: Key | None, limit: int) -> list[Row]:
        """Users behind `after`."""
        return select(self._database, "users", where, order, after, limit)

    def _write_roles(self, seq: int, roles: Iterable[str]) -> None:
        for role in roles:
            self._database.execute("INSERT INTO user_roles VALUES (?, ?)", (role, seq))

    def _bind_subjects(self, doc: Mapping[str, Any]) -> None:
        for mapping in doc["sso_mappings"]:
            if mapping["subject"] is not None:
                self._database.execute(
                    "INSERT INTO sso_subjects VALUES (?, ?, ?)", (mapping["provider"], mapping["subject"], doc["id"])
                )


def _keys(doc: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    email = doc["email"]
    return fold(doc["username"]), None if email is None else fold(email), doc["external_id"]
