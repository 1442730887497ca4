"""All decisions: a linted document and the parser's result → the intermediate representation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, cast
from urllib.parse import urlsplit

from .adapter import Parsed, ParsedOperation, raw_members
from .document import Document, Node, Place, component_name, mapping, sequence, text
from .findings import Finding, SpecError
from .ir import (
    Api,
    Argument,
    Body,
    Default,
    Enum,
    Failure,
    Json,
    Kind,
    Location,
    Member,
    Model,
    Operation,
    Page,
    Resource,
    Stream,
    Type,
    Union,
)
from .naming import pascal, snake
from .placement import Placement

# ERR: the class that each status raises, in both languages.
_ERRORS: Final = {
    "400": "BadRequestError",
    "401": "AuthenticationError",
    "403": "PermissionDeniedError",
    "404": "NotFoundError",
    "409": "ConflictError",
    "410": "GoneError",
    "412": "PreconditionFailedError",
    "422": "UnprocessableEntityError",
    "428": "PreconditionRequiredError",
    "429": "RateLimitError",
}

# What a client, and what a resource, has of its own in either language: no resource or method may have its name.
_OF_CLIENTS: Final = frozenset(
    {"can", "close", "request", "resources", "scopes", "warm_up", "warmUp", "with_options", "withOptions"}
)
_OF_RESOURCES: Final = frozenset({"constructor", "with_raw_response", "withRawResponse", "then"})

# Arguments that the SDKs add to a method of each kind: a parameter of the document may not have their name.
_OWN_ARGUMENTS: Final[Mapping[Kind, frozenset[str]]] = {
    "upload": frozenset({"source", "encrypt_to", "already_encrypted", "on_progress"}),
    "download": frozenset({"to", "identity", "expect_sha256", "on_progress"}),
}

_CONSTRAINTS: Final = (
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "pattern",
)


def build(document: Document, parsed: Parsed) -> Api:
    """The intermediate representation of a document that has passed the lint."""
    return _Builder(document, parsed).api()


class _Builder:
    def __init__(self, document: Document, parsed: Parsed) -> None:
        self._document = document
        self._parsed = parsed
        self._findings: list[Finding] = []

    def api(self) -> Api:
        places = [place for place in self._document.places() if place.operation.get("x-sdk") is not False]
        operations = tuple(self._operation(place) for place in places)
        resources = tuple(self._resources(operations))
        self._check_names(resources, {operation.id: operation.name for operation in operations})
        if self._findings:
            raise SpecError(self._findings)
        placement = Placement(self._document, self._parsed, operations)
        info = mapping(self._document.raw.get("info"))
        flow = self._flow()
        return Api(
            title=text(info.get("title")),
            version=text(info.get("version")),
            server=text(mapping(sequence(self._document.raw.get("servers"))[0]).get("url")),
            token_path=urlsplit(text(flow.get("tokenUrl"))).path,
            revocation_path=self._revocation_path(),
            scopes={scope: text(purpose) for scope, purpose in mapping(flow.get("scopes")).items()},
            resources=resources,
            operations=operations,
            models=tuple(
                Model(name, module, self._about(name), tuple(self.members(name)), placement.tags.get(name))
                for name, module in placement.models.items()
            ),
            enums=tuple(
                Enum(name, module, self._about(name), self._parsed.enums[name])
                for name, module in placement.enums.items()
            ),
            unions=tuple(self._union(name, module) for name, module in placement.unions.items()),
        )

    def _about(self, name: str) -> str:
        return text(mapping(self._document.schemas[name]).get("description"))

    def _flow(self) -> Node:
        for scheme in mapping(self._document.components.get("securitySchemes")).values():
            flow = mapping(mapping(scheme).get("flows")).get("clientCredentials")
            if flow is not None:
                return mapping(flow)
        raise SpecError([Finding("/components/securitySchemes", "an oauth2 scheme with clientCredentials is missing")])

    def _revocation_path(self) -> str:
        for place in self._document.places():
            if place.operation.get("operationId") == "oauth.revoke":
                return place.path
        raise SpecError([Finding("/paths", "the operation oauth.revoke, which ends a client's tokens, is missing")])

    # Operations

    def _operation(self, place: Place) -> Operation:
        raw, parsed = place.operation, self._parsed.operations[place.path, place.method]
        identity = text(raw.get("x-sdk-name")) or text(raw.get("operationId"))
        resource, _, name = identity.rpartition(".")
        result = self._result(parsed)
        kind = self._kind(raw, parsed, result)
        arguments = self._arguments(place, parsed, kind)
        page = _page(raw)
        if page is not None and result is not None:
            result = self._parsed.models[str(result.name)][page.results][1].of
        if result is not None and result.kind not in {"model", "binary"}:
            self._findings.append(Finding(place.pointer + "/responses", "a result has to be a named object"))
        responses = mapping(raw.get("responses"))
        return Operation(
            id=text(raw.get("operationId")),
            resource=resource,
            name=name,
            kind=kind,
            method=place.method.upper(),
            path=place.path,
            summary=text(raw.get("summary")),
            description=text(raw.get("description")),
            scopes=_scopes(self._document, raw),
            arguments=arguments,
            body=_body(self._document, raw, parsed),
            result=None if kind == "download" else result,
            failures=tuple(self._failures(responses)),
            audit=text(raw.get("x-audit")) or None,
            idempotent=raw.get("x-idempotent") is True,
            retries="x-retries" not in raw,
            deprecated=raw.get("deprecated") is True,
            sunset=text(raw.get("x-sunset")) or None,
            page=page,
            stream=_stream(raw),
            not_modified=self._not_modified(place, responses, arguments),
            sensitive=self._sensitive(parsed),
        )

    def _result(self, parsed: ParsedOperation) -> Type | None:
        for response in parsed.responses:
            if response.status.startswith("2") and response.type is not None:
                return response.type
        return None

    def _kind(self, raw: Node, parsed: ParsedOperation, result: Type | None) -> Kind:
        if "x-pagination" in raw:
            return "pages"
        if "x-streaming" in raw:
            return "items" if mapping(raw["x-streaming"]).get("format") == "ndjson" else "events"
        if parsed.body is not None and parsed.body.kind == "binary":
            return "upload"
        return "download" if result is not None and result.kind == "binary" else "unary"

    def _arguments(self, place: Place, parsed: ParsedOperation, kind: Kind) -> tuple[Argument, ...]:
        arguments = [*self._parameters(place, parsed), *self._body_members(place, parsed)]
        order: Mapping[Location, int] = {"path": 0, "body": 1, "query": 2, "header": 3}
        path = [part[1:-1] for part in place.path.split("/") if part.startswith("{")]
        arguments.sort(
            key=lambda one: (
                one.location != "path",
                path.index(one.wire) if one.location == "path" else 0,
                not one.required,
                order[one.location],
            )
        )
        if kind in {"pages", "items"} and any(argument.location == "header" for argument in arguments):
            self._findings.append(Finding(place.pointer, "headers as arguments of a list or an export are not carried"))
        if kind == "upload" and path:
            self._findings.append(Finding(place.pointer, "path parameters of an upload are not carried"))
        taken = {"options", *_OWN_ARGUMENTS.get(kind, frozenset())}
        for argument in arguments:
            if argument.name in taken:
                message = f"argument {argument.name!r} ({argument.location}) clashes with another of that name"
                self._findings.append(Finding(place.pointer, message))
            taken.add(argument.name)
        return tuple(arguments)

    def _parameters(self, place: Place, parsed: ParsedOperation) -> Iterator[Argument]:
        types = {(found.location, found.name): found for found in parsed.parameters}
        for node, _ in self._document.parameters(place):
            if node.get("x-sdk") is False:
                continue
            found = types[text(node.get("in")), text(node.get("name"))]
            member = self._member(found.name, found.required, found.type, node.get("schema"))
            yield _argument(member, cast(Location, found.location), node)

    def _body_members(self, place: Place, parsed: ParsedOperation) -> Iterator[Argument]:
        if parsed.body is None or parsed.body.kind == "binary":
            return
        if parsed.body.kind != "model":
            self._findings.append(
                Finding(place.pointer + "/requestBody", "a JSON body has to be an object with members")
            )
            return
        body = self._document.resolve(place.operation.get("requestBody"))
        for member in self.members(str(parsed.body.name)):
            argument = _argument(member, "body", {})
            yield argument if body.get("required") is True else replace(argument, required=False)

    def _not_modified(self, place: Place, responses: Node, arguments: tuple[Argument, ...]) -> bool:
        """Whether the SDKs' answer may be "not modified": a 304 is declared, and its condition is theirs to set."""
        if "304" not in responses:
            return False
        if not any(node.get("name") == "If-None-Match" for node, _ in self._document.parameters(place)):
            self._findings.append(Finding(place.pointer + "/responses/304", "a 304 needs a parameter If-None-Match"))
        return any(argument.wire == "If-None-Match" for argument in arguments)

    def _failures(self, responses: Node) -> Iterator[Failure]:
        for status, response in sorted(responses.items()):
            if status[0] in "45":
                error = _ERRORS.get(status, "InternalServerError" if status[0] == "5" else "APIStatusError")
                yield Failure(status, error, text(self._document.resolve(response).get("description")))

    def _sensitive(self, parsed: ParsedOperation) -> bool:
        types = [parsed.body, *(response.type for response in parsed.responses)]
        return any(self._has_secret(found, frozenset()) for found in types if found is not None)

    def _has_secret(self, found: Type, seen: frozenset[str]) -> bool:
        if found.of is not None:
            return self._has_secret(found.of, seen)
        if found.kind == "union":
            return any(self._has_secret(Type("model", name), seen) for name in self.variants(str(found.name)).values())
        if found.kind != "model" or found.name in seen:
            return False
        inside = seen | {str(found.name)}
        return any(member.secret or self._has_secret(member.type, inside) for member in self.members(str(found.name)))

    # Schemas

    def members(self, name: str) -> Iterator[Member]:
        """The members of a named object, in the document's order."""
        raw = dict(raw_members(self._document, self._document.schemas[name]))
        for member, (required, found) in self._parsed.models[name].items():
            yield self._member(member, required, found, raw[member])

    def variants(self, name: str) -> dict[str, str]:
        """Value of the tag → model, of a named union."""
        targets = mapping(mapping(mapping(self._document.schemas[name]).get("discriminator")).get("mapping"))
        return {value: component_name({"$ref": target}) or "" for value, target in targets.items()}

    def _union(self, name: str, module: str) -> Union:
        discriminator = mapping(mapping(self._document.schemas[name]).get("discriminator"))
        return Union(name, module, self._about(name), text(discriminator.get("propertyName")), self.variants(name))

    def _member(self, name: str, required: bool, found: Type, schema: object) -> Member:
        node, target = mapping(schema), self._document.resolve(schema)
        for option in sequence(node.get("anyOf")):
            target = {**self._document.resolve(option), **target}
        limits = {key: cast(Json, target[key]) for key in _CONSTRAINTS if key in target}
        default = node.get("default", target.get("default", ...))
        return Member(
            name=name,
            required=required,
            type=found,
            description=text(node.get("description")) or text(target.get("description")),
            constraints=limits,
            default=None if default is ... else Default(cast(Json, default)),
            deprecated=target.get("deprecated") is True or node.get("deprecated") is True,
            secret=target.get("format") == "password",
        )

    # Resources

    def _resources(self, operations: tuple[Operation, ...]) -> Iterator[Resource]:
        names: dict[str, None] = {}
        for operation in operations:
            parts = operation.resource.split(".")
            names.update((".".join(parts[: index + 1]), None) for index in range(len(parts)))
        for name in names:
            own = [operation for operation in operations if operation.resource == name]
            yield Resource(
                name=name,
                attribute=name.rpartition(".")[2],
                class_name=pascal(name),
                module=name.partition(".")[0],
                description=self._resource_description(name, own),
                children=tuple(child for child in names if child.rpartition(".")[0] == name),
                operations=tuple(operation.id for operation in own),
            )

    def _check_names(self, resources: tuple[Resource, ...], methods: Mapping[str, str]) -> None:
        """No two things of a client or of a resource share a name, and no two resources the name of their class."""
        attributes = {resource.name: resource.attribute for resource in resources}
        classes: dict[str, str] = {}
        for resource in resources:
            taken = set(_OF_RESOURCES)
            for name in [attributes[child] for child in resource.children] + [
                methods[identity] for identity in resource.operations
            ]:
                if name in taken:
                    self._findings.append(
                        Finding("/paths", f"{name!r} has two meanings in the resource {resource.name!r}")
                    )
                taken.add(name)
            if "." not in resource.name and resource.attribute in _OF_CLIENTS:
                self._findings.append(
                    Finding("/paths", f"the resource {resource.name!r} has the name of a client's method")
                )
            if (other := classes.setdefault(resource.class_name, resource.name)) != resource.name:
                message = f"the resources {other!r} and {resource.name!r} have the same class name"
                self._findings.append(Finding("/paths", message))

    def _resource_description(self, name: str, operations: list[Operation]) -> str:
        for tag in sequence(self._document.raw.get("tags")):
            if mapping(tag).get("name") == name:
                return text(mapping(tag).get("description"))
        return f"`{name}`: {', '.join(operation.name for operation in operations)}."


