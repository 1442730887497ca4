"""`python -m compatibility [OLD]`, run in `spec/`: fails if the document breaks callers of OLD, or of the last release.

The last release is the newest tag `v…` that the checkout knows. Where there is none yet, there is nobody to break.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from generate import document
from generate.findings import SpecError

from . import breaking

SPEC = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m compatibility", description=__doc__)
    parser.add_argument("old", nargs="?", type=Path, help="the document to compare with, instead of the last release's")
    parser.add_argument("--new", type=Path, default=SPEC / "openapi.yaml", help="the document to judge")
    options = parser.parse_args(arguments)
    try:
        if options.old is not None:
            name, old = str(options.old), document.load(options.old)
        else:
            tag = last_release(SPEC)
            if tag is None:
                print("there is no release yet: nothing to be compatible with")
                return 0
            name, old = tag, document.parse(_git(SPEC, "show", f"{tag}:./openapi.yaml"))
        findings = breaking(old, document.load(options.new))
    except SpecError as error:
        findings = list(error.findings)
        name = "itself"
    for finding in findings:
        print(f"error: {finding} (compared with {name})", file=sys.stderr)
    return 1 if findings else 0


def last_release(folder: Path) -> str | None:
    """The newest release among the ancestors of what is checked out, None if there is none, or no history."""
    if not any((parent / ".git").exists() for parent in folder.parents):
        return None
    tags = _git(folder, "tag", "--merged", "HEAD", "--sort=-version:refname", "--list", "v[0-9]*").split()
    return tags[0] if tags else None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 (our own words)


if __name__ == "__main__":
    sys.exit(main())
