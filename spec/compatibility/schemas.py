"""What a changed schema breaks, which depends on who sends: of a request less may be asked, an answer may tell more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from generate.document import Document, Node, component_name, mapping, sequence
from generate.findings import Finding, pointer

ANY = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})


class Direction(Enum):
    """Who sends what the schema describes."""

    REQUEST = "request"
    ANSWER = "answer"


#: Keyword → whether its new value refuses what the old one took. None stands for a keyword that is not there.
Tightened = Callable[[object, object], bool]


def _raised(old: object, new: object) -> bool:
    return isinstance(new, int | float) and (not isinstance(old, int | float) or new > old)


def _lowered(old: object, new: object) -> bool:
    return isinstance(new, int | float) and (not isinstance(old, int | float) or new < old)


def _replaced(old: object, new: object) -> bool:
    return new is not None and new != old


BOUNDS: dict[str, Tightened] = {
    **dict.fromkeys(("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum"), _raised),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum"), _lowered),
    **dict.fromkeys(("pattern", "format", "const", "multipleOf", "propertyNames"), _replaced),
    "uniqueItems": lambda old, new: new is True and old is not True,
}
ALTERNATIVES = ("anyOf", "oneOf")


@dataclass
class Comparison:
    """Two documents, and the pairs of components that were compared already."""

    old: Document
    new: Document
    _seen: set[tuple[str, str, Direction]] = field(default_factory=set[tuple[str, str, Direction]])

    def schemas(self, old: object, new: object, direction: Direction, where: str) -> Iterator[Finding]:
        """What the new schema breaks for who relies on the old one."""
        names = component_name(old), component_name(new)
        if names[0] != names[1] and names[0] is not None:
            yield Finding(where, f"the type {names[0]} has become {names[1] or 'another one'}; SDK users name it")
            return
        if names[0] is not None and names[1] is not None:
            pair = (names[0], names[1], direction)
            if pair in self._seen:
                return
            self._seen.add(pair)
            where = pointer("components", "schemas", names[1])
        before, after = merged(self.old, old), merged(self.new, new)
        yield from self._types(before, after, direction, where)
        yield from self._values(before, after, direction, where)
        if direction is Direction.REQUEST:
            yield from self._bounds(before, after, where)
        elif before.get("format") != after.get("format"):
            yield Finding(where, f"the format of an answer has become {after.get('format')!r}; it decides its type")
        yield from self._members(before, after, direction, where)
        yield from self._parts(before, after, direction, where)

    def _types(self, old: Node, new: Node, direction: Direction, where: str) -> Iterator[Finding]:
        before, after = _types(old), _types(new)
        gone, came = sorted(before - after), sorted(after - before)
        if direction is Direction.REQUEST and gone:
            yield Finding(where, f"a request may no longer be {', '.join(gone)}")
        if direction is Direction.ANSWER and came:
            yield Finding(where, f"an answer may now be {', '.join(came)}")

    def _values(self, old: Node, new: Node, direction: Direction, where: str) -> Iterator[Finding]:
        # Enums of answers are open: a value more is no break, and one less neither.
        if direction is Direction.ANSWER or "enum" not in new:
            return
        allowed = sequence(new["enum"])
        gone = [value for value in sequence(old.get("enum")) if value not in allowed]
        if "enum" not in old:
            yield Finding(where, "only some values are taken now")
        elif gone:
            yield Finding(where, f"the values {', '.join(map(repr, gone))} are no longer taken")

    def _bounds(self, old: Node, new: Node, where: str) -> Iterator[Finding]:
        for keyword, tightened in BOUNDS.items():
            if tightened(old.get(keyword), new.get(keyword)):
                yield Finding(where, f"{keyword} refuses more: {old.get(keyword)!r} has become {new[keyword]!r}")
        if old.get("additionalProperties") is not False and new.get("additionalProperties") is False:
            yield Finding(where, "members that are not named are no longer taken")

    def _members(self, old: Node, new: Node, direction: Direction, where: str) -> Iterator[Finding]:
        before, after = mapping(old.get("properties")), mapping(new.get("properties"))
        needed, now_needed = set(sequence(old.get("required"))), set(sequence(new.get("required")))
        for name, member in before.items():
            place = where + pointer("properties", name)
            if self._hidden(self.old, member, direction):
                continue
            if name not in after or self._hidden(self.new, after[name], direction):
                yield Finding(place, f"the member {name} is gone")
                continue
            if direction is Direction.ANSWER and name in needed and name not in now_needed:
                yield Finding(place, f"the member {name} may now be missing")
            yield from self.schemas(member, after[name], direction, place)
        if direction is Direction.REQUEST:
            for name in sorted(map(str, now_needed - needed)):
                if not self._hidden(self.new, after.get(name), direction):
                    yield Finding(where + pointer("properties", name), f"the member {name} is required now")

    def _parts(self, old: Node, new: Node, direction: Direction, where: str) -> Iterator[Finding]:
        for keyword in ("items", "additionalProperties"):
            if mapping(old.get(keyword)) and mapping(new.get(keyword)):
                yield from self.schemas(old[keyword], new[keyword], direction, where + pointer(keyword))
        for keyword in ALTERNATIVES:
            before, after = sequence(old.get(keyword)), sequence(new.get(keyword))
            gone = [each for each in before if each not in after]
            came = [each for each in after if each not in before]
            if len(gone) == len(came) == 1:
                at = where + pointer(keyword, after.index(came[0]))
                yield from self.schemas(gone[0], came[0], direction, at)
            elif direction is Direction.REQUEST and before and gone:
                yield Finding(where + pointer(keyword), "an alternative is no longer taken")
            elif direction is Direction.ANSWER and before and came and "discriminator" not in new:
                yield Finding(where + pointer(keyword), "an alternative came that nothing tells apart")
            for each in before:
                if each in after:
                    yield from self.schemas(each, each, direction, where + pointer(keyword, after.index(each)))

    @staticmethod
    def _hidden(document: Document, member: object, direction: Direction) -> bool:
        """Whether a member is not there for this direction."""
        return document.resolve(member).get("readOnly" if direction is Direction.REQUEST else "writeOnly") is True


def merged(document: Document, schema: object) -> Node:
    """The schema with the parts of its `allOf` in it: members and requirements of all, other keywords of the last."""
    node = document.resolve(schema)
    if "allOf" not in node:
        return node
    whole: dict[str, object] = {}
    members: dict[str, object] = {}
    required: list[object] = []
    for part in (*(merged(document, each) for each in sequence(node["allOf"])), node):
        whole |= part
        members |= mapping(part.get("properties"))
        required += sequence(part.get("required"))
    return {**whole, "properties": members, "required": required}


def _types(schema: Node) -> frozenset[str]:
    """The JSON types a schema lets pass by itself; a number takes integers."""
    given = schema.get("type")
    named = {given} if isinstance(given, str) else {str(each) for each in sequence(given)}
    return frozenset(named | {"integer"} if "number" in named else named) or ANY
