"""The runner itself: what it must refuse, what it must notice, and what it does with a driver that misbehaves."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runner.agree import differences, told
from runner.judge import judge, report
from runner.known import StaleList, known_failures, require_failure
from runner.load import Case, load
from runner.match import MISSING, OPERATORS, mismatches
from runner.process import DRIVERS, PATIENCE_SECONDS, PROTOCOL, Driver, DriverFailed, DriverSpec
from runner.run import Seen, run
from runner.source import RefusedCase

from admin_api_mock.control import Control

GOOD = """
schema: admin-conformance/1.0
id: selftest/good
rule: RETRY-5
why: A case to be spoilt.
world:
  faults:
    - {operation: me.get, as: broken, respond: {status: 503, headers: {Retry-After: "7"}, problem: {}}}
steps:
  - {call: me.get, id: me, expect: {result: {id: suite}}}
expect:
  sleeps: [{call: me, ms: 7000}]
  journal:
    auth: [{status: 200}]
    api:
      - {status: 503, elapsed_ms: 0}
      - {status: 200, elapsed_ms: 7000, headers: {Accept: {$any: true}}, forbid_headers: [Idempotency-Key]}
  state: {users: 0}
"""

REFUSED = {
    "a newer minor": ("conformance/1.0", "conformance/1.1", "not a format this runner knows"),
    "a newer major": ("conformance/1.0", "conformance/2.0", "not a format this runner knows"),
    "an older major": ("conformance/1.0", "conformance/0.9", "not a format this runner knows"),
    "no version": ("schema: admin-conformance/1.0", "", "must be admin-conformance/1.0"),
    "an unknown operator": ("$any: true", "$anything: true", "no operator $anything"),
    "an unknown operation": ("call: me.get", "call: me.fetch", "no operation me.fetch"),
    "an unknown operation in a fault": ("operation: me.get", "operation: me.fetch", "no operation me.fetch"),
    "a missing rule": ("rule: RETRY-5", "rule: RETRY-99", "no rule RETRY-99"),
    "no rule": ("rule: RETRY-5", "", "rule"),
    "an unknown member": ("why:", "because: x\nwhy:", "because"),
    "an unknown member of an entry": ("elapsed_ms: 0", "elapsed: 0", "elapsed"),
    "a member twice": ("why:", "why: Once before.\nwhy:", "stands twice"),
    "a call of which nothing is expected": (", expect: {result: {id: suite}}}", "}", "nothing is expected of call me"),
    "a background call that nobody awaits": ("id: me,", "id: me, background: true,", "nobody awaits me"),
    "an await of nothing": ("expect:\n", "  - {await: me}\nexpect:\n", "me is not in the background"),
    "a release of nothing": ("expect:\n", "  - {control: {release: held}}\nexpect:\n", "no fault is named held"),
    "a call id twice": ("expect:\n", "  - {call: me.get, id: me, expect: {result: {}}}\nexpect:\n", "two calls have"),
    "both a result and an error": ("result: {id: suite}", "result: {}, error: {status: 500}", "under more than one"),
    "an error by its message": ("result: {id: suite}", "error: {message: no}", "message"),
}  # fmt: skip


def test_good_case_is_loaded() -> None:
    """What the refused cases are made from is a case."""
    assert ["selftest/good"] == [case.id for case in load(GOOD, "here")]


@pytest.mark.parametrize("spoilt", REFUSED)
def test_spoilt_case_is_refused(spoilt: str) -> None:
    """A file that cannot mean what it says is refused, and the refusal says why."""
    old, new, why = REFUSED[spoilt]
    assert old in GOOD
    with pytest.raises(RefusedCase, match=why.replace("$", r"\$")):
        load(GOOD.replace(old, new, 1), "here")


def test_duplicate_id_is_refused() -> None:
    """An id names one case."""
    with pytest.raises(RefusedCase, match="two cases have the id selftest/good"):
        load(f"{GOOD}---{GOOD}", "here")


#: Expected, what it accepts, what it refuses.
MATCHING: list[tuple[Any, list[Any], list[Any]]] = [
    ({"$exists": True}, [None, 0], [MISSING]),
    ({"$exists": False}, [MISSING], [None, 0]),
    ({"$any": True}, [None, "", {}], [MISSING]),
    ({"$regex": "^a"}, ["ab"], ["ba", 1, None, MISSING]),
    ({"$gte": 2}, [2, 2.5], [1, "2", True, None, MISSING]),
    ({"$lte": 2}, [2, -1], [3, "2", True, None, MISSING]),
    ({"$gte": 1, "$lte": 2}, [1, 2], [0, 3]),
    ({"$bind": "new"}, [None, 1], [MISSING]),
    ({"$ref": "one"}, [1], [2, True, "1", None, MISSING]),
    ({"$ref": "call.items.0"}, ["x"], ["y", MISSING]),
    ({"$ref": "nobody"}, [], [None, MISSING, "nobody"]),
    ({"$not_ref": "one"}, [2, None], [1, MISSING]),
    ({"$not_ref": "nobody"}, [], [1]),
    ({"$exact": {"a": 1}}, [{"a": 1}], [{"a": 1, "b": 2}, {"a": 2}, {}, None, MISSING]),
    (
        {"$unordered": [1, {"a": {"$bind": "a"}}, {"b": {"$ref": "a"}}]},
        [[{"b": 5}, {"a": 5}, 1], [1, {"a": 0}, {"b": 0}]],
        [[{"b": 5}, {"a": 6}, 1], [1, {"a": 0}], [1, 1, {"a": 0}, {"b": 0}], None],
    ),
    ({"$count": 2}, [[1, 2]], [[1], "ab", None]),
    (
        {"$count": [{"of": {"a": 1}, "is": 2}, {"of": {"a": 2}, "is": {"$gte": 1}}]},
        [[{"a": 1}, {"a": 2}, {"a": 1, "b": 0}]],
        [[{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 1}]],
    ),
    ({"a": {"b": 1}}, [{"a": {"b": 1, "c": 2}, "d": 3}], [{"a": {}}, {"a": [1]}, None, MISSING]),
    ({}, [{}, {"a": 1}], [None, [], "x", MISSING]),
    ([1, 2], [[1, 2]], [[2, 1], [1], [1, 2, 3], None, MISSING]),
    (None, [None], [0, "", False, MISSING]),
    (1, [1], [True, "1", 2, MISSING]),
    (True, [True], [1, "true", MISSING]),
]


@pytest.mark.parametrize("expected,accepted,refused", MATCHING, ids=lambda value: repr(value)[:60])
def test_matching(expected: Any, accepted: list[Any], refused: list[Any]) -> None:
    """Objects by subset, arrays exactly, and each operator accepts what it should and nothing else."""

    def fits(seen: Any) -> bool:
        return not list(mismatches(expected, seen, {"one": 1, "call": {"items": ["x"]}}))

    assert [] == [seen for seen in accepted if not fits(seen)]
    assert [] == [seen for seen in refused if fits(seen)]


def test_every_operator_has_a_row() -> None:
    """No operator goes without proof that it can refuse."""
    assert [] == [name for name in OPERATORS if not any(name in repr(expected) for expected, _, _ in MATCHING)]


Change = Callable[[dict[str, Any]], Any]


def _api(case: dict[str, Any], index: int) -> dict[str, Any]:
    entry: dict[str, Any] = case["expect"]["journal"]["api"][index]
    return entry


MUST_FAIL: dict[str, Change] = {
    "another delay": lambda case: case["expect"].update(sleeps=[{"call": "me", "ms": 6999}]),
    "a sleep not named": lambda case: case["expect"].pop("sleeps"),
    "an attempt not named": lambda case: case["expect"]["journal"]["api"].pop(),
    "attempts in another order": lambda case: case["expect"]["journal"]["api"].reverse(),
    "another time": lambda case: _api(case, 1).update(elapsed_ms=7001),
    "no token request": lambda case: case["expect"]["journal"].update(auth=[]),
    "a forbidden header that is there": lambda case: _api(case, 1).update(forbid_headers=["User-Agent"]),
    "a header that is not there": lambda case: _api(case, 1)["headers"].update({"If-Match": {"$any": True}}),
    "another result": lambda case: case["steps"][0].update(expect={"result": {"id": "somebody"}}),
    "an error that did not come": lambda case: case["steps"][0].update(expect={"error": {"status": 503}}),
    "a result though it failed": lambda case: case["steps"][0].update(options={"max_retries": 0}),
    "another state": lambda case: case["expect"].update(state={"users": 1}),
    "a client that should not be made": lambda case: case["expect"].update(client={"error": {"attempts": 0}}),
    "a client that cannot be made": lambda case: case.update(client={"token": "a", "client_id": "b"}),
    "a wait in which nothing was done": lambda case: case["steps"][0].update(
        options={"max_retries": 0}, while_sleeping=[{"control": {"advance_ms": 1}}], expect={"error": {"status": 503}}
    ),
    "a record that was not made": lambda case: case["expect"].update(log=[{"level": "info"}]),
    "a layer that nothing came by": lambda case: case["expect"].update(slots=[{"slot": "per_call"}]),
    "a reference to nothing": lambda case: case["steps"][0].update(args={"user_id": {"$ref": "world.users.0"}}),
}  # fmt: skip


@pytest.mark.parametrize("wrong", MUST_FAIL)
def test_wrong_expectation_fails(wrong: str, control: Control, drivers: dict[str, Driver]) -> None:
    """What an SDK did right is not taken for what a case says wrongly."""
    (good,) = load(GOOD, "here")
    spoilt = copy.deepcopy(dict(good.document))
    MUST_FAIL[wrong](spoilt)
    driver = drivers["python-sync"]
    assert [] == judge(good, run(good, driver, control))
    case = Case(good.id, spoilt)
    assert judge(case, run(case, driver, control))


#: What an SDK shows, what the case has to say of it, and whether that is a failure.
SHOWN: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"shown": ["me.get: 503"]}, {}, False),
    ({"shown": ["me.get: 503", "locals {'secret': 'suite-secret'}"]}, {}, True),
    ({"shown": ["Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6"]}, {}, True),
    ({"log": [{"level": "debug", "text": "client suite-secret", "fields": {}}]}, {}, True),
    ({"log": [{"level": "debug", "text": "client", "fields": {"headers": {"x": "suite-secret"}}}]}, {}, True),
    ({"log": [{"level": "debug", "text": "carol was looked for", "fields": {}}]}, {}, False),
    ({"log": [{"level": "debug", "text": "carol was looked for", "fields": {}}]}, {"unseen": ["carol"]}, True),
]


@pytest.mark.parametrize("given,expect,fails", SHOWN)
def test_secrets_are_noticed(given: dict[str, Any], expect: dict[str, Any], fails: bool) -> None:
    """A credential, or what a case wants unseen, is noticed in whatever an error or a record shows (AUTH-9)."""
    seen = Seen(bindings={"world": {}}, **given)
    assert fails == bool(judge(Case("selftest/shown", {"expect": expect}), seen))


HELLO = f"""
import json, sys, time
def say(**message): print(json.dumps(message), flush=True)
say(type="hello", protocol={PROTOCOL}, driver="fake", features=[])
"""
MISBEHAVING = {
    "hangs": ("sys.stderr.write('stuck here\\n'); sys.stderr.flush(); time.sleep(60)", "said nothing(.|\n)*stuck here"),
    "dies": ("sys.exit('oh no')", "(it ended|it is gone)(.|\n)*oh no"),
    "talks": ("print('hello world', flush=True); sys.stdin.read()", "it ended(.|\n)*hello world"),
    "answers nonsense": ("say(type='nonsense'); sys.stdin.read()", "it answered `client` with"),
}


@pytest.mark.parametrize("how", MISBEHAVING)
def test_misbehaving_driver_is_ended(how: str, control: Control) -> None:
    """A driver that hangs, dies or breaks the protocol is ended with its stderr shown, and then started anew."""
    code, why = MISBEHAVING[how]
    spec = DriverSpec((sys.executable, "-c", HELLO + code), frozenset())
    (case,) = load(GOOD, "here")
    with Driver("fake", spec, patience=0.5) as driver:
        for _ in range(2):
            with pytest.raises(DriverFailed, match=why):
                run(case, driver, control)
    assert [] == [world.id for world in control.worlds() if world.id != "root"]


def test_patience_is_five_seconds() -> None:
    """A driver that owes an answer is ended after five seconds, unless a test says otherwise."""
    assert (5.0, 5.0) == (PATIENCE_SECONDS, Driver("fake", DriverSpec((), frozenset())).patience)


def test_noise_is_noticed() -> None:
    """What a driver writes to stderr about something leaked is told from what an SDK logs."""
    code = "sys.stderr.write('A warning of the SDK.\\nx.py:1: ResourceWarning: unclosed <socket>\\n')"
    spec = DriverSpec((sys.executable, "-c", HELLO + code), frozenset())
    driver = Driver("fake", spec)
    driver.ensure_started()
    driver.stop()
    assert ["x.py:1: ResourceWarning: unclosed <socket>\n"] == driver.noise()


def test_known_failures_have_reasons(tmp_path: Path) -> None:
    """A case is known to fail for a reason, and only as long as it does."""
    listed = tmp_path / "fake.txt"
    listed.write_text("# why\n\nretry/one # The pool is too small.\n", "utf-8")
    assert {"retry/one": "The pool is too small."} == known_failures("fake", tmp_path)
    require_failure("retry/one", "fake", "The pool is too small.", failed=True)
    with pytest.raises(StaleList, match="retry/one passes"):
        require_failure("retry/one", "fake", "The pool is too small.", failed=False)
    listed.write_text("retry/one\n", "utf-8")
    with pytest.raises(StaleList, match="without a reason"):
        known_failures("fake", tmp_path)


AGREEING: list[tuple[Any, Any, list[str]]] = [
    ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, []),
    ({"a": [1, {"b": None}]}, {"a": [1, {"b": 0}]}, ["a/1/b"]),
    ({"a": 1}, {"a": True}, ["a"]),
    ({"a": None}, {}, ["a"]),
    ({"a": [1]}, {"a": [1, 2]}, ["a"]),
]


@pytest.mark.parametrize("first,other,where", AGREEING)
def test_drivers_must_agree(first: Any, other: Any, where: list[str]) -> None:
    """Two drivers that differ in a member, its type or its presence are told apart."""
    assert where == [each.path for each in differences(first, other)]


def test_drivers_agree_but_for_chance(control: Control, drivers: dict[str, Driver]) -> None:
    """Two runs of a case tell the same, and not the same of another header."""
    (good,) = load(GOOD, "here")
    first, other = (run(good, drivers["python-sync"], control) for _ in range(2))
    assert told(first) == told(other)
    other.journal[-1]["headers"]["accept"] = "*/*"
    assert ["journal/2/headers/accept"] == [each.path for each in differences(told(first), told(other))]


def test_report_shows_the_exchange(control: Control, drivers: dict[str, Driver]) -> None:
    """What failed is shown with the exchange seen, beside what was expected."""
    (good,) = load(GOOD, "here")
    case = Case(good.id, {**good.document, "expect": {"sleeps": []}})
    seen = run(case, drivers["python-sync"], control)
    told = report(case, "python-sync", judge(case, seen), seen)
    for part in (
        "RETRY-5",
        "✗ sleeps: expected []",
        "+7000 ms  api  me.get → 200",
        "'ms': 7000",
        '"id": "suite"',
        "expected:",
    ):
        assert part in told


def test_driver_that_is_another_is_refused() -> None:
    """A driver must be the one it was started as."""
    spec = DriverSpec((sys.executable, "-c", HELLO), frozenset())
    with Driver("somebody", spec) as driver, pytest.raises(DriverFailed, match="introduced itself"):
        driver.ensure_started()


def test_driver_says_what_it_cannot_do(control: Control) -> None:
    """An operation or argument that an SDK does not have is a failure of its driver, not a silent pass."""
    (good,) = load(GOOD, "here")
    case = Case(good.id, {**good.document, "steps": [{**good.steps[0], "args": {"nothing": 1}}]})
    with (
        Driver("python-sync", DRIVERS["python-sync"]) as driver,
        pytest.raises(DriverFailed, match=r"crashed(.|\n)*nothing"),
    ):
        run(case, driver, control)
