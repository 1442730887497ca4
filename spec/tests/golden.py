"""`python tests/golden.py` writes the golden output anew; the difference is to be reviewed as a change of the API."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generate import adapter, build, document, lint, node, output, policy, python, serialise, unasync

MINI = Path(__file__).parent / "mini"


def make(folder: Path) -> None:
    """Generate the mini document's output into a folder."""
    raw = document.load(MINI / "openapi.yaml")
    lint.check(raw)
    api = build.build(raw, adapter.parse(raw))
    numbers = policy.load(MINI / "policy.yaml")
    files = {**python.emit(api), "policy.py": policy.emit(numbers)}
    output.write(folder / "_generated", {**files, **unasync.derive({}, files), "README.md": python.README})
    files = {**node.emit(api), "policy.ts": node.policy.emit(numbers), "README.md": node.README}
    output.write(folder / "node" / "_generated", files)
    (folder / "ir.json").write_text(serialise.to_text(api), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make(MINI / "golden")
