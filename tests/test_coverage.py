"""No rule and no operation goes without proof, and the page that shows it is of today."""

from __future__ import annotations

from runner.coverage import PAGE, elsewhere, gists, page, unproved
from runner.load import Case, rules, sdk_operations


def test_every_operation_has_a_case(cases: dict[str, Case]) -> None:
    """No operation of the SDKs is without a case that calls it."""
    called = {step["call"] for case in cases.values() for step in case.steps if "call" in step}
    assert set() == sdk_operations() - called


def test_every_rule_is_proved(cases: dict[str, Case]) -> None:
    """Each rule of spec/behaviour.md has a case, or stands in elsewhere.yaml with the test that proves it."""
    assert [] == unproved(list(cases.values()))


def test_every_rule_is_found() -> None:
    """The rules of the page are those that cases may cite, and each stands once."""
    assert rules() == gists().keys()


def test_what_is_proved_elsewhere_is() -> None:
    """A test that elsewhere.yaml names is there, and the rule that it proves too."""
    assert [] == [proof.test for proofs in elsewhere().values() for proof in proofs if not proof.exists()]
    assert set() == elsewhere().keys() - gists().keys()


def test_the_page_is_of_today(cases: dict[str, Case]) -> None:
    """COVERAGE.md is what `python -m runner.coverage` writes."""
    assert page(list(cases.values())) == PAGE.read_text("utf-8")
