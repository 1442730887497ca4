"""Writes a folder of generated files: deleted first, LF only, Python formatted by the pinned ruff; compares two."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .findings import Finding, SpecError


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Replace a folder by generated files; Python is formatted here, other languages are laid out by their emitter.

    Raises:
        SpecError: printed text shows an object of the parser instead of a value.
    """
    leaks = [
        Finding(path, "the text of an object was printed") for path, text in files.items() if " object at 0x" in text
    ]
    if leaks:
        raise SpecError(leaks)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch:
        fresh = Path(scratch) / folder.name
        for path, text in files.items():
            target = fresh / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        if any(path.endswith(".py") for path in files):
            _ruff("check", "--select", "I,F401", "--fix", "--quiet", str(fresh))
            _ruff("format", "--line-length", "120", "--quiet", str(fresh))
        if folder.exists():  # only now, so that a failure leaves the last output whole
            shutil.rmtree(folder)
        fresh.rename(folder)


def _ruff(command: str, *arguments: str) -> None:
    # --isolated: the repository's own lint configuration must not change what is generated.
    line = [sys.executable, "-m", "ruff", command, "--isolated", "--no-cache", "--target-version", "py311", *arguments]
    subprocess.run(line, check=True)  # noqa: S603 (our own interpreter, our own arguments)


def differences(expected: Path, found: Path) -> list[str]:
    """Files below two folders that are not the same, byte for byte, by their path."""

    def contents(folder: Path) -> dict[str, bytes]:
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    wanted, there = contents(expected), contents(found)
    return sorted(path for path in {*wanted, *there} if wanted.get(path) != there.get(path))
