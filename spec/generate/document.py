"""The raw document: loaded as YAML 1.2 with duplicate keys refused, `$ref`s followed, places named by JSON pointers."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from .findings import Finding, SpecError, pointer

Node: TypeAlias = Mapping[str, object]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MUTATIONS = frozenset({"post", "put", "patch", "delete"})


def mapping(value: object) -> Node:
    """`value` if it is an object, else an empty one: for walking places whose shape the lint judges."""
    return cast(Node, value) if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[object]:
    """`value` if it is an array, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def text(value: object) -> str:
    """`value` if it is a string, else an empty one; YAML's trailing newline is not part of a description."""
    return value.strip() if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Place:
    """One operation of the document, with the pointer to it."""

    path: str
    method: str
    operation: Node
    item: Node
    pointer: str


@dataclass(frozen=True, slots=True)
class Document:
    """The document as it is written, nothing dropped."""

    raw: Node

    @property
    def components(self) -> Node:
        """The document's `components`."""
        return mapping(self.raw.get("components"))

    @property
    def schemas(self) -> Node:
        """The named schemas."""
        return mapping(self.components.get("schemas"))

    def places(self) -> Iterator[Place]:
        """Every operation, in the document's order."""
        for path, item in mapping(self.raw.get("paths")).items():
            for method, operation in mapping(item).items():
                if method in METHODS:
                    yield Place(path, method, mapping(operation), mapping(item), pointer("paths", path, method))

    def resolve(self, value: object) -> Node:
        """The object behind `value`, following local references. An unresolvable one is empty: the lint names it."""
        node = mapping(value)
        seen: set[str] = set()
        while isinstance(reference := node.get("$ref"), str) and reference not in seen:
            seen.add(reference)
            node = mapping(self.at(reference))
        return {} if "$ref" in node else node

    def at(self, reference: str) -> object:
        """What a local reference (`#/components/…`) points at, None if nothing."""
        found: object = self.raw
        if not reference.startswith("#/"):
            return None
        for part in reference[2:].split("/"):
            found = mapping(found).get(part.replace("~1", "/").replace("~0", "~"))
        return found

    def parameters(self, place: Place) -> list[tuple[Node, str]]:
        """An operation's parameters, those of its path item behind its own, each resolved and with its pointer."""
        owners = ((place.operation, place.pointer), (place.item, pointer("paths", place.path)))
        found: list[tuple[Node, str]] = []
        taken: set[tuple[object, object]] = set()
        for owner, where in owners:
            for index, value in enumerate(sequence(owner.get("parameters"))):
                node = self.resolve(value)
                identity = (node.get("in"), node.get("name"))
                if owner is place.item and identity in taken:
                    continue
                taken.add(identity)
                found.append((node, where + pointer("parameters", index)))
        return found


def component_name(value: object, section: str = "schemas") -> str | None:
    """`User` for `{$ref: '#/components/schemas/User'}`, None for anything else."""
    reference = mapping(value).get("$ref")
    prefix = f"#/components/{section}/"
    if isinstance(reference, str) and reference.startswith(prefix) and "/" not in reference[len(prefix) :]:
        return reference[len(prefix) :]
    return None


def load(path: Path) -> Document:
    """Read a document from a file."""
    return parse(path.read_text(encoding="utf-8"))


def parse(source: str) -> Document:
    """Read a document from YAML (or JSON) text."""
    try:
        value: object = YAML(typ="safe", pure=True).load(source)  # pyright: ignore[reportUnknownMemberType] (ruamel is untyped)
    except YAMLError as error:
        raise SpecError([Finding("", f"not readable as YAML: {' '.join(str(error).split())}")]) from error
    if not isinstance(value, dict):
        raise SpecError([Finding("", "the document is not an object")])
    return Document(mapping(_plain(cast(object, value))))


def _plain(value: object) -> object:
    """JSON's own types only: YAML dates become text again, keys (status codes) become strings."""
    if isinstance(value, dict):
        return {str(key): _plain(member) for key, member in cast("dict[object, object]", value).items()}
    if isinstance(value, list):
        return [_plain(member) for member in cast("list[object]", value)]
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value
