"""Operations: dotted ids, described parameters, explicit security, one body, one result, vendor keys in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..document import MUTATIONS, Document, Node, Place, component_name, mapping, sequence
from ..findings import Finding, pointer
from ..naming import folded, snake
from .streams import lint_streams

_ID: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_ACTION: Final = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_BODIES: Final = frozenset(
    {
        "application/json",
        "application/merge-patch+json",
        "application/octet-stream",
        "application/partial-upload",
        "application/x-www-form-urlencoded",
    }
)
_BINARY: Final = frozenset({"application/octet-stream", "application/partial-upload"})
# What every SDK method can be; an operation that the SDKs do not show (`x-sdk: false`) may be a HEAD of its own too.
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})


def lint_operations(document: Document) -> Iterator[Finding]:
    """Findings in every operation."""
    ids: dict[str, str] = {}
    yield from _paths(document)
    tags = {mapping(tag).get("name") for tag in sequence(document.raw.get("tags"))}
    for place in document.places():
        identity = str(place.operation.get("operationId"))
        if not _ID.fullmatch(identity):
            yield Finding(place.pointer + "/operationId", f"{identity!r} is not `resource.method`")
        if (other := ids.setdefault(folded(identity), place.pointer)) != place.pointer:
            yield Finding(place.pointer + "/operationId", f"{identity!r} collides with the operation at #{other}")
        for tag in sequence(place.operation.get("tags")):
            if tag not in tags:
                yield Finding(place.pointer + "/tags", f"tag {tag!r} is not declared")
        if place.method not in _METHODS and not (place.method == "head" and place.operation.get("x-sdk") is False):
            yield Finding(place.pointer, f"method {place.method!r} is not carried")
        for key in ("summary", "description"):
            if not place.operation.get(key):
                yield Finding(place.pointer + pointer(key), f"an operation needs a {key}")
        yield from _parameters(document, place)
        yield from _security(document, place)
        yield from _body(document, place)
        yield from _responses(document, place)
        yield from _vendor(place)
        yield from lint_streams(document, place)


def _paths(document: Document) -> Iterator[Finding]:
    """Paths that differ, and path parameters that are those of their path."""
    seen: dict[str, str] = {}
    for path in mapping(document.raw.get("paths")):
        shape = re.sub(r"\{[^/]*\}", "{}", path)
        if (other := seen.setdefault(shape, path)) != path:
            yield Finding(pointer("paths", path), f"the path is the same as {other!r} but for names")
    for place in document.places():
        named = re.findall(r"\{([^/]*)\}", place.path)
        found = [node for node, _ in document.parameters(place) if node.get("in") == "path"]
        if sorted(named) != sorted(str(node.get("name")) for node in found):
            yield Finding(place.pointer, f"the path parameters have to be those of the path: {named}")
        if any(node.get("required") is not True for node in found):
            yield Finding(place.pointer, "a path parameter has to be `required: true`")


def _parameters(document: Document, place: Place) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for node, where in document.parameters(place):
        name, location = str(node.get("name")), node.get("in")
        if location not in {"path", "query", "header"}:
            yield Finding(where + "/in", f"parameters in {location!r} are not carried")
        if location != "header" and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            yield Finding(where + "/name", f"{name!r} has to be snake_case: it is the SDKs' name too")
        if not node.get("description"):
            yield Finding(where, f"parameter {name!r} needs a description")
        if (other := seen.setdefault(snake(name), where)) != where:
            yield Finding(where + "/name", f"{name!r} has the name of the parameter at #{other}")
        schema = document.resolve(node.get("schema"))
        shape = schema.get("type")
        timed = schema.get("format") in {"date", "date-time"}
        if location == "header" and (timed or shape in {"array", "object"}):
            yield Finding(where + "/schema", "a header has to be a scalar")
        if shape == "object" and node.get("style") != "deepObject":
            yield Finding(where + "/style", "an object in the query needs `style: deepObject`")
        if shape != "object" and node.get("style", _default_style(location)) != _default_style(location):
            yield Finding(where + "/style", f"style {node.get('style')!r} is not carried")
        if node.get("explode") is False and (shape == "array" or location == "query"):
            yield Finding(where + "/explode", "an array in the query is a repeated name: `explode: true`")
        if node.get("x-sdk", False) is not False:
            yield Finding(where + "/x-sdk", "x-sdk is `false` or absent")


def _default_style(location: object) -> str:
    return "form" if location == "query" else "simple"


def _security(document: Document, place: Place) -> Iterator[Finding]:
    where = place.pointer + "/security"
    schemes = mapping(document.components.get("securitySchemes"))
    scopes: set[tuple[object, ...]] = set()
    for requirement in sequence(place.operation.get("security")):
        for name, wanted in mapping(requirement).items():
            if name not in schemes:
                yield Finding(where, f"security scheme {name!r} is not declared")
            elif mapping(schemes[name]).get("type") == "oauth2":
                scopes.add(tuple(sequence(wanted)))
                flows = mapping(mapping(schemes[name]).get("flows")).values()
                declared = {scope for flow in flows for scope in mapping(mapping(flow).get("scopes"))}
                for scope in sequence(wanted):
                    if scope not in declared:
                        yield Finding(where, f"scope {scope!r} is not declared by {name!r}")
    if len(scopes) > 1:
        yield Finding(where, "alternatives with different scopes are not carried")


def _body(document: Document, place: Place) -> Iterator[Finding]:
    if "requestBody" not in place.operation:
        return
    where = place.pointer + "/requestBody"
    node = document.resolve(place.operation["requestBody"])
    content = mapping(node.get("content"))
    if len(content) != 1:
        yield Finding(where + "/content", "a request has one media type")
    for media_type, media in content.items():
        inside = where + pointer("content", media_type)
        schema = document.resolve(mapping(media).get("schema"))
        if media_type not in _BODIES:
            yield Finding(inside, f"a request body of {media_type!r} is not carried")
        elif media_type in _BINARY:
            if schema.get("format") != "binary":
                yield Finding(inside + "/schema", "a binary body is written `type: string, format: binary`")
        elif place.operation.get("x-sdk") is not False and component_name(mapping(media).get("schema")) is None:
            yield Finding(inside + "/schema", "a JSON body is a named object")


def _responses(document: Document, place: Place) -> Iterator[Finding]:
    where = place.pointer + "/responses"
    results: set[tuple[str, str]] = set()
    responses = mapping(place.operation.get("responses"))
    for status, value in responses.items():
        inside = where + pointer(status)
        if not re.fullmatch(r"[1-5]([0-9]{2}|XX)|default", status):
            yield Finding(inside, f"{status!r} is no status")
        content = mapping(document.resolve(value).get("content"))
        if len(content) > 1:
            yield Finding(inside + "/content", "a response has one media type")
        for name, header in mapping(document.resolve(value).get("headers")).items():
            if document.resolve(document.resolve(header).get("schema")).get("type") in {"array", "object"}:
                yield Finding(inside + pointer("headers", name), "a header has to be a scalar")
        if status.startswith("2"):
            results |= {(media, str(mapping(node).get("schema"))) for media, node in content.items()}
    if not any(status.startswith(("2", "3")) for status in responses):
        yield Finding(where, "a 2xx response is missing")
    if len(results) > 1:
        yield Finding(where, "an operation has one 2xx result type")


def _vendor(place: Place) -> Iterator[Finding]:
    operation, where = place.operation, place.pointer
    for key in ("x-audit", "x-idempotent"):
        if place.method in MUTATIONS and key not in operation:
            yield Finding(where, f"{key!r} is missing: every POST, PUT, PATCH and DELETE says it")
        if place.method not in MUTATIONS and key in operation:
            yield Finding(where + pointer(key), f"{key!r} is for POST, PUT, PATCH and DELETE")
    audit = operation.get("x-audit", False)
    if audit is not False and not (isinstance(audit, str) and _ACTION.fullmatch(audit)):
        yield Finding(where + "/x-audit", "x-audit is an action such as `users.create`, or false")
    checks: tuple[tuple[str, bool, str], ...] = (
        ("x-idempotent", isinstance(operation.get("x-idempotent", True), bool), "true or false"),
        ("x-retries", operation.get("x-retries") in (None, {"disabled": True}), "`{disabled: true}`"),
        ("x-sdk", operation.get("x-sdk", False) is False, "`false` or absent"),
        ("x-sdk-name", _named(operation), "a dotted name such as `users.create`"),
        ("x-deprecated-since", _since(operation), "a date, on every deprecated operation and on no other"),
        ("x-sunset", _sunset(operation), "a date, on a deprecated operation"),
    )
    for key, holds, wanted in checks:
        if not holds:
            yield Finding(where + pointer(key), f"{key} is {wanted}")


def _named(operation: Node) -> bool:
    name = operation.get("x-sdk-name", "a.b")
    return isinstance(name, str) and _ID.fullmatch(name) is not None


def _since(operation: Node) -> bool:
    """RFC 9745 wants the date, so that `Deprecation` can be told on every answer."""
    if operation.get("deprecated") is not True:
        return "x-deprecated-since" not in operation
    return _dated(operation.get("x-deprecated-since"))


def _sunset(operation: Node) -> bool:
    sunset = operation.get("x-sunset")
    return sunset is None or (bool(operation.get("deprecated")) and _dated(sunset))


def _dated(value: object) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)) is not None
