"""Which rule is proved by which case on which driver: the table in COVERAGE.md, and what no case proves.

`python -m runner.coverage` writes it, from the folder `tests`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from runner.known import known_failures
from runner.load import SPEC, TESTS, Case, load_folder
from runner.process import DRIVERS

PAGE: Final = TESTS / "COVERAGE.md"
ELSEWHERE: Final = TESTS / "elsewhere.yaml"
_ROOT: Final = TESTS.parent
_RULE: Final = re.compile(r"^- \*\*(?P<id>[A-Z]+-[0-9]+)\*\* (?P<text>.*?)(?=^- \*\*|^#|\Z)", re.MULTILINE | re.DOTALL)
#: Of a rule's text in the table.
_GIST_CHARACTERS: Final = 90


@dataclass(frozen=True, slots=True)
class Proof:
    """A test outside of the cases, `file::name`, and what it proves of a rule."""

    test: str
    why: str

    def exists(self) -> bool:
        """Whether there is such a test: a Python function, or a title in a file of node:test."""
        file, _, name = self.test.partition("::")
        path = _ROOT / file
        if not name or not path.is_file():
            return False
        text = path.read_text("utf-8")
        return f"def {name}(" in text if path.suffix == ".py" else f"'{name}'" in text or f'"{name}"' in text


@cache
def gists() -> Mapping[str, str]:
    """Each rule's id and how its text begins, in the order of spec/behaviour.md."""
    text = (SPEC / "behaviour.md").read_text("utf-8")
    return {match["id"]: _gist(match["text"]) for match in _RULE.finditer(text)}


def _gist(text: str) -> str:
    line = " ".join(text.split()).replace("|", "\\|")
    if len(line) <= _GIST_CHARACTERS:
        return line
    cut = line[:_GIST_CHARACTERS].rpartition(" ")[0]
    return cut + ("`" if cut.count("`") % 2 else "") + " …"


def elsewhere() -> Mapping[str, Sequence[Proof]]:
    """Rule → the tests that prove it, or what no case can show of it."""
    listed: dict[str, list[dict[str, Any]]] = yaml.safe_load(ELSEWHERE.read_text("utf-8"))
    return {rule: [Proof(**proof) for proof in proofs] for rule, proofs in listed.items()}


def unproved(cases: Sequence[Case]) -> list[str]:
    """Rules that neither a case nor a test elsewhere proves."""
    proved = {case.rule for case in cases} | elsewhere().keys()
    return [rule for rule in gists() if rule not in proved]


def page(cases: Sequence[Case]) -> str:
    """The whole of COVERAGE.md."""
    return "\n".join(_lines(cases)) + "\n"


def _lines(cases: Sequence[Case]) -> Iterator[str]:
    lists = {name: known_failures(name) for name in DRIVERS}
    proofs = elsewhere()
    yield from (
        "# What proves each rule",
        "",
        "Written by `python -m runner.coverage` in this folder; `make contract` fails if it has drifted.",
        "A row is a case, or a table of so many. ✓ it holds · ✗ it is known not to (`known-failing/`) · – the driver",
        "lacks what the case needs.",
        "",
        f"{len(cases)} cases from {len({case.written for case in cases})} documents, on {len(DRIVERS)} drivers.",
    )
    for rule, gist in gists().items():
        own = [case for case in cases if case.rule == rule]
        yield from ("", f"## {rule}", "", gist, "")
        if own:
            yield "| case | of | " + " | ".join(DRIVERS) + " |"
            yield "|---|--:|" + "---|" * len(DRIVERS)
        for written in dict.fromkeys(case.written for case in own):
            of_it = [case for case in own if case.written == written]
            marks = [_mark(of_it, name, lists[name]) for name in DRIVERS]
            yield f"| `{written}` | {len(of_it)} | " + " | ".join(marks) + " |"
        if own and rule in proofs:
            yield ""
        yield from (f"- `{proof.test}`: {proof.why}" for proof in proofs.get(rule, ()))


def _mark(cases: Sequence[Case], driver: str, known: Mapping[str, str]) -> str:
    if not cases[0].needs <= DRIVERS[driver].features:
        return "–"
    failing = sum(case.id in known for case in cases)
    return "✓" if not failing else "✗" if failing == len(cases) else f"✓ {len(cases) - failing} ✗ {failing}"


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(load_folder()), "utf-8", newline="\n")
    sys.stdout.write(f"{PAGE.relative_to(_ROOT)}\n")


if __name__ == "__main__":
    main()
