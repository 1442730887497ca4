"""Schemathesis judges the server: every operation, valid and invalid requests, one by one and in scenarios.

Nothing of the document is left out: JSON, forms, files and parts, exports, and the first events of the stream. What
Schemathesis cannot know is stated in hooks.py, each with its reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from admin.conftest import access_token, serving

from admin_api_mock.control import Control, WorldHandle
from admin_api_mock.document import Document
from admin_api_mock.http import NDJSON
from fuzz.world import JudgedWorld

HERE = Path(__file__).parent
SCOPES = list(Document.load().scopes)
#: The four phases together make more; fewer would mean that one of them had little to do.
LEAST_REQUESTS = 2500


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    """A server of its own, so that no other test waits for it."""
    with serving(Document.load()) as started:
        yield started


def make_world(control: Control, world_id: str) -> WorldHandle:
    """Seed data, a client with all scopes, and no limit to what it may ask."""
    return control.create_world(
        id=world_id,
        seed="dev",
        clients=[{"id": "suite", "secret": "s3cret", "scopes": SCOPES}],
        rate_limit={"quota": 1_000_000_000},
        journal={"limit": 1},
    )


def judge(world: WorldHandle, report: Path, *options: str) -> tuple[int, str, dict[str, Any]]:
    """Exit code, what was printed, and the report of a run."""
    judged = JudgedWorld(
        base_url=world.base_url,
        token=access_token(world),
        without={
            scope: access_token(world, scope=" ".join(other for other in SCOPES if other != scope)) for scope in SCOPES
        },
        client_id="suite",
        client_secret="s3cret",
    )
    environment = {**os.environ, **judged.environment(), "SCHEMATHESIS_HOOKS": "fuzz.hooks"}
    environment["PYTHONPATH"] = str(HERE.parent)
    # From a file: of a document that it was served Schemathesis leaves out the operation that serves it.
    document = report.with_name("openapi.json")
    document.write_bytes(Document.load().json_for(world.base_url))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"]
    reporting = ["--report", "json", "--report-json-path", str(report)]
    run = subprocess.run(
        [*command, str(document), "--url", world.base_url, *reporting, *options],
        cwd=report.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    told = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return run.returncode, run.stdout + run.stderr, told


def test_schemathesis_finds_nothing(control: Control, tmp_path: Path) -> None:
    """All checks of its own and the laws of laws.py hold for every answer, and every operation was made to work."""
    with make_world(control, "judged") as world:
        code, printed, told = judge(world, tmp_path / "report.json")
    assert 0 == code, printed
    assert len(Document.load().operations) == told["operations"]["tested"]
    assert dict.fromkeys(("examples", "coverage", "fuzzing", "stateful"), "success") == {
        name: phase["status"] for name, phase in told["phases"].items()
    }
    assert told["test_cases"]["generated"] > LEAST_REQUESTS


USER: Mapping[str, Any] = Document.load().raw["components"]["examples"]["User"]["value"]
ENTRY: Mapping[str, Any] = Document.load().raw["components"]["examples"]["ConfigEntry"]["value"]


@pytest.mark.parametrize(
    "operation,answer,found",
    [
        # An answer whoever asks; with nothing on the trail; the first one for every key; unlike its schema.
        ("users.get", {"status": 200, "body": USER}, {"needs_its_scopes"}),
        ("users.create", {"status": 201, "body": USER}, {"is_on_the_trail", "a_key_keeps_the_first_answer"}),
        ("config.get", {"status": 200, "body": ENTRY, "headers": {"ETag": '"1-5f2c"'}}, {"entity_tags_hold"}),
        ("users.export", {"status": 200, "headers": {"Content-Type": NDJSON}, "body": "{}\n"}, {"lines_are_items"}),
        ("roles.list", {"status": 200, "body": {"items": None}}, {"JsonSchemaError"}),
        ("me.get", {"status": 503}, {"ServerError", "EverythingWasReached"}),
    ],
)
def test_what_is_broken_is_found(
    control: Control, tmp_path: Path, operation: str, answer: dict[str, Any], found: set[str]
) -> None:
    """A server that answers wrongly, by a fault, is found out by the check that is there for it."""
    with make_world(control, "broken") as world:
        world.fault(operation, respond=answer, times=1_000_000)
        options = ("--include-operation-id", operation, "--phases", "coverage", "--no-shrink")
        code, printed, told = judge(world, tmp_path / "report.json", *options)
    assert 1 == code, printed
    # A law is named in the title, a check of Schemathesis' own by the kind of what it found.
    told_of = {failure["type"] for failure in told["failures"]}
    told_of |= {failure["title"].split("`")[1] for failure in told["failures"] if "`" in failure["title"]}
    assert found <= told_of, printed
