"""The samples of the API's page run against the command as printed, with nothing added but the CA by environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from admin_api_mock.control import MockServer

PYTHON = """\
# (1) Create a user
import requests
payload = {'username':'alice','email':'alice@example.com','roles':['admin']}
r = requests.post('https://localhost:8443/api/v1/users', json=payload, headers={'Authorization':'Bearer TOKEN'})
print(r.json())
"""

CURL = """\
# (1) curl create user
curl -X POST https://localhost:8443/api/v1/users -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' \
-d '{"username":"alice","email":"alice@example.com","roles":["admin"]}'
"""

NODE = """\
// (1) Create user via fetch
const fetch = require('node-fetch')
fetch('https://localhost:8443/api/v1/users', { method:'POST', headers:{'Content-Type':'application/json','Authorization':'Bearer TOKEN'}, body: JSON.stringify(payload) })
  .then(r=>r.json()).then(console.log)
"""  # noqa: E501 (as printed)
PAYLOAD = "const payload = {username: 'alice', email: 'alice@example.com', roles: ['admin']}\n"
NODE_TOOLS = Path(__file__).parents[2] / "spec"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """The command over TLS, on a free port."""
    with MockServer(["--port", "0"]) as started:
        yield started


@pytest.fixture
def fresh(server: MockServer) -> MockServer:
    """The same with its root world made anew."""
    server.control.world("root").reset()
    return server


def run(command: list[str], code: str, server: MockServer, variable: str) -> str:
    """What a sample prints; the port is the server's."""
    assert server.ready.ca is not None
    sample = code.replace("https://localhost:8443", server.url)
    environment = {**os.environ, variable: server.ready.ca}
    return subprocess.run([*command, sample], env=environment, check=True, capture_output=True, text=True).stdout


def test_the_python_sample_creates_a_user(fresh: MockServer) -> None:
    """The requests sample prints the user; a repeat prints the 409 that says which member is taken."""
    user = eval(run([sys.executable, "-c"], PYTHON, fresh, "REQUESTS_CA_BUNDLE"), {})  # noqa: S307 (a dict, printed)
    assert user["username"] == "alice"
    assert user["roles"] == ["admin"]
    problem = eval(run([sys.executable, "-c"], PYTHON, fresh, "REQUESTS_CA_BUNDLE"), {})  # noqa: S307 (the same)
    assert (409, "username_taken", user["id"]) == (problem["status"], problem["code"], problem["existing_id"])
    assert ["/username"] == [error["pointer"] for error in problem["errors"]]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_sample_creates_a_user(fresh: MockServer) -> None:
    """The curl sample prints the user, and the page's promises hold: an audit event, and an SSO mapping."""
    user = json.loads(run(["bash", "-c"], CURL, fresh, "CURL_CA_BUNDLE"))
    assert user["email"] == "alice@example.com"
    assert ["corp"] == [mapping["provider"] for mapping in user["sso_mappings"]]
    problem = json.loads(run(["bash", "-c"], CURL, fresh, "CURL_CA_BUNDLE"))
    assert (409, "username_taken") == (problem["status"], problem["code"])


@pytest.mark.skipif(not (NODE_TOOLS / "node_modules/node-fetch").exists(), reason="node-fetch is not installed")
def test_the_fetch_sample_creates_a_user(fresh: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fetch sample, after one line that says what the payload is, prints the user; a repeat prints the problem."""
    monkeypatch.chdir(NODE_TOOLS)  # where `require` finds node-fetch
    assert "username: 'alice'" in run(["node", "-e"], PAYLOAD + NODE, fresh, "NODE_EXTRA_CA_CERTS")
    problem = run(["node", "-e"], PAYLOAD + NODE, fresh, "NODE_EXTRA_CA_CERTS")
    assert "code: 'username_taken'" in problem
    assert "pointer: '/username'" in problem


def test_the_ca_is_where_the_command_says(server: MockServer) -> None:
    """The ready line names a readable certificate, and its key is nowhere beside it."""
    assert server.ready.ca is not None
    ca = Path(server.ready.ca)
    assert ca.read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert all(b"PRIVATE KEY" not in path.read_bytes() for path in ca.parent.iterdir())
