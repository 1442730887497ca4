"""Laws of the small formats: version ranges, merge patches, ids."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from admin_api_mock import semver
from admin_api_mock.clock import WorldClock
from admin_api_mock.ids import Ids
from admin_api_mock.mergepatch import merge


@pytest.mark.parametrize(
    "version,wanted,expected",
    [
        ("1.2.3", "1.2.3", True),
        ("1.2.3", "=1.2.3", True),
        ("1.2.3", ">1.2.3", False),
        ("1.2.3", ">=1.2.3", True),
        ("1.2.3", "<=1.2", False),
        ("1.10.0", ">1.9.0", True),
        ("2.0.0", "^1.2.0", False),
        ("1.9.9", "^1.2.0", True),
        ("0.3.1", "^0.2.0", False),
        ("0.2.9", "^0.2.0", True),
        ("0.0.4", "^0.0.3", False),
        ("0.9.0", "^0", True),
        ("1.3.0", "~1.2.0", False),
        ("1.2.9", "~1.2.0", True),
        ("1.9.0", "~1", True),
        ("1.0.0-rc.1", ">=1.0.0", False),
        ("1.0.0-rc.2", ">1.0.0-rc.1", True),
        ("1.0.0-alpha.beta", ">1.0.0-alpha.1", True),
        ("1.0.0+build", "1.0.0", True),
        ("3.0.0", "<1.0.0 || >= 3", True),
        ("0.0.0", "*", True),
    ],
)
def test_version_ranges(version: str, wanted: str, expected: bool) -> None:
    """Precedence is that of semver.org; `^` keeps the first number that is not zero, `~` the minor one."""
    assert semver.satisfies(version, wanted) is expected


@pytest.mark.parametrize("wanted", ["", " ", ">=", "1.x", "1.2.3.4", "* || x", ">1 ||"])
def test_malformed_ranges(wanted: str) -> None:
    """A range that is none is told, whatever the version."""
    with pytest.raises(semver.InvalidRange):
        semver.satisfies("1.0.0", wanted)


@pytest.mark.parametrize(
    "target,change,expected",
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: Any, change: Any, expected: Any) -> None:
    """The examples of RFC 7396, appendix A."""
    assert merge(target, change) == expected


def test_ids_rise() -> None:
    """Ids rise strictly though the clock stands still, and with it; a moment of the past gives an id of the past."""
    clock = WorldClock.standing(1_893_456_000_000)
    ids = Ids(clock, Random(1))
    past = ids.new("usr", at_ms=1_000)
    made = [ids.new("usr") for _ in range(1000)]
    clock.advance(1)
    made.append(ids.new("usr"))
    assert [past, *made] == sorted({past, *made})
    assert all(len(one) == len("usr_") + 26 for one in made)
