"""Measures the budgets: `run.py [--quick] [--enforce] [budget …]`; writes `build/bench.json` and `build/bench.md`.

`run.py --profile [budget …]` tells instead where the time goes in what the SDKs' budgets measure.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import partial

import bundles
import calls
import imports
import profiles
import report
import servers
from processes import ROOT
from report import Budget, Result

#: An odd number, so that a median is a round that happened.
ROUNDS, QUICK_ROUNDS = 15, 7
LOAD_ROUNDS, QUICK_LOAD_ROUNDS = 9, 7

CALL = "CPU per typed call, all layers on, ÷ bare httpx"
NODE_CALL = "CPU per typed call in Node, all layers on, ÷ bare fetch with an AbortController timeout"
LOAD = "requests/s with auth, validation, state and audit ÷ prism mock -v silent, 16 connections"

BUDGETS = {
    budget.id: budget
    for budget in (
        Budget("py_call_cpu", f"{CALL}.Client: one user", "x", 1.0, "lower"),
        Budget("py_list_cpu", f"{CALL}.Client: a page of 20 users", "x", 1.0, "lower"),
        Budget("py_async_call_cpu", f"{CALL}.AsyncClient: one user", "x", 1.0, "lower"),
        Budget("py_async_list_cpu", f"{CALL}.AsyncClient: a page of 20 users", "x", 1.0, "lower"),
        Budget("node_call_cpu", f"{NODE_CALL}: one user", "x", 1.1, "lower"),
        Budget("node_list_cpu", f"{NODE_CALL}: a page of 20 users", "x", 1.1, "lower"),
        Budget("node_bundle_kb", "what a page loads before its first call, minified, gzipped", "kB", 12.0, "lower"),
        Budget("py_import", "import, client and first resource with its models ÷ import httpx", "x", 2.0, "lower"),
        Budget("server_list", f"GET of 20 users, {LOAD}", "x", 2.0, "higher"),
        Budget("server_create", f"POST of a new user, {LOAD}", "x", 2.0, "higher"),
        Budget("server_start_s", "server: start to first answer, with or without TLS", "s", 0.5, "lower"),
    )
}


def measurements(*, quick: bool) -> dict[str, Callable[[Budget], Result]]:
    """How each budget is measured."""
    rounds, load_rounds = (QUICK_ROUNDS, QUICK_LOAD_ROUNDS) if quick else (ROUNDS, LOAD_ROUNDS)
    call = partial(calls.measure, rounds=rounds)
    load = partial(servers.load, rounds=load_rounds, quick=quick)
    return {
        "py_call_cpu": partial(call, flavour="sync", shape="get"),
        "py_list_cpu": partial(call, flavour="sync", shape="list"),
        "py_async_call_cpu": partial(call, flavour="async", shape="get"),
        "py_async_list_cpu": partial(call, flavour="async", shape="list"),
        "node_call_cpu": partial(call, flavour="node", shape="get"),
        "node_list_cpu": partial(call, flavour="node", shape="list"),
        "node_bundle_kb": bundles.measure,
        "py_import": partial(imports.measure, rounds=rounds),
        "server_list": partial(load, operation="list"),
        "server_create": partial(load, operation="create"),
        "server_start_s": partial(servers.start, rounds=load_rounds),
    }


PROFILES: dict[str, Callable[[], Mapping[str, float]]] = {
    "py_call_cpu": partial(profiles.of_calls, "sync", "get"),
    "py_list_cpu": partial(profiles.of_calls, "sync", "list"),
    "py_async_call_cpu": partial(profiles.of_calls, "async", "get"),
    "py_async_list_cpu": partial(profiles.of_calls, "async", "list"),
    "node_call_cpu": partial(profiles.of_calls, "node", "get"),
    "node_list_cpu": partial(profiles.of_calls, "node", "list"),
    "py_import": profiles.of_import,
}


def main() -> int:
    """0; 2 if something cannot be measured; with --enforce 1 for a missed budget, which a busy machine can cause."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("budgets", nargs="*", metavar="budget", help=f"{', '.join(BUDGETS)} (all)")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--enforce", action="store_true", help="exit with 1 if a budget is missed")
    parser.add_argument("--profile", action="store_true", help="tell where the time goes, and measure nothing")
    given = parser.parse_args()
    unknown = [name for name in given.budgets if name not in (PROFILES if given.profile else BUDGETS)]
    if unknown:
        parser.error(f"no such budget{' has a profile' if given.profile else ''}: {', '.join(unknown)}")
    if given.profile:
        print(profiles.as_markdown({name: PROFILES[name]() for name in given.budgets or PROFILES}))
        return 0
    measure = measurements(quick=given.quick)
    results: list[Result] = []
    for name in given.budgets or BUDGETS:
        try:
            results.append(measure[name](BUDGETS[name]))
        except (OSError, RuntimeError) as error:
            print(f"bench: {name} cannot be measured: {error}", file=sys.stderr)
            return 2
        print(report.line(results[-1]), flush=True)
    folder = ROOT / "build"
    report.write(results, folder)
    print(f"\n{report.as_markdown(results)}\nWritten to build/bench.json and build/bench.md.")
    return 1 if given.enforce and not all(result.met for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
