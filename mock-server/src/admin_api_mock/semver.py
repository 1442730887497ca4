"""Semantic versions (semver.org 2.0.0) and the ranges plugins ask for: comparators, `^`, `~`, `*`, `||`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

#: Core numbers, then prerelease identifiers; a release sorts after its prereleases (semver.org, 11).
Version: TypeAlias = tuple[tuple[int, int, int], tuple[int, tuple[tuple[int, int, str], ...]]]

_PARTIAL = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_COMPARATOR = re.compile(r"\s*(>=|<=|>|<|=|\^|~)?\s*(\S+)")
_RELEASE: tuple[int, tuple[tuple[int, int, str], ...]] = (1, ())


class InvalidRange(ValueError):
    """The text is not a version range."""


def parse(text: str) -> Version:
    """A version, or a part of one filled up with zeros; build metadata does not count. Raises InvalidRange."""
    match = _PARTIAL.fullmatch(text)
    if match is None:
        raise InvalidRange
    core = (int(match[1]), int(match[2] or 0), int(match[3] or 0))
    if match[4] is None:
        return core, _RELEASE
    identifiers = tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in match[4].split(".")
    )  # Numbers sort before words (semver.org, 11.4.3).
    return core, (0, identifiers)


def satisfies(version: str, range_text: str) -> bool:
    """Whether `version` lies in the range. Raises InvalidRange."""
    found = parse(version)
    # Every alternative is read before any is judged: a malformed one is told whatever the version.
    verdicts = [_satisfies_all(found, alternative) for alternative in range_text.split("||")]
    return any(verdicts)


def _satisfies_all(version: Version, text: str) -> bool:
    text = text.strip()
    if text == "*":
        return True
    comparators = _COMPARATOR.findall(text)
    if not comparators:
        raise InvalidRange
    verdicts = [_TESTS[operator](version, operand) for operator, operand in comparators]
    return all(verdicts)


def _below_next(version: Version, operand: str, *, caret: bool) -> bool:
    """The upper end of `^` (the first number that is not zero may not change) and `~` (nor the minor one)."""
    low = parse(operand)
    if version < low:
        return False
    major, minor, patch = low[0]
    given = operand.partition("-")[0].count(".")
    if given == 0 or (caret and major):
        limit = (major + 1, 0, 0)
    elif not caret or minor or given == 1:
        limit = (major, minor + 1, 0)
    else:
        limit = (0, 0, patch + 1)
    return version[0] < limit


_TESTS: Mapping[str, Callable[[Version, str], bool]] = {
    ">=": lambda version, operand: version >= parse(operand),
    "<=": lambda version, operand: version <= parse(operand),
    ">": lambda version, operand: version > parse(operand),
    "<": lambda version, operand: version < parse(operand),
    "=": lambda version, operand: version == parse(operand),
    "": lambda version, operand: version == parse(operand),
    "^": lambda version, operand: _below_next(version, operand, caret=True),
    "~": lambda version, operand: _below_next(version, operand, caret=False),
}
