"""A driver's side of the protocol: its command line, its hello, and lines to the runner."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path
from typing import Any, Literal

VERSION = 1
MUTANTS = Path(__file__).resolve().parent.parent / "mutants"

_writing = threading.Lock()


def say(**message: Any) -> None:
    """One line to the runner; stdout is for nothing else."""
    line = json.dumps(message) + "\n"
    with _writing:
        sys.stdout.write(line)
        sys.stdout.flush()


def begin(flavour: Literal["sync", "async"], features: list[str]) -> None:
    """Puts the mutant in that the command line names, if any, and says hello."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mutant", help="a bug of mutants.yaml to run with")
    mutant = parser.parse_args().mutant
    if mutant:
        sys.path.insert(0, str(MUTANTS))
        import python_mutants

        python_mutants.apply(mutant, flavour)
    say(type="hello", protocol=VERSION, driver=f"python-{flavour}", features=features)
