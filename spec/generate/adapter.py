"""The only room that knows openapi-python-client (0.29.1, pinned exactly: its internals are no public API).

It parses the document with it, refuses every warning and every loss, and hands out plain dataclasses. Where the parser
drops something (named unions, constants' tags, descriptions), the raw document walks beside its result.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import GeneratorError
from openapi_python_client.parser.openapi import Endpoint, GeneratorData
from openapi_python_client.parser.properties import (
    AnyProperty,
    EnumProperty,
    LiteralEnumProperty,
    ModelProperty,
    Property,
)
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.schemas import Class
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty
from openapi_python_client.parser.responses import Response

from .document import Document, Node, Place, component_name, mapping, sequence, text
from .findings import Finding, SpecError, pointer
from .ir import Type, TypeKind

PARSER_VERSION: Final = "0.29.1"

# Media types that the parser would drop although their schemas are ordinary ones.
_READ_AS: Final = {
    "application/x-ndjson": "application/json",
    "text/event-stream": "application/json",
    "application/yaml": "text/plain",
    "application/partial-upload": "application/octet-stream",
}

_PLAIN: Final[Mapping[type[PropertyProtocol], TypeKind]] = {
    StringProperty: "string",
    UuidProperty: "string",
    IntProperty: "integer",
    FloatProperty: "number",
    BooleanProperty: "boolean",
    DateProperty: "date",
    DateTimeProperty: "date-time",
    FileProperty: "binary",
    AnyProperty: "json",
}


@dataclass(frozen=True, slots=True)
class ParsedParameter:
    """A parameter as the parser understood it."""

    name: str
    location: str
    required: bool
    type: Type


@dataclass(frozen=True, slots=True)
class ParsedResponse:
    """A response as the parser understood it; `type` is None without content."""

    status: str
    media_type: str | None
    type: Type | None


@dataclass(frozen=True, slots=True)
class ParsedOperation:
    """An operation as the parser understood it."""

    parameters: tuple[ParsedParameter, ...]
    body_media_type: str | None
    body: Type | None
    responses: tuple[ParsedResponse, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """The parser's result: operations by (path, method), members of models and values of enums by component name."""

    operations: Mapping[tuple[str, str], ParsedOperation]
    models: Mapping[str, Mapping[str, tuple[bool, Type]]]
    enums: Mapping[str, tuple[str, ...]]


def parse(document: Document) -> Parsed:
    """Parse a linted document, refusing whatever the parser warns of or loses."""
    installed = importlib.metadata.version("openapi-python-client")
    if installed != PARSER_VERSION:
        raise SpecError([Finding("", f"openapi-python-client is {installed}, the adapter knows {PARSER_VERSION} only")])
    config = Config.from_sources(
        ConfigFile(post_hooks=[], literal_enums=True, content_type_overrides=dict(_READ_AS)),
        MetaType.NONE,
        document_source=Path("openapi.yaml"),
        file_encoding="utf-8",
        overwrite=False,
        output_path=None,
    )
    data = GeneratorData.from_dict(_palatable(document.raw), config=config)
    if isinstance(data, GeneratorError):
        raise SpecError([Finding("", f"{data.header}: {data.detail}")])
    if findings := list(_warnings(data)):
        raise SpecError(findings)
    return _Reader(document, data, config).read()


def _palatable(raw: Node) -> dict[str, object]:
    """A copy in which header parameters with a `const` are plain strings: the parser takes no constant in a header.

    `_type` reads the constant from the raw document again.
    """

    def copied(value: object) -> object:
        if isinstance(value, list):
            return [copied(item) for item in sequence(cast(object, value))]
        if not isinstance(value, dict):
            return value
        node = {key: copied(item) for key, item in mapping(cast(object, value)).items()}
        if node.get("in") == "header" and "const" in mapping(node.get("schema")):
            node["schema"] = {key: item for key, item in mapping(node["schema"]).items() if key != "const"}
        return node

    return {key: copied(value) for key, value in raw.items()}


def _warnings(data: GeneratorData) -> Iterator[Finding]:
    errors = list(data.errors)
    for collection in data.endpoint_collections_by_tag.values():
        errors.extend(collection.parse_errors)
    for error in errors:
        place = error.data.model_dump_json(exclude_none=True)[:200] if error.data is not None else ""
        yield Finding("", f"the parser refuses: {error.header} {error.detail or ''} {place}".strip())


