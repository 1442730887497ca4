"""The connection and its transactions; tables that remember rows are told when some of them never were."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from admin_api_mock.store.schema import SCHEMA

#: What SQLite adds beside the file itself.
SIDE_FILES = ("", "-wal", "-shm")


class Database:
    """One SQLite database, used from the event loop only: what happens between two awaits is atomic anyway."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # Signing keys and hashes are nobody else's.
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        if path is not None:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)
        self._forgetful: list[Callable[[], None]] = []
        #: Rises when what authentication goes by may have changed, so that it need not ask for every call.
        self.bearers_revision = 0

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Runs one statement."""
        return self._connection.execute(statement, values)

    def one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """The first row as a tuple, or None."""
        return self._connection.execute(statement, values).fetchone()

    def all(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Every row as a tuple."""
        return self._connection.execute(statement, values).fetchall()

    def count(self, table: str) -> int:
        """How many rows `table` has."""
        return int(self.one(f"SELECT count(*) FROM {table}")[0])  # noqa: S608 - a table name of ours, never a caller's

    def transaction(self) -> Transaction:
        """Commits at the end, rolls back on any exception. Within one, it only passes through."""
        return Transaction(self, outermost=not self._connection.in_transaction)

    def start_over(self) -> None:
        """Undoes all that was done within the transaction, which goes on as if it had just begun."""
        self.rollback()
        self.execute("BEGIN IMMEDIATE")

    def rollback(self) -> None:
        """Undoes the transaction, and has forgotten what was read or written within it."""
        self.execute("ROLLBACK")
        for forget in self._forgetful:
            forget()

    def on_rollback(self, forget: Callable[[], None]) -> None:
        """Calls `forget` after every rollback: for tables that keep in memory what they would have to ask for."""
        self._forgetful.append(forget)

    def remembered(self, name: str) -> bytes | None:
        """A value kept under `name`, or None."""
        row = self.one("SELECT value FROM meta WHERE name = ?", (name,))
        return None if row is None else bytes(row[0])

    def remember(self, name: str, value: bytes) -> None:
        """Keeps a value under `name`."""
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Closes the connection; a file stays."""
        self._connection.close()

    def erase(self) -> None:
        """Closes the connection and removes the file."""
        self.close()
        if self._path is not None:
            for suffix in SIDE_FILES:
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)


class Transaction:
    """The block of `Database.transaction`. Not a generator: every mutation enters one."""

    __slots__ = ("_database", "_outermost")

    def __init__(self, database: Database, *, outermost: bool) -> None:
        self._database = database
        self._outermost = outermost

    def __enter__(self) -> None:
        if self._outermost:
            self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._outermost:
            return
        if kind is None:
            self._database.execute("COMMIT")
        else:
            self._database.rollback()
