"""All that the server saw and said in a session, as JSON lines, and Ajv's verdict on it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from runner.load import SPEC, TESTS

PROGRAM: Final = TESTS / "judges" / "exchanges.mjs"
#: Of everything together; it takes about two.
SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Where an exchange is not as the document says. `line` counts from 1."""

    line: int
    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, and by operation what was judged: how many requests, and the status of each answer."""

    faults: tuple[Fault, ...]
    judged: Mapping[str, Mapping[str, Any]]


class Exchanges:
    """The exchanges of a session in a file, in the order of the cases."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self.path = path
        self._file = file
        #: Case and driver of each line.
        self.origins: list[str] = []
        #: Those that were heard, though they may have exchanged nothing.
        self.heard: set[str] = set()

    def keep(self, case_id: str, driver: str, journal: Iterable[Mapping[str, Any]]) -> None:
        """Writes down what a world's journal has."""
        origin = f"{case_id}@{driver}"
        self.heard.add(origin)
        for entry in journal:
            self.origins.append(origin)
            self._file.write(json.dumps({"of": origin, **entry}) + "\n")

    def judged(self) -> Verdict:
        """What Ajv says about all of them. Raises RuntimeError if it could not be asked."""
        self._file.flush()
        with self.path.open(encoding="utf-8") as lines:
            return judged(lines)


def judged(exchanges: IO[str]) -> Verdict:
    """What Ajv says about the exchanges of a file. Raises RuntimeError if it could not be asked."""
    ran = subprocess.run(
        ["node", str(PROGRAM), str(SPEC / "openapi.yaml")],
        stdin=exchanges, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    if ran.returncode != 0 or ran.stderr:
        raise RuntimeError(f"The judge failed ({ran.returncode}):\n{ran.stderr}")
    *faults, last = map(json.loads, ran.stdout.splitlines())
    return Verdict(tuple(Fault(**fault) for fault in faults), last["judged"])


def told(verdict: Verdict, origins: list[str]) -> Iterator[str]:
    """A line per fault, by the case and the driver it came from."""
    for fault in verdict.faults:
        yield f"{origins[fault.line - 1]}: {fault.pointer}: {fault.message} (line {fault.line})"
