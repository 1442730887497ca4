"""What breaks callers of the last release is found, by its pointer; what does not is let pass."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from compatibility import __main__ as command
from compatibility import breaking
from generate import document

from .conftest import MINI, SPEC, Changed

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "breaks.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_change(case: dict[str, Any], mini_text: str, changed: Changed) -> None:
    """A change that breaks is named where it is, and nothing else is; a harmless one is not named."""
    found = breaking(document.parse(mini_text), document.parse(changed(case)))
    if "at" not in case:
        assert [] == found
        return
    at = case["at"] if isinstance(case["at"], list) else [case["at"]]
    assert set(at) == {finding.pointer for finding in found}
    assert any(case["says"] in finding.message for finding in found), found


def test_both_kinds_are_there() -> None:
    """The table has breaks and harmless changes, many of each."""
    breaks = [case for case in CASES if "at" in case]
    assert len(breaks) >= 35
    assert len(CASES) - len(breaks) >= 20


def test_the_document_is_compatible_with_itself() -> None:
    """A document breaks nobody who has it."""
    text = (SPEC / "openapi.yaml").read_text(encoding="utf-8")
    assert [] == breaking(document.parse(text), document.parse(text))


def test_a_type_is_judged_by_who_sends_it(mini_text: str) -> None:
    """The same member is free to be dropped from neither, but a new value of an enum only bothers who must send it."""
    old = document.parse(mini_text)
    assert [] == breaking(old, document.parse(mini_text.replace("enum: [happy, -happy]", "enum: [happy, -happy, shy]")))
    fewer = breaking(old, document.parse(mini_text.replace("enum: [happy, -happy]", "enum: [happy]")))
    assert ["the values '-happy' are no longer taken"] == [finding.message for finding in fewer]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository whose one release has the mini document."""
    (tmp_path / "spec").mkdir()
    spec = tmp_path / "spec"
    (spec / "openapi.yaml").write_text((MINI / "openapi.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    for arguments in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message", "first"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    return spec


def tag(spec: Path, name: str) -> None:
    """A release."""
    subprocess.run(["git", "-C", str(spec), "tag", name], check=True)


def test_the_last_release_is_the_newest(checkout: Path) -> None:
    """Releases are in the order of their versions; other tags are none."""
    assert command.last_release(checkout) is None
    for name in ("v1.9.0", "v1.10.0", "vendor-drop"):
        tag(checkout, name)
    assert command.last_release(checkout) == "v1.10.0"


def test_the_command(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first release nobody can be broken; after it a break fails and says with which release."""
    monkeypatch.setattr(command, "SPEC", checkout)
    here = ["--new", str(checkout / "openapi.yaml")]
    assert command.main(here) == 0
    assert "no release yet" in capsys.readouterr().out
    tag(checkout, "v1.0.0")
    assert command.main(here) == 0
    path = checkout / "openapi.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("operationId: pets.get", "operationId: pets.fetch"))
    assert command.main(here) == 1
    assert "/paths/~1pets~1{pet_id}/get: pets.get is called pets.fetch now" in (told := capsys.readouterr().err)
    assert "compared with v1.0.0" in told
