"""The intermediate representation: every decision (names, order, kinds, policy) is made before it; emitters only print.

Language-neutral and frozen. `serialise.py` writes it to `ir.json`, whose shape is `ir.schema.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

TypeKind: TypeAlias = Literal[
    "string",
    "integer",
    "number",
    "boolean",
    "date",
    "date-time",
    "json",
    "binary",
    "const",
    "array",
    "map",
    "model",
    "enum",
    "union",
]
Location: TypeAlias = Literal["path", "query", "header", "body"]
Kind: TypeAlias = Literal["unary", "pages", "items", "events", "upload", "download"]


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a value. `of` belongs to arrays and maps, `name` to components, `value` to constants."""

    kind: TypeKind
    name: str | None = None
    of: Type | None = None
    value: str | None = None
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Default:
    """A documented default; its presence says that there is one (a default may be null)."""

    value: Json


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object, in the document's order. `secret`: `format: password`, never shown."""

    name: str
    required: bool
    type: Type
    description: str
    constraints: Mapping[str, Json]
    default: Default | None = None
    deprecated: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a method: `name` in the signature, `wire` in the request. `deep`: style deepObject."""

    name: str
    wire: str
    location: Location
    required: bool
    type: Type
    description: str
    constraints: Mapping[str, Json]
    default: Default | None = None
    deprecated: bool = False
    secret: bool = False
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Cursor pagination: the query parameter, and the members of the answer that hold the next cursor and the items."""

    cursor: str
    next_cursor: str
    results: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A streamed answer. `terminator`: member of the last line; `resume`: query parameter taking the last id."""

    format: Literal["ndjson", "sse"]
    terminator: str | None = None
    resume: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """The request body's media type; its members are arguments with location `body`, unless it is binary."""

    media_type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A declared failure: the status, the SDKs' error class for it, what it means here."""

    status: str
    error: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on the SDK's surface. `result`: the item's type for pages, items and events; None if empty."""

    id: str
    resource: str
    name: str
    kind: Kind
    method: str
    path: str
    summary: str
    description: str
    scopes: tuple[str, ...]
    arguments: tuple[Argument, ...]
    body: Body | None
    result: Type | None
    failures: tuple[Failure, ...]
    audit: str | None = None
    idempotent: bool = False
    retries: bool = True
    deprecated: bool = False
    sunset: str | None = None
    page: Page | None = None
    stream: Stream | None = None
    not_modified: bool = False
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """A namespace of methods. `module` is the top-level resource whose file holds it."""

    name: str
    attribute: str
    class_name: str
    module: str
    description: str
    children: tuple[str, ...]
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A named object. `tag`: its constant member that tells it apart in a union."""

    name: str
    module: str
    description: str
    members: tuple[Member, ...]
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Enum:
    """A named open enum of strings: other values may come in an answer."""

    name: str
    module: str
    description: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Union:
    """A named open union: `variants` maps the tag's value to the model; other values may come in an answer."""

    name: str
    module: str
    description: str
    tag: str
    variants: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Api:
    """The whole surface. `shared` is the module of models that several resources use."""

    title: str
    version: str
    server: str
    token_path: str
    revocation_path: str
    scopes: Mapping[str, str]
    resources: tuple[Resource, ...]
    operations: tuple[Operation, ...]
    models: tuple[Model, ...]
    enums: tuple[Enum, ...]
    unions: tuple[Union, ...]
    shared: str = "shared"

    def homes(self) -> dict[str, str]:
        """Every component's name → the module that it lives in."""
        return {
            **{model.name: model.module for model in self.models},
            **{enum.name: enum.module for enum in self.enums},
            **{union.name: union.module for union in self.unions},
        }
