"""Cases from their files: tables expanded, held to schema.json, to the operations and to the rules (SUITE)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import jsonschema_rs
import yaml

from runner.match import OPERATORS
from runner.source import RefusedCase, Source, read
from runner.table import BadTable, expand

TESTS = Path(__file__).resolve().parent.parent
CASES = TESTS / "cases"
SPEC = TESTS.parent / "spec"
#: The newest version of the format that this runner knows, and the kinds it is of.
FORMAT, MAJOR, MINOR = "admin-conformance", 1, 0

#: What a step may call beside the operations of the document: the client's own methods, with their parameters.
CLIENT_METHODS: Final = frozenset({"client.request", "client.can", "client.scopes"})

#: Where something stands in a document: members and indexes.
Place: TypeAlias = tuple[str | int, ...]

_RULE_ID = re.compile(r"^[-*#\s]*\b([A-Z]+-[0-9]+)\b", re.MULTILINE)
_METHODS = frozenset({"get", "put", "post", "delete", "patch"})


@dataclass(frozen=True, slots=True)
class Case:
    """One case, as its file has it; of a table, with one row of it filled in."""

    id: str
    document: Mapping[str, Any]
    #: The id as it is written, with the columns of its table.
    written: str = ""

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        return self.document.get("steps") or ()

    @property
    def rule(self) -> str:
        rule: str = self.document["rule"]
        return rule

    @property
    def tags(self) -> frozenset[str]:
        return frozenset(self.document.get("tags") or ())

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(self.document.get("needs") or ())

    @property
    def world(self) -> Mapping[str, Any]:
        return self.document.get("world") or {}

    @property
    def client(self) -> Mapping[str, Any]:
        return self.document.get("client") or {}

    @property
    def expect(self) -> Mapping[str, Any]:
        expected: Mapping[str, Any] = self.document["expect"]
        return expected


def load_folder(folder: Path = CASES) -> list[Case]:
    """All cases of a folder, in order of file and place. Raises RefusedCase."""
    cases = [case for path in sorted(folder.glob("*.yaml")) for case in load(path.read_text("utf-8"), path.name)]
    twice = next((case_id for case_id, times in Counter(case.id for case in cases).items() if times > 1), None)
    if twice is not None:
        raise RefusedCase(f"{twice}: two cases have this id")
    return cases


def load(text: str, file: str) -> list[Case]:
    """The cases of one YAML stream. Raises RefusedCase."""
    cases: list[Case] = []
    seen: set[str] = set()
    for source in read(text, file):
        for case in _cases(source):
            if case.id in seen:
                raise source.refused(f"two cases have the id {case.id}", ("id",))
            seen.add(case.id)
            cases.append(case)
    return cases


def _cases(source: Source) -> Iterator[Case]:
    """The cases that one document stands for: one, or one for each row of its table."""
    _require_version(source)
    errors = [error for error in _schema().iter_errors(source.value) if "table" in error.instance_path]
    _require_none(errors, source, source.value)
    try:
        for document in expand(source.value):
            _require_none(list(_schema().iter_errors(document)), source, document)
            yield _checked(source, document)
    except BadTable as error:
        raise source.refused(str(error), error.path) from error


def _require_none(errors: list[jsonschema_rs.ValidationError], source: Source, document: Mapping[str, Any]) -> None:
    """What schema.json has against a document."""
    if errors:
        told = "; ".join(f"{'/'.join(map(str, e.instance_path)) or 'the case'}: {e.message}" for e in errors[:5])
        raise source.refused(f"{document.get('id')}: {told}", list(errors[0].instance_path))


def _checked(source: Source, document: Mapping[str, Any]) -> Case:
    case = Case(document["id"], document, source.value["id"])
    if document["rule"] not in rules():
        raise source.refused(f"{case.id}: spec/behaviour.md has no rule {document['rule']}", ("rule",))
    for operation, path in _named_operations(case):
        if operation not in operations() and operation not in CLIENT_METHODS:
            raise source.refused(f"{case.id}: the document has no operation {operation}", path)
    for name, path in _operators(case.document):
        if name not in OPERATORS:
            raise source.refused(f"{case.id}: there is no operator {name}", path)
    _require_sound_steps(case, source)
    return case


def _require_version(source: Source) -> None:
    declared = source.value.get("schema") if isinstance(source.value, Mapping) else None
    match = re.fullmatch(rf"{FORMAT}/([0-9]+)\.([0-9]+)", str(declared))
    if match is None:
        raise source.refused(f"`schema` must be {FORMAT}/{MAJOR}.{MINOR}, not {declared!r}", ("schema",))
    if (int(match[1]), int(match[2])) > (MAJOR, MINOR) or int(match[1]) != MAJOR:
        raise source.refused(
            f"{declared} is not a format this runner knows; it knows {FORMAT}/{MAJOR}.{MINOR}", ("schema",)
        )


def _require_sound_steps(case: Case, source: Source) -> None:
    """Ids are unique, what runs in the background is awaited, and nothing is awaited twice or released unknown."""
    background: dict[str, Place] = {}
    seen: set[str] = set()
    faults = {fault["as"] for fault in case.world.get("faults") or () if "as" in fault}
    for step, path in _flat(case.steps, ("steps",)):
        if "call" in step:
            if step["id"] in seen:
                raise source.refused(f"{case.id}: two calls have the id {step['id']}", path)
            seen.add(step["id"])
            if "expect" not in step:
                raise source.refused(f"{case.id}: nothing is expected of call {step['id']}", path)
            if step.get("background"):
                background[step["id"]] = path
        elif "await" in step:
            if background.pop(step["await"], None) is None:
                raise source.refused(f"{case.id}: {step['await']} is not in the background", path)
        else:
            control = step["control"]
            faults |= {control["fault"]["as"]} if "as" in control.get("fault", {}) else set()
            if "release" in control and control["release"] not in faults:
                raise source.refused(f"{case.id}: no fault is named {control['release']}", path)
    for name, path in background.items():
        raise source.refused(f"{case.id}: nobody awaits {name}", path)


def _flat(steps: Sequence[Mapping[str, Any]], path: Place) -> Iterator[tuple[Mapping[str, Any], Place]]:
    for number, step in enumerate(steps):
        yield step, (*path, number)
        yield from _flat(step.get("while_sleeping") or (), (*path, number, "while_sleeping"))


def _named_operations(case: Case) -> Iterator[tuple[str, Place]]:
    for number, fault in enumerate(case.world.get("faults") or ()):
        if fault["operation"] != "*":
            yield fault["operation"], ("world", "faults", number, "operation")
    for step, path in _flat(case.steps, ("steps",)):
        if "call" in step:
            yield step["call"], (*path, "call")
        elif "fault" in step.get("control", {}) and step["control"]["fault"]["operation"] != "*":
            yield step["control"]["fault"]["operation"], (*path, "control", "fault", "operation")


def _operators(value: Any, path: Place = ()) -> Iterator[tuple[str, Place]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name.startswith("$") and "expect" in path:
                yield name, (*path, name)
            yield from _operators(member, (*path, name))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _operators(member, (*path, number))


@cache
def _schema() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads((TESTS / "schema.json").read_text("utf-8")))


@cache
def rules() -> frozenset[str]:
    """Ids of the rules in spec/behaviour.md."""
    return frozenset(_RULE_ID.findall((SPEC / "behaviour.md").read_text("utf-8")))


@cache
def _operations() -> Mapping[str, Mapping[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where there is one: the document is long
    document = yaml.load((SPEC / "openapi.yaml").read_text("utf-8"), loader)  # noqa: S506 - either is a SafeLoader
    return {
        operation["operationId"]: operation
        for item in document["paths"].values()
        for method, operation in item.items()
        if method in _METHODS
    }


def operations() -> frozenset[str]:
    """operationId of every operation of the document."""
    return frozenset(_operations())


def sdk_operations() -> frozenset[str]:
    """Those that the SDKs have."""
    return frozenset(name for name, operation in _operations().items() if operation.get("x-sdk", True))


def all_scopes() -> list[str]:
    """Every scope that some operation needs."""
    securities = (either for operation in _operations().values() for either in operation.get("security") or ())
    return sorted({scope for either in securities for scopes in either.values() for scope in scopes})
