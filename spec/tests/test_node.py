"""The TypeScript emitter: how it lays text out, what it refuses, and what it writes for the document."""

from __future__ import annotations

import dataclasses

import pytest

from generate import adapter, build, document, node
from generate.findings import SpecError
from generate.ir import Api, Argument, Enum, Type
from generate.node.models import emit as models
from generate.node.resources import emit as resources
from generate.node.text import WIDTH, Group, jsdoc, lay
from generate.node.types import answer, argument, literal, parameter

from .conftest import MINI, SPEC


@pytest.fixture(scope="module")
def mini() -> Api:
    """The mini document's representation."""
    raw = document.load(MINI / "openapi.yaml")
    return build.build(raw, adapter.parse(raw))


def test_group_breaks_only_when_it_must() -> None:
    """What fits stays in one line; what does not has an item per line, inner groups by the same rule."""
    assert "f(a, b);" == lay(Group("f(", ("a", "b"), ");"))
    assert "x = { a, [b] };" == lay(Group("x = {", ("a", Group("[", ("b",), "]")), "};"))
    assert "x = {};" == lay(Group("x = {", (), "};"))
    long = "a" * (WIDTH - 4)
    assert f"f(\n  {long},\n  [b],\n);" == lay(Group("f(", (long, Group("[", ("b",), "]")), ");"))


def test_text_behind_a_group_counts() -> None:
    """The brace behind a signature is part of the line that has to fit."""
    group = Group("f(", ("a" * (WIDTH - 4),), ")")
    assert 1 == len(lay(group, "", " ").splitlines())
    assert 3 == len(lay(group, "", " {").splitlines())


def test_text_cannot_leave_its_comment() -> None:
    """Text of the document ends no comment and is no TSDoc tag; code spans stay as they are."""
    assert "/** a *\\/ \\{b\\} \\<c\\> \\@d `{e}` */\n" == jsdoc(["a */ {b} <c> @d `{e}`"], "")


@pytest.mark.parametrize(
    "found, gives, takes",
    [
        (Type("date-time", nullable=True), "string | null", "string | Date | null"),
        (Type("array", of=Type("string", nullable=True)), *["readonly (string | null)[]"] * 2),
        (Type("array", of=Type("array", of=Type("integer"))), *["readonly (readonly number[])[]"] * 2),
        (Type("map", of=Type("json")), *["{ readonly [name: string]: JsonValue }"] * 2),
        (Type("json", nullable=True), "JsonValue", "JsonValue"),
        (Type("const", value="*"), "string", "'*'"),
        (Type("enum", name="Mood", nullable=True), "Mood | null", "Mood | null"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_types(found: Type, gives: str, takes: str) -> None:
    """Each type has one spelling in answers and one as an argument."""
    assert (gives, takes) == (answer(found), argument(found))


def test_list_in_a_query_may_be_its_only_item() -> None:
    """A list in the query may be given as its only item, in a body it may not."""
    found = Type("array", of=Type("string"))
    assert ["string | readonly string[]", "readonly string[]"] == [argument(found, "query"), argument(found, "body")]


def test_names_and_literals() -> None:
    """Parameters are camelCase and never a word of the language; a literal is quoted whole."""
    assert ["userId", "new_", "options_"] == [parameter(name) for name in ("user_id", "new", "options")]
    assert [r"'it\'s'", r"'a\\b'", r"'\u{a}'"] == [literal(text) for text in ("it's", "a\\b", "\n")]


def test_component_with_a_taken_name_is_refused(mini: Api) -> None:
    """A component cannot have the name of the interface of a method's members."""
    clash = dataclasses.replace(mini, enums=(Enum("PetsListParams", "pets", "A clash.", ("a",)),))
    with pytest.raises(SpecError, match="PetsListParams"):
        models(clash)


def test_upload_with_a_path_parameter_is_refused(mini: Api) -> None:
    """An upload has no place for path parameters: it is refused, not printed without them."""
    extra = Argument("pet_id", "pet_id", "path", True, Type("string"), "Id.", {})
    operations = tuple(
        dataclasses.replace(one, arguments=(extra, *one.arguments)) if one.kind == "upload" else one
        for one in mini.operations
    )
    with pytest.raises(SpecError, match="path parameters"):
        resources(dataclasses.replace(mini, operations=operations))


def test_policy_is_in_milliseconds() -> None:
    """A number with a point is a duration and is printed in milliseconds; a count stays, a list is a set."""
    (text,) = node.policy.emit(
        {"a_timeout": 30.0, "b_base": 0.5, "c_size": 30, "d_methods": ("GET",), "e_version": "1"}
    ).values()
    assert [
        "export const A_TIMEOUT = 30_000;",
        "export const B_BASE = 500;",
        "export const C_SIZE = 30;",
        "export const D_METHODS: ReadonlySet<string> = /* @__PURE__ */ new Set(['GET']);",
        "export const E_VERSION = '1';",
    ] == text.splitlines()[3:]


def test_policy_loaded_on_demand_is_apart() -> None:
    """What only records, grants or files use is no part of the file that every page loads."""
    files = node.policy.emit({"a_size": 1, "auth_pause": 1.0, "files_size": 1, "logging_headers": ("etag",)})
    assert {"policy.ts", "policy-auth.ts", "policy-files.ts", "policy-logging.ts"} == set(files)
    assert "LOGGING_HEADERS" in files["policy-logging.ts"]
    assert "LOGGING" not in files["policy.ts"]


def test_policy_finer_than_a_millisecond_is_refused() -> None:
    """A duration that JavaScript's timers cannot keep is refused by its name."""
    with pytest.raises(SpecError, match="a_pause"):
        node.policy.emit({"a_pause": 0.0005})


def test_files_have_a_header_and_fit_the_line() -> None:
    """Line 1 of every generated file says that it is; code keeps to the line width."""
    files = list((SPEC.parent / "node-sdk" / "src" / "_generated").rglob("*.ts"))
    assert files
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        source = "mock-server/" if path.name == "control.ts" else "spec/"
        assert lines[0].startswith(f"// Generated by make generate from {source}"), path
        assert lines[0].endswith(". Do not edit."), path
        assert [] == [line for line in lines if len(line) > WIDTH], path


def test_every_operation_is_a_constant_and_a_method() -> None:
    """No operation of the document is missing in the resources, and each constant is used by a method."""
    raw = document.load(SPEC / "openapi.yaml")
    api = build.build(raw, adapter.parse(raw))
    files = resources(api)
    for operation in api.operations:
        text = files[f"resources/{operation.resource.partition('.')[0]}.ts"]
        assert 1 == text.count(f"id: '{operation.id}'"), operation.id
    constants = sum(text.count("const ") for text in files.values())
    assert len(api.operations) == constants == sum(text.count("    return this._") for text in files.values())
