"""Processes that share a token store, each with a client of its own, and what they are told and tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
COMMANDS: Final = {"python": [sys.executable, str(HERE / "member.py")], "node": ["node", str(HERE / "member.mjs")]}


class Member:
    """A process with a client of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert {"ready": True} == self.told()

    def call(self, now_ms: int | None = None) -> None:
        """Has it call, at this moment of a clock that is told; `told` waits for what comes of it."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n" if now_ms is None else f"{now_ms}\n")
        self.process.stdin.flush()

    def told(self) -> dict[str, Any]:
        """Its next word."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the member ended with {self.process.wait(10)}"
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def member(language: str, facts: dict[str, Any]) -> Iterator[Member]:
    """A process that is ready, ended with the test."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ADMIN_API_") and not name.lower().endswith("_proxy")
    }
    with subprocess.Popen(
        [*COMMANDS[language], json.dumps(facts)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment,
    ) as process:  # fmt: skip
        try:
            yield Member(process)
        finally:
            process.kill()
