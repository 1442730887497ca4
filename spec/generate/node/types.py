"""How names and types are spelled in TypeScript: in answers (what arrives) and as arguments (what may be given)."""

from __future__ import annotations

import re
from typing import Final

from ..ir import Location, Operation, Type, TypeKind
from ..naming import pascal

_PLAIN: Final[dict[TypeKind, str]] = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "date": "string",
    "date-time": "string",
    "json": "JsonValue",
}

# Words that no parameter can be named, and the parameters that methods have beside the document's.
_TAKEN: Final = frozenset({
    "arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete",
    "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function", "if", "implements",
    "import", "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected", "public",
    "return", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while", "with",
    "yield", "options", "params", "source",
})  # fmt: skip


def camel(name: str) -> str:
    """`user_id` → `userId`."""
    spelled = pascal(name)
    return spelled[:1].lower() + spelled[1:]


def parameter(name: str) -> str:
    """The name of a positional parameter: `user_id` → `userId`, `new` → `new_`."""
    spelled = camel(name)
    return f"{spelled}_" if spelled in _TAKEN else spelled


def params_name(operation: Operation) -> str:
    """The interface of an operation's members: `users.create` → `UsersCreateParams`."""
    return f"{pascal(operation.id)}Params"


def answer(found: Type, *, tag: bool = False) -> str:
    """The type of a member of an answer. A constant that is no tag may change, so it is a plain string."""
    match found.kind:
        case "array":
            spelled = f"readonly {_item(answer(_inner(found)))}[]"
        case "map":
            spelled = f"{{ readonly [name: string]: {answer(_inner(found))} }}"
        case "model" | "enum" | "union":
            spelled = str(found.name)
        case "const":
            spelled = literal(str(found.value)) if tag else "string"
        case kind:
            spelled = _PLAIN[kind]
    return _nullable(spelled, found)


def argument(found: Type, location: Location = "body") -> str:
    """The type of an argument; a list in the query may be given as its only item."""
    match found.kind:
        case "array":
            item = argument(_inner(found))
            spelled = f"readonly {_item(item)}[]"
            spelled = f"{item} | {spelled}" if location == "query" else spelled
        case "map":
            spelled = f"{{ readonly [name: string]: {argument(_inner(found))} }}"
        case "const":
            spelled = literal(str(found.value))
        case "date-time":
            spelled = "string | Date"
        case _:
            return answer(found)
    return _nullable(spelled, found)


def literal(value: str) -> str:
    """A string literal in single quotes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + "".join(one if one.isprintable() else f"\\u{{{ord(one):x}}}" for one in escaped) + "'"


def key(name: str) -> str:
    """A member's name, quoted where it has to be."""
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name, re.ASCII) else literal(name)


def _nullable(spelled: str, found: Type) -> str:
    # A JSON value may be null by itself.
    return f"{spelled} | null" if found.nullable and found.kind != "json" else spelled


def _item(spelled: str) -> str:
    return f"({spelled})" if " | " in spelled or spelled.startswith("readonly ") else spelled


def _inner(found: Type) -> Type:
    if found.of is None:
        raise ValueError(f"a type of kind {found.kind} has no inner type")
    return found.of
