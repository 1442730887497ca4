"""What the SDK adds to a web page: bytes of one imported class, bundled, minified and gzipped, by esbuild."""

from __future__ import annotations

import json

import peers
from processes import BENCH, line_of, started
from report import Budget, Result

OURS = "admin-api"


def measure(budget: Budget) -> Result:
    """One run: the same input gives the same bytes."""
    peers.install()
    with started(["node", str(BENCH / "bundle.mjs")]) as child:
        sizes: dict[str, int] = json.loads(line_of(child))
    found = {name: size / 1000 for name, size in sizes.items()}
    return Result(
        budget,
        value=found[OURS],
        peers={name: size for name, size in found.items() if name != OURS},
        runs=[found],
        runs_unit="kB",
    )
