"""The pure functions of both SDKs against one set of facts, written from the rules and the RFCs they cite (SUITE)."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

import pytest
from runner.source import RefusedCase
from runner.vectors import VECTORS, Vector, load, load_folder
from vectors.functions import FUNCTIONS, answer

VECTORS_OF_ALL: Final = load_folder()
LANGUAGES: Final = ("python", "node")

GOOD: Final = """
schema: admin-vectors/1.0
function: backoff
rule: RETRY-4
why: A table to be spoilt.
given: {random: 1.0}
vectors:
  - {retry: 0, gives: 500}
  - {each: {retry: ["4..6", 9]}, gives: 8000}
"""


@pytest.fixture(scope="module")
def node() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """What the Node SDK answers to the inputs of each vector, by its place."""
    requests = [json.dumps([vector.function, each]) for vector in VECTORS_OF_ALL for each in vector.inputs]
    ended = subprocess.run(
        ["node", str(VECTORS / "functions.mjs")],
        input="\n".join(requests), capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert (0, "") == (ended.returncode, ended.stderr)
    told = map(json.loads, ended.stdout.removesuffix("\n").split("\n"))
    return {vector.place: list(islice(told, len(vector.inputs))) for vector in VECTORS_OF_ALL}


def answers(vector: Vector, language: str, request: pytest.FixtureRequest) -> Sequence[Mapping[str, Any]]:
    """What an SDK answers to each input of a vector."""
    if language == "python":
        return [answer(vector.function, each) for each in vector.inputs]
    told: Sequence[Mapping[str, Any]] = request.getfixturevalue("node")[vector.place]
    return told


def same(one: Any, other: Any) -> bool:
    """Whether two are one JSON value: true is not 1, the order of members does not count."""
    return json.dumps(_number(one), sort_keys=True) == json.dumps(_number(other), sort_keys=True)


def _number(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _number(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_number(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("vector", VECTORS_OF_ALL, ids=[f"{each.function}-{each.place}" for each in VECTORS_OF_ALL])
def test_vector(vector: Vector, language: str, request: pytest.FixtureRequest) -> None:
    """What the rule says of these inputs is what the SDK gives."""
    wrong = [
        f"{json.dumps(given)}\n    expected {json.dumps(vector.expected)}\n    gave     {json.dumps(told)}"
        for given, told in zip(vector.inputs, answers(vector, language, request), strict=True)
        if not same(vector.expected, told)
    ]
    if wrong:
        told = "\n".join(wrong[:5])
        pytest.fail(f"{vector.place} ({vector.why})\n{len(wrong)} of {len(vector.inputs)}:\n{told}", pytrace=False)


def test_every_function_has_vectors() -> None:
    """No function stands in the adapter, and in no table."""
    assert set(FUNCTIONS) == {vector.function for vector in VECTORS_OF_ALL}


def test_every_status_is_decided_once() -> None:
    """RETRY-1, RETRY-2: a call's first answer is decided for each status, method and key, and for each just once."""
    told: Counter[tuple[str, bool, int]] = Counter()
    inputs = [each for vector in VECTORS_OF_ALL if vector.function == "decide" for each in vector.inputs]
    usual = {name: value for name, value in inputs[0].items() if name not in ("method", "key", "came")}
    for each in inputs:
        if {*each["came"]} == {"status"} and each == {**each, **usual} and each.keys() == inputs[0].keys():
            told[each["method"], each["key"], each["came"]["status"]] += 1
    methods = ("GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE")
    every = {(method, key, status) for method in methods for key in (True, False) for status in range(300, 600)}
    assert every == set(told)
    assert {1} == set(told.values())


def test_a_good_table_is_loaded() -> None:
    """What the refused tables are made from is a table; a row of many inputs is their product, ranges written out."""
    first, second = load(GOOD, "here.yaml")
    assert ("here.yaml:8", "here.yaml:9") == (first.place, second.place)
    assert [{"retry": retry, "random": 1.0} for retry in (4, 5, 6, 9)] == second.inputs
    assert {"gives": 8000} == second.expected


@pytest.mark.parametrize(
    "old, new, why",
    [
        ("vectors/1.0", "vectors/1.1", "admin-vectors/1.0"),
        ("function: backoff", "function: fallback", "fallback"),
        ("why: A", "because: x\nwhy: A", "because"),
        ("RETRY-4", "RETRY-99", "no rule RETRY-99"),
        ("{retry: 0, gives", "{retry: 0, rule: RETRY-99, gives", r"here\.yaml:8: .*no rule RETRY-99"),
        ("{retry: 0, gives", "{tries: 0, gives", r"here\.yaml:8: .*tries"),
        ("{retry: 0, gives", "{retry: 0, deadline: 1, gives", r"here\.yaml:8: .*deadline"),
        ("{retry: 0, gives", "{gives", r"here\.yaml:8: .*retry"),
        ("gives: 500", "expects: 500", "expects"),
        (", gives: 500", "", r"here\.yaml:8"),
        ("gives: 500", "gives: 500, refuses: x", r"here\.yaml:8"),
        ("retry: [", "again: [", r"here\.yaml:9: .*again"),
        ("{retry: 0", "{retry: 0, retry: 0", "stands twice"),
    ],
)
def test_a_spoilt_table_is_refused(old: str, new: str, why: str) -> None:
    """A table that cannot mean what it says is refused, and the refusal says where and why."""
    assert old in GOOD
    with pytest.raises(RefusedCase, match=why):
        load(GOOD.replace(old, new, 1), "here.yaml")


@pytest.mark.parametrize("data", [b"", b"a", b"a\r\nb", b"a" * 50])
def test_bytes_are_cut_at_every_place(data: bytes) -> None:
    """Every cut gives the whole again, each place is cut at, and single bytes come alone."""
    head = "schema: admin-vectors/1.0\nfunction: lines\nrule: STREAM-1\nwhy: x\nvectors:\n"
    (vector,) = load(f"{head}  - {{bytes: {{hex: '{data.hex()}'}}, gives: []}}", "here.yaml")
    cuts = [[bytes.fromhex(chunk) for chunk in each["chunks"]] for each in vector.inputs]
    assert {data} == {b"".join(cut) for cut in cuts}
    assert set(range(len(data) + 1)) == {len(cut[0]) for cut in cuts if len(cut) == 2}
    assert [bytes([byte]) for byte in data] in [[chunk for chunk in cut if chunk] for cut in cuts]


@pytest.mark.parametrize(
    "one, other", [(True, 1), (False, 0), (None, False), ("1", 1), ([], {}), ([1], [1, 1]), ({"a": 1}, {})]
)
def test_what_differs_is_not_the_same(one: Any, other: Any) -> None:
    """The comparison can fail: types count, and so does a member more."""
    assert not same(one, other)
    assert same({"a": [one, 1]}, {"a": [one, 1.0]})
