"""The control plane as its clients need it: named shapes and operations, each spelled by an emitter per language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

PlainKind: TypeAlias = Literal["string", "integer", "number", "boolean"]
JsonKind: TypeAlias = PlainKind | Literal["array", "object"]
Constant: TypeAlias = str | bool | int


@dataclass(frozen=True, slots=True)
class Plain:
    """Text, a number or a truth value."""

    kind: PlainKind


@dataclass(frozen=True, slots=True)
class Null:
    """Null."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value."""


@dataclass(frozen=True, slots=True)
class Constants:
    """One of these values."""

    values: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """Values of a type; `length` if there are always so many."""

    of: Shape
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """Name → value."""

    of: Shape


@dataclass(frozen=True, slots=True)
class Named:
    """A component."""

    name: str


@dataclass(frozen=True, slots=True)
class Either:
    """A value of one of these types."""

    options: tuple[Shape, ...]


Shape: TypeAlias = Plain | Null | Anything | Constants | Array | Map | Named | Either


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object, or a parameter in the query."""

    name: str
    required: bool
    shape: Shape
    description: str


@dataclass(frozen=True, slots=True)
class Record:
    """A component that is an object with members."""

    name: str
    description: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """A component that is no object with members."""

    name: str
    description: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Body:
    """What an operation takes; `name` is None if that is an empty object."""

    name: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation gives; `name` is that of a JSON answer's component."""

    kind: Literal["json", "bytes", "text", "nothing"]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    path_parameters: tuple[str, ...]
    query: tuple[Member, ...]
    body: Body | None
    answer: Answer


@dataclass(frozen=True, slots=True)
class Plane:
    """The control plane: its components in the order of the document, and its operations."""

    components: tuple[Record | Alias, ...]
    operations: tuple[Operation, ...]

    @property
    def records(self) -> Mapping[str, Record]:
        """Objects with members, by name."""
        return {found.name: found for found in self.components if isinstance(found, Record)}

    @property
    def bodies(self) -> frozenset[str]:
        """The components that are the body of an operation."""
        return frozenset(one.body.name for one in self.operations if one.body is not None and one.body.name is not None)

    @property
    def given(self) -> frozenset[str]:
        """The components that the caller writes: bodies, and what they hold."""
        return self._reached(self.bodies)

    def required(self, name: str) -> Mapping[str, JsonKind]:
        """Members that a component always has, with the JSON kind of each; those that may be null are left out."""
        record = self.records.get(name)
        always = [one for one in record.members if one.required] if record is not None else []
        return {one.name: kind for one in always if (kind := self.kind(one.shape)) is not None}

    def kind(self, shape: Shape) -> JsonKind | None:
        """The only JSON kind that a value of this type has; None if there are several."""
        match shape:
            case Plain(kind):
                return kind
            case Null() | Anything() | Either():
                return None
            case Constants(values):
                return "string" if all(isinstance(value, str) for value in values) else None
            case Array():
                return "array"
            case Map():
                return "object"
            case Named(name):
                found = next(one for one in self.components if one.name == name)
                return "object" if isinstance(found, Record) else self.kind(found.shape)

    def _reached(self, names: Iterable[str]) -> frozenset[str]:
        components = {found.name: found for found in self.components}
        reached: set[str] = set()
        waiting = list(names)
        while waiting:
            if (name := waiting.pop()) in reached:
                continue
            reached.add(name)
            found = components[name]
            shapes = [one.shape for one in found.members] if isinstance(found, Record) else [found.shape]
            waiting += [inner for shape in shapes for inner in names_in(shape)]
        return frozenset(reached)


def names_in(shape: Shape) -> Iterator[str]:
    """The components that a type names."""
    match shape:
        case Named(name):
            yield name
        case Array(of) | Map(of):
            yield from names_in(of)
        case Either(options):
            for option in options:
                yield from names_in(option)
        case _:
            pass
