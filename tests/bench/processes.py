"""Child processes of a measurement: where they run, what they see of the environment, and that they end."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = Path(__file__).resolve().parent
STOP_SECONDS = 10

#: What a program needs to run at all. Tokens, proxies and log levels of the shell would change what is measured.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")


def environment() -> dict[str, str]:
    """The environment of every measured process."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def cores() -> tuple[int, int] | None:
    """Two cores, one for each side of a connection; None where processes cannot be pinned or there is only one."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else None


@contextmanager
def pinned(core: int | None) -> Generator[None]:
    """What is started within runs on this core, with every thread it makes; None leaves it to the system."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def started(command: Sequence[str], *, core: int | None = None) -> Generator[subprocess.Popen[str]]:
    """A child with pipes to its standard input and output, stopped at the end by its own handle."""
    with pinned(core):
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT
        )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
        try:
            child.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def line_of(child: subprocess.Popen[str]) -> str:
    """The child's next line. RuntimeError if it has ended instead; what it said is on standard error already."""
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"{child.args!r} ended with code {child.wait()}")
    return line


def python(room: str, *arguments: str) -> list[str]:
    """The command that runs one of this folder's rooms as a process of its own."""
    return [sys.executable, str(BENCH / room), *arguments]


def cpu_seconds(child: int) -> float:
    """CPU time of a running process, all threads; nan where /proc does not tell."""
    try:
        stat = Path(f"/proc/{child}/stat").read_text(encoding="ascii")
    except OSError:
        return math.nan
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
