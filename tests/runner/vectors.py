"""Vectors from their files: tables of what goes into a pure function of both SDKs and what must come out (SUITE)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from runner.load import TESTS, rules
from runner.source import Source, read

VECTORS: Final = TESTS / "vectors"
#: Members of a row that are no inputs.
_OWN: Final = frozenset({"each", "gives", "refuses", "rule", "why"})
#: Inputs up to this size are cut in three at every pair of places; longer ones in two only.
_PAIRS_UP_TO: Final = 40

#: What can come of an attempt, beside the status of an answer.
OUTCOMES: Final[Mapping[str, Mapping[str, Any]]] = {
    "not_sent": {"code": "connect_failed", "effect": "not_sent"},
    "lost": {"code": "connection_lost", "effect": "maybe_acted"},
    "timed_out": {"code": "timeout", "effect": "maybe_acted"},
    "body_lost": {"code": "connection_lost", "effect": "maybe_acted", "status": 200},
    "untrusted": {"code": "tls_verification_failed", "effect": "final"},
    "closed": {"code": "client_closed", "effect": "maybe_acted"},
    "no_token": {"code": "temporarily_unavailable", "final": False},
    "token_timeout": {"code": "token_timeout", "final": False},
    "token_refused": {"code": "invalid_client", "final": True},
    "in_flight": {"status": 409, "headers": {"retry-after": "1"}},
}


@dataclass(frozen=True, slots=True)
class Vector:
    """One row: the inputs that it stands for, and the one answer that all of them must have."""

    place: str
    """File and line."""
    function: str
    inputs: Sequence[Mapping[str, Any]]
    expected: Mapping[str, Any]
    """`{gives: …}` or `{refuses: code}`."""
    why: str


def load_folder(folder: Path = VECTORS) -> list[Vector]:
    """All vectors of a folder, in order of file and place. Raises RefusedCase."""
    return [vector for path in sorted(folder.glob("*.yaml")) for vector in load(path.read_text("utf-8"), path.name)]


def load(text: str, file: str) -> list[Vector]:
    """The vectors of one YAML stream. Raises RefusedCase."""
    return [vector for table in read(text, file) for vector in _rows(table)]


def _rows(source: Source) -> Iterator[Vector]:
    _require(_schema(None), source.value, source, ())
    table = source.value
    function = table["function"]
    for number, row in enumerate(table["vectors"]):
        path = ("vectors", number)
        if (rule := row.get("rule", table["rule"])) not in rules():
            raise source.refused(f"spec/behaviour.md has no rule {rule}", path)
        inputs = list(_inputs(table.get("given", {}), row))
        for each in inputs:
            _require(_schema(function), each, source, path)
        yield Vector(
            place=f"{source.file}:{source.line(path)}",
            function=function,
            inputs=[cut for each in inputs for cut in _cuts(_told(each))],
            expected=_expected(function, row),
            why=f"{rule}: {row.get('why') or table['why']}",
        )


def _expected(function: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    if "refuses" in row:
        return {"refuses": row["refuses"]}
    if function == "lines":
        return {"gives": [_bytes(line).hex() for line in row["gives"]]}
    return {"gives": _told(row["gives"])}


def _require(
    schema: jsonschema_rs.Draft202012Validator, value: Any, source: Source, path: tuple[str | int, ...]
) -> None:
    errors = list(schema.iter_errors(value))
    if errors:
        raise source.refused("; ".join(error.message for error in errors), (*path, *errors[0].instance_path))


@cache
def _schema(function: str | None) -> jsonschema_rs.Draft202012Validator:
    """Of a table, or of the inputs of a function."""
    document = json.loads((VECTORS / "schema.json").read_text("utf-8"))
    if function is None:
        return jsonschema_rs.Draft202012Validator(document)
    inputs = {"$ref": f"#/$defs/functions/properties/{function}"}
    return jsonschema_rs.Draft202012Validator({"$defs": document["$defs"], **inputs})


def _inputs(given: Mapping[str, Any], row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The row's inputs over the table's, and over those the product of what stands under `each`."""
    own = {name: value for name, value in row.items() if name not in _OWN}
    each = row.get("each", {})
    for values in product(*(list(_ranges(options)) for options in each.values())):
        yield {**given, **own, **dict(zip(each, values, strict=True))}


def _ranges(options: Sequence[Any]) -> Iterator[Any]:
    """`"500..503"` stands for four numbers."""
    for option in options:
        if isinstance(option, str) and ".." in option and option.replace("..", "", 1).isdigit():
            first, last = map(int, option.split(".."))
            yield from range(first, last + 1)
        else:
            yield option


def _told(value: Any, name: str = "") -> Any:
    """As the SDKs are told: outcomes by what they are made of, moments in milliseconds."""
    if name in ("came", "last", "answer") and not isinstance(value, Mapping):
        return {"status": value} if isinstance(value, int) else OUTCOMES[value]
    if name == "earlier":
        return [_told(each, "came") for each in value]
    if name == "text" and isinstance(value, list):
        return b"".join(map(_bytes, value)).decode()
    if isinstance(value, Mapping):
        if list(value) == ["$ms"]:
            return round(datetime.fromisoformat(value["$ms"]).timestamp() * 1000)
        return {key: _told(member, key) for key, member in value.items()}
    return [_told(each) for each in value] if isinstance(value, list) else value


def _cuts(inputs: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Where bytes go in: whole, cut in two and in three at every place, and byte by byte, with empty chunks too."""
    if "bytes" not in inputs:
        yield inputs
        return
    parts = inputs["bytes"] if isinstance(inputs["bytes"], list) else [inputs["bytes"]]
    data = b"".join(_bytes(part) for part in parts)
    places = range(len(data) + 1)
    cuts = [(), *((place,) for place in places), tuple(places)]
    cuts += combinations(places, 2) if len(data) <= _PAIRS_UP_TO else ()
    rest = {name: value for name, value in inputs.items() if name != "bytes"}
    for cut in cuts:
        bounds = [0, *cut, len(data)]
        yield {**rest, "chunks": [data[at:to].hex() for at, to in pairwise(bounds)]}


def _bytes(part: Any) -> bytes:
    if isinstance(part, str):
        return part.encode()
    return bytes.fromhex(part["hex"]) if "hex" in part else _bytes(part["repeat"]) * int(part["times"])
