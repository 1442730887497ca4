"""The command as a context manager: a server of one's own, as a subprocess that does not outlive its owner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Self, Unpack

from admin_api_mock.control._generated import models as m
from admin_api_mock.control.client import Control, WorldHandle

START_SECONDS = 20.0
#: Plain HTTP on a free port.
ARGUMENTS = ("--port", "0", "--no-tls")


@dataclass(frozen=True, slots=True)
class Ready:
    """The server's first line."""

    url: str
    ca: str | None
    token_url: str
    pid: int


class MockServer:
    """The command as a subprocess: started on entry, ended by its pid on exit, at the latest with this interpreter.

    `arguments` are those of `admin-api-mock`; by default plain HTTP on a free port. Raises RuntimeError if it does not
    come up; what the command says of that is on stderr.
    """

    def __init__(self, arguments: Sequence[str] = ARGUMENTS) -> None:
        self._arguments = list(arguments)
        self._process: subprocess.Popen[str] | None = None
        self.ready: Ready

    @property
    def url(self) -> str:
        """The root URL."""
        return self.ready.url

    @cached_property
    def control(self) -> Control:
        """The control plane."""
        return Control(self.ready.url, self.ready.ca)

    def create_world(self, **creation: Unpack[m.WorldCreation]) -> WorldHandle:
        """A new world, as `Control.create_world`."""
        return self.control.create_world(**creation)

    def start(self) -> Self:
        """Starts the command and waits for its ready line."""
        if self._process is not None:
            raise RuntimeError("This server runs already.")
        self._process = process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [sys.executable, "-m", "admin_api_mock", *self._arguments],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        weakref.finalize(self, _end, process)
        try:
            self.ready = _first_line(process)
        except BaseException:
            self.stop()
            raise
        self.__dict__.pop("control", None)  # that of an earlier start
        return self

    def stop(self) -> int:
        """Ends the command; its exit code."""
        process, self._process = self._process, None
        return 0 if process is None else _end(process)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _first_line(process: subprocess.Popen[str]) -> Ready:
    assert process.stdout is not None
    alarm = threading.Timer(START_SECONDS, process.kill)  # ends the read below
    alarm.daemon = True
    alarm.start()
    try:
        line = process.stdout.readline()
    finally:
        alarm.cancel()
    if not line:
        raise RuntimeError(f"admin-api-mock did not start: exit code {process.wait(START_SECONDS)}")
    try:
        return Ready(**json.loads(line))
    except (ValueError, TypeError):
        raise RuntimeError(f"admin-api-mock did not say where it is, but {line!r}") from None


def _end(process: subprocess.Popen[str]) -> int:
    """Ends a process politely, then by force; nothing if it has ended."""
    process.terminate()
    try:
        code = process.wait(START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    assert process.stdout is not None
    process.stdout.close()
    return code
