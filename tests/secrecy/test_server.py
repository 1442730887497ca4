"""The reference server keeps no credential: not in database, journal or trail, nor in what it says (SERVER-4)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from secrecy.judge import Judge

from admin_api_mock.control import MockServer, WorldHandle
from admin_api_mock.control.server import ARGUMENTS

DEMO: Final = ("demo", "demo-secret")
VALUE: Final = "b0dy-p4ssword-hush"
WRONG: Final = "wr0ng-p4ssword-hush"
#: A configuration is kept to be read by what it configures; of the server's own doors only its database has it.
AT_REST: Final = {"value"}


@pytest.fixture
def server(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[MockServer]:
    """A server that keeps its root world on disk; what it says is captured."""
    with MockServer([*ARGUMENTS, "--data", str(tmp_path / "data")]) as server:
        yield server


def used(world: WorldHandle, client: tuple[str, str]) -> dict[str, str]:
    """Uses every kind of credential, rightly and wrongly; their names and values."""
    with httpx.Client(base_url=world.base_url, trust_env=False) as http:
        granted = http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=client).json()
        http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(client[0], WRONG))
        form = {"grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1]}
        posted = http.post("/oauth/token", data=form).json()
        first = world.log_in(client[0])
        renewal = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        renewed = http.post("/oauth/token", data=renewal, auth=client).json()
        http.post("/oauth/revoke", data={"token": posted["access_token"]}, auth=client)
        http.headers["authorization"] = f"Bearer {granted['access_token']}"
        body = {"name": "ci", "scopes": ["users:read"], "expires_at": None}
        created = [http.post("/api/v1/tokens", json=body, headers={"Idempotency-Key": '"one"'}).json() for _ in "12"]
        rotated = http.post(f"/api/v1/tokens/{created[0]['id']}/rotate", json={"overlap_seconds": 60}).json()
        entry = {"value": VALUE, "secret": True}
        kept = http.put("/api/v1/config/smtp.password", json=entry, headers={"If-None-Match": "*"})
        unfit = http.put(
            "/api/v1/config/smtp.password", json={**entry, "schema": {"type": "number"}}, headers={"If-Match": "*"}
        )
        http.get("/api/v1/me", headers={"authorization": f"Bearer {WRONG}"})
        http.get("/api/v1/me", headers={"authorization": f"Basic {WRONG}"})
        http.get("/api/v1/me", params={"access_token": created[0]["secret"]})
        told = [
            http.get(path).text for path in ("/api/v1/audit/events", "/api/v1/config", "/api/v1/tokens", "/api/v1/me")
        ]
    assert (200, 422) == (kept.status_code // 100 * 100, unfit.status_code)
    assert created[0]["secret"] == created[1]["secret"]
    return {
        "client": client[1],
        "access": granted["access_token"],
        "posted": posted["access_token"],
        "refresh": first["refresh_token"],
        "renewed": renewed["refresh_token"],
        "created": created[0]["secret"],
        "rotated": rotated["secret"],
        "value": VALUE,
        "wrong": WRONG,
        "told": json.dumps([*told, unfit.text]),
    }


def found_in(places: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, set[str]]:
    """Place → the secrets that it holds."""
    judge = Judge(secrets)
    return {place: found for place, text in places.items() if (found := judge.found(text))}


def test_nothing_is_kept_that_opens_a_door(
    server: MockServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """SERVER-4: secrets are hashed, answers with them sealed; neither journal, trail nor output has one."""
    world = server.control.world()
    secrets = used(world, DEMO)
    told = secrets.pop("told")
    journal = json.dumps(world.journal())
    server.stop()
    output = capfd.readouterr()
    places = {"told": told, "journal": journal, "stdout": output.out, "stderr": output.err}
    assert {} == found_in(places, secrets)
    data = b"".join(file.read_bytes() for file in sorted((tmp_path / "data").rglob("*")) if file.is_file())
    assert len(data) > 10_000
    assert {"data": AT_REST} == found_in({"data": data.decode("latin-1")}, secrets)


def test_a_journal_with_bodies_has_no_credential(server: MockServer) -> None:
    """SERVER-10: bodies are kept where a world asks for them, credentials as a hash's first digits."""
    client = {"id": "demo", "secret": DEMO[1], "refresh_tokens": True}
    with server.create_world(clients=[client], journal={"bodies": True, "limit": 1000}) as world:
        secrets = used(world, DEMO)
        secrets.pop("told")
        journal = json.dumps(world.journal(channel="auth")) + json.dumps(headers_of(world))
    assert {} == found_in({"journal": journal}, {name: value for name, value in secrets.items() if name != "value"})


def headers_of(world: WorldHandle) -> list[Any]:
    """What came in the head of each request, and went in that of each answer."""
    return [[entry["headers"], entry["answer_headers"], entry["query"]] for entry in world.journal(channel="api")]


def test_the_look_at_the_server_sees(tmp_path: Path) -> None:
    """What lies on disk is found, were it there."""
    (tmp_path / "data").write_text(f"one {VALUE} more")
    assert {"data": {"value"}} == found_in({"data": (tmp_path / "data").read_text()}, {"value": VALUE})
