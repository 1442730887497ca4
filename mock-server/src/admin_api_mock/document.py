"""The OpenAPI document, read once at start: operations with all that routing, validation and handlers need of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import orjson
import yaml

from admin_api_mock.http import EVENT_STREAM, MAX_BODY_BYTES, NDJSON

Node: TypeAlias = Mapping[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
STYLES = {("query", "form"), ("query", "deepObject"), ("path", "simple"), ("header", "simple")}
PACKAGED = Path(__file__).with_name("openapi.yaml")
CHECKOUT = Path(__file__).parents[3] / "spec" / "openapi.yaml"


class DocumentError(Exception):
    """The document asks for something this server does not understand; the message names the place."""


@dataclass(frozen=True, slots=True)
class MediaType:
    """One entry of a `content` map."""

    name: str
    #: JSON pointer of its schema in the document, or None if it has none.
    pointer: str | None
    schema: Node

    @property
    def is_json(self) -> bool:
        """True for application/json and every +json type."""
        return self.name == "application/json" or self.name.endswith("+json")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A path, query or header parameter in the styles this API uses (simple; form, exploded; deepObject)."""

    name: str
    location: str
    #: True for `name[member]=value`.
    deep: bool
    required: bool
    schema: Node
    pointer: str


@dataclass(frozen=True, slots=True)
class Response:
    """What one status of one operation may carry."""

    status: str
    content: Mapping[str, MediaType]
    headers: Mapping[str, Node]
    #: The headers whose value the document itself fixes.
    fixed_headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `id` is the dotted operationId by which its handler and its SDK method are found."""

    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body_required: bool
    body: Mapping[str, MediaType]
    #: The largest body in bytes: the `maxLength` of a binary one, else what is taken of any.
    max_body_bytes: int
    responses: Mapping[str, Response]
    #: Alternatives, each a set of scopes that all are needed; empty = public.
    scopes: tuple[frozenset[str], ...]
    #: `x-audit`: the action its commit records, or None.
    audit: str | None
    #: `x-idempotent`: takes an Idempotency-Key.
    idempotent: bool
    #: `x-pagination`, `x-streaming` as written, or None.
    pagination: Node | None
    streaming: Node | None
    #: `x-sdk: false` = not on the SDKs' surface (oauth, discovery).
    on_sdk: bool
    deprecated: bool
    raw: Node

    @property
    def channel(self) -> str:
        """The journal's channel: token traffic stands apart, so that it does not disturb exact lists of API calls."""
        return "api" if self.on_sdk or any(self.scopes) else "auth"

    @property
    def deprecation(self) -> Mapping[str, str]:
        """RFC 9745 and RFC 8594: since when nobody should call this, until when it answers."""
        told = {"Deprecation": f"@{int(_midnight(self.raw['x-deprecated-since']).timestamp())}"}
        if "x-sunset" in self.raw:
            told["Sunset"] = format_datetime(_midnight(self.raw["x-sunset"]), usegmt=True)
        return told

    @property
    def item_pointer(self) -> str:
        """Pointer of the schema that each line or event of a streamed answer has."""
        for media in self.success.content.values():
            if media.name in (NDJSON, EVENT_STREAM) and media.pointer:
                return media.pointer
        raise DocumentError(f"{self.id} is not streamed.")

    @property
    def success(self) -> Response:
        """The first 2xx response."""
        return next(response for status, response in sorted(self.responses.items()) if status.startswith("2"))


class _CoreLoader(yaml.CSafeLoader):
    """YAML 1.2 core: a date is text and `no` is text, as the JSON twin of the document has it."""


_CoreLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
for _first, _words in (("t", "true"), ("f", "false")):
    _CoreLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(f"^{_words}$"), [_first])


def read_yaml(text: str) -> Any:
    """Plain data from YAML 1.2 core."""
    return yaml.load(text, Loader=_CoreLoader)  # noqa: S506 - a CSafeLoader with fewer implicit types


