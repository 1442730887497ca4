"""Reads the control plane's document; whatever the clients could not carry is a finding with its JSON pointer.

Apart from the API's own reader: this document has what that one's lint forbids (closed enums, anonymous unions, maps
as answers) and nothing of what the intermediate representation is for (scopes, pages, streams, audit).
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Final, cast

from ..document import Document, Node, Place, component_name, mapping, sequence, text
from ..findings import Finding, SpecError, pointer
from .model import (
    Alias,
    Answer,
    Anything,
    Array,
    Body,
    Constant,
    Constants,
    Either,
    Map,
    Member,
    Named,
    Null,
    Operation,
    Plain,
    Plane,
    Record,
    Shape,
)

JSON: Final = "application/json"
# Judged by the server; a type cannot say them.
_JUDGED: Final = frozenset({
    "minimum", "maximum", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "minProperties",
    "maxProperties", "propertyNames", "uniqueItems", "dependentRequired",
})  # fmt: skip
_TYPES: Final[Mapping[object, Shape]] = {
    "string": Plain("string"),
    "integer": Plain("integer"),
    "number": Plain("number"),
    "boolean": Plain("boolean"),
    "null": Null(),
}
_OF_OPERATIONS: Final = frozenset(
    {"operationId", "summary", "description", "parameters", "requestBody", "responses", "tags"}
)


def read(document: Document) -> Plane:
    """The control plane that a document describes.

    Raises:
        SpecError: something in it cannot be carried.
    """
    return _Reader(document).read()


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._findings: list[Finding] = []

    def read(self) -> Plane:
        components = tuple(
            self._component(name, mapping(schema), pointer("components", "schemas", name))
            for name, schema in self._document.schemas.items()
        )
        operations = tuple(self._operation(place) for place in self._document.places())
        if self._findings:
            raise SpecError(self._findings)
        return Plane(components, operations)

    # Components

    def _component(self, name: str, node: Node, where: str) -> Record | Alias:
        description = self._description(node, where)
        if "properties" not in node:
            return Alias(name, description, self._shape(node, where))
        self._known(node, {"type", "description", "required", "properties", "additionalProperties", "oneOf"}, where)
        if (one_of := self._exactly_one(node, where)) is not None:
            description = f"{description} Exactly one of {', '.join(f'`{member}`' for member in one_of)}."
        elif node.get("minProperties") == node.get("maxProperties") == 1:
            description = f"{description} Exactly one member."
        required = [text(member) for member in sequence(node.get("required"))]
        members: list[Member] = []
        for member, schema in mapping(node["properties"]).items():
            inside = where + pointer("properties", member)
            shape = self._shape(mapping(schema), inside)
            if not member.isidentifier() or keyword.iskeyword(member):
                self._refuse(inside, f"{member!r} cannot be a name in Python")
            members.append(Member(member, member in required, shape, self._described(mapping(schema), inside)))
        for member in required:
            if member not in mapping(node["properties"]):
                self._refuse(where + "/required", f"{member!r} is no member")
        return Record(name, description, tuple(members))

    def _exactly_one(self, node: Node, where: str) -> list[str] | None:
        """The members of which there is one: `oneOf: [{required: [a]}, {required: [b]}]`."""
        options = [mapping(option) for option in sequence(node.get("oneOf"))]
        found: list[str] = []
        for index, option in enumerate(options):
            names = sequence(option.get("required"))
            if set(option) != {"required"} or len(names) != 1 or names[0] not in mapping(node["properties"]):
                self._refuse(where + pointer("oneOf", index), "an alternative of an object is `required: [a member]`")
            found += [text(name) for name in names]
        return found or None

    # Types

    def _shape(self, node: Node, where: str) -> Shape:
        if "$ref" in node:
            name = component_name(node)
            if name is None or name not in self._document.schemas:
                self._refuse(where, f"{node['$ref']!r} is no schema of this document")
            elif set(node) - {"$ref", "description"}:
                self._refuse(where, "beside a $ref there may be a description only")
            return Named(name or "")
        if "const" in node or "enum" in node:
            return self._constants(node, where)
        if "anyOf" in node:
            self._known(node, {"anyOf", "description"}, where)
            options = enumerate(sequence(node["anyOf"]))
            return Either(tuple(self._shape(mapping(one), where + pointer("anyOf", index)) for index, one in options))
        kinds = node["type"] if isinstance(node.get("type"), list) else [node["type"]] if "type" in node else []
        shapes = [self._of_type(node, kind, where) for kind in sequence(kinds)]
        if not shapes:
            self._known(node, {"description"}, where)
            return Anything()
        return shapes[0] if len(shapes) == 1 else Either(tuple(shapes))

    def _of_type(self, node: Node, kind: object, where: str) -> Shape:
        if kind == "array":
            self._known(node, {"type", "description", "items"}, where)
            length = node.get("minItems") if node.get("minItems") == node.get("maxItems") else None
            items = self._shape(mapping(node.get("items")), where + "/items")
            return Array(items, length if isinstance(length, int) else None)
        if kind == "object":
            self._known(node, {"type", "description", "additionalProperties"}, where)
            values = node.get("additionalProperties", True)
            if values is False:
                self._refuse(where, "an object with nothing in it")
            open_ended = isinstance(values, bool)
            return Map(Anything() if open_ended else self._shape(mapping(values), where + "/additionalProperties"))
        self._known(node, {"type", "description"}, where)
        if kind not in _TYPES:
            self._refuse(where + "/type", f"{kind!r} is not known")
        return _TYPES.get(kind, Anything())

    def _constants(self, node: Node, where: str) -> Constants:
        self._known(node, {"type", "description", "const", "enum"}, where)
        values = [node["const"]] if "const" in node else sequence(node["enum"])
        for value in values:
            if not isinstance(value, str | bool | int):
                self._refuse(where, f"the constant {value!r} is neither text, nor a whole number, nor a truth value")
        return Constants(tuple(cast(Constant, value) for value in values))

    # Operations

    def _operation(self, place: Place) -> Operation:
        self._known(place.operation, _OF_OPERATIONS, place.pointer, "operations")
        identity = text(place.operation.get("operationId"))
        if identity.count(".") != 1:
            self._refuse(place.pointer, "an operationId is `resource.method`")
        if not text(place.operation.get("summary")):
            self._refuse(place.pointer, "'summary' is missing")
        path: list[str] = []
        query: list[Member] = []
        for node, where in self._document.parameters(place):
            self._known(node, {"name", "in", "required", "description", "schema"}, where, "parameters")
            name = text(node.get("name"))
            shape = self._shape(mapping(node.get("schema")), where + "/schema")
            match node.get("in"):
                case "path" if f"{{{name}}}" in place.path:
                    path.append(name)
                case "query":
                    query.append(Member(name, node.get("required") is True, shape, self._described(node, where)))
                case other:
                    self._refuse(where, f"a parameter in {other!r} is not known")
        path.sort(key=lambda name: place.path.find(f"{{{name}}}"))
        return Operation(
            identity,
            place.method.upper(),
            place.path,
            text(place.operation.get("summary")),
            tuple(path),
            tuple(query),
            self._body(place),
            self._answer(place),
        )

    def _body(self, place: Place) -> Body | None:
        node = self._document.resolve(place.operation.get("requestBody"))
        if not node:
            return None
        where = place.pointer + "/requestBody"
        content = mapping(node.get("content"))
        if list(content) != [JSON] or node.get("required") is not True:
            self._refuse(where, "a body is JSON and required")
            return None
        schema = mapping(content[JSON]).get("schema")
        return Body(None if mapping(schema).get("maxProperties") == 0 else self._name(schema, where))

    def _answer(self, place: Place) -> Answer:
        successes: dict[str, Node] = {}
        for status, response in mapping(place.operation.get("responses")).items():
            node, where = self._document.resolve(response), place.pointer + pointer("responses", status)
            if status.startswith("2"):
                successes[status] = node
            elif list(mapping(node.get("content"))) != ["application/problem+json"]:
                self._refuse(where, "a refusal is a problem document")
        if len(successes) != 1:
            self._refuse(place.pointer + "/responses", "exactly one answer is a success")
            return Answer("nothing")
        ((status, node),) = successes.items()
        where = place.pointer + pointer("responses", status)
        match list(mapping(node.get("content"))):
            case []:
                return Answer("nothing")
            case ["application/json"]:
                return Answer("json", self._name(mapping(mapping(node["content"])[JSON]).get("schema"), where))
            case ["application/octet-stream"]:
                return Answer("bytes")
            case ["application/yaml"]:
                return Answer("text")
            case other:
                self._refuse(where, f"an answer of {other} is not known")
                return Answer("nothing")

    # What is common

    def _name(self, schema: object, where: str) -> str:
        """Bodies and answers are named components, so that users can name their types."""
        name = component_name(schema)
        if name is None or name not in self._document.schemas:
            self._refuse(where, "its schema is no $ref to a component")
        return name or ""

    def _description(self, node: Node, where: str) -> str:
        if not text(node.get("description")):
            self._refuse(where, "'description' is missing")
        return text(node.get("description")).rstrip(".") + "."

    def _described(self, node: Node, where: str) -> str:
        """A member's description; that of what it refers to will do."""
        return self._description(node if "description" in node else self._document.resolve(node), where)

    def _known(self, node: Node, known: set[str] | frozenset[str], where: str, what: str = "schemas") -> None:
        judged: frozenset[str] = _JUDGED if what == "schemas" else frozenset()
        for key in node:
            if key not in known and key not in judged:
                hint = "; an object with members needs a name" if key == "properties" else ""
                self._refuse(where, f"{key!r} is not carried for {what} like this{hint}")

    def _refuse(self, where: str, message: str) -> None:
        self._findings.append(Finding(where, message))
