"""Relative imports of a file that moves: derived rooms find each other, everything else stays where it was."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .findings import Finding, SpecError

Module: TypeAlias = tuple[str, ...]

_FROM = re.compile(r"from\s+(\.+[\w.]*)\s+import\b")


def module(path: str) -> Module:
    """`layers/retry.py` → `("layers", "retry")`; a package's `__init__.py` is the package."""
    parts = tuple(path.removesuffix(".py").split("/"))
    return parts[:-1] if parts[-1] == "__init__" else parts


@dataclass(frozen=True, slots=True)
class Layout:
    """Where files go: `targets` maps a file's path in the package to its path after the move."""

    targets: Mapping[str, str]

    def moved(self, name: Module) -> Module | None:
        """The module after the move, None if it stays."""
        for path, target in self.targets.items():
            if module(path) == name:
                return module(target)
        return None


def rewrite_imports(text: str, path: str, layout: Layout) -> str:
    """The text of the file at `path` with its relative imports right for where the layout puts it.

    Raises:
        SpecError: one statement imports modules that move and modules that stay.
    """
    here, there = _package(path), _package(layout.targets[path])
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        target = here[: len(here) - node.level + 1] + tuple(node.module.split(".") if node.module else ())
        spelled = _relative(there, _moved(target, node, path, layout))
        line = lines[node.lineno - 1]
        head, rest = line[: node.col_offset], line[node.col_offset :]
        lines[node.lineno - 1] = head + _FROM.sub(f"from {spelled} import", rest, count=1)
    return "".join(lines)


def _moved(target: Module, node: ast.ImportFrom, path: str, layout: Layout) -> Module:
    """The module to import from: names may be modules themselves (`from . import stack`)."""
    homes = {moved[:-1] if (moved := layout.moved((*target, alias.name))) else None for alias in node.names}
    if len(homes) > 1:
        raise SpecError([Finding(path, f"line {node.lineno} imports rooms that are derived and rooms that are not")])
    home = homes.pop()
    if home is not None:
        return home
    return layout.moved(target) or target


def _package(path: str) -> Module:
    return tuple(path.split("/")[:-1])


def _relative(package: Module, target: Module) -> str:
    common = 0
    while common < min(len(package), len(target)) and package[common] == target[common]:
        common += 1
    return "." * (len(package) - common + 1) + ".".join(target[common:])
