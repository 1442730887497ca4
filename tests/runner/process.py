"""A driver's process: JSON lines in and out, its stderr kept for the report, ended when it hangs or dies."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, Self, TypeAlias

from runner.load import TESTS

Message: TypeAlias = dict[str, Any]

PROTOCOL: Final = 1
#: A driver that owes an answer and says nothing for so long hangs.
PATIENCE_SECONDS: Final = 5.0
START_SECONDS: Final = 30.0
_KEPT_LINES = 200


@dataclass(frozen=True, slots=True)
class DriverSpec:
    """How a driver is started, and what it can do that others cannot."""

    command: Sequence[str]
    features: frozenset[str]


#: Development mode: a socket left open or a task nobody awaited is told on stderr.
PYTHON: Final = (sys.executable, "-X", "dev")
#: What a sound SDK never causes on a driver's stderr, whatever the case.
_NOISE: Final = re.compile(r"Traceback|\bException|Warning:|never awaited|never retrieved|was destroyed")

#: What would configure an SDK from outside its case, and have it read a bundle of CAs for each client.
_OF_AN_SDK: Final = ("ADMIN_API_", "SSL_CERT_", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")

DRIVERS: Final[Mapping[str, DriverSpec]] = {
    "python-sync": DriverSpec((*PYTHON, str(TESTS / "drivers" / "python_sync.py")), frozenset({"close", "validates"})),
    "python-async": DriverSpec(
        (*PYTHON, str(TESTS / "drivers" / "python_async.py")), frozenset({"cancel", "close", "prefetch", "validates"})
    ),
    "node": DriverSpec(("node", str(TESTS / "drivers" / "node.mjs")), frozenset({"cancel", "close", "prefetch"})),
}


class DriverFailed(Exception):
    """The driver hung, died or broke the protocol; what it wrote to stderr is in the message."""


class Driver:
    """One driver process; started again, for the next case, when it had to be ended."""

    def __init__(
        self, name: str, spec: DriverSpec, mutant: str | None = None, patience: float = PATIENCE_SECONDS
    ) -> None:
        self.name = name
        self.patience = patience
        self.features = spec.features
        self._command = [*spec.command, *(["--mutant", mutant] if mutant else [])]
        self._process: subprocess.Popen[str] | None = None
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._stderr: deque[str] = deque(maxlen=_KEPT_LINES)
        self._readers: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def ensure_started(self) -> None:
        """Starts the process if there is none, and waits for its hello."""
        if self._process is not None:
            return
        self._inbox = queue.SimpleQueue()
        self._stderr.clear()
        self._process = process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=_clean_environment(),
        )
        assert process.stdout is not None
        assert process.stderr is not None
        self._readers = [
            threading.Thread(target=_read_messages, args=(process.stdout, self._inbox, self._stderr), daemon=True),
            threading.Thread(target=_read_lines, args=(process.stderr, self._stderr), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        hello = self.receive(START_SECONDS)
        told = (hello.get("type"), hello.get("protocol"), hello.get("driver"), frozenset(hello.get("features") or ()))
        if told != ("hello", PROTOCOL, self.name, self.features):
            raise self.failed(f"it introduced itself as {hello}")

    def send(self, message: Message) -> None:
        """One line to the driver."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self.failed("it is gone") from None

    def receive(self, seconds: float | None = None) -> Message:
        """The next line from the driver. Raises DriverFailed when none comes, and ends the driver."""
        seconds = self.patience if seconds is None else seconds
        message = self.listen(seconds)
        if message is None:
            raise self.failed(f"it said nothing for {seconds:g} s")
        return message

    def listen(self, seconds: float) -> Message | None:
        """The next line from the driver, None if none comes in time. Raises DriverFailed when it has ended."""
        try:
            message = self._inbox.get(timeout=seconds)
        except queue.Empty:
            return None
        if message is None:
            raise self.failed("it ended")
        return message

    def waiting(self) -> bool:
        """Whether a line has come that was not received yet."""
        return not self._inbox.empty()

    def noise(self) -> list[str]:
        """Lines of stderr that tell of something leaked or lost; ask after `stop`."""
        return [line for line in self._stderr if _NOISE.search(line)]

    def said(self) -> str:
        """The end of its stderr; ask after `stop`."""
        return "".join(self._stderr)

    def failed(self, why: str) -> DriverFailed:
        """Ends the driver; the error to raise about it."""
        self.stop(kill=True)
        return DriverFailed(f"driver {self.name}: {why}\n--- its stderr ---\n{self.said() or '(nothing)'}")

    def stop(self, *, kill: bool = False) -> None:
        """Ends the process: by end of input, or at once."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        if kill:
            process.kill()
        try:
            process.stdin.close()
        except BrokenPipeError:
            kill = True  # it is gone already
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._stderr.append("Warning: it did not end at the end of its input; something keeps it open\n")
            process.kill()
            process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def _clean_environment() -> dict[str, str]:
    """Without what would configure an SDK from outside its case."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OF_AN_SDK) and not name.lower().endswith("_proxy")
    }


def _read_messages(stream: IO[str], inbox: queue.SimpleQueue[Message | None], stderr: deque[str]) -> None:
    for line in stream:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):  # stdout is for the protocol alone
            stderr.append(f"(on stdout, and no message) {line}")
            break
        inbox.put(message)
    inbox.put(None)


def _read_lines(stream: IO[str], lines: deque[str]) -> None:
    lines.extend(iter(stream.readline, ""))
