"""`python -m generate [--check]`, run in `spec/`: makes `ir.json` and every `_generated`, or says what differs."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import adapter, build, control, document, lint, node, output, policy, python, serialise, unasync
from .findings import SpecError

SPEC = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are: the folder of the document, and those that a `_generated` goes into.

    They are the sources of each SDK, and the folder of the control plane with its own document.
    """

    spec: Path
    python: Path
    node: Path
    control: Path


@dataclass(frozen=True, slots=True)
class Product:
    """What a document gives: the text of `ir.json`, and the unformatted files of each `_generated`, by their path."""

    ir: str
    folders: Mapping[Path, Mapping[str, str]]


def main(arguments: list[str] | None = None) -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m generate", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if a generated file is not up to date"
    )
    parser.add_argument("--spec", type=Path, default=SPEC, help="folder of openapi.yaml, policy.yaml and ir.json")
    parser.add_argument(
        "--python", type=Path, default=SPEC.parent / "python-sdk" / "src" / "admin_api", help="the Python package"
    )
    parser.add_argument(
        "--node", type=Path, default=SPEC.parent / "node-sdk" / "src", help="the sources of the Node package"
    )
    parser.add_argument(
        "--control",
        type=Path,
        default=SPEC.parent / "mock-server" / "src" / "admin_api_mock" / "control",
        help="the server's control plane, with its own openapi.yaml",
    )
    options = parser.parse_args(arguments)
    places = Places(options.spec, options.python, options.node, options.control)
    try:
        product = produce(places)
        return _check(places, product) if options.check else _write(places, product)
    except SpecError as error:
        for finding in error.findings:
            print(f"error: {finding}", file=sys.stderr)
        return 1


def _write(places: Places, product: Product) -> int:
    (places.spec / "ir.json").write_text(product.ir, encoding="utf-8", newline="\n")
    for folder, files in product.folders.items():
        output.write(folder, files)
    return 0


def _check(places: Places, product: Product) -> int:
    stale: list[str] = []
    for folder, files in product.folders.items():
        with tempfile.TemporaryDirectory() as scratch:
            fresh = Path(scratch) / folder.name
            output.write(fresh, files)
            stale += [str(folder / path) for path in output.differences(fresh, folder)]
    committed = places.spec / "ir.json"
    if not committed.exists() or committed.read_bytes() != product.ir.encode():
        stale.append(str(committed))
    for path in stale:
        print(f"error: {path} is not what the document gives; run make generate", file=sys.stderr)
    return 1 if stale else 0


def produce(places: Places) -> Product:
    """All that is generated.

    Raises:
        SpecError: the document, the policy or a room of an SDK cannot be generated from.
    """
    raw = document.load(places.spec / "openapi.yaml")
    lint.check(raw)
    api = build.build(raw, adapter.parse(raw))
    schema = json.loads((SPEC / "ir.schema.json").read_text(encoding="utf-8"))
    serialise.check(serialise.to_json(api), schema)
    numbers = policy.load(places.spec / "policy.yaml")
    files = {**python.emit(api), "policy.py": policy.emit(numbers)}
    plane = control.read(document.load(places.control / "openapi.yaml"))
    twins = unasync.derive(unasync.rooms(places.python), files)
    return Product(
        serialise.to_text(api),
        {
            places.python / "_generated": {**files, **twins, "README.md": python.README},
            places.node / "_generated": {
                **node.emit(api),
                **node.policy.emit(numbers),
                "control.ts": control.typescript.emit(plane),
                "README.md": node.README,
            },
            places.control / "_generated": control.python.emit(plane),
        },
    )


if __name__ == "__main__":
    sys.exit(main())
