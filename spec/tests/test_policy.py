"""`policy.yaml` becomes constants, one name for each number."""

from __future__ import annotations

from pathlib import Path

import pytest

from generate import policy
from generate.findings import SpecError


def load(tmp_path: Path, text: str) -> policy.Policy:
    """The policy of a text."""
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return policy.load(path)


def test_names_and_values(tmp_path: Path) -> None:
    """A number is named by section and key, a list is a frozen set."""
    found = load(tmp_path, "version: 1.0.0\nretry:\n  base: 0.5\n  statuses: [429, 503]\n")
    assert {"version": "1.0.0", "retry_base": 0.5, "retry_statuses": (429, 503)} == found
    text = policy.emit(found)
    assert "RETRY_BASE: Final = 0.5\n" in text
    assert "RETRY_STATUSES: Final = frozenset({429, 503})\n" in text
    assert 'VERSION: Final = "1.0.0"\n' in text


@pytest.mark.parametrize(
    "text, pointer",
    [("a:\n  b_c: 1\na_b:\n  c: 2\n", "/a_b/c"), ("a: null\n", "/a"), ("a: [1, {b: 2}]\n", "/a"), ("a: []\n", "/a")],
    ids=["two keys, one name", "null", "a list of objects", "an empty list"],
)
def test_refused(tmp_path: Path, text: str, pointer: str) -> None:
    """What has no plain constant is refused by its place."""
    with pytest.raises(SpecError) as caught:
        load(tmp_path, text)
    assert [pointer] == [finding.pointer for finding in caught.value.findings]
