"""Expected against seen: objects by subset, arrays exactly, and the operators of DESIGN 7. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

#: Names that `$bind` gave to values, and what was there before: `world`, and each call's result by its id.
Bindings: TypeAlias = dict[str, Any]


class _Missing:
    """Stands for what is not there, which is not null."""

    def __repr__(self) -> str:
        return "(not there)"


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as expected."""

    path: str
    expected: Any
    seen: Any

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected!r}, saw {self.seen!r}"


class UnknownReference(Exception):
    """A `$ref` to something that was never bound."""


def mismatches(expected: Any, seen: Any, bindings: Bindings, path: str = "") -> Iterator[Mismatch]:
    """All that differs; `bindings` learns what `$bind` names."""
    if isinstance(expected, Mapping) and expected and all(name.startswith("$") for name in expected):
        for name, operand in expected.items():
            yield from OPERATORS[name](operand, seen, bindings, path)
    elif isinstance(expected, Mapping):
        if not isinstance(seen, Mapping):
            yield Mismatch(path, expected, seen)
            return
        for name, member in expected.items():
            yield from mismatches(member, seen.get(name, MISSING), bindings, f"{path}/{name}")
    elif isinstance(expected, list):
        yield from _array(expected, seen, bindings, path)
    elif not _same(expected, seen):
        yield Mismatch(path, expected, seen)


def resolve(value: Any, bindings: Bindings) -> Any:
    """The value with each `{$ref: name}` in it replaced. Raises UnknownReference."""
    if isinstance(value, Mapping):
        if list(value) == ["$ref"]:
            return reference(value["$ref"], bindings)
        return {name: resolve(member, bindings) for name, member in value.items()}
    if isinstance(value, list):
        return [resolve(member, bindings) for member in value]
    return value


def reference(name: str, bindings: Bindings) -> Any:
    """What a dotted name stands for: a binding, then members and indexes."""
    first, *rest = name.split(".")
    if first not in bindings:
        raise UnknownReference(f"nothing is bound to {first}")
    value = bindings[first]
    for step in rest:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, Sequence) and not isinstance(value, str) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise UnknownReference(f"{name}: there is no {step}")
    return value


def _same(expected: Any, seen: Any) -> bool:
    if isinstance(expected, bool) or isinstance(seen, bool):  # True is no 1
        return expected is seen
    return type(seen) is not _Missing and bool(expected == seen)


def _array(expected: list[Any], seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    if not isinstance(seen, list) or len(seen) != len(expected):
        yield Mismatch(path, expected, seen)
        return
    for index, (one, other) in enumerate(zip(expected, seen, strict=True)):
        yield from mismatches(one, other, bindings, f"{path}/{index}")


def _exists(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    if (seen is not MISSING) != operand:
        yield Mismatch(path, {"$exists": operand}, seen)


def _any(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    if seen is MISSING:
        yield Mismatch(path, {"$any": operand}, seen)


def _regex(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    if not isinstance(seen, str) or re.search(operand, seen) is None:
        yield Mismatch(path, {"$regex": operand}, seen)


def _gte(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    if isinstance(seen, bool) or not isinstance(seen, int | float) or seen < operand:
        yield Mismatch(path, {"$gte": operand}, seen)


def _lte(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    if isinstance(seen, bool) or not isinstance(seen, int | float) or seen > operand:
        yield Mismatch(path, {"$lte": operand}, seen)


def _bind(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    if seen is MISSING:
        yield Mismatch(path, {"$bind": operand}, seen)
    bindings[operand] = seen


def _ref(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    try:
        expected = reference(operand, bindings)
    except UnknownReference as error:
        yield Mismatch(path, {"$ref": operand}, str(error))
        return
    if not _same(expected, seen):
        yield Mismatch(path, {"$ref": operand, "which is": expected}, seen)


def _not_ref(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    try:
        other = reference(operand, bindings)
    except UnknownReference as error:
        yield Mismatch(path, {"$not_ref": operand}, str(error))
        return
    if seen is MISSING or _same(other, seen):
        yield Mismatch(path, {"$not_ref": operand}, seen)


def _exact(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    """An object with these members and no other."""
    yield from mismatches(operand, seen, bindings, path)
    if isinstance(seen, Mapping) and isinstance(operand, Mapping):
        more = sorted(set(seen) - set(operand))
        if more:
            yield Mismatch(path, {"$exact": operand}, f"also {more}")


def _unordered(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    """The same elements in any order; what they bind comes from the first arrangement that fits."""
    if not isinstance(seen, list) or len(seen) != len(operand):
        yield Mismatch(path, {"$unordered": operand}, seen)
        return
    found = _arranged(operand, seen, bindings, path)
    if found is None:
        yield Mismatch(path, {"$unordered": operand}, seen)
    else:
        bindings.update(found)


def _arranged(expected: list[Any], seen: list[Any], bindings: Bindings, path: str) -> Bindings | None:
    if not expected:
        return bindings
    for index, candidate in enumerate(seen):
        trial = dict(bindings)
        if not any(mismatches(expected[0], candidate, trial, path)):
            found = _arranged(expected[1:], seen[:index] + seen[index + 1 :], trial, path)
            if found is not None:
                return found
    return None


def _count(operand: Any, seen: Any, bindings: Bindings, path: str) -> Iterator[Mismatch]:
    """A number: so many elements. A list of {of, is}: so many elements like `of`, each counted by itself."""
    if not isinstance(seen, list):
        yield Mismatch(path, {"$count": operand}, seen)
        return
    if not isinstance(operand, list):
        yield from mismatches(operand, len(seen), bindings, f"{path} (length)")
        return
    for rule in operand:
        found = sum(1 for one in seen if not any(mismatches(rule["of"], one, dict(bindings), path)))
        yield from mismatches(rule["is"], found, bindings, f"{path} (like {rule['of']})")


Operator: TypeAlias = Callable[[Any, Any, Bindings, str], Iterator[Mismatch]]

OPERATORS: Final[Mapping[str, Operator]] = {
    "$exists": _exists,
    "$any": _any,
    "$regex": _regex,
    "$gte": _gte,
    "$lte": _lte,
    "$bind": _bind,
    "$ref": _ref,
    "$not_ref": _not_ref,
    "$exact": _exact,
    "$unordered": _unordered,
    "$count": _count,
}
