"""Every case on every driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from runner.agree import differences, told
from runner.ahead import Ahead
from runner.exchanges import Exchanges
from runner.judge import judge, report
from runner.known import require_failure
from runner.load import Case
from runner.process import Driver, DriverFailed


def test_case(
    case: Case,
    driver: Driver,
    ahead: Ahead,
    known_failing: dict[str, Mapping[str, str]],
    first_told: dict[str, tuple[str, Mapping[str, Any]]],
    passed: set[tuple[str, str]],
    exchanges: Exchanges,
) -> None:
    """The SDK does what the case says, as the other SDKs do; a case known to fail must fail, or its entry is stale."""
    reason = known_failing[driver.name].get(case.id)
    try:
        seen = ahead.seen(case, driver)
        exchanges.keep(case.id, driver.name, seen.journal)
        wrong = judge(case, seen)
    except DriverFailed:
        if reason is None:
            raise
        pytest.xfail(reason)
    if reason is not None:
        require_failure(case.id, driver.name, reason, failed=bool(wrong))
        pytest.xfail(reason)
    if wrong:
        pytest.fail(report(case, driver.name, wrong, seen), pytrace=False)
    first, as_first = first_told.setdefault(case.id, (driver.name, told(seen)))
    differing = [
        f"{each.path}: {each.expected!r} there, {each.seen!r} here" for each in differences(as_first, told(seen))
    ]
    assert [] == differing, f"{case.id}: {driver.name} is not like {first}"
    passed.add((case.id, driver.name))


def test_known_failing_names_cases(cases: dict[str, Case], known_failing: dict[str, Mapping[str, str]]) -> None:
    """A list of known failures names only cases that exist."""
    assert [] == [name for listed in known_failing.values() for name in listed if name not in cases]
