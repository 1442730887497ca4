"""`python -m chaos [--driver node] [--seed 7] [--chapter 12 | --mutations 10000]`: plays until there are so many."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase

from runner.process import DRIVERS, Driver, DriverFailed

from admin_api_mock.control import Control, MockServer
from chaos.tally import tally

MUTATIONS = 10_000


def main() -> int:
    """Plays on each driver in turn; 1 if any broke a law."""
    parser = argparse.ArgumentParser(prog="make chaos ARGS=…", description=__doc__)
    parser.add_argument("--driver", default="*", help="only drivers whose name is like this")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn")
    parser.add_argument("--chapter", type=int, help="this chapter alone")
    parser.add_argument("--mutations", type=int, default=MUTATIONS, help="how many, per SDK")
    parser.add_argument("--mutant", help="a bug of mutants.yaml to run with")
    given = parser.parse_args()
    chapters = range(sys.maxsize) if given.chapter is None else [given.chapter]
    chosen = [name for name in DRIVERS if fnmatchcase(name, given.driver)]
    with MockServer() as server:
        held = [_holds(Driver(name, DRIVERS[name], given.mutant), server.control, chapters, given) for name in chosen]
    return 0 if held and all(held) else 1


def _holds(driver: Driver, control: Control, chapters: Sequence[int], given: argparse.Namespace) -> bool:
    """Plays on one driver and prints what came of it; whether all laws held, and nothing was left behind."""
    began = time.monotonic()
    try:
        with driver:
            total = tally(driver, control, given.seed, chapters, given.mutations)
    except DriverFailed as failure:
        print(f"==> {driver.name}, seed {given.seed}\n{failure}")
        return False
    print(f"==> {driver.name}, seed {given.seed}, {time.monotonic() - began:.0f} s\n{total}", flush=True)
    wrong = [*total.stories, *driver.noise()]
    for each in wrong:
        print(f"\n{each}")
    return not wrong


if __name__ == "__main__":
    sys.exit(main())
