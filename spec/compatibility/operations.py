"""What a changed operation breaks: for who calls it over HTTP, and for who calls it through an SDK."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generate.document import Document, Node, Place, mapping, sequence
from generate.findings import Finding, pointer

from .schemas import Comparison, Direction

#: Vendor keys that callers rely on: key → what may not be said any more, whatever else is.
PROMISES = {
    "x-pagination": "how its pages are had",
    "x-streaming": "how its answer is streamed and resumed",
    "x-audit": "what its audit event is called",
}


def breaking(old: Document, new: Document) -> list[Finding]:
    """Every break, in the order of their pointers. What is added breaks nothing, nor what is asked no more."""
    comparison = Comparison(old, new)
    found: set[Finding] = set()
    now = {_identity(place): place for place in new.places()}
    for place in old.places():
        after = now.get(_identity(place))
        if after is None:
            found.add(Finding(place.pointer, "the operation is gone"))
        else:
            found.update(_operation(comparison, place, after))
    return sorted(found)


def _identity(place: Place) -> tuple[str, str]:
    """An operation is its method and path, whatever the values of the path are called."""
    return place.method, re.sub(r"\{[^}]*\}", "{}", place.path)


def _operation(comparison: Comparison, old: Place, new: Place) -> Iterator[Finding]:
    before, after, where = old.operation, new.operation, new.pointer
    if before.get("operationId") != after.get("operationId"):
        yield Finding(
            where, f"{before.get('operationId')} is called {after.get('operationId')} now; SDK methods are named so"
        )
    if before.get("x-sdk") is not False and after.get("x-sdk") is False:
        yield Finding(where, "the SDKs lose this method")
    if before.get("x-idempotent") is True and after.get("x-idempotent") is not True:
        yield Finding(where, "a repeat with the same Idempotency-Key is no longer safe")
    for key, what in PROMISES.items():
        if key in before and before[key] != after.get(key):
            yield Finding(where + pointer(key), f"{what} has changed")
    yield from _security(before, after, where)
    yield from _parameters(comparison, old, new)
    yield from _body(comparison, before, after, where)
    yield from _answers(comparison, before, after, where)


def _security(old: Node, new: Node, where: str) -> Iterator[Finding]:
    """Whoever was let in is let in: each old set of scopes holds one of the new."""
    ways = _ways(new)
    for way in _ways(old):
        if not any(needed <= way for needed in ways):
            had = ", ".join(sorted(way)) or "no credentials"
            yield Finding(where + pointer("security"), f"{had} no longer suffices")


def _ways(operation: Node) -> list[frozenset[str]]:
    """Sets of scheme and scope, each enough; the scheme itself is one of its set."""
    ways = [
        frozenset(
            f"{scheme}:{scope}" if scope else str(scheme)
            for scheme, scopes in mapping(requirement).items()
            for scope in ("", *sequence(scopes))
        )
        for requirement in sequence(operation.get("security"))
    ]
    return ways or [frozenset()]


def _parameters(comparison: Comparison, old: Place, new: Place) -> Iterator[Finding]:
    before = {(node.get("in"), node.get("name")): node for node, _ in comparison.old.parameters(old)}
    after = {(node.get("in"), node.get("name")): (node, where) for node, where in comparison.new.parameters(new)}
    for (location, name), parameter in before.items():
        found = after.get((location, name))
        if found is None:
            # A path value by another name is gone, too: it is an argument of the SDKs' methods.
            yield Finding(new.pointer + pointer("parameters"), f"the {location} parameter {name} is gone")
            continue
        node, where = found
        if node.get("required") is True and parameter.get("required") is not True:
            yield Finding(where, f"the {location} parameter {name} is required now")
        for key in ("style", "explode"):
            if parameter.get(key) != node.get(key):
                yield Finding(where, f"the {location} parameter {name} is written another way ({key})")
        if _default(comparison.old, parameter) != _default(comparison.new, node):
            yield Finding(where, f"the {location} parameter {name} has another default")
        yield from comparison.schemas(parameter.get("schema"), node.get("schema"), Direction.REQUEST, where + "/schema")
    for (location, name), (node, where) in after.items():
        if (location, name) not in before and location != "path" and node.get("required") is True:
            yield Finding(where, f"the new {location} parameter {name} is required")


def _default(document: Document, parameter: Node) -> object:
    return document.resolve(parameter.get("schema")).get("default")


def _body(comparison: Comparison, old: Node, new: Node, where: str) -> Iterator[Finding]:
    before, after = comparison.old.resolve(old.get("requestBody")), comparison.new.resolve(new.get("requestBody"))
    where += pointer("requestBody")
    if after.get("required") is True and before.get("required") is not True:
        yield Finding(where, "a body is required now")
    yield from _content(comparison, before, after, Direction.REQUEST, where)


def _answers(comparison: Comparison, old: Node, new: Node, where: str) -> Iterator[Finding]:
    before, after = mapping(old.get("responses")), mapping(new.get("responses"))
    for status in sorted({*before, *after}):
        # Which errors there are is open, and read from their bodies; which successes there are is what methods return.
        if not status.startswith(("2", "3")):
            continue
        place = where + pointer("responses", status)
        if status not in after:
            yield Finding(place, f"{status} is no answer any more")
        elif status not in before:
            if status.startswith("2"):
                yield Finding(place, f"{status} is a new answer")
        else:
            had, has = comparison.old.resolve(before[status]), comparison.new.resolve(after[status])
            yield from _headers(comparison, had, has, place)
            yield from _content(comparison, had, has, Direction.ANSWER, place)


def _headers(comparison: Comparison, old: Node, new: Node, where: str) -> Iterator[Finding]:
    before, after = mapping(old.get("headers")), mapping(new.get("headers"))
    for name, header in before.items():
        place = where + pointer("headers", name)
        if name not in after:
            yield Finding(place, f"the header {name} is gone")
            continue
        had, has = comparison.old.resolve(header), comparison.new.resolve(after[name])
        if had.get("required") is True and has.get("required") is not True:
            yield Finding(place, f"the header {name} may now be missing")
        yield from comparison.schemas(had.get("schema"), has.get("schema"), Direction.ANSWER, place + "/schema")


def _content(comparison: Comparison, old: Node, new: Node, direction: Direction, where: str) -> Iterator[Finding]:
    before, after = mapping(old.get("content")), mapping(new.get("content"))
    for media_type, content in before.items():
        place = where + pointer("content", media_type)
        if media_type not in after:
            yield Finding(place, f"{media_type} is gone")
            continue
        schemas = mapping(content).get("schema"), mapping(after[media_type]).get("schema")
        yield from comparison.schemas(*schemas, direction, place + "/schema")
    if direction is Direction.ANSWER and not before and after:
        yield Finding(where, "an answer that was empty has a body")
