"""Prints `operations.ts` and `endpoints.ts`: what the surface is, as data, apart from what a client has to load."""

from __future__ import annotations

from ..ir import Api, Operation
from .models import member
from .text import Group, lay
from .types import camel, key, literal

_PREAMBLE = """\
/** Every operation as data: where its method is, how its arguments are named, which scopes it needs. */

/** One operation of the document. */
export interface OperationInfo {
  /** Properties that lead from the client to the resource. */
  readonly path: readonly string[];
  /** Name of the method there. */
  readonly method: string;
  /** What a call gives. */
  readonly kind: 'unary' | 'pages' | 'items' | 'events' | 'upload' | 'download';
  /** Scopes that a token needs. */
  readonly scopes: readonly string[];
  /** Wire names of the positional arguments, in order. */
  readonly positional: readonly string[];
  /** Wire name → member of `params`. */
  readonly arguments: { readonly [wire: string]: string };
}
"""


def emit(api: Api) -> str:
    """The text of `operations.ts`."""
    table = Group(
        "export const OPERATIONS: { readonly [id: string]: OperationInfo } = {",
        tuple(_info(operation) for operation in api.operations),
        "};",
    )
    scopes = Group(
        "export const SCOPES: { readonly [scope: string]: string } = {",
        tuple(f"{key(name)}: {literal(purpose)}" for name, purpose in api.scopes.items()),
        "};",
    )
    about = "/** Every scope, and what it is for. */"
    return f"{_PREAMBLE}\n/** By operation id. */\n{lay(table)}\n\n{about}\n{lay(scopes)}\n"


def endpoints(api: Api) -> str:
    """The text of `endpoints.ts`."""
    return (
        "/** Where the client itself goes. */\n\n"
        f"export const TOKEN_PATH = {literal(api.token_path)};\n"
        f"export const REVOCATION_PATH = {literal(api.revocation_path)};\n"
    )


def _info(operation: Operation) -> Group:
    def strings(name: str, values: list[str]) -> Group:
        return Group(f"{name}: [", tuple(literal(value) for value in values), "]")

    named = [item for item in operation.arguments if item.location != "path"]
    arguments = tuple(f"{key(item.wire)}: {literal(member(item))}" for item in named)
    return Group(
        f"{key(operation.id)}: {{",
        (
            strings("path", [camel(part) for part in operation.resource.split(".")]),
            f"method: {literal(camel(operation.name))}",
            f"kind: {literal(operation.kind)}",
            strings("scopes", list(operation.scopes)),
            strings("positional", [item.wire for item in operation.arguments if item.location == "path"]),
            Group("arguments: {", arguments, "}"),
        ),
        "}",
    )
