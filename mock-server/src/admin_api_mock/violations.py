"""Schema violations as `errors[]`: a pointer, a stable code, words that name the law and never the value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from admin_api_mock.document import escape
from admin_api_mock.problems import FieldError

#: More are of no use to anyone.
MAX_ERRORS = 50
#: What the document takes of the names of members and parameters (ProblemError), which callers make up as they like.
MAX_POINTER, MAX_PARAMETER = 500, 100
_CONTROL = re.compile(r"[\x00-\x1F\x7F]")

#: Keyword → stable code and the words for it; the words may use the keyword's own limit.
_LAWS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "type": ("type", lambda kind: f"It must be of type {_types(kind)}."),
    "format": ("format", lambda kind: f"It must be in the format {kind.format}."),
    "pattern": ("pattern", lambda kind: f"It must match {kind.pattern}."),
    "maxLength": ("too_long", lambda kind: f"It may have at most {kind.limit} characters."),
    "minLength": ("too_short", lambda kind: f"It must have at least {kind.limit} characters."),
    "maxItems": ("too_many", lambda kind: f"It may have at most {kind.limit} items."),
    "minItems": ("too_few", lambda kind: f"It must have at least {kind.limit} items."),
    "maxProperties": ("too_many", lambda kind: f"It may have at most {kind.limit} members."),
    "minProperties": ("too_few", lambda kind: f"It must have at least {kind.limit} members."),
    "maximum": ("too_large", lambda kind: f"It may be at most {kind.limit}."),
    "exclusiveMaximum": ("too_large", lambda kind: f"It must be less than {kind.limit}."),
    "minimum": ("too_small", lambda kind: f"It must be at least {kind.limit}."),
    "exclusiveMinimum": ("too_small", lambda kind: f"It must be greater than {kind.limit}."),
    "multipleOf": ("invalid_value", lambda kind: f"It must be a multiple of {kind.multiple_of}."),
    "uniqueItems": ("duplicate", lambda kind: "Its items must differ."),
    "enum": ("invalid_value", lambda kind: "It must be one of the values the document lists."),
    "const": ("invalid_value", lambda kind: "It must be the value the document gives."),
    "falseSchema": ("unknown_member", lambda kind: "This member may not be sent."),
    "propertyNames": ("invalid_name", lambda kind: "A member's name is not allowed."),
}
#: Keywords whose message is in the branches they tried.
_BRANCHING = frozenset({"anyOf", "oneOf"})
_UNEXPECTED = frozenset({"additionalProperties", "unevaluatedProperties"})


def errors_of(validator: Draft202012Validator, instance: Any) -> list[FieldError]:
    """Every violation, in the order the schema finds them, at most MAX_ERRORS, each pointer and code once."""
    found: dict[tuple[str, str], FieldError] = {}
    for error in validator.iter_errors(instance):
        for field in _fields(error):
            field["pointer"] = _tellable(field["pointer"])
            found.setdefault((field["pointer"], field["code"]), field)
        if len(found) >= MAX_ERRORS:
            break
    return list(found.values())[:MAX_ERRORS]


def parameter_error(name: str, code: str, detail: str) -> FieldError:
    """The error of a parameter, whose name the caller may have made up: without control characters, cut."""
    return {
        "parameter": _CONTROL.sub("\N{REPLACEMENT CHARACTER}", name)[:MAX_PARAMETER],
        "code": code,
        "detail": detail,
    }


def _tellable(pointer: str) -> str:
    """The pointer, or where its name cannot be told, that of what it lies in."""
    while len(pointer) > MAX_POINTER or _CONTROL.search(pointer):
        pointer = pointer.rpartition("/")[0]
    return pointer


def _fields(error: ValidationError) -> Iterator[FieldError]:
    # The library's kinds are distinct classes without a common interface; their attributes are read by name.
    kind: Any = error.kind
    keyword: str = kind.name
    pointer = _pointer(error)
    if keyword == "required":
        # The missing member is what the caller looks for, not the object that lacks it.
        yield {"pointer": f"{pointer}/{escape(kind.property)}", "code": "required", "detail": "It is required."}
    elif keyword in _UNEXPECTED:
        for name in kind.unexpected:
            detail = "There is no such member."
            yield {"pointer": f"{pointer}/{escape(name)}", "code": "unknown_member", "detail": detail}
    elif keyword in _BRANCHING and not all(kind.context):
        yield {"pointer": pointer, "code": "ambiguous", "detail": "It may fit one of the alternatives only."}
    elif keyword in _BRANCHING:
        yield from _of_best_branch(error, kind.context)
    else:
        code, words = _LAWS.get(keyword, ("invalid_value", lambda kind: "It is not valid here."))
        yield {"pointer": pointer, "code": code, "detail": words(kind)}


def _of_best_branch(error: ValidationError, branches: list[list[ValidationError]]) -> Iterator[FieldError]:
    """The branch meant is the one that fails deepest: `anyOf [$ref, null]` tells of the reference, not of null."""
    depth = len(error.instance_path)

    def misfit(branch: list[ValidationError]) -> tuple[bool, int]:
        # A branch whose only complaint is the type of the value itself, or its tag, is not the one that was meant.
        wrong_kind = any(len(e.instance_path) == depth and e.kind.name in ("type", "const", "enum") for e in branch)
        return wrong_kind, len(branch)

    best = min(branches, key=misfit)
    if misfit(best)[0]:
        yield {"pointer": _pointer(error), "code": "type", "detail": "It is of none of the types allowed here."}
    else:
        for inner in best:
            yield from _fields(inner)


def _pointer(error: ValidationError) -> str:
    return "".join(f"/{escape(str(part))}" for part in error.instance_path)


def _types(kind: Any) -> str:
    types = getattr(kind, "types", None)
    return " or ".join(types) if types else "the document's"
