"""Which keys each kind of object may have, and where each kind of object stands. An unknown key is an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from ..document import METHODS, Document, mapping
from ..findings import Finding, pointer


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of one kind of object: key → kind; `[kind]` an array of it, `{kind}` a map of it, `*` anything."""

    members: dict[str, str]
    required: tuple[str, ...] = ()
    referable: bool = False
    siblings: tuple[str, ...] = field(default=())


_SCHEMA = {
    "type": "*",
    "format": "*",
    "description": "*",
    "properties": "{schema}",
    "required": "*",
    "additionalProperties": "schema or boolean",
    "propertyNames": "*",
    "items": "schema",
    "enum": "*",
    "const": "*",
    "default": "*",
    "anyOf": "[schema]",
    "oneOf": "[schema]",
    "allOf": "[schema]",
    "discriminator": "discriminator",
    "deprecated": "*",
    "example": "*",
    "examples": "*",
    "contentMediaType": "*",
    "contentEncoding": "*",
    "minLength": "*",
    "maxLength": "*",
    "pattern": "*",
    "minimum": "*",
    "maximum": "*",
    "exclusiveMinimum": "*",
    "exclusiveMaximum": "*",
    "multipleOf": "*",
    "minItems": "*",
    "maxItems": "*",
    "uniqueItems": "*",
    "minProperties": "*",
    "maxProperties": "*",
}

_PARAMETER = {
    "name": "*",
    "in": "*",
    "description": "*",
    "required": "*",
    "deprecated": "*",
    "schema": "schema",
    "style": "*",
    "explode": "*",
    "example": "*",
    "examples": "*",
    "x-sdk": "*",
}

SHAPES: dict[str, Shape] = {
    "document": Shape(
        {
            "openapi": "*",
            "jsonSchemaDialect": "*",
            "info": "info",
            "servers": "[server]",
            "tags": "[tag]",
            "paths": "{path item}",
            "components": "components",
            "security": "*",
            "externalDocs": "*",
        },
        required=("openapi", "jsonSchemaDialect", "info", "servers", "tags", "paths", "components"),
    ),
    "info": Shape(
        dict.fromkeys(("title", "version", "summary", "description", "license", "contact", "termsOfService"), "*"),
        required=("title", "version", "description"),
    ),
    "server": Shape(dict.fromkeys(("url", "description", "variables"), "*"), required=("url",)),
    "tag": Shape(dict.fromkeys(("name", "description", "externalDocs"), "*"), required=("name", "description")),
    "path item": Shape({**dict.fromkeys(METHODS, "operation"), "parameters": "[parameter]"}),
    "operation": Shape(
        {
            "operationId": "*",
            "summary": "*",
            "description": "*",
            "tags": "*",
            "parameters": "[parameter]",
            "requestBody": "request body",
            "responses": "{response}",
            "security": "*",
            "deprecated": "*",
            "x-pagination": "*",
            "x-idempotent": "*",
            "x-audit": "*",
            "x-streaming": "*",
            "x-retries": "*",
            "x-sdk": "*",
            "x-sdk-name": "*",
            "x-deprecated-since": "*",
            "x-sunset": "*",
        },
        required=("operationId", "summary", "description", "tags", "responses", "security"),
    ),
    "parameter": Shape(_PARAMETER, required=("name", "in", "schema", "description"), referable=True),
    "request body": Shape(
        {"description": "*", "required": "*", "content": "{media type}"}, required=("content",), referable=True
    ),
    "media type": Shape({"schema": "schema", "example": "*", "examples": "*"}, required=("schema",)),
    "response": Shape(
        {"description": "*", "headers": "{header}", "content": "{media type}"},
        required=("description",),
        referable=True,
    ),
    "header": Shape(
        {"description": "*", "required": "*", "deprecated": "*", "schema": "schema", "example": "*", "examples": "*"},
        required=("description", "schema"),
        referable=True,
    ),
    "schema": Shape(_SCHEMA, referable=True, siblings=("description", "deprecated", "default", "examples")),
    "discriminator": Shape({"propertyName": "*", "mapping": "*"}, required=("propertyName", "mapping")),
    "components": Shape(
        {
            "schemas": "{schema}",
            "parameters": "{parameter}",
            "requestBodies": "{request body}",
            "responses": "{response}",
            "headers": "{header}",
            "securitySchemes": "*",
            "examples": "*",
        },
        required=("schemas", "securitySchemes"),
    ),
}

_SECTIONS = {"parameter": "parameters", "request body": "requestBodies", "response": "responses", "header": "headers"}


def lint_structure(document: Document) -> Iterator[Finding]:
    """Unknown keys, missing keys, objects that are no objects, references that lead nowhere."""
    version = document.raw.get("openapi")
    if not isinstance(version, str) or not version.startswith("3.1."):
        yield Finding(pointer("openapi"), f"{version!r} is not read here; write 3.1.x")
    yield from _walk(document, document.raw, "document", "")


def _walk(document: Document, value: object, kind: str, where: str) -> Iterator[Finding]:
    if kind == "*":
        return
    if kind == "schema or boolean":
        if isinstance(value, bool):
            return
        kind = "schema"
    if kind.startswith("["):
        if not isinstance(value, list):
            yield Finding(where, "has to be an array")
            return
        for index, item in enumerate(cast("list[object]", value)):
            yield from _walk(document, item, kind[1:-1], where + pointer(index))
        return
    if not isinstance(value, dict):
        yield Finding(
            where,
            f"a {kind} has to be an object, boolean schemas are not carried"
            if kind == "schema"
            else f"a {kind} has to be an object",
        )
        return
    if kind.startswith("{"):
        for key, item in mapping(cast(object, value)).items():
            yield from _walk(document, item, kind[1:-1], where + pointer(key))
        return
    yield from _object(document, mapping(cast(object, value)), kind, where)


def _object(document: Document, node: object, kind: str, where: str) -> Iterator[Finding]:
    shape, members = SHAPES[kind], mapping(node)
    if "$ref" in members:
        if not shape.referable:
            yield Finding(where + "/$ref", f"a {kind} may not be a reference")
            return
        yield from _reference(document, members["$ref"], kind, where)
        for key in members:
            if key != "$ref" and key not in shape.siblings:
                yield Finding(where + pointer(key), f"{key!r} beside $ref would be dropped")
        return
    for key in shape.required:
        if key not in members:
            yield Finding(where, f"{key!r} is missing")
    for key, value in members.items():
        inner = shape.members.get(key)
        if inner is None:
            known = "vendor key" if key.startswith("x-") else "key"
            yield Finding(where + pointer(key), f"{known} {key!r} is not carried for a {kind}")
        else:
            yield from _walk(document, value, inner, where + pointer(key))


def _reference(document: Document, reference: object, kind: str, where: str) -> Iterator[Finding]:
    section = _SECTIONS.get(kind, "schemas")
    prefix = f"#/components/{section}/"
    if not isinstance(reference, str) or not reference.startswith(prefix) or "/" in reference[len(prefix) :]:
        yield Finding(where + "/$ref", f"a reference to a {kind} has to lead to {prefix}<name>, not {reference!r}")
    elif not document.resolve({"$ref": reference}) and document.at(reference) != {}:
        yield Finding(where + "/$ref", f"{reference!r} leads nowhere")
