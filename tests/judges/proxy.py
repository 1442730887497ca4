"""Prism as a proxy that validates what passes, and tells what is wrong in a header of the answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from typing import IO, Any, Final, Self

from runner.load import SPEC

PROGRAM: Final = SPEC / "node_modules" / ".bin" / "prism"
#: It reads the document first, which takes a second or two.
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0


class Prism:
    """`prism proxy` before an upstream, on a free port; without `--errors` it tells what is wrong and lets it pass."""

    def __init__(self, upstream: str) -> None:
        self._command = [str(PROGRAM), "proxy", str(SPEC / "openapi.yaml"), upstream, "-p", "0"]
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self.url = ""

    def __enter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        said: list[str] = []
        try:
            while not self.url:
                line = self._lines.get(timeout=START_SECONDS)
                assert line is not None, "".join(said)
                said.append(line)
                found = re.search(r"listening on (http://127\.0\.0\.1:\d+)", line)
                self.url = found[1] if found else ""
        except (Empty, AssertionError):
            self.__exit__()
            raise AssertionError(f"Prism did not start:\n{''.join(said)}") from None
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put(None)


def violations(answer_headers: Mapping[str, str]) -> list[dict[str, Any]]:
    """What Prism says is wrong with an exchange, warnings too: `location`, `code`, `message`."""
    found: list[dict[str, Any]] = json.loads(answer_headers.get("sl-violations", "[]"))
    return found
