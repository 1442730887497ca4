"""Prints `resources/`: a file per top-level resource with its operations as constants, and the root that loads them."""

from __future__ import annotations

import re

from ..ir import Api, Operation, Resource
from . import methods
from .text import docstring
from .types import Spell, identifier, literal, literals


def emit(api: Api) -> dict[str, str]:
    """Path below `_generated` → text."""
    roots = [resource for resource in api.resources if "." not in resource.name]
    files = {f"resources/{root.module}.py": _file(api, root) for root in roots}
    return {**files, "resources/__init__.py": _root(roots)}


def _root(roots: list[Resource]) -> str:
    lines = [
        '"""The top-level resources, each loaded with its models when it is first used."""\n',
        "from __future__ import annotations\n",
        "from functools import cached_property",
        "from typing import TYPE_CHECKING\n",
        "if TYPE_CHECKING:",
        "    from ...resource import AsyncCaller",
        *(f"    from .{root.module} import {class_name(root)}" for root in roots),
        "\n",
        "class AsyncResources:",
        '    """What a client offers: its resources."""\n',
        "    _caller: AsyncCaller\n",
    ]
    for root in roots:
        lines += [
            "    @cached_property",
            f"    def {identifier(root.attribute)}(self) -> {class_name(root)}:",
            docstring([root.description], "        ").rstrip("\n"),
            f"        from .{root.module} import {class_name(root)}\n",
            f"        return {class_name(root)}(self._caller)\n",
        ]
    return "\n".join(lines)


def _file(api: Api, root: Resource) -> str:
    homes = api.homes()

    def spell(name: str) -> str:
        return f"{'s' if homes[name] == api.shared else 'm'}.{name}"

    resources = [resource for resource in api.resources if resource.module == root.name]
    operations = {operation.id: operation for operation in api.operations}
    own = {resource.name: [operations[identity] for identity in resource.operations] for resource in resources}
    constants = [
        f"{constant_name(operation)}: Op[{methods.result(operation, spell)}] = Op({_op(operation, spell)})\n"
        for resource in resources
        for operation in own[resource.name]
    ]
    classes = [_class(resource, own[resource.name], resources, spell) for resource in resources]
    body = "\n\n".join(["\n".join(constants), *classes])
    used = {homes[name] for name in re.findall(r"\b[ms]\.([A-Z]\w*)", body) if name in homes}
    head = [f'"""`client.{root.name}`."""\n', *_imports(body, root, api.shared, used), ""]
    return "\n".join(head) + "\n" + body


def _imports(body: str, root: Resource, shared: str, used: set[str]) -> list[str]:
    def names(*candidates: str) -> str:
        return ", ".join(name for name in candidates if re.search(rf"\b{name}\b(?!\()", body) or f"{name}(" in body)

    lines = ["from __future__ import annotations\n", "from functools import cached_property"]
    typed = [name for name, sign in (("Literal", "Literal["), ("overload", "@overload")) if sign in body]
    lines += [f"from typing import {', '.join(['TYPE_CHECKING', *typed])}\n"]
    if spelled := names("Op", "Paging", "Stream"):
        lines.append(f"from ...operation import {spelled}")
    if spelled := names("OMIT", "Omit", "RequestOptions"):
        lines.append(f"from ...options import {spelled}")
    lines.append(f"from ...resource import AsyncResource{', as_raw' if 'as_raw(' in body else ''}")
    lines += [f"from ..models import {root.module} as m"] if root.module in used else []
    lines += [f"from ..models import {shared} as s"] if shared in used else []
    typing: list[str] = []
    for module, candidates in (
        ("collections.abc", ("Mapping", "Sequence")),
        ("datetime", ("date", "datetime")),
        ("pydantic", ("JsonValue",)),
        ("...encryption", ("Identity", "Recipient")),
        ("...files", ("Downloaded", "DownloadTarget", "Progress", "UploadSource")),
        ("...pagination", ("AsyncPager",)),
        ("...streaming", ("AsyncEventStream", "AsyncItemStream")),
    ):
        found = [name for name in candidates if methods.annotates(name, body)]
        typing += [f"    from {module} import {', '.join(found)}"] if found else []
    return [*lines, *(["\nif TYPE_CHECKING:", *typing] if typing else [])]


def class_name(resource: Resource) -> str:
    """`AsyncUsersRolesResource`."""
    return f"Async{resource.class_name}Resource"


def constant_name(operation: Operation) -> str:
    """`users.roles.assign` → `_ROLES_ASSIGN`: unique in the file of the top-level resource."""
    return "_" + "_".join([*operation.resource.split(".")[1:], operation.name]).upper()


def _op(operation: Operation, spell: Spell) -> str:
    returns = operation.result
    parts = [
        f"id={literal(operation.id)}",
        f"method={literal(operation.method)}",
        f"path={literal(operation.path)}",
        f"returns={spell(str(returns.name)) if returns is not None else None}",
    ]
    if operation.scopes:
        parts.append(f"scopes={literals(operation.scopes)}")
    if operation.body is not None:
        parts.append(f"body={literal(operation.body.media_type)}")
    if operation.page is not None:
        page = operation.page
        parts.append(
            f"page=Paging(cursor={literal(page.cursor)}, next_cursor={literal(page.next_cursor)}, "
            f"results={literal(page.results)})"
        )
    if operation.stream is not None:
        stream = operation.stream
        inside = [f"format={literal(stream.format)}"]
        inside += [f"terminator={literal(stream.terminator)}"] if stream.terminator is not None else []
        inside += [f"resume={literal(stream.resume)}"] if stream.resume is not None else []
        parts.append(f"stream=Stream({', '.join(inside)})")
    if deep := tuple(argument.wire for argument in operation.arguments if argument.deep):
        parts.append(f"deep={literals(deep)}")
    if operation.sunset is not None:
        parts.append(f"sunset={literal(operation.sunset)}")
    flags = {
        "idempotent": operation.idempotent,
        "binary": operation.kind == "download",
        "deprecated": operation.deprecated,
        "not_modified": operation.not_modified,
        "sensitive": operation.sensitive,
    }
    parts += [f"{name}=True" for name, holds in flags.items() if holds]
    parts += [] if operation.retries else ["retries=False"]
    return ", ".join(parts)


def _class(resource: Resource, own: list[Operation], resources: list[Resource], spell: Spell) -> str:
    lines = [f"class {class_name(resource)}(AsyncResource):", docstring([resource.description], "    ")]
    for child in resources:
        if child.name in resource.children:
            lines += [
                "    @cached_property",
                f"    def {identifier(child.attribute)}(self) -> {class_name(child)}:",
                docstring([child.description], "        ").rstrip("\n"),
                f"        return {class_name(child)}(self._caller)\n",
            ]
    lines += [methods.method(operation, constant_name(operation), spell) for operation in own]
    raw = f"Async{resource.class_name}Raw"
    unary = [identifier(operation.name) for operation in own if operation.kind == "unary"]
    if unary:
        lines += [
            "    @cached_property",
            f"    def with_raw_response(self) -> {raw}:",
            '        """The same calls, answering `RawResponse`."""',
            f"        return {raw}({class_name(resource)}(self._raw()))\n\n",
            f"class {raw}:",
            '    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, '
            'attempts, key."""\n',
            f"    def __init__(self, resource: {class_name(resource)}) -> None:",
            *(f"        self.{name} = as_raw(resource.{name})" for name in unary),
            "",
        ]
    return "\n".join(lines)
