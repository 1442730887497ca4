"""Where the CPU time of a measured call goes, by package and by room of the SDK: what limits a figure.

A profiler costs time of its own, most where functions are small; the shares say where to look, not how long it takes.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias, cast

from calls import FLAVOURS
from imports import OURS, PROGRAMS
from processes import BENCH, cores, environment, line_of, python, started

#: What stands for less than this is one line together.
SHOWN = 0.02
CALLS = {"sync": 2000, "async": 2000, "node": 6000}
#: Written in C, and not for whoever calls it to mend.
IN_C = {"_socket.": "sockets", "select.": "sockets", "pydantic_core": "pydantic", "posix.stat": "imports"}
SDKS = {"python-sdk/src/": "admin_api", "node-sdk/dist/": "admin-api"}


Function: TypeAlias = tuple[str, int, str]
Stats: TypeAlias = Mapping[Function, tuple[int, int, float, float, Mapping[Function, tuple[int, int, float, float]]]]


def of_calls(flavour: str, shape: str) -> dict[str, float]:
    """Where → share of the time, of a warm process that makes nothing but this call; most first."""
    way = FLAVOURS[flavour]
    server_core, client_core = cores() or (None, None)
    with TemporaryDirectory() as folder, started(python("canned.py"), core=server_core) as server:
        command = way.command(way.ours, shape, f"http://127.0.0.1:{line_of(server).strip()}")
        with started(_profiled(command, folder), core=client_core) as child:
            line_of(child)
            child.communicate(f"{CALLS[flavour]}\n")
        files = list(Path(folder).iterdir())
        if child.returncode != 0 or len(files) != 1:
            raise RuntimeError(f"No profile: {command!r} ended with code {child.returncode}")
        return _shares(_of_v8(files[0]) if flavour == "node" else _of_cpython(files[0]))


def of_import() -> dict[str, float]:
    """The same of a fresh interpreter that makes a client with its first resource: what each module costs by itself."""
    command = [sys.executable, "-X", "importtime", "-c", PROGRAMS[OURS]]
    told = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True).stderr
    lines = [line.removeprefix("import time:").split("|") for line in told.splitlines() if "self [us]" not in line]
    return _shares((name.strip().partition(".")[0].lstrip("_"), int(micros) / 1e6) for micros, _, name in lines)


def as_markdown(profiles: Mapping[str, Mapping[str, float]]) -> str:
    """A line per budget."""
    rows = [
        f"| `{name}` | {', '.join(f'{where} {share:.0%}' for where, share in found.items())} |"
        for name, found in profiles.items()
    ]
    return "\n".join(["| budget | where the time goes |", "|---|---|", *rows]) + "\n"


def _shares(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    spent = Counter[str]()
    for where, seconds in parts:
        spent[where] += seconds
    total = sum(spent.values())
    found = Counter[str]()
    for where, seconds in spent.items():
        package, _, room = where.partition("/")
        small = seconds / total < SHOWN
        found[f"{package}, other rooms" if room and small else "all else" if small else where] += seconds / total
    return dict(found.most_common())


def _profiled(command: list[str], folder: str) -> list[str]:
    if command[0] == "node":
        return ["node", "--cpu-prof", f"--cpu-prof-dir={folder}", *command[1:]]
    return [command[0], str(BENCH / "profiles.py"), str(Path(folder) / "profile"), *command[2:]]


def _of_cpython(file: Path) -> Iterator[tuple[str, float]]:
    """Self time by file; what is written in C counts for its caller, but for what the system and pydantic do."""
    for (path, _, name), (_, _, seconds, _, callers) in cast("Stats", vars(pstats.Stats(str(file)))["stats"]).items():
        if path != "~":
            yield _place(path), seconds
        elif of_others := next((whose for part, whose in IN_C.items() if part in name), None):
            yield of_others, seconds
        else:
            for (caller, _, _), (_, _, within, _) in callers.items():
                yield _place(caller), within


def _of_v8(file: Path) -> Iterator[tuple[str, float]]:
    """Samples by file; what V8 itself does in parentheses. Waiting for the peer is none of it."""
    profile = json.loads(file.read_text("utf-8"))
    frames = {node["id"]: node["callFrame"] for node in profile["nodes"]}
    for sample, micros in zip(profile["samples"], profile["timeDeltas"], strict=True):
        frame = frames[sample]
        if frame["functionName"] != "(idle)":
            yield _place(frame["url"]) if frame["url"] else frame["functionName"], micros / 1e6


def _place(path: str) -> str:
    """A room of the SDK, a package, or a module of the language's own."""
    for folder, name in SDKS.items():
        if folder in path:
            return f"{name}/{path.partition(folder)[2].removeprefix('admin_api/')}"
    if "site-packages/" in path:
        return path.partition("site-packages/")[2].partition("/")[0]
    if path.startswith("node:internal/deps/"):
        return path.removeprefix("node:internal/deps/").partition("/")[0]
    if "importlib" in path:
        return "imports"
    return "node" if path.startswith("node:") else Path(path).stem


def main(file: str, *arguments: str) -> None:
    """Runs `subjects` under the profiler."""
    import subjects

    profiler = cProfile.Profile()
    profiler.runcall(subjects.main, *arguments)
    profiler.dump_stats(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
