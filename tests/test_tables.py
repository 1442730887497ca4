"""One document, many cases: what a table stands for, and what is refused, with its file and line."""

from __future__ import annotations

from typing import Any

import pytest
from runner.load import load
from runner.source import RefusedCase
from runner.table import BadTable, expand

TABLED = """\
# A comment before it.
schema: admin-conformance/1.0
id: selftest/<status>-to-a-<kind>
rule: RETRY-1
why: A case of a table, to be spoilt.
table:
  status:
    - {status: 502, how: bad}
    - {status: 503, how: away}
  kind: [{kind: read.all, call: me.get}, {kind: list, call: roles.list}]
world: {faults: [{operation: <call>, respond: {status: <status>, body: "it is <how> (<status>)"}}]}
steps:
  - {call: <call>, id: call, consume: first_page, expect: {result: {$any: true}}}
expect:
  sleeps: [{call: call, ms: 500}]
"""


def test_a_table_is_many_cases() -> None:
    """Each combination of rows is a case; a cell alone keeps its type, one within text becomes text."""
    cases = load(TABLED, "here.yaml")
    expected = ["502-to-a-read-all", "502-to-a-list", "503-to-a-read-all", "503-to-a-list"]
    assert [f"selftest/{name}" for name in expected] == [case.id for case in cases]
    assert {"selftest/<status>-to-a-<kind>"} == {case.written for case in cases}
    (fault,) = cases[3].world["faults"]
    assert {"operation": "roles.list", "respond": {"status": 503, "body": "it is away (503)"}} == fault


EXPANDED: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
    ({"id": "a"}, [{"id": "a"}]),
    ({"id": "<x>", "table": {"x": [1, True]}, "v": "<x>"}, [{"id": "1", "v": 1}, {"id": "true", "v": True}]),
    ({"id": "<x>", "table": {"x": [{"x": "a", "y": "<x>b"}]}, "v": ["<y>"]}, [{"id": "a", "v": ["ab"]}]),
    ({"id": "a", "table": {"one": [{"y": None}]}, "v": "<y>", "w": "<y>!"}, [{"id": "a", "v": None, "w": "None!"}]),
    ({"id": "<x>", "table": {"x": ["a.b_c"]}, "v": "<HTML>"}, [{"id": "a-b-c", "v": "<HTML>"}]),
]


@pytest.mark.parametrize("document,expected", EXPANDED, ids=lambda value: repr(value)[:40])
def test_what_a_table_stands_for(document: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    """A column stands for its value wherever it is named, in other cells too; what is no column's name is text."""
    assert expected == list(expand(document))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"id": "a", "table": {"x": [1, 2]}, "v": "<x>"}, "the id must hold <x>"),
    ({"id": "<x>", "table": {"x": [{"x": 1}, {"y": 2}]}}, "has no column x"),
    ({"id": "<x>", "table": {"x": [1]}, "v": "<y>"}, "there is no column y"),
    ({"id": "<x>", "table": {"x": [{"x": 1, "y": 2}]}}, "nothing in the document is <y>"),
    ({"id": "<x><y>", "table": {"x": [{"x": 1, "y": 1}], "y": [2]}}, "y stands in two axes"),
    ({"id": "<x>", "table": {"x": [{"x": "<y>", "y": "<x>"}]}}, "stands for itself"),
]


@pytest.mark.parametrize("document,why", BAD, ids=lambda value: str(value)[:40])
def test_a_table_that_does_not_fit_is_refused(document: dict[str, Any], why: str) -> None:
    """What a table leaves open, or says twice, is an error and not a case that proves nothing."""
    with pytest.raises(BadTable, match=why):
        list(expand(document))


#: What is written instead of what, on which line it is refused, and why.
REFUSED = {
    "a newer format": ("conformance/1.0", "conformance/1.1", 2, "not a format this runner knows"),
    "an unknown rule": ("rule: RETRY-1", "rule: RETRY-99", 4, "no rule RETRY-99"),
    "a column that is not there": ("respond: {status: <status>", "respond: {status: <code>", 11, "no column code"),
    "an unused column": ("it is <how>", "it is", 6, "nothing in the document is <how>"),
    "an id that is no id": ("id: selftest/", "id: Self Test/", 3, "does not match"),
    "an unknown operation in a row": ("call: roles.list", "call: roles.lost", 11, "no operation roles.lost"),
    "an unknown operator": ("$any: true", "$all: true", 13, "no operator"),
    "an unknown member": ("consume: first_page", "consumed: first_page", 13, "consumed"),
    "a member twice": ("rule: RETRY-1", "why: Once before.\nrule: RETRY-1", 6, "'why' stands twice"),
    "no YAML": ("steps:\n", "steps: [\n", 13, "expected"),
    "a row that is a list": ("    - {status: 502, how: bad}", "    - [502]", 8, "table/status/0"),
}


@pytest.mark.parametrize("spoilt", REFUSED)
def test_a_refusal_names_file_and_line(spoilt: str) -> None:
    """A file that cannot mean what it says is refused with the place where it does not."""
    old, new, line, why = REFUSED[spoilt]
    assert old in TABLED
    with pytest.raises(RefusedCase, match=why) as refused:
        load(TABLED.replace(old, new, 1), "here.yaml")
    assert str(refused.value).startswith(f"here.yaml:{line}: ")
