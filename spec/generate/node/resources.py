"""Prints `resources/`: a file per top-level resource with its operations as constants, and the base of the client."""

from __future__ import annotations

import re

from ..findings import Finding, SpecError, pointer
from ..ir import Api, Operation, Resource
from . import methods
from .models import member, params_of
from .text import Group, jsdoc, lay
from .types import camel, key, literal

_TYPES = (
    ("../../files.ts", ("DownloadOptions", "Downloaded", "UploadOptions", "UploadSource")),
    ("../../operation.ts", ("Op",)),
    ("../../options.ts", ("RequestOptions",)),
    ("../../pagination.ts", ("Pager",)),
    ("../../resource.ts", ("ApiPromise",)),
    ("../../streaming.ts", ("EventStream", "ItemStream")),
)


def emit(api: Api) -> dict[str, str]:
    """Path below `_generated` → text.

    Raises:
        SpecError: an upload has path parameters, for which the runtime has no place.
    """
    findings = [
        Finding(pointer("paths", operation.path), "an upload with path parameters is not carried to Node")
        for operation in api.operations
        if operation.kind == "upload" and any(item.location == "path" for item in operation.arguments)
    ]
    if findings:
        raise SpecError(findings)
    roots = [resource for resource in api.resources if "." not in resource.name]
    return {**{f"resources/{root.module}.ts": _file(api, root) for root in roots}, "resources/index.ts": _root(roots)}


def class_name(resource: Resource) -> str:
    """`UsersRolesResource`: the suffix keeps names such as `Storage` away from the DOM's."""
    return f"{resource.class_name}Resource"


def _root(roots: list[Resource]) -> str:
    lines = [
        "import { Resource } from '../../resource.ts';",
        *(f"import {{ {class_name(root)} }} from './{root.module}.ts';" for root in roots),
        "",
        "/** What a client offers. */",
        "export class Resources extends Resource {",
    ]
    for root in roots:
        made = f"readonly {camel(root.attribute)}: {class_name(root)} = new {class_name(root)}(this._caller);"
        lines += [f"{jsdoc([root.description], '  ')}  {made}", ""]
    return "\n".join([*lines[:-1], "}", ""])


def _file(api: Api, root: Resource) -> str:
    resources = [resource for resource in api.resources if resource.module == root.name]
    operations = {operation.id: operation for operation in api.operations}
    own = {resource.name: [operations[identity] for identity in resource.operations] for resource in resources}
    constants = [_op(operation) for resource in resources for operation in own[resource.name]]
    classes = [_class(resource, own[resource.name], resources) for resource in resources]
    body = "\n".join([*constants, *classes])
    return "\n".join([*_imports(body, api), "", body])


def _imports(body: str, api: Api) -> list[str]:
    code = re.sub(r"/\*\*.*?\*/|'[^'\n]*'", "", body, flags=re.DOTALL)
    used = set(re.findall(r"\b[A-Z]\w*", code))
    named = {name for operation in api.operations if (name := methods.params(operation).split(" & ")[0])}
    lines: list[str] = []
    for source, names in (*_TYPES, ("../models.ts", sorted({*api.homes(), *named} - {"DownloadOptions"}))):
        found = tuple(name for name in names if name in used)
        if found:
            lines.append(lay(Group("import type {", found, f"}} from '{source}';")))
    value = "import { Resource } from '../../resource.ts';"
    return sorted([*lines, value], key=lambda line: line.rpartition("from ")[2])


def _op(operation: Operation) -> str:
    # What often goes together stands together: it is on every web page, and so compresses best.
    parts: list[Group | str] = [f"id: {literal(operation.id)}", f"method: {literal(operation.method)}"]
    if operation.idempotent:
        parts.append("idempotent: true")
    if operation.body is not None:
        parts.append(f"body: {literal(operation.body.media_type)}")
    if operation.page is not None:
        page = operation.page
        members = (("cursor", page.cursor), ("next_cursor", page.next_cursor), ("results", page.results))
        parts.append(Group("page: {", tuple(f"{name}: {literal(value)}" for name, value in members), "}"))
    given = params_of(operation)
    # without a body every argument that is no header is a query parameter
    query = [literal(item.wire) for item in operation.arguments if item.location == "query"]
    if query and operation.body is not None:
        parts.append(_list("query", query))
    if headers := [f"{key(member(item))}: {literal(item.wire)}" for item in given if item.location == "header"]:
        parts.append(Group("headers: {", tuple(headers), "}"))
    if deep := [literal(item.wire) for item in operation.arguments if item.deep]:
        parts.append(_list("deep", deep))
    if operation.stream is not None:
        stream = operation.stream
        known = (("format", stream.format), ("terminator", stream.terminator), ("resume", stream.resume))
        inside = tuple(f"{name}: {literal(value)}" for name, value in known if value is not None)
        parts.append(Group("stream: {", inside, "}"))
    flags = {
        "binary": operation.kind == "download",
        "noContent": operation.kind == "unary" and operation.result is None,
        "notModified": operation.not_modified,
        "sensitive": operation.sensitive,
        "deprecated": operation.deprecated,
    }
    parts += [f"{name}: true" for name, holds in flags.items() if holds]
    parts += [f"sunset: {literal(operation.sunset)}"] if operation.sunset is not None else []
    parts += [] if operation.retries else ["retries: false"]
    if operation.scopes:
        parts.append(_list("scopes", [literal(scope) for scope in operation.scopes]))
    parts.append(f"path: {literal(operation.path)}")
    head = f"const {methods.constant(operation)}: Op<{methods.item(operation)}> = {{"
    return lay(Group(head, tuple(parts), "};")) + "\n"


def _list(name: str, values: list[str]) -> Group:
    return Group(f"{name}: [", tuple(values), "]")


def _class(resource: Resource, own: list[Operation], resources: list[Resource]) -> str:
    children = [
        f"{jsdoc([child.description], '  ')}"
        f"  readonly {camel(child.attribute)}: {class_name(child)} = new {class_name(child)}(this._caller);\n"
        for child in resources
        if child.name in resource.children
    ]
    members = "\n".join([*children, *(methods.method(operation) for operation in own)])
    head = f"{jsdoc([resource.description], '')}export class {class_name(resource)} extends Resource {{"
    return f"{head}\n{members}}}\n"
