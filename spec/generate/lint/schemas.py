"""Schemas: named objects, enums and unions; nullable as `X or null`; nothing that the parser garbles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..document import Document, Node, component_name, mapping, sequence
from ..findings import Finding, pointer
from ..naming import constant, folded

_TYPES: Final = frozenset({"string", "integer", "number", "boolean", "array", "object"})
_NULLABLE: Final = frozenset({"string", "integer", "number", "boolean", "array"})


def lint_schemas(document: Document) -> Iterator[Finding]:
    """Findings in every schema of the document, wherever it stands."""
    names: dict[str, str] = {}
    for name, schema in document.schemas.items():
        where = pointer("components", "schemas", name)
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
            yield Finding(where, "a schema's name has to be PascalCase")
        if (other := names.setdefault(folded(name), name)) != name:
            yield Finding(where, f"the name collides with {other!r}: case and separators do not tell names apart")
        yield from _schema(document, schema, where, named=True)
    for name, node in mapping(document.components.get("parameters")).items():
        inside = pointer("components", "parameters", name, "schema")
        yield from _schema(document, mapping(node).get("schema"), inside)
    for section in ("requestBodies", "responses"):
        for name, node in mapping(document.components.get(section)).items():
            yield from _contents(document, node, pointer("components", section, name))
    for path, item in mapping(document.raw.get("paths")).items():
        yield from _parameters(document, item, pointer("paths", path))
    for place in document.places():
        yield from _parameters(document, place.operation, place.pointer)
        yield from _contents(document, place.operation.get("requestBody"), place.pointer + "/requestBody")
        for status, response in mapping(place.operation.get("responses")).items():
            yield from _contents(document, response, place.pointer + pointer("responses", status))


def _parameters(document: Document, owner: object, where: str) -> Iterator[Finding]:
    for index, parameter in enumerate(sequence(mapping(owner).get("parameters"))):
        if "$ref" not in mapping(parameter):
            inside = where + pointer("parameters", index, "schema")
            yield from _schema(document, mapping(parameter).get("schema"), inside)


def _contents(document: Document, owner: object, where: str) -> Iterator[Finding]:
    for media_type, media in mapping(mapping(owner).get("content")).items():
        yield from _schema(document, mapping(media).get("schema"), where + pointer("content", media_type, "schema"))


def _schema(document: Document, value: object, where: str, *, named: bool = False) -> Iterator[Finding]:
    node = mapping(value)
    if "$ref" in node:
        if named:
            yield Finding(where, "a named schema that is only another's name has no symbol of its own")
        return
    if named and not node.get("description"):
        yield Finding(where, "a named schema needs a description")
    if "oneOf" in node:
        yield from _union(document, node, where, named=named)
    elif "anyOf" in node:
        yield from _optional(node, where)
    elif "allOf" in node:
        yield from _merged(document, node, where, named=named)
    elif "enum" in node:
        yield from _enum(node, where, named=named)
    elif "const" in node:
        if not isinstance(node["const"], str) or node.get("type") != "string":
            yield Finding(where + "/const", "a constant has to be a string, with `type: string`")
    else:
        yield from _typed(document, node, where, named=named)


def _typed(document: Document, node: Node, where: str, *, named: bool) -> Iterator[Finding]:
    found = node.get("type")
    types = sequence(found) or [found]
    plain = [name for name in types if name != "null"]
    if found is None:
        if not named or set(node) - {"description", "examples"}:
            yield Finding(where, "a schema needs a type (only a named, otherwise empty schema means any JSON value)")
        return
    if len(plain) != 1 or plain[0] not in _TYPES or len(types) > 2:
        yield Finding(where + "/type", f"{found!r} is no single type, nullable or not")
        return
    if len(types) == 2 and plain[0] not in _NULLABLE:
        yield Finding(where + "/type", "write a nullable object as anyOf: [$ref, {type: null}]")
    if plain[0] == "array":
        if "items" not in node:
            yield Finding(where, "'items' is missing")
        yield from _schema(document, node.get("items", {"type": "string"}), where + "/items")
    elif plain[0] == "object":
        yield from _object(document, node, where, named=named)
    if plain[0] != "object" and (extra := set(node) & {"properties", "additionalProperties", "required"}):
        yield Finding(where + pointer(min(extra)), f"{min(extra)!r} belongs to objects")
    if node.get("format") == "uuid":
        yield Finding(where + "/format", "ids are opaque strings here, not UUIDs")


def _object(document: Document, node: Node, where: str, *, named: bool) -> Iterator[Finding]:
    properties = mapping(node.get("properties"))
    if properties and not named:
        yield Finding(where, "an object with members has to be a named component")
    for name in sequence(node.get("required")):
        if name not in properties:
            yield Finding(where + "/required", f"{name!r} is required and not among the properties")
    seen: dict[str, str] = {}
    for name, schema in properties.items():
        inside = where + pointer("properties", name)
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            yield Finding(inside, "a member's name has to be snake_case: it is the SDKs' name too")
        if (other := seen.setdefault(folded(name), name)) != name:
            yield Finding(inside, f"the name collides with {other!r}")
        if not mapping(schema).get("description") and "$ref" not in mapping(schema) and "anyOf" not in mapping(schema):
            yield Finding(inside, "a member needs a description")
        yield from _schema(document, schema, inside)
    values = node.get("additionalProperties")
    if isinstance(values, dict):
        if properties:
            yield Finding(where + "/additionalProperties", "an object has members or is a map, not both")
        yield from _schema(document, mapping(node["additionalProperties"]), where + "/additionalProperties")


def _enum(node: Node, where: str, *, named: bool) -> Iterator[Finding]:
    values = sequence(node.get("enum"))
    if not named:
        yield Finding(where, "an enum has to be a named component")
    if node.get("type") != "string" or not values or not all(isinstance(value, str) for value in values):
        yield Finding(
            where + "/enum", "an enum has to have `type: string` and strings as values, null is written as anyOf"
        )
        return
    seen: dict[str, object] = {}
    for index, value in enumerate(values):
        if (other := seen.setdefault(constant(str(value)), value)) is not value:
            yield Finding(where + pointer("enum", index), f"{value!r} and {other!r} have the same name")


def _optional(node: Node, where: str) -> Iterator[Finding]:
    options = [mapping(option) for option in sequence(node.get("anyOf"))]
    references = [option for option in options if component_name(option)]
    nulls = [option for option in options if option == {"type": "null"}]
    if len(options) != 2 or len(references) != 1 or len(nulls) != 1:
        yield Finding(where + "/anyOf", "anyOf is for a nullable reference only: [$ref, {type: null}]")
    for key in set(node) - {"anyOf", "description", "default", "deprecated", "examples"}:
        yield Finding(where + pointer(key), f"{key!r} beside anyOf would be dropped")


def _union(document: Document, node: Node, where: str, *, named: bool) -> Iterator[Finding]:
    if not named:
        yield Finding(where, "a union has to be a named component")
    for key in set(node) - {"oneOf", "discriminator", "description", "examples"}:
        yield Finding(where + pointer(key), f"{key!r} beside oneOf would be dropped")
    names = [component_name(option) for option in sequence(node.get("oneOf"))]
    discriminator = mapping(node.get("discriminator"))
    tag, targets = discriminator.get("propertyName"), mapping(discriminator.get("mapping"))
    if None in names or not targets or not isinstance(tag, str):
        yield Finding(where + "/oneOf", "a union is of references, with a discriminator and its mapping")
        return
    mapped = {component_name({"$ref": target}): value for value, target in targets.items()}
    if set(mapped) != set(names) or len(mapped) != len(targets):
        yield Finding(where + "/discriminator/mapping", "the mapping has to name each variant once")
    for name in names:
        variant = document.resolve({"$ref": f"#/components/schemas/{name}"})
        constants = mapping(mapping(variant.get("properties")).get(tag))
        if constants.get("const") != mapped.get(name) or tag not in sequence(variant.get("required")):
            yield Finding(
                pointer("components", "schemas", str(name), "properties", tag),
                f"the tag has to be required and `const: {mapped.get(name)}`",
            )


def _merged(document: Document, node: Node, where: str, *, named: bool) -> Iterator[Finding]:
    if not named:
        yield Finding(where, "allOf has to be a named component")
    for key in set(node) - {"allOf", "description", "examples"}:
        yield Finding(where + pointer(key), f"{key!r} beside allOf would be dropped")
    for index, part in enumerate(sequence(node.get("allOf"))):
        inside = where + pointer("allOf", index)
        resolved = document.resolve(part)
        if "allOf" in resolved:
            yield Finding(inside, "an allOf of an allOf is not carried")
        elif resolved.get("type") != "object" or (
            "additionalProperties" in resolved and not resolved.get("properties")
        ):
            yield Finding(inside, "allOf merges objects with members only")
        if "$ref" not in mapping(part):
            yield from _schema(document, {"description": "-", **mapping(part)}, inside, named=True)
