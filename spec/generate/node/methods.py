"""Prints one method of a resource: its doc, its signature, and the one call into the runtime that it makes."""

from __future__ import annotations

from ..ir import Operation
from ..words import about
from .models import params_of
from .text import Group, jsdoc, lay, safe
from .types import argument, camel, key, parameter, params_name

_CALLS = {
    "unary": "_call",
    "pages": "_pages",
    "items": "_items",
    "events": "_events",
    "upload": "_upload",
    "download": "_download",
}
_WRAPPED = {"pages": "Pager", "items": "ItemStream", "events": "EventStream"}
_EXTRAS = {"upload": "UploadOptions", "download": "DownloadOptions"}
_OPTIONS = "Options of this call alone, such as `timeout`, `maxRetries`, `idempotencyKey`, `signal`."
_SOURCE = "Bytes, a Blob or a stream; with `@admin-api/sdk/node` or under Node also a path."


def constant(operation: Operation) -> str:
    """`users.roles.assign` → `rolesAssignOp`: unique in the file of the top-level resource, never a reserved word."""
    return camel("_".join([*operation.resource.split(".")[1:], operation.name])) + "Op"


def item(operation: Operation) -> str:
    """What one item or one answer is: the type parameter of the operation's `Op`."""
    if operation.result is None:
        return "void"
    return str(operation.result.name) + (" | undefined" if operation.not_modified else "")


def params(operation: Operation) -> str:
    """The type of `params`, empty if the method has none."""
    own = [params_name(operation)] if params_of(operation) else []
    extra = [_EXTRAS[operation.kind]] if operation.kind in _EXTRAS else []
    return " & ".join([*own, *extra])


def returns(operation: Operation) -> str:
    """The type of what the method returns."""
    if operation.kind == "download":
        return "Promise<Downloaded>"
    return f"{_WRAPPED.get(operation.kind, 'ApiPromise')}<{item(operation)}>"


def method(operation: Operation) -> str:
    """The whole method, indented for its class."""
    head = _head(operation, params(operation), returns(operation), optional=_optional(operation))
    path = [one for one in operation.arguments if one.location == "path"]
    values = (_value(one.wire, parameter(one.name)) for one in path)
    given = [constant(operation)]
    given += ["source"] if operation.kind == "upload" else [Group("{", tuple(values), "}").flat()]
    given += ["params" if params(operation) else "{}", "options"]
    call = lay(Group(f"return this.{_CALLS[operation.kind]}(", tuple(given), ");"), "    ")
    body = f"{lay(head, '  ', ' {')}\n{call}\n  }}\n"
    return "".join([_doc(operation), *_overloads(operation), body])


def _overloads(operation: Operation) -> list[str]:
    """Without a condition the answer is never "not modified", so no caller has to think of undefined."""
    if not operation.not_modified:
        return []
    name, found = params(operation), returns(operation)
    always = _head(
        operation, f"{name} & {{ if_none_match?: undefined }}", found.replace(" | undefined", ""), optional=True
    )
    return [f"{lay(one, '  ', ';')}\n" for one in (always, _head(operation, name, found, optional=False))]


def _optional(operation: Operation) -> bool:
    return operation.kind not in _EXTRAS and not any(one.required for one in params_of(operation))


def _head(operation: Operation, members: str, result: str, *, optional: bool) -> Group:
    path = [one for one in operation.arguments if one.location == "path"]
    parts = [f"{parameter(one.name)}: {argument(one.type)}" for one in path]
    parts += ["source: UploadSource"] if operation.kind == "upload" else []
    parts += [f"params{'?' if optional else ''}: {members}"] if members else []
    return Group(f"{camel(operation.name)}(", (*parts, "options?: RequestOptions"), f"): {result}")


def _value(wire: str, name: str) -> str:
    return name if wire == name else f"{key(wire)}: {name}"


def _doc(operation: Operation) -> str:
    path = [one for one in operation.arguments if one.location == "path"]
    tags = [f"@param {parameter(one.name)} - {safe(about(one))}" for one in path]
    tags += [f"@param source - {_SOURCE}"] if operation.kind == "upload" else []
    if members := params(operation):
        links = " and ".join(f"{{@link {name}}}" for name in members.split(" & "))
        tags.append(f"@param params - See {links}.")
    tags.append(f"@param options - {_OPTIONS}")
    tags += [
        f"@throws {failure.error}: {failure.status}. {safe(failure.description)}"
        for failure in operation.failures
        if failure.status[0] == "4"
    ]
    if operation.deprecated:
        tags.append(f"@deprecated {f'It goes away on {operation.sunset}.' if operation.sunset else 'It will go away.'}")
    return jsdoc([operation.summary.rstrip(".") + ".", operation.description, _policy(operation)], "  ", tags)


def _policy(operation: Operation) -> str:
    scopes = ", ".join(f"`{scope}`" for scope in operation.scopes)
    sentences = [f"Scope: {scopes}." if scopes else "Any token will do."]
    sentences += ["Idempotent by key."] if operation.idempotent else []
    sentences += [f"Recorded in the audit trail as `{operation.audit}`."] if operation.audit is not None else []
    sentences += [] if operation.retries else ["Never repeated by the SDK."]
    sentences += ["Undefined if it has not changed."] if operation.not_modified else []
    return " ".join(sentences)
