"""Prints `models/`: one module per resource, one for what several use, and the list of all of them."""

from __future__ import annotations

from ..findings import Finding, SpecError, pointer
from ..ir import Api, Enum, Member, Model, Union
from ..naming import constant
from ..words import about
from .text import docstring
from .types import Spell, answer, literal, member_name

# Names that annotations in a module of models use: a member of that name with a default would shadow them.
_ANNOTATING = frozenset(
    {"str", "int", "float", "bool", "list", "dict", "date", "Timestamp", "Literal", "JsonValue", "shared", "None"}
)


def emit(api: Api) -> dict[str, str]:
    """Path below `_generated` → text."""
    modules = dict.fromkeys([*(resource.module for resource in api.resources), api.shared])
    files = {f"models/{module}.py": text for module in modules if (text := _module(api, module))}
    package = '"""The models, a module per resource: a program loads those it uses. `index` has them all."""\n'
    return {**files, "models/__init__.py": package, "models/index.py": _index(api)}


def _module(api: Api, module: str) -> str:
    homes = api.homes()

    def spell(name: str) -> str:
        return name if homes[name] == module else f"{homes[name]}.{name}"

    parts = [_enum(enum) for enum in api.enums if enum.module == module]
    parts += [_model(model, spell) for model in api.models if model.module == module]
    parts += [_union(union, spell) for union in api.unions if union.module == module]
    if not parts:
        return ""
    body = "\n\n".join(parts)
    what = "several resources" if module == api.shared else f"`{module}`"
    return "\n".join([f'"""Models of {what}."""', "", *_imports(body, module, api.shared), "", "", body])


def _imports(body: str, module: str, shared: str) -> list[str]:
    def used(*names: str) -> str:
        return ", ".join(name for name in names if f"{name}[" in body or f"{name}(" in body or _annotates(name, body))

    lines = ["from __future__ import annotations", ""]
    if used("date"):
        lines.append("from datetime import date")
    if names := used("Annotated", "Literal", "TypeAlias"):
        lines.append(f"from typing import {names}")
    if names := used("Discriminator", "Field", "JsonValue", "Tag"):
        lines.append(f"from pydantic import {names}")
    if names := ", ".join(
        name for name in ("UNKNOWN", "Model", "OpenEnum", "Timestamp", "UnknownVariant", "variant_of") if name in body
    ):
        lines.append(f"from ...model import {names}")
    if f"{shared}." in body and module != shared:
        lines.append(f"from . import {shared}")
    return lines


def _annotates(name: str, body: str) -> bool:
    return any(f"{before}{name}{after}" in body for before in (": ", "[", ", ") for after in ("\n", " ", "]", ","))


def _enum(enum: Enum) -> str:
    members = "".join(f"    {constant(value)} = {literal(value)}\n" for value in enum.values)
    return f"class {enum.name}(OpenEnum):\n{docstring([enum.description], '    ')}\n{members}"


def _model(model: Model, spell: Spell) -> str:
    lines = [f"class {model.name}(Model):\n{docstring([model.description], '    ')}"]
    taken: dict[str, str] = {}
    for member in model.members:
        name = member_name(member.name)
        if name in _ANNOTATING or taken.setdefault(name, member.name) != member.name:
            where = pointer("components", "schemas", model.name, "properties", member.name)
            raise SpecError([Finding(where, f"{name!r} cannot be a member's name in Python")])
        lines.append(_member(model, member, name, spell))
    if model.tag is not None:
        lines.append(_keeps_tag(member_name(model.tag)))
    return "\n".join(lines)


def _member(model: Model, member: Member, name: str, spell: Spell) -> str:
    tag = member.name == model.tag
    annotation = answer(member.type, spell, tag=tag)
    optional = not member.required and not tag
    if optional and not member.type.nullable and annotation != "JsonValue":
        annotation += " | None"
    default = literal(str(member.type.value)) if tag else "None" if optional else ""
    options = [f"default={default}"] if default else []
    options += [f"alias={literal(member.name)}"] if name != member.name else []
    options += ["repr=False"] if member.secret else []
    value = f" = Field({', '.join(options)})" if options[bool(default) :] else f" = {default}" if default else ""
    return f"    {name}: {annotation}{value}\n{docstring([about(member)], '    ')}"


def _keeps_tag(name: str) -> str:
    """A tag is sent even if only its default gave it: `exclude_unset` would drop it."""
    return (
        "    def model_post_init(self, context: object, /) -> None:\n"
        f"        self.model_fields_set.add({literal(name)})\n"
    )


def _union(union: Union, spell: Spell) -> str:
    variants = [f"Annotated[{spell(model)}, Tag({literal(value)})]" for value, model in union.variants.items()]
    known = ", ".join(literal(value) for value in union.variants)
    lines = [
        f"{union.name}: TypeAlias = Annotated[",
        " | ".join([*variants, "Annotated[UnknownVariant, Tag(UNKNOWN)]"]) + ",",
        f"Discriminator(variant_of({literal(union.tag)}, frozenset({{{known}}}))),",
        "]",
    ]
    return "\n".join(lines) + "\n" + docstring([union.description], "")


def _index(api: Api) -> str:
    modules: dict[str, list[str]] = {}
    for name, module in api.homes().items():
        modules.setdefault(module, []).append(name)
    imports = [f"from .{module} import {', '.join(sorted(names))}" for module, names in sorted(modules.items())]
    names = sorted(name for group in modules.values() for name in group)
    exported = "".join(f"    {literal(name)},\n" for name in names)
    return "\n".join(['"""All models, by name."""', "", *imports, "", f"__all__ = [\n{exported}]\n"])
