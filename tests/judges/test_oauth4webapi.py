"""oauth4webapi judges the authorization server: one program of its own in Node, a test per check of it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from judges.conftest import ENCODED, PUBLIC, RENEWING

from admin_api_mock.control import WorldHandle

PROGRAM = Path(__file__).with_name("oauth4webapi.mjs")
#: All of it takes less than a second.
SECONDS = 60.0


def test_every_check_passes(world: WorldHandle) -> None:
    """Discovery, grants, ways to authenticate, revocation, access tokens as JWTs: no check fails and none is lost."""
    asked = {
        "issuer": world.base_url,
        "control": f"{world.base_url.partition('/w/')[0]}/__mock__/worlds/{world.id}",
        "client": ENCODED,
        "renewing": RENEWING,
        "publicClient": PUBLIC,
    }
    ran = subprocess.run(
        ["node", str(PROGRAM)], input=json.dumps(asked), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert (0, "") == (ran.returncode, ran.stderr)
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    declared = re.findall(r"^  async (?:'([^']+)'|(\w+))\(\) \{$", PROGRAM.read_text(encoding="utf-8"), re.MULTILINE)
    assert [quoted or plain for quoted, plain in declared] == [check["name"] for check in told]
    failed = {check["name"]: check["error"] for check in told if check["error"] is not None}
    if failed:
        pytest.fail("\n\n".join(f"{name}\n{error}" for name, error in failed.items()))
