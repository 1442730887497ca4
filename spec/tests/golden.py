"""`python tests/golden.py` writes the golden output anew; the difference is to be reviewed as a change of the API."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from generate import adapter, build, control, document, lint, node, output, policy, python, serialise, unasync

MINI = Path(__file__).parent / "mini"


def make(folder: Path) -> None:
    """Generate the mini document's output into a folder."""
    raw = document.load(MINI / "openapi.yaml")
    lint.check(raw)
    api = build.build(raw, adapter.parse(raw))
    numbers = policy.load(MINI / "policy.yaml")
    files = {**python.emit(api), "policy.py": policy.emit(numbers)}
    output.write(folder / "_generated", {**files, **unasync.derive({}, files), "README.md": python.README})
    plane = control.read(document.load(MINI / "control" / "openapi.yaml"))
    output.write(folder / "control" / "_generated", control.python.emit(plane))
    files = {**node.emit(api), **node.policy.emit(numbers), "control.ts": control.typescript.emit(plane)}
    output.write(folder / "node" / "_generated", {**files, "README.md": node.README})
    (folder / "ir.json").write_text(serialise.to_text(api), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make(MINI / "golden")
