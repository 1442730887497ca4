"""Every keyword of JSON Schema 2020-12 that the document may use, judged in requests and in answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from admin_api_mock.document import CHECKOUT, Document
from admin_api_mock.problems import Problem
from admin_api_mock.validation import OwnAnswerInvalid, Validation

STRING = {"type": "string"}
NOTE: Mapping[str, Any] = {"type": "object", "properties": {"id": STRING}, "required": ["id"]}
CAT = {"type": "object", "properties": {"kind": {**STRING, "const": "cat"}, "lives": {"type": "integer"}}}
DOG = {"type": "object", "properties": {"kind": {**STRING, "const": "dog"}, "tail": STRING}, "required": ["kind"]}
PETS = {"Note": NOTE, "Cat": {**CAT, "required": ["kind", "lives"]}, "Dog": DOG}
PET = {
    "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
    "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat"}},
}
NULLABLE = {"anyOf": [{"$ref": "#/components/schemas/Note"}, {"type": "null"}]}
MERGED = {
    "allOf": [{"$ref": "#/components/schemas/Note"}, {"type": "object", "properties": {"n": {"type": "integer"}}}]
}

#: keyword → [(schema, valid instances, [(invalid instance, pointer, code)])].
Law = tuple[Mapping[str, Any], list[Any], list[tuple[Any, str, str]]]
LAWS: Mapping[str, list[Law]] = {
    "type": [
        (STRING, ["", "5"], [(5, "", "type"), (None, "", "type"), ([], "", "type"), ({}, "", "type")]),
        # 4.2.3: a number is an integer whatever way it is written.
        ({"type": "integer"}, [0, -0.0, 1.0, 1e3, 10**20], [(1.5, "", "type"), ("1", "", "type"), (True, "", "type")]),
        ({"type": "number"}, [0, 1.5], [("1.5", "", "type"), (False, "", "type")]),
        ({"type": "boolean"}, [True, False], [(0, "", "type"), ("true", "", "type"), (None, "", "type")]),
        ({"type": ["string", "null"]}, ["", None], [(5, "", "type"), (False, "", "type")]),
    ],
    # Lengths are of code points (RFC 8259, and 6.3.1): one for an astral character, two for a letter and its accent.
    "minLength": [
        ({**STRING, "minLength": 2}, ["ab", "e\u0301"], [("a", "", "too_short"), ("\U0001f600", "", "too_short")])
    ],
    "maxLength": [({**STRING, "maxLength": 2}, ["", "\U0001f600\U0001f600"], [("abc", "", "too_long")])],
    "pattern": [
        # Unanchored (6.3.3), and `$` is the end, with no line feed in front of it (ECMA-262).
        ({**STRING, "pattern": "b"}, ["abc"], [("ac", "", "pattern")]),
        ({**STRING, "pattern": "^a$"}, ["a"], [("a\n", "", "pattern"), ("\na", "", "pattern")]),
        ({**STRING, "pattern": r"^\d$"}, ["7"], [("\u0667", "", "pattern")]),
        ({**STRING, "pattern": "^.$"}, ["\U0001f600"], [("\n", "", "pattern")]),
    ],
    "enum": [({**STRING, "enum": ["a", "b"]}, ["a"], [("A", "", "invalid_value"), ("", "", "invalid_value")])],
    "const": [({**STRING, "const": "a"}, ["a"], [("b", "", "invalid_value"), ("", "", "invalid_value")])],
    "minimum": [({"type": "integer", "minimum": 2}, [2, 2.0], [(1, "", "too_small")])],
    "maximum": [({"type": "number", "maximum": 2}, [2], [(2.0000001, "", "too_large")])],
    "exclusiveMinimum": [({"type": "number", "exclusiveMinimum": 2}, [2.1], [(2, "", "too_small")])],
    "exclusiveMaximum": [({"type": "number", "exclusiveMaximum": 2}, [1.9], [(2, "", "too_large")])],
    "multipleOf": [
        ({"type": "integer", "multipleOf": 3}, [0, 9, -3], [(10, "", "invalid_value")]),
        ({"type": "number", "multipleOf": 0.01}, [0.07, 19.99], [(0.075, "", "invalid_value")]),
    ],
    "items": [({"type": "array", "items": STRING}, [[], ["a"]], [(["a", 5], "/1", "type"), ("a", "", "type")])],
    "minItems": [({"type": "array", "minItems": 1, "items": STRING}, [["a"]], [([], "", "too_few")])],
    "maxItems": [({"type": "array", "maxItems": 1, "items": STRING}, [[]], [(["a", "b"], "", "too_many")])],
    "uniqueItems": [
        # Equal as JSON is (4.2.2): 1 and 1.0 are, 1 and true are not, nor are members in another order different.
        (
            {"type": "array", "uniqueItems": True, "items": {}},
            [[1, True], [0, False], ["a", "A"], [[1], [2]]],
            [([1, 1.0], "", "duplicate"), ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], "", "duplicate")],
        )
    ],
    "properties": [(NOTE, [{"id": "a", "more": 5}], [({"id": 5}, "/id", "type")])],
    "required": [(NOTE, [{"id": ""}], [({}, "/id", "required"), ({"ID": "a"}, "/id", "required")])],
    "additionalProperties": [
        (
            {**NOTE, "additionalProperties": False},
            [{"id": "a"}],
            [({"id": "a", "a/b": 1}, "/a~1b", "unknown_member"), ({"id": "a", "~": 1}, "/~0", "unknown_member")],
        ),
        ({"type": "object", "additionalProperties": STRING}, [{}, {"a": "b"}], [({"a": 5}, "/a", "type")]),
    ],
    "propertyNames": [
        (
            {"type": "object", "additionalProperties": STRING, "propertyNames": {"pattern": "^[a-z]+$"}},
            [{"a": "b"}],
            [({"A": "b"}, "", "invalid_name")],
        )
    ],
    "minProperties": [({"type": "object", "minProperties": 1}, [{"a": 1}], [({}, "", "too_few")])],
    "maxProperties": [({"type": "object", "maxProperties": 1}, [{}], [({"a": 1, "b": 2}, "", "too_many")])],
    "anyOf": [(NULLABLE, [None, {"id": "a"}], [({"id": 5}, "/id", "type"), ({}, "/id", "required"), (5, "", "type")])],
    "oneOf": [
        (
            PET,
            [{"kind": "cat", "lives": 9}, {"kind": "dog"}],
            [
                ({"kind": "cat"}, "/lives", "required"),
                ({"kind": "cow"}, "/kind", "invalid_value"),
                ({}, "/kind", "required"),
            ],
        ),
        ({"oneOf": [STRING, {**STRING, "maxLength": 2}]}, ["abc"], [("a", "", "ambiguous")]),
    ],
    "allOf": [(MERGED, [{"id": "a", "n": 1}], [({"id": "a", "n": "1"}, "/n", "type"), ({"n": 1}, "/id", "required")])],
}
#: What says something of a schema and asserts nothing of an instance (2020-12: sections 8 and 9; OpenAPI 3.1).
ANNOTATIONS = {
    "contentEncoding",
    "contentMediaType",
    "default",
    "deprecated",
    "description",
    "discriminator",
    "example",
    "examples",
}
CASES = [pytest.param(*law, id=f"{keyword}-{n}") for keyword, laws in LAWS.items() for n, law in enumerate(laws)]


def validation_of(schema: Mapping[str, Any]) -> Validation:
    """Of a document with the schema `Judged`."""
    schemas = {**PETS, "Judged": schema}
    document = {"openapi": "3.1.0", "info": {"version": "1.0.0"}, "paths": {}, "components": {"schemas": schemas}}
    return Validation(Document(json.dumps(document)))


AT = "/components/schemas/Judged"


def test_every_keyword_that_is_allowed_has_its_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """The generator's lint says which keywords a schema may have; formats are in test_keywords_formats.py."""
    monkeypatch.syspath_prepend(str(CHECKOUT.parent))
    from generate.lint.structure import SHAPES

    assert "generate" in sys.modules
    assert set(SHAPES["schema"].members) == set(LAWS) | ANNOTATIONS | {"format"}


