"""How types are spelled in Python: in answers (strict, concrete) and as arguments (wide, abstract)."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from typing import Final

from pydantic import BaseModel

from ..ir import Location, Type, TypeKind

_PLAIN: Final[dict[TypeKind, str]] = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "date": "date",
    "date-time": "datetime",
    "json": "JsonValue",
}

Spell = Callable[[str], str]
"""The name of a component as it is spelled in the file being printed, such as `m.User`."""


def identifier(name: str) -> str:
    """A name that Python can take: `from` → `from_`."""
    return f"{name}_" if keyword.iskeyword(name) else name


def member_name(name: str) -> str:
    """The attribute of a model's member: a name that pydantic's own attributes would shadow gets an underscore."""
    taken = name.startswith("model_") or hasattr(BaseModel, name)
    return f"{name}_" if taken else identifier(name)


def answer(found: Type, spell: Spell, *, tag: bool = False) -> str:
    """The annotation of a member of an answer. A constant that is no tag may change, so it is a plain string."""
    match found.kind:
        case "array":
            spelled = f"list[{answer(_inner(found), spell)}]"
        case "map":
            spelled = f"dict[str, {answer(_inner(found), spell)}]"
        case "model" | "enum" | "union":
            spelled = spell(str(found.name))
        case "const":
            spelled = f"Literal[{literal(str(found.value))}]" if tag else "str"
        case "date-time":
            spelled = "Timestamp"
        case kind:
            spelled = _PLAIN[kind]
    return f"{spelled} | None" if found.nullable else spelled


def argument(found: Type, spell: Spell, location: Location = "body") -> str:
    """The annotation of an argument; a list in the query may be given as its only item."""
    match found.kind:
        case "array":
            item = argument(_inner(found), spell)
            spelled = f"{item} | Sequence[{item}]" if location == "query" else f"Sequence[{item}]"
        case "map":
            spelled = f"Mapping[str, {argument(_inner(found), spell)}]"
        case "model" | "union":
            spelled = f"{spell(str(found.name))} | Mapping[str, JsonValue]"
        case "enum":
            spelled = f"{spell(str(found.name))} | str"
        case "const":
            spelled = f"Literal[{literal(str(found.value))}]"
        case "date" | "date-time":
            spelled = f"{_PLAIN[found.kind]} | str"
        case kind:
            spelled = _PLAIN[kind]
    return f"{spelled} | None" if found.nullable else spelled


def literal(value: str) -> str:
    """A string literal in double quotes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"' if escaped.isprintable() else repr(value)


def literals(values: tuple[str, ...]) -> str:
    """A tuple of string literals."""
    return f"({', '.join(literal(value) for value in values)}{',' if len(values) == 1 else ''})"


def _inner(found: Type) -> Type:
    if found.of is None:
        raise ValueError(f"a type of kind {found.kind} has no inner type")
    return found.of
