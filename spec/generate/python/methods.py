"""Prints one method of a resource: signature, docstring, and the one call into the runtime that it makes."""

from __future__ import annotations

import re

from ..ir import Argument, Location, Operation
from ..words import about
from .text import docstring, section
from .types import Spell, argument, identifier, literal

_OPTIONS = "options: RequestOptions | None = None"
_ABOUT_OPTIONS = ("options", "Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.")

# What each kind of transfer adds to its method: (signature, name, about), handed on to the runtime by name.
_UPLOAD = (
    (
        "encrypt_to: Sequence[Recipient] = ()",
        "encrypt_to",
        "Recipients that can read the object; needed unless `already_encrypted`.",
    ),
    ("already_encrypted: bool = False", "already_encrypted", "The source is an age file already."),
    ("on_progress: Progress | None = None", "on_progress", "Called with bytes sent so far and in all."),
)
_DOWNLOAD = (
    ("to: DownloadTarget", "to", "Where the content goes; a file appears there only when it is whole."),
    (
        "identity: Identity | Sequence[Identity] | None = None",
        "identity",
        "What can decrypt it; left out, the ciphertext is kept as it is.",
    ),
    ("expect_sha256: str | None = None", "expect_sha256", "Digest that the ciphertext must have, lower-case hex."),
    ("on_progress: Progress | None = None", "on_progress", "Called with bytes received so far and in all."),
)
_CONDITION = "if_none_match:"
_SOURCE = ("source", "A path, bytes, or a binary file.")


def annotates(name: str, body: str) -> bool:
    """Whether a name is used as code in printed text (docstrings speak of times and such in prose)."""
    return re.search(rf"(?:: |\[|\| |-> |, ){name}\b(?=[\[\] ,|=):])", body) is not None


def result(operation: Operation, spell: Spell) -> str:
    """The type parameter of the operation's `Op`: what one item or one answer is."""
    if operation.result is None:
        return "None"
    return spell(str(operation.result.name)) + (" | None" if operation.not_modified else "")


def returns(operation: Operation, spell: Spell) -> str:
    """The annotation of what the method returns."""
    item = result(operation, spell)
    wrapped = {"pages": "AsyncPager", "items": "AsyncItemStream", "events": "AsyncEventStream"}.get(operation.kind)
    return "Downloaded" if operation.kind == "download" else f"{wrapped}[{item}]" if wrapped else item


def method(operation: Operation, constant: str, spell: Spell) -> str:
    """The whole method, indented for its class."""
    lazy = operation.kind in {"pages", "items", "events"}
    start = "def" if lazy else "async def"
    signature = ", ".join(_signature(operation, spell))
    head = f"    {start} {identifier(operation.name)}({signature}) -> {returns(operation, spell)}:"
    call = {
        "pages": "self._pages",
        "items": "self._items",
        "events": "self._events",
        "upload": "await self._upload",
        "download": "await self._download",
        "unary": "await self._call",
    }[operation.kind]
    body = f"        return {call}({', '.join([constant, *_handed_on(operation)])})"
    overloads = _overloads(operation, spell) if operation.not_modified else []
    return "\n".join([*overloads, head, docstring(_paragraphs(operation), "        ").rstrip("\n"), body, ""])


def _overloads(operation: Operation, spell: Spell) -> list[str]:
    """Without a condition the answer is never "not modified", so no caller has to think of None."""
    lines: list[str] = []
    for conditional in (False, True):
        parts = [part for part in _signature(operation, spell) if conditional or not part.startswith(_CONDITION)]
        if conditional:
            parts = [part.removesuffix(" = OMIT") if part.startswith(_CONDITION) else part for part in parts]
        gives = spell(str(operation.result.name)) if operation.result is not None else "None"
        gives += " | None" if conditional else ""
        head = f"    async def {identifier(operation.name)}({', '.join(parts)}) -> {gives}: ..."
        lines += ["    @overload", head, ""]
    return lines


def _signature(operation: Operation, spell: Spell) -> list[str]:
    path = [item for item in operation.arguments if item.location == "path"]
    named = [item for item in operation.arguments if item.location != "path"]
    parts = ["self", *(f"{identifier(item.name)}: {argument(item.type, spell)}" for item in path)]
    parts += ["source: UploadSource"] if operation.kind == "upload" else []
    parts.append("*")
    parts += [_named(item, spell) for item in named if item.required]
    if operation.kind == "download":
        parts.append(_DOWNLOAD[0][0])
    parts += [_named(item, spell) for item in named if not item.required]
    parts += [item[0] for item in _own(operation) if "=" in item[0]]
    return [*parts, _OPTIONS]


def _own(operation: Operation) -> tuple[tuple[str, str, str], ...]:
    return {"upload": _UPLOAD, "download": _DOWNLOAD}.get(operation.kind, ())


def _named(item: Argument, spell: Spell) -> str:
    annotation = argument(item.type, spell, item.location)
    name = identifier(item.name)
    return f"{name}: {annotation}" if item.required else f"{name}: {annotation} | Omit = OMIT"


def _handed_on(operation: Operation) -> list[str]:
    parts = ["source"] if operation.kind == "upload" else []
    keys: tuple[tuple[str, Location], ...] = (
        ("path", "path"),
        ("query", "query"),
        ("headers", "header"),
        ("body", "body"),
    )
    for key, location in keys:
        items = [item for item in operation.arguments if item.location == location]
        if items or (key == "body" and operation.body is not None and operation.kind != "upload"):
            values = ", ".join(f"{literal(item.wire)}: {identifier(item.name)}" for item in items)
            parts.append(f"{key}={{{values}}}")
    parts += [f"{name}={name}" for _, name, _ in _own(operation)]
    return [*parts, "options=options"]


def _paragraphs(operation: Operation) -> list[str]:
    entries = [(identifier(item.name), about(item)) for item in operation.arguments if item.location == "path"]
    entries += [_SOURCE] if operation.kind == "upload" else []
    named = [item for item in operation.arguments if item.location != "path"]
    entries += [(identifier(item.name), about(item)) for item in named if item.required]
    own = [(name, text) for _, name, text in _own(operation)]
    entries += own[:1] if operation.kind == "download" else []
    entries += [(identifier(item.name), about(item)) for item in named if not item.required]
    entries += own[1:] if operation.kind == "download" else own
    failures = [
        (found.error, f"{found.status}. {found.description}") for found in operation.failures if found.status[0] == "4"
    ]
    return [
        operation.summary.rstrip(".") + ".",
        " ".join(operation.description.split()),
        section("Args", [*entries, _ABOUT_OPTIONS], "        "),
        section("Raises", failures, "        "),
        _policy(operation),
    ]


def _policy(operation: Operation) -> str:
    sentences = [
        f"Scope: {', '.join(f'`{scope}`' for scope in operation.scopes)}."
        if operation.scopes
        else "Any token will do.",
    ]
    if operation.idempotent:
        sentences.append("Idempotent by key.")
    if operation.audit is not None:
        sentences.append(f"Recorded in the audit trail as `{operation.audit}`.")
    if not operation.retries:
        sentences.append("Never repeated by the SDK.")
    if operation.not_modified:
        sentences.append("None if it has not changed.")
    if operation.deprecated:
        sentences.append(f"Deprecated{f', until {operation.sunset}' if operation.sunset else ''}.")
    return " ".join(sentences)
