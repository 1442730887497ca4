"""`python -m generate [--check]`, run in `spec/`: makes `ir.json` and the SDK's `_generated`, or says what differs."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from . import adapter, build, document, lint, output, policy, python, serialise, unasync
from .findings import SpecError

SPEC = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m generate", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if a generated file is not up to date"
    )
    parser.add_argument("--spec", type=Path, default=SPEC, help="folder of openapi.yaml, policy.yaml and ir.json")
    parser.add_argument(
        "--sdk", type=Path, default=SPEC.parent / "python-sdk" / "src" / "admin_api", help="the SDK's package"
    )
    options = parser.parse_args(arguments)
    try:
        return _check(options.spec, options.sdk) if options.check else _generate(options.spec, options.sdk)
    except SpecError as error:
        for finding in error.findings:
            print(f"error: {finding}", file=sys.stderr)
        return 1


def _generate(spec: Path, sdk: Path) -> int:
    text, files = produce(spec, sdk)
    (spec / "ir.json").write_text(text, encoding="utf-8", newline="\n")
    output.write(sdk / "_generated", files)
    return 0


def _check(spec: Path, sdk: Path) -> int:
    text, files = produce(spec, sdk)
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch)
        (fresh / "ir.json").write_text(text, encoding="utf-8", newline="\n")
        output.write(fresh / "_generated", files)
        stale = [
            str(sdk / "_generated" / path) for path in output.differences(fresh / "_generated", sdk / "_generated")
        ]
        committed = spec / "ir.json"
        if not committed.exists() or committed.read_bytes() != (fresh / "ir.json").read_bytes():
            stale.append(str(committed))
    for path in stale:
        print(f"error: {path} is not what the document gives; run make generate", file=sys.stderr)
    return 1 if stale else 0


def produce(spec: Path, sdk: Path) -> tuple[str, dict[str, str]]:
    """The text of `ir.json`, and the unformatted files of the SDK's `_generated`.

    Raises:
        SpecError: the document, the policy or a room of the SDK cannot be generated from.
    """
    raw = document.load(spec / "openapi.yaml")
    lint.check(raw)
    api = build.build(raw, adapter.parse(raw))
    schema = json.loads((SPEC / "ir.schema.json").read_text(encoding="utf-8"))
    serialise.check(serialise.to_json(api), schema)
    files = {**python.emit(api), "policy.py": policy.emit(policy.load(spec / "policy.yaml"))}
    return serialise.to_text(api), {**files, **unasync.derive(unasync.rooms(sdk), files)}


if __name__ == "__main__":
    sys.exit(main())
