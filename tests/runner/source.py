"""A case file as YAML: its documents, and on which line of the file each part of them stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml


class RefusedCase(Exception):
    """A case that cannot be run as it is written; says where, and why."""


@dataclass(frozen=True, slots=True)
class Source:
    """One document of a file."""

    value: Any
    file: str
    node: yaml.Node

    def line(self, path: Sequence[str | int] = ()) -> int:
        """The line of the part at a path, or of the innermost part on the way to it that was written."""
        node, line = self.node, _line(self.node)
        for step in path:
            found = _member(node, step)
            if found is None:
                break
            line, node = found
        return line

    def refused(self, why: str, path: Sequence[str | int] = ()) -> RefusedCase:
        """The error to raise about a part of it."""
        return RefusedCase(f"{self.file}:{self.line(path)}: {why}")


def read(text: str, file: str) -> Iterator[Source]:
    """The documents of a YAML stream that are not empty. Raises RefusedCase."""
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node)
            if value is not None:
                yield Source(value, file, node)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        raise RefusedCase(f"{file}:{at.line + 1 if at else 1}: {error.problem}") from error
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """YAML's JSON part: no timestamps, `yes` and `on` are strings, and a key stands once in a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As its base class, but a key that stands twice is refused instead of lost."""
        seen: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{name!r} stands twice in a mapping", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, re.compile("true|false") if tag.endswith(":bool") else pattern)
        for tag, pattern in resolvers
        if not tag.endswith((":timestamp", ":merge"))
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _member(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((_line(key), value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return _line(node.value[step]), node.value[step]
    return None


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1
