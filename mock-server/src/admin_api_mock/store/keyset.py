"""Conditions and keyset pages: every list, export and stream reads through `select`, in an order that is total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from admin_api_mock.store.database import Database

Key: TypeAlias = tuple[str | int, ...]


#: A row of a page: what is answered, then its key. SQLite's own tuple, for pages are on the hot path.
Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """The columns that order a list; the last one is unique, so that no two rows are level."""

    columns: tuple[str, ...] = ("seq",)
    descending: bool = False


class Where:
    """Conditions joined by AND. A value of None states no condition: the filter was not given."""

    def __init__(self) -> None:
        self._clauses: list[str] = []
        self.values: list[Any] = []

    def add(self, clause: str, *values: Any) -> None:
        """Adds a clause of ours with its values."""
        self._clauses.append(clause)
        self.values.extend(values)

    def equal(self, column: str, value: Any) -> None:
        """column = value."""
        if value is not None:
            self.add(f"{column} = ?", value)

    def one_of(self, column: str, values: Sequence[Any] | None) -> None:
        """column is one of values."""
        if values is not None:
            self.add(f"{column} IN ({', '.join('?' * len(values))})", *values)

    def within(self, column: str, after: int | None, before: int | None) -> None:
        """after <= column < before (DESIGN 3: `_after` inclusive, `_before` exclusive)."""
        if after is not None:
            self.add(f"{column} >= ?", after)
        if before is not None:
            self.add(f"{column} < ?", before)

    def begins(self, column: str, prefix: str | None) -> None:
        """column begins with prefix, compared exactly."""
        if prefix is not None:
            self.add(f"substr({column}, 1, ?) = ?", len(prefix), prefix)

    def __str__(self) -> str:
        return " AND ".join(self._clauses) or "true"


def select(
    database: Database, table: str, where: Where, order: Order, after: Key | None, limit: int, doc: str = "doc"
) -> list[Row]:
    """At most `limit` rows behind `after`, in order."""
    columns = ", ".join(order.columns)
    clause, values = str(where), list(where.values)
    if after is not None:
        operator = "<" if order.descending else ">"
        clause += f" AND ({columns}) {operator} ({', '.join('?' * len(after))})"
        values.extend(after)
    direction = " DESC" if order.descending else ""
    ordering = ", ".join(column + direction for column in order.columns)
    statement = f"SELECT {doc}, {columns} FROM {table} WHERE {clause} ORDER BY {ordering} LIMIT ?"  # noqa: S608 - names and clauses are ours; every caller's value is bound
    return database.all(statement, (*values, limit))
