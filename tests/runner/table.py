"""A case with a `table` is many cases: one for each row, or for each combination of rows of several axes. Pure.

`<name>` in the document, or in a cell, stands for the value of that column: as it is where it stands alone, as text
within other text; in the id `.` and `_` become `-`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]

_PLACE = re.compile(r"<([a-z][a-z0-9_]*)>")


class BadTable(Exception):
    """A table that does not fit its document; `path` says where."""

    def __init__(self, why: str, *path: str | int) -> None:
        super().__init__(why)
        self.path = path


def expand(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The documents that one with a table stands for, in the order of its rows; itself, if it has none."""
    rest = {name: member for name, member in document.items() if name != "table"}
    if "table" not in document:
        yield rest
        return
    axes = document["table"]
    missing = [axis for axis, rows in axes.items() if len(rows) > 1 and f"<{axis}>" not in str(document.get("id"))]
    if missing:
        raise BadTable(f"the id must hold <{missing[0]}>, so that each case has an id of its own", "id")
    used: set[str] = set()
    columns: set[str] = set()
    for rows in product(*(_rows(axis, listed) for axis, listed in axes.items())):
        row: dict[str, Any] = {}
        for part in rows:
            twice = sorted(row.keys() & part.keys())
            if twice:
                raise BadTable(f"the column {twice[0]} stands in two axes", "table")
            row |= part
        columns |= row.keys()
        filled: dict[str, Any] = _filled(rest, row, used, ())
        yield {**filled, "id": re.sub("[._]", "-", _text(filled["id"]))}
    unused = sorted(columns - used)
    if unused:
        raise BadTable(f"nothing in the document is <{unused[0]}>", "table")


def _rows(axis: str, listed: Sequence[Any]) -> list[Row]:
    """A row is a mapping of columns, that of its axis's name among them if it is not alone; or that column's value."""
    rows = [row if isinstance(row, Mapping) else {axis: row} for row in listed]
    for number, row in enumerate(rows):
        if axis not in row and len(rows) > 1:
            raise BadTable(f"a row of the axis {axis} has no column {axis}", "table", axis, number)
    return rows


def _filled(
    value: Any, row: Row, used: set[str], path: Sequence[str | int], within: frozenset[str] = frozenset()
) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(member, row, used, (*path, name), within) for name, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, row, used, (*path, number), within) for number, member in enumerate(value)]
    if not isinstance(value, str):
        return value

    def cell(name: str) -> Any:
        if name not in row or name in within:
            raise BadTable(f"there is no column {name}" if name not in row else f"<{name}> stands for itself", *path)
        used.add(name)
        return _filled(row[name], row, used, path, within | {name})

    alone = _PLACE.fullmatch(value)
    return cell(alone[1]) if alone else _PLACE.sub(lambda place: _text(cell(place[1])), value)


def _text(cell: Any) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
