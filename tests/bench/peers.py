"""The Node side of the benchmarks, set up: the peers from their lock, once, and our own package, already built."""

from __future__ import annotations

import subprocess
from hashlib import sha256

from processes import BENCH, ROOT

DIST = ROOT / "node-sdk/dist/index.js"
LOCK = BENCH / "package-lock.json"
#: Holds the hash of the lock that was installed, so that another lock is installed anew.
STAMP = BENCH / "node_modules/.ready"


def install() -> None:
    """Sees to it that both are there. RuntimeError if they cannot be."""
    if not DIST.is_file():
        raise RuntimeError("the Node SDK is not built; `npm ci` and `npm run build` with `--prefix node-sdk` do it")
    wanted = sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="ascii") == wanted:
        return
    # With the whole environment, unlike what is measured: npm may be told there where its registry is.
    done = subprocess.run(
        ["npm", "ci", "--prefix", str(BENCH), "--loglevel=error"], check=False, stdout=subprocess.DEVNULL, cwd=ROOT
    )
    if done.returncode != 0:
        raise RuntimeError(f"npm ci --prefix tests/bench ended with code {done.returncode}")
    STAMP.write_text(wanted, encoding="ascii")