@pytest.mark.parametrize("schema,valid,invalid", CASES)
def test_keyword(schema: Mapping[str, Any], valid: list[Any], invalid: list[tuple[Any, str, str]]) -> None:
    """What a keyword allows comes in and goes out; what it forbids is a 422 that says where, and never goes out."""
    validation = validation_of(schema)
    for instance in valid:
        validation.check("request", AT, instance)
        validation.check_own("an answer", AT, instance)
    for instance, pointer, code in invalid:
        with pytest.raises(Problem) as refused:
            validation.check("request", AT, instance)
        assert (422, [(pointer, code)]) == (
            refused.value.status,
            [(error["pointer"], error["code"]) for error in refused.value.errors],
        )
        with pytest.raises(OwnAnswerInvalid):
            validation.check_own("an answer", AT, instance)


def test_what_each_direction_has_of_its_own() -> None:
    """readOnly is not taken and not asked for in requests; writeOnly is neither shown nor missed in answers."""
    members = {"id": {**STRING, "readOnly": True}, "secret": {**STRING, "writeOnly": True}, "name": STRING}
    validation = validation_of({"type": "object", "properties": members, "required": ["id", "secret", "name"]})
    asked, told = {"secret": "s", "name": "n"}, {"id": "i", "name": "n"}
    validation.check("request", AT, asked)
    validation.check_own("an answer", AT, told)
    for wrong, errors in (
        (told, [("/id", "unknown_member"), ("/secret", "required")]),
        ({**asked, "id": "i"}, [("/id", "unknown_member")]),
        ({"secret": "s"}, [("/name", "required")]),
    ):
        with pytest.raises(Problem) as refused:
            validation.check("request", AT, wrong)
        assert errors == sorted((error["pointer"], error["code"]) for error in refused.value.errors)
    for wrong in (asked, {**told, "secret": "s"}, {"id": "i"}):
        with pytest.raises(OwnAnswerInvalid):
            validation.check_own("an answer", AT, wrong)


def test_nested_members_have_their_direction_too() -> None:
    """In items, in references and in values of a map."""
    inner = {"type": "object", "properties": {"key": {**STRING, "writeOnly": True}}}
    members = {"list": {"type": "array", "items": inner}, "map": {"type": "object", "additionalProperties": inner}}
    validation = validation_of({"type": "object", "properties": members})
    for instance in ({"list": [{"key": "k"}]}, {"map": {"a": {"key": "k"}}}):
        validation.check("request", AT, instance)
        with pytest.raises(OwnAnswerInvalid):
            validation.check_own("an answer", AT, instance)


def test_names_that_cannot_be_told_are_left_out() -> None:
    """A member's name is the caller's: one of any length, or with control characters, is told by where it lies."""
    validation = validation_of({"type": "object", "properties": {"in": {**NOTE, "additionalProperties": False}}})
    for name in ("a\x00b", "x" * 600):
        with pytest.raises(Problem) as refused:
            validation.check("request", AT, {"in": {"id": "a", name: 1}})
        assert [("/in", "unknown_member")] == [(error["pointer"], error["code"]) for error in refused.value.errors]
