"""The two SDKs are one: a difference between them is allowed by a rule, or it is a mistake (PARITY)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from parity.facts import Facts, node_facts, python_facts
from runner.load import rules

ALLOWED: Mapping[str, Mapping[str, Mapping[str, list[str]]]] = yaml.safe_load(
    (Path(__file__).parent / "parity" / "differences.yaml").read_text("utf-8")
)
TOPICS = (
    "rooms",
    "names",
    "encryption",
    "operations",
    "parameters",
    "members",
    "errors",
    "options",
    "limits",
    "policy",
    "stack",
    "codes",
    "environment",
)


@pytest.fixture(scope="module")
def both() -> dict[str, Facts]:
    """The facts of each SDK."""
    return {"python": python_facts(), "node": node_facts()}


def only(both: Mapping[str, Facts], topic: str, language: str) -> frozenset[str]:
    """What only this SDK has."""
    (other,) = {*both} - {language}
    return both[language][topic] - both[other][topic]


def listed() -> Iterator[tuple[str, str, str, str]]:
    """Topic, language, rule and pattern of each difference that is allowed."""
    for topic, by_language in ALLOWED.items():
        for language, by_rule in by_language.items():
            for rule, patterns in by_rule.items():
                yield from ((topic, language, rule, pattern) for pattern in patterns)


@pytest.mark.parametrize("language", ["python", "node"])
@pytest.mark.parametrize("topic", TOPICS)
def test_no_difference_without_a_rule(topic: str, language: str, both: dict[str, Facts]) -> None:
    """What one SDK has the other has too, unless a rule says why not."""
    allowed = [pattern for where, whose, _, pattern in listed() if (where, whose) == (topic, language)]
    assert both[language][topic], "nothing was found, so nothing was compared"
    assert [] == sorted(
        fact for fact in only(both, topic, language) if not any(fnmatchcase(fact, pattern) for pattern in allowed)
    )


def test_no_rule_without_a_difference(both: dict[str, Facts]) -> None:
    """An allowed difference that is none any more is taken out of the list."""
    assert [] == [
        (topic, language, pattern)
        for topic, language, _, pattern in listed()
        if not any(fnmatchcase(fact, pattern) for fact in only(both, topic, language))
    ]


def test_every_difference_cites_a_rule() -> None:
    """The rules that are cited are there."""
    assert set() == {rule for _, _, rule, _ in listed()} - rules()


def test_every_topic_is_compared(both: dict[str, Any]) -> None:
    """No topic is gathered in one language only, or gathered and not compared."""
    assert set(TOPICS) == both["python"].keys() == both["node"].keys() >= ALLOWED.keys()