class Document:
    """The whole document. `Document.load()` finds the packaged one, or the checkout's."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.raw: Node = read_yaml(text)
        self.version: str = self.raw["info"]["version"]
        self.server_url: str = self.raw["servers"][0]["url"] if self.raw.get("servers") else "https://localhost:8443"
        self.operations: dict[str, Operation] = {operation.id: operation for operation in self._operations()}

    @classmethod
    def load(cls, path: Path | None = None) -> Document:
        """From `path`, else from the wheel, else from the checkout the package lies in."""
        source = path or (PACKAGED if PACKAGED.exists() else CHECKOUT)
        try:
            return cls(source.read_text(encoding="utf-8"))
        except FileNotFoundError as missing:
            raise DocumentError(f"There is no OpenAPI document at {source}.") from missing

    @cached_property
    def token_path(self) -> str:
        """The path of the token endpoint, from the OAuth 2 security scheme."""
        for scheme in self.raw.get("components", {}).get("securitySchemes", {}).values():
            for flow in scheme.get("flows", {}).values():
                if "tokenUrl" in flow:
                    path: str = urlsplit(flow["tokenUrl"]).path
                    return path
        raise DocumentError("/components/securitySchemes has no OAuth 2 flow with a tokenUrl.")

    @cached_property
    def scopes(self) -> Mapping[str, str]:
        """Every scope with its description, from the OAuth 2 security scheme."""
        found: dict[str, str] = {}
        for scheme in self.raw.get("components", {}).get("securitySchemes", {}).values():
            for flow in scheme.get("flows", {}).values():
                found |= flow.get("scopes", {})
        return found

    @cached_property
    def _json(self) -> bytes:
        return orjson.dumps(self.raw)

    def yaml_for(self, base_url: str) -> bytes:
        """The document as written, its server being `base_url`."""
        return self.text.replace(self.server_url, base_url).encode()

    def json_for(self, base_url: str) -> bytes:
        """The same as JSON."""
        return self._json.replace(self.server_url.encode(), base_url.encode())

    def resolve(self, node: Node, pointer: str) -> tuple[Node, str]:
        """Follows `$ref` to where the node is written; gives the node and its pointer."""
        while "$ref" in node:
            reference: str = node["$ref"]
            if not reference.startswith("#/"):
                raise DocumentError(f"{pointer}: only references into the document itself are understood.")
            pointer = reference[1:]
            node = self.at(pointer)
        return node, pointer

    def at(self, pointer: str) -> Any:
        """The node at an RFC 6901 pointer."""
        node: Any = self.raw
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            node = node[int(key)] if isinstance(node, list) else node[key]
        return node

    def schema(self, node: Node) -> Node:
        """A schema with its own `$ref` followed (not those inside it)."""
        return self.resolve(node, "")[0]

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.raw.get("paths", {}).items():
            for method in METHODS:
                if method in item:
                    yield self._operation(path, method, item)

    def _operation(self, path: str, method: str, item: Node) -> Operation:
        raw: Node = item[method]
        pointer = f"/paths/{escape(path)}/{method}"
        if "operationId" not in raw:
            raise DocumentError(f"{pointer} has no operationId.")
        body: Node = {}
        body_pointer = f"{pointer}/requestBody"
        if "requestBody" in raw:
            body, body_pointer = self.resolve(raw["requestBody"], body_pointer)
        audit = raw.get("x-audit")
        if raw.get("deprecated") and "x-deprecated-since" not in raw:
            raise DocumentError(f"{pointer} does not say since when it is deprecated: x-deprecated-since is missing.")
        content = self._content(body, body_pointer)
        sizes = (media.schema.get("maxLength") for media in content.values() if media.schema.get("format") == "binary")
        return Operation(
            id=raw["operationId"],
            method=method.upper(),
            path=path,
            parameters=tuple(self._parameters(path, method, item)),
            body_required=body.get("required", False),
            body=content,
            max_body_bytes=min([size for size in sizes if size is not None], default=MAX_BODY_BYTES),
            responses={str(status): self._response(status, node, pointer) for status, node in raw["responses"].items()},
            scopes=self._scopes(raw, pointer),
            audit=audit if isinstance(audit, str) else None,
            idempotent=raw.get("x-idempotent", False),
            pagination=raw.get("x-pagination"),
            streaming=raw.get("x-streaming"),
            on_sdk=raw.get("x-sdk", True),
            deprecated=raw.get("deprecated", False),
            raw=raw,
        )

    def _parameters(self, path: str, method: str, item: Node) -> Iterator[Parameter]:
        at = f"/paths/{escape(path)}"
        shared = [(node, f"{at}/parameters/{i}") for i, node in enumerate(item.get("parameters", ()))]
        own = [(node, f"{at}/{method}/parameters/{i}") for i, node in enumerate(item[method].get("parameters", ()))]
        found: dict[tuple[str, str], Parameter] = {}
        for node, place in shared + own:  # An operation's own parameter overrides the path's (OpenAPI 3.1, 4.8.9).
            parameter, pointer = self.resolve(node, place)
            name, location = parameter["name"], parameter["in"]
            style = (location, parameter.get("style", "form" if location == "query" else "simple"))
            if style not in STYLES or "schema" not in parameter or not parameter.get("explode", True):
                raise DocumentError(f"{pointer}: a parameter of this kind is not understood.")
            found[location, name] = Parameter(
                name=name.lower() if location == "header" else name,
                location=location,
                deep=style[1] == "deepObject",
                required=parameter.get("required", False),
                schema=self.schema(parameter["schema"]),
                pointer=f"{pointer}/schema",
            )
        return iter(found.values())

    def _content(self, node: Node, pointer: str) -> Mapping[str, MediaType]:
        return {
            name: MediaType(
                name=name,
                pointer=f"{pointer}/content/{escape(name)}/schema" if "schema" in media else None,
                schema=media.get("schema", {}),
            )
            for name, media in node.get("content", {}).items()
        }

    def _response(self, status: Any, node: Node, operation_pointer: str) -> Response:
        response, pointer = self.resolve(node, f"{operation_pointer}/responses/{status}")
        headers: Mapping[str, Node] = response.get("headers", {})
        fixed: dict[str, str] = {}
        for name, node in headers.items():
            schema = self.resolve(node, pointer)[0].get("schema", {})
            if "const" in schema:
                fixed[name] = schema["const"]
        return Response(str(status), self._content(response, pointer), headers, fixed)

    def _scopes(self, raw: Node, pointer: str) -> tuple[frozenset[str], ...]:
        requirements = raw.get("security", self.raw.get("security"))
        if requirements is None:
            raise DocumentError(f"{pointer} says nothing of its security.")
        if any(not requirement for requirement in requirements):
            return ()
        sets = {frozenset(scope for scopes in requirement.values() for scope in scopes) for requirement in requirements}
        return tuple(sorted(sets, key=sorted))


def _midnight(date: str) -> datetime:
    return datetime.fromisoformat(date).replace(tzinfo=UTC)


def escape(part: str) -> str:
    """One reference token of an RFC 6901 pointer."""
    return part.replace("~", "~0").replace("/", "~1")
