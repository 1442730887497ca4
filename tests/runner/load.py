"""Cases from their files: YAML streams, held to schema.json, to the document's operations and to the rules (SUITE)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from runner.match import OPERATORS

TESTS = Path(__file__).resolve().parent.parent
CASES = TESTS / "cases"
SPEC = TESTS.parent / "spec"
#: The newest version of the format that this runner knows, and the kinds it is of.
FORMAT, MAJOR, MINOR = "admin-conformance", 1, 0

_RULE_ID = re.compile(r"^[-*#\s]*\b([A-Z]+-[0-9]+)\b", re.MULTILINE)
_METHODS = frozenset({"get", "put", "post", "delete", "patch"})


class RefusedCase(Exception):
    """A case that cannot be run as it is written; says where and why."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case, as its file has it."""

    id: str
    document: Mapping[str, Any]

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        return self.document.get("steps") or ()

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


class _Loader(yaml.SafeLoader):
    """YAML's JSON part: no timestamps, `yes` and `on` are strings, and a key stands once in a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As its base class, but a key that stands twice is refused instead of lost."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {twice!r} stands twice in a mapping")
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, re.compile("true|false") if tag.endswith(":bool") else pattern)
        for tag, pattern in resolvers
        if not tag.endswith((":timestamp", ":merge"))
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_folder(folder: Path = CASES) -> list[Case]:
    """All cases of a folder, in order of file and place. Raises RefusedCase."""
    cases = [case for path in sorted(folder.glob("*.yaml")) for case in load(path.read_text("utf-8"), path.name)]
    ids = [case.id for case in cases]
    for case_id in ids:
        if ids.count(case_id) > 1:
            raise RefusedCase(f"{case_id}: two cases have this id")
    return cases


def load(text: str, where: str) -> list[Case]:
    """The cases of one YAML stream. Raises RefusedCase."""
    try:
        documents = [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.YAMLError as error:
        raise RefusedCase(f"{where}: {error}") from error
    cases = [_checked(document, f"{where}, case {number}") for number, document in enumerate(documents, 1)]
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise RefusedCase(f"{where}: two cases have the id {case.id}")
        seen.add(case.id)
    return cases


def _checked(document: Any, where: str) -> Case:
    _require_version(document, where)
    errors = [f"{'/'.join(map(str, e.instance_path))}: {e.message}" for e in _schema().iter_errors(document)]
    if errors:
        raise RefusedCase(f"{where}: {'; '.join(errors)}")
    case = Case(document["id"], document)
    if document["rule"] not in rules():
        raise RefusedCase(f"{case.id}: spec/behaviour.md has no rule {document['rule']}")
    for operation in _named_operations(case):
        if operation not in operations():
            raise RefusedCase(f"{case.id}: the document has no operation {operation}")
    for name in _operators(case.expect):
        if name not in OPERATORS:
            raise RefusedCase(f"{case.id}: there is no operator {name}")
    _require_sound_steps(case)
    return case


def _require_version(document: Any, where: str) -> None:
    declared = document.get("schema") if isinstance(document, Mapping) else None
    match = re.fullmatch(rf"{FORMAT}/([0-9]+)\.([0-9]+)", str(declared))
    if match is None:
        raise RefusedCase(f"{where}: `schema` must be {FORMAT}/{MAJOR}.{MINOR}, not {declared!r}")
    if (int(match[1]), int(match[2])) > (MAJOR, MINOR) or int(match[1]) != MAJOR:
        raise RefusedCase(f"{where}: {declared} is not a format this runner knows; it knows {FORMAT}/{MAJOR}.{MINOR}")


def _require_sound_steps(case: Case) -> None:
    """Ids are unique, what runs in the background is awaited, and nothing is awaited twice or released unknown."""
    background: set[str] = set()
    seen: set[str] = set()
    faults = {fault["as"] for fault in case.world.get("faults") or () if "as" in fault}
    for step in _flat(case.steps):
        if "call" in step:
            if step["id"] in seen:
                raise RefusedCase(f"{case.id}: two calls have the id {step['id']}")
            seen.add(step["id"])
            if "expect" not in step:
                raise RefusedCase(f"{case.id}: nothing is expected of call {step['id']}")
            if step.get("background"):
                background.add(step["id"])
        elif "await" in step:
            if step["await"] not in background:
                raise RefusedCase(f"{case.id}: {step['await']} is not in the background")
            background.discard(step["await"])
        else:
            control = step["control"]
            faults |= {control["fault"]["as"]} if "as" in control.get("fault", {}) else set()
            if "release" in control and control["release"] not in faults:
                raise RefusedCase(f"{case.id}: no fault is named {control['release']}")
    if background:
        raise RefusedCase(f"{case.id}: nobody awaits {', '.join(sorted(background))}")


def _flat(steps: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        yield step
        yield from _flat(step.get("while_sleeping") or ())


def _named_operations(case: Case) -> Iterator[str]:
    faults = list(case.world.get("faults") or ())
    for step in _flat(case.steps):
        if "call" in step:
            yield step["call"]
        elif "fault" in step.get("control", {}):
            faults.append(step["control"]["fault"])
    yield from (fault["operation"] for fault in faults if fault["operation"] != "*")


def _operators(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name.startswith("$"):
                yield name
            yield from _operators(member)
    elif isinstance(value, list):
        for member in value:
            yield from _operators(member)


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
