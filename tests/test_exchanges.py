"""Ajv holds every exchange of the session's cases against the document; canaries prove that it can refuse."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from runner.exchanges import Exchanges, Verdict, judged, told
from runner.load import TESTS, Case, sdk_operations
from runner.process import DRIVERS

CANARIES: dict[str, Any] = yaml.safe_load((TESTS / "judges" / "canaries.yaml").read_text("utf-8"))
RIGHT: dict[str, Any] = CANARIES["right"]
WRONG: list[dict[str, Any]] = CANARIES["wrong"]


def test_every_exchange_is_as_the_document_says(exchanges: Exchanges) -> None:
    """What the SDKs sent and the server answered is declared, to the last header, line and event (SUITE-3)."""
    if not exchanges.origins:
        pytest.skip("no case ran in this session")
    wrong = list(told(exchanges.judged(), exchanges.origins))
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def test_every_operation_is_judged_both_ways(exchanges: Exchanges, cases: dict[str, Case]) -> None:
    """After all cases, no operation of the SDKs is without a request and a successful answer that were judged."""
    if exchanges.heard != {f"{case.id}@{name}" for case in cases.values() for name in case_drivers(case)}:
        pytest.skip("only some cases ran in this session")
    judged_ones = exchanges.judged().judged
    assert set() == {operation for operation in sdk_operations() if not both_ways(judged_ones.get(operation))}


def case_drivers(case: Case) -> list[str]:
    """Those that have what the case needs."""
    return [name for name, spec in DRIVERS.items() if case.needs <= spec.features]


def both_ways(count: Mapping[str, Any] | None) -> bool:
    """Whether a request was judged, and a successful answer."""
    return count is not None and count["requests"] > 0 and any(status.startswith("2") for status in count["answers"])


@pytest.fixture(scope="module")
def on_canaries() -> Verdict:
    """The verdict on all that is right, then on all that is wrong, a line each."""
    spoiled = [merged(RIGHT[canary["of"]], canary["change"]) for canary in WRONG]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        file.writelines(json.dumps(exchange) + "\n" for exchange in [*RIGHT.values(), *spoiled])
        file.seek(0)
        return judged(file)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2."""
    if not isinstance(patch, Mapping):
        return patch
    changed = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        changed[name] = merged(changed.get(name), value)
        if value is None:
            del changed[name]
    return changed


@pytest.mark.parametrize("line,name", list(enumerate(RIGHT, 1)))
def test_a_right_exchange_is_accepted(line: int, name: str, on_canaries: Verdict) -> None:
    """So that what the spoiled ones are refused for is what was spoiled."""
    assert [] == [fault for fault in on_canaries.faults if fault.line == line], name


@pytest.mark.parametrize(
    "line,canary",
    [
        pytest.param(line, canary, id=f"{canary['of']}: {canary['at']} {number}")
        for number, (line, canary) in enumerate(enumerate(WRONG, len(RIGHT) + 1))
    ],
)
def test_a_wrong_exchange_is_refused(line: int, canary: dict[str, Any], on_canaries: Verdict) -> None:
    """The judge does not fail open: it finds each fault, where it is."""
    assert canary["at"] in {fault.pointer for fault in on_canaries.faults if fault.line == line}, canary["change"]
