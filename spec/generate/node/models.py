"""Prints `models.ts`: what arrives, what may be sent, and the members that each method takes. Types only, no code."""

from __future__ import annotations

from collections.abc import Iterable

from ..findings import Finding, SpecError, pointer
from ..ir import Api, Argument, Enum, Member, Model, Operation, Type, Union
from ..words import about
from .text import alternatives, jsdoc
from .types import answer, argument, key, literal, params_name

_PREAMBLE = """\
/**
 * What the API takes and gives, under its wire names. Times are RFC 3339 in UTC; enums and unions are open: an answer
 * may hold a value that this version does not know.
 */

/** Any JSON value; an object's members that are undefined are not sent. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined };

// A unit type is the only tag that leaves the narrowing of the known variants whole; a `declare enum` is erased.
declare enum Unknown {
  _ = '\\0',
}

/** The tag of a variant that this version does not know; `String(tag)` is what was sent. */
export type UnknownValue = Unknown;

/** A variant that this version does not know, with all of its members. */
export type UnknownVariant<Tag extends string> = { readonly [member in Tag]: UnknownValue } & {
  readonly [member: string]: unknown;
};
"""
_OWN = frozenset({"JsonValue", "Unknown", "UnknownValue", "UnknownVariant", "Date"})


def emit(api: Api) -> str:
    """The text of `models.ts`.

    Raises:
        SpecError: a component has the name of something else in the file.
    """
    withs = [operation for operation in api.operations if params_of(operation)]
    taken = _OWN | {params_name(operation) for operation in withs}
    if clashes := sorted(taken & api.homes().keys()):
        raise SpecError(
            Finding(pointer("components", "schemas", name), f"{name!r} is taken in TypeScript") for name in clashes
        )
    given = _reached(api, (item.type for operation in api.operations for item in operation.arguments))
    received = _reached(api, (operation.result for operation in api.operations if operation.result is not None))
    parts = [_enum(enum) for enum in api.enums]
    parts += [_model(model, given=model.name in given, received=model.name in received) for model in api.models]
    parts += [_union(union) for union in api.unions]
    parts += [_params(operation) for operation in withs]
    return "\n".join([_PREAMBLE, *parts])


def params_of(operation: Operation) -> list[Argument]:
    """The arguments that are members of the method's `params`, the required ones first."""
    named = [item for item in operation.arguments if item.location != "path"]
    return sorted(named, key=lambda item: not item.required)


def member(item: Argument) -> str:
    """The name of an argument in `params`: wire names are kept, but a header's cannot be a name."""
    return item.name if item.location == "header" else item.wire


def _reached(api: Api, types: Iterable[Type]) -> set[str]:
    """The names of the components that values of these types can hold."""
    models = {model.name: model for model in api.models}
    unions = {union.name: union for union in api.unions}
    reached: set[str] = set()
    waiting = list(types)
    while waiting:
        found = waiting.pop()
        if found.of is not None:
            waiting.append(found.of)
        if found.name is None or found.name in reached:
            continue
        reached.add(found.name)
        if found.name in models:
            waiting += [one.type for one in models[found.name].members]
        if found.name in unions:
            waiting += [Type("model", name=name) for name in unions[found.name].variants.values()]
    return reached


def _enum(enum: Enum) -> str:
    values = (*(literal(value) for value in enum.values), "(string & {})")
    return jsdoc([enum.description], "") + alternatives(f"export type {enum.name} =", values) + "\n"


def _model(model: Model, *, given: bool, received: bool) -> str:
    members = [
        _member(found, tag=found.name == model.tag, given=given, received=received or not given)
        for found in model.members
    ]
    return "\n".join([f"{jsdoc([model.description], '')}export interface {model.name} {{", *members, "}\n"])


def _member(found: Member, *, tag: bool, given: bool, received: bool) -> str:
    spelled = answer(found.type, tag=tag) if received else argument(found.type)
    optional = not found.required and not tag
    # Who builds one may hand on `undefined`; who receives one reads `T | undefined` from `?` anyway.
    spelled += " | undefined" if optional and given else ""
    return f"{jsdoc([about(found)], '  ')}  readonly {key(found.name)}{'?' if optional else ''}: {spelled};"


def _union(union: Union) -> str:
    variants = (*union.variants.values(), f"UnknownVariant<{literal(union.tag)}>")
    return jsdoc([union.description], "") + alternatives(f"export type {union.name} =", variants) + "\n"


def _params(operation: Operation) -> str:
    lines = [f"{jsdoc([f'What `client.{operation.id}` takes.'], '')}export interface {params_name(operation)} {{"]
    for item in params_of(operation):
        spelled = argument(item.type, item.location)
        name = key(member(item))
        lines.append(jsdoc([about(item)], "  ") + f"  {name}{': ' if item.required else '?: '}{spelled}")
        lines[-1] += ";" if item.required else " | undefined;"
    return "\n".join([*lines, "}\n"])
