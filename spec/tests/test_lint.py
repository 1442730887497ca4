"""What the generator refuses: every construct that would be dropped or garbled, named by its JSON pointer."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from generate import adapter, build, document, lint, python
from generate.findings import SpecError

from .conftest import SPEC, Changed

CASES = {
    f"{kind}: {case['name']}": case
    for kind, cases in yaml.safe_load((Path(__file__).parent / "refused.yaml").read_text(encoding="utf-8")).items()
    for case in cases
}


def everything(text: str) -> None:
    """The whole pipeline up to the printed text."""
    raw = document.parse(text)
    lint.check(raw)
    python.emit(build.build(raw, adapter.parse(raw)))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_refused(case: dict[str, Any], changed: Changed) -> None:
    """A construct that is not carried whole is an error at its place, never a silent loss."""
    with pytest.raises(SpecError) as caught:
        everything(changed(case))
    there = [finding.message for finding in caught.value.findings if finding.pointer == case["at"]]
    assert any(case["says"] in message for message in there), caught.value


def test_mini_passes(mini_text: str) -> None:
    """Every construct that is carried passes: the refusals above are due to their change alone."""
    everything(mini_text)


def test_document_passes() -> None:
    """The project's own document has no finding."""
    assert [] == lint.lint(document.load(SPEC / "openapi.yaml"))


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2\n", "- 1\n", "{", ""], ids=["duplicate key", "an array", "no YAML", "nothing"]
)
def test_unreadable(text: str) -> None:
    """What is no YAML object with each key once is refused as a whole."""
    with pytest.raises(SpecError):
        document.parse(text)


def test_all_findings_at_once(mini_text: str) -> None:
    """All findings are told at once, in the order of their places."""
    with pytest.raises(SpecError) as caught:
        everything(mini_text + "x-b: 1\nx-a: 2\n")
    assert ["/x-a", "/x-b"] == [finding.pointer for finding in caught.value.findings]


HOSTILE = 'quotes """ and \' and \\ and \\n, braces {x} {{ y }}, and\n\n    import os\n"""\nraise SystemExit\n"""'


def test_text_stays_text(changed: Changed) -> None:
    """Text of the document is text in the output, whatever it holds: nothing in it becomes code."""
    raw = document.parse(changed({"put": "/info/description", "value": "x"}))
    plain = python.emit(build.build(raw, adapter.parse(raw)))
    for where in ("/tags/0/description", "/paths/~1pets/post/description", "/components/schemas/Mood/description"):
        raw = document.parse(changed({"put": where, "value": HOSTILE}))
        found = python.emit(build.build(raw, adapter.parse(raw)))
        assert {path: shape(text) for path, text in plain.items()} == {
            path: shape(text) for path, text in found.items()
        }
    value = 'a"\\b'
    raw = document.parse(changed({"put": "/components/schemas/Mood/enum", "value": [value]}))
    tree = ast.parse(python.emit(build.build(raw, adapter.parse(raw)))["models/pets.py"])
    assert value in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def shape(text: str) -> str:
    """A module's code without its strings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


def test_parser_version(monkeypatch: pytest.MonkeyPatch, mini_text: str) -> None:
    """Another version of the parser is refused: its internals are no public API."""
    monkeypatch.setattr(adapter, "PARSER_VERSION", "0.0.0")
    with pytest.raises(SpecError, match=r"0\.0\.0"):
        everything(mini_text)


def test_one_adapter() -> None:
    """The parser is imported in one file and nowhere else."""
    importing = {
        path.relative_to(SPEC).as_posix()
        for path in (SPEC / "generate").rglob("*.py")
        if "import openapi_python_client" in (text := path.read_text(encoding="utf-8"))
        or "from openapi_python_client" in text
    }
    assert {"generate/adapter.py"} == importing


def test_rooms_are_small() -> None:
    """No file of the generator is longer than 400 lines."""
    long = [path for path in Path(SPEC / "generate").rglob("*.py") if len(path.read_text().splitlines()) > 400]
    assert [] == long