class _Reader:
    """Translates the parser's objects, with the raw document at hand."""

    def __init__(self, document: Document, data: GeneratorData, config: Config) -> None:
        self._document = document
        self._data = data
        self._components = {Class.from_string(string=name, config=config).name: name for name in document.schemas}
        self._findings: list[Finding] = []

    def read(self) -> Parsed:
        endpoints = {
            (self._template(endpoint), endpoint.method): endpoint
            for collection in self._data.endpoint_collections_by_tag.values()
            for endpoint in collection.endpoints
        }
        operations: dict[tuple[str, str], ParsedOperation] = {}
        for place in self._document.places():
            endpoint = endpoints.get((_anonymous(place.path), place.method))
            if endpoint is None:
                self._lost(place.pointer, "the operation")
                continue
            operations[place.path, place.method] = self._operation(place, endpoint)
        models = {
            self._components[model.class_info.name]: self._members(model)
            for model in self._data.models
            if model.class_info.name in self._components
        }
        enums = {
            self._components[enum.class_info.name]: self._values_of(enum)
            for enum in self._data.enums
            if enum.class_info.name in self._components
        }
        for name, schema in self._document.schemas.items():
            node = mapping(schema)
            if (node.get("properties") and name not in models) or (node.get("enum") and name not in enums):
                self._lost(pointer("components", "schemas", name), "the schema")
        if self._findings:
            raise SpecError(self._findings)
        return Parsed(operations, models, enums)

    def _template(self, endpoint: Endpoint) -> str:
        return _anonymous(endpoint.path.get_untrusted_value())

    def _operation(self, place: Place, endpoint: Endpoint) -> ParsedOperation:
        raw = self._document.parameters(place)
        parsed = {
            (str(location), prop.name.get_untrusted_value()): prop for location, prop in endpoint.iter_all_parameters()
        }
        parameters: list[ParsedParameter] = []
        for node, where in raw:
            key = (text(node.get("in")), text(node.get("name")))
            prop = parsed.pop(key, None)
            if prop is None:
                self._lost(where, "the parameter")
                continue
            parsed_type = self._type(prop, node.get("schema"), where + "/schema")
            parameters.append(ParsedParameter(key[1], key[0], prop.required, parsed_type))
        for location, name in parsed:
            self._findings.append(
                Finding(place.pointer, f"the parser found a {location} parameter {name!r} of its own")
            )
        media_type, body = self._body(place, endpoint)
        return ParsedOperation(tuple(parameters), media_type, body, tuple(self._responses(place, endpoint)))

    def _body(self, place: Place, endpoint: Endpoint) -> tuple[str | None, Type | None]:
        content = mapping(self._document.resolve(place.operation.get("requestBody")).get("content"))
        where = place.pointer + "/requestBody"
        if len(content) != len(endpoint.bodies):
            self._lost(where, "a request body")
        for body in endpoint.bodies:
            media_type = body.content_type.get_untrusted_value()
            schema = mapping(content.get(media_type)).get("schema")
            return media_type, self._type(body.prop, schema, where + pointer("content", media_type, "schema"))
        return None, None

    def _responses(self, place: Place, endpoint: Endpoint) -> Iterator[ParsedResponse]:
        found = {_status(response): response for response in endpoint.responses}
        for status, value in mapping(place.operation.get("responses")).items():
            where = place.pointer + pointer("responses", status)
            response = found.get(status.lower())
            if response is None:
                self._lost(where, "the response")
                continue
            content = mapping(self._document.resolve(value).get("content"))
            for media_type, media in content.items():
                schema = mapping(media).get("schema")
                if schema is not None:
                    inside = where + pointer("content", media_type, "schema")
                    yield ParsedResponse(status, media_type, self._type(response.prop, schema, inside))
                    break
            else:
                yield ParsedResponse(status, None, None)

    def _members(self, model: ModelProperty) -> dict[str, tuple[bool, Type]]:
        name = self._components[model.class_info.name]
        where = pointer("components", "schemas", name)
        raw = dict(raw_members(self._document, self._document.schemas[name]))
        props: Iterable[Property] = [*(model.required_properties or []), *(model.optional_properties or [])]
        parsed = {prop.name.get_untrusted_value(): prop for prop in props}
        members: dict[str, tuple[bool, Type]] = {}
        for member, schema in raw.items():
            prop = parsed.get(member)
            if prop is None:
                self._lost(where + pointer("properties", member), "the member")
                continue
            members[member] = (prop.required, self._type(prop, schema, where + pointer("properties", member)))
        return members

    def _type(self, prop: PropertyProtocol, schema: object, where: str) -> Type:
        """The type of a parsed property; `schema` is the raw schema that it was made from."""
        component = component_name(schema)
        node = self._document.resolve(schema)
        if component is not None and "oneOf" in node:
            return Type("union", name=component)
        if isinstance(prop, UnionProperty):
            return self._nullable(prop, node, where)
        if isinstance(prop, ModelProperty):
            return self._object(prop, node, where)
        if isinstance(prop, EnumProperty | LiteralEnumProperty):
            return Type("enum", name=self._component(prop.class_info, where))
        if isinstance(prop, ListProperty):
            return Type("array", of=self._type(prop.inner_property, node.get("items"), where + "/items"))
        if isinstance(prop, ConstProperty):
            return Type("const", value=str(prop.value.raw_value))
        if isinstance(prop, StringProperty) and "const" in node:
            return Type("const", value=str(node["const"]))
        kind = _PLAIN.get(type(prop))
        if kind is None:
            self._findings.append(Finding(where, f"the adapter does not know the parser's {type(prop).__name__}"))
            return Type("json")
        return Type(kind)

    def _nullable(self, prop: UnionProperty, node: Node, where: str) -> Type:
        """`type: [T, "null"]` or `anyOf: [$ref, {type: "null"}]`; the lint lets no other anonymous union through."""
        options = [inner for inner in prop.inner_properties if not isinstance(inner, NoneProperty)]
        if len(options) != 1 or len(prop.inner_properties) != 2:
            self._findings.append(Finding(where, "an anonymous union may only be `X or null`"))
            return Type("json")
        schema: object = node
        for option in sequence(node.get("anyOf")):
            if mapping(option).get("type") != "null":
                schema = option
        inner = self._type(options[0], schema, where)
        return Type(inner.kind, inner.name, inner.of, inner.value, nullable=True)

    def _object(self, prop: ModelProperty, node: Node, where: str) -> Type:
        if prop.class_info.name in self._components:
            component = self._components[prop.class_info.name]
            if mapping(self._document.schemas[component]).get("properties") or "allOf" in node:
                return Type("model", name=component)
        # The parser's own references are copies taken before the model was filled in: read the values' type from raw.
        values = node.get("additionalProperties", True)
        if isinstance(values, bool):
            return Type("map", of=Type("json"))
        return Type("map", of=self._values(values, prop, where + "/additionalProperties"))

    def _values(self, values: object, prop: ModelProperty, where: str) -> Type:
        for model in (prop, *(model for model in self._data.models if model.class_info == prop.class_info)):
            if model.additional_properties is not None:
                return self._type(model.additional_properties, values, where)
        self._lost(where, "the type of the map's values")
        return Type("json")

    def _values_of(self, enum: EnumProperty | LiteralEnumProperty) -> tuple[str, ...]:
        """The values in the document's order: the parser keeps a set of them."""
        name = self._components[enum.class_info.name]
        raw = tuple(text(value) for value in sequence(mapping(self._document.schemas[name]).get("enum")))
        parsed = enum.values.values() if isinstance(enum, EnumProperty) else enum.values
        if {str(value) for value in parsed} != set(raw):
            self._lost(pointer("components", "schemas", name, "enum"), "values of the enum")
        return raw

    def _component(self, found: Class, where: str) -> str:
        name = self._components.get(found.name)
        if name is None:
            self._findings.append(Finding(where, "objects and enums have to be named components"))
            return found.name
        return name

    def _lost(self, where: str, what: str) -> None:
        self._findings.append(Finding(where, f"the parser lost {what}"))


def raw_members(document: Document, schema: object) -> Iterator[tuple[str, object]]:
    """The members of an object schema in the document's order, those of its `allOf` first."""
    node = document.resolve(schema)
    for part in sequence(node.get("allOf")):
        yield from raw_members(document, part)
    yield from mapping(node.get("properties")).items()


def _status(response: Response) -> str:
    return str(response.status_code.pattern).lower()


def _anonymous(path: str) -> str:
    """A path without the names of its parameters: the parser re-spells them."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