def _argument(member: Member, location: Location, parameter: Node) -> Argument:
    return Argument(
        name=snake(member.name),
        wire=member.name,
        location=location,
        required=member.required,
        type=member.type,
        description=text(parameter.get("description")) or member.description,
        constraints=member.constraints,
        default=member.default,
        deprecated=member.deprecated or parameter.get("deprecated") is True,
        secret=member.secret,
        deep=parameter.get("style") == "deepObject",
    )


def _scopes(document: Document, raw: Node) -> tuple[str, ...]:
    schemes = mapping(document.components.get("securitySchemes"))
    for requirement in sequence(raw.get("security")):
        for name, scopes in mapping(requirement).items():
            if mapping(schemes.get(name)).get("type") == "oauth2":
                return tuple(text(scope) for scope in sequence(scopes))
    return ()


def _body(document: Document, raw: Node, parsed: ParsedOperation) -> Body | None:
    if parsed.body_media_type is None:
        return None
    return Body(parsed.body_media_type, document.resolve(raw.get("requestBody")).get("required") is True)


def _page(raw: Node) -> Page | None:
    node = mapping(raw.get("x-pagination"))
    return Page(*(text(node[key]).partition(".")[2] for key in ("cursor", "next_cursor", "results"))) if node else None


def _stream(raw: Node) -> Stream | None:
    node = mapping(raw.get("x-streaming"))
    if not node:
        return None
    if node.get("format") == "sse":
        return Stream("sse")
    return Stream("ndjson", text(node.get("terminator")), text(node.get("resume")))
