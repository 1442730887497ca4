"""What every request meets on its way in, and what every answer carries."""

from __future__ import annotations

import re

import httpx
import pytest
from conftest import Running

from admin_api_mock.control import WorldHandle
from admin_api_mock.phases import PHASES


def test_the_order_of_the_phases_is_the_ruled_one() -> None:
    """RULES SERVER names the order; the one change is that the journal comes before routing, to have 404s too."""
    expected = (
        "guard preflight control world journal route body fault_before authenticate count authorise validate document "
    )
    expected += "transact fault_after"
    assert expected.split() == [phase.name for phase in PHASES]


def test_every_answer_has_the_standing_headers(http: httpx.Client, world: WorldHandle) -> None:
    """Id, version, date of the world's clock, quota: on a success, a refusal and a 404 alike."""
    for answer in (http.get("/notes"), http.post("/notes", json={}), http.get("/nowhere")):
        assert re.fullmatch(r"req_[0-9a-f]{20}", answer.headers["X-Request-Id"])
        assert answer.headers["Admin-Api-Version"] == "1.2.3"
        assert answer.headers["Date"] == "Tue, 01 Jan 2030 00:00:00 GMT"
        assert re.fullmatch(r'"default";r=\d+;t=60', answer.headers["RateLimit"])
        assert answer.headers["RateLimit-Policy"] == '"default";q=1000000;w=60'
    assert len(answer.headers.get_list("Date")) == 1


def test_date_follows_the_worlds_clock(http: httpx.Client, world: WorldHandle) -> None:
    """Date is world time, so that Retry-After dates can be tested."""
    world.advance(61_000)
    assert http.get("/notes").headers["Date"] == "Tue, 01 Jan 2030 00:01:01 GMT"


def test_a_sane_request_id_is_kept_and_an_insane_one_is_not(http: httpx.Client) -> None:
    """It goes into logs: visible ASCII, at most 128."""
    assert http.get("/notes", headers={"X-Request-Id": "mine-1"}).headers["X-Request-Id"] == "mine-1"
    assert http.get("/notes", headers={"X-Request-Id": "a" * 129}).headers["X-Request-Id"].startswith("req_")
    assert http.get("/nowhere", headers={"X-Request-Id": "mine-2"}).json()["request_id"] == "mine-2"


def test_401_before_403_before_422(http: httpx.Client, running: Running) -> None:
    """Nothing is told to one who is unknown, and no schema to one who may not call."""
    stranger = httpx.post(f"{http.base_url}notes", json={})
    assert (401, "invalid_token") == (stranger.status_code, stranger.json()["code"])
    assert stranger.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    reader = http.post("/notes", json={}, headers={"Authorization": "Bearer notes:read"})
    assert (403, ["notes:write"]) == (reader.status_code, reader.json()["missing_scopes"])
    assert reader.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="notes:write"'
    assert 422 == http.post("/notes", json={}).status_code


def test_a_403_of_an_audited_operation_names_its_denied_event(http: httpx.Client, running: Running) -> None:
    """A refused read is not audited, a refused write is."""
    before = len(running.notes.denied)
    refused = http.post("/notes", json={"text": "a"}, headers={"Authorization": "Bearer none"})
    assert refused.headers["Audit-Event-Id"] == f"evt_{before + 1}"
    assert "Audit-Event-Id" not in http.get("/notes", headers={"Authorization": "Bearer none"}).headers
    assert ["notes.create"] == running.notes.denied[before:]


def test_a_bug_is_a_500_that_says_nothing_but_its_id(http: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    """The operator gets the traceback, under the id that the client has."""
    answer = http.get("/bug")
    assert (500, "internal_error") == (answer.status_code, answer.json()["code"])
    assert "secret" not in answer.text
    assert answer.json()["request_id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_head_is_answered_wherever_get_is(http: httpx.Client) -> None:
    """Same headers, no body, the connection stays usable."""
    whole = http.get("/notes")
    head = http.head("/notes")
    assert (200, b"") == (head.status_code, head.content)
    assert head.headers["Content-Length"] == str(len(whole.content))
    assert (200, b"") == (http.head("/notes/export").status_code, http.head("/notes/export").content)


def test_a_204_has_neither_body_nor_length(http: httpx.Client) -> None:
    """RFC 9110 section 8.6."""
    answer = http.put("/notes/n1", content=b"x", headers={"Content-Type": "application/octet-stream"})
    assert (204, None) == (answer.status_code, answer.headers.get("Content-Length"))


def test_a_deprecated_operation_says_so(http: httpx.Client) -> None:
    """RFC 9745 and RFC 8594."""
    headers = http.get("/notes/search").headers
    assert headers["Deprecation"] == "@1877558400"  # 2029-07-01, as an sf-date
    assert headers["Sunset"] == "Wed, 01 Jan 2031 00:00:00 GMT"
    assert "Deprecation" not in http.get("/notes").headers


def test_the_document_is_served_with_the_worlds_own_url(http: httpx.Client, world: WorldHandle) -> None:
    """A client that reads it finds the server that it read it from; no token is needed."""
    told = httpx.get(f"{world.base_url}/openapi.json").json()
    assert world.base_url == told["servers"][0]["url"]
    token_url = told["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["tokenUrl"]
    assert world.token_url == token_url
    text = httpx.get(f"{world.base_url}/openapi.yaml")
    assert "application/yaml" == text.headers["Content-Type"]
    assert world.base_url in text.text


def test_a_used_up_quota_is_a_429_until_the_window_ends(running: Running) -> None:
    """Quotas are counted in world time, per caller."""
    with running.control.create_world(rate_limit={"quota": 2, "window_seconds": 10}) as world:
        headers = {"Authorization": "Bearer notes:read"}
        remaining = [httpx.get(f"{world.base_url}/notes", headers=headers).headers["RateLimit"] for _ in range(2)]
        assert ['"default";r=1;t=10', '"default";r=0;t=10'] == remaining
        refused = httpx.get(f"{world.base_url}/notes", headers=headers)
        assert (429, "10", "rate_limited") == (
            refused.status_code,
            refused.headers["Retry-After"],
            refused.json()["code"],
        )
        world.advance(10_000)
        assert 200 == httpx.get(f"{world.base_url}/notes", headers=headers).status_code


def test_a_stream_ends_when_its_reader_goes(http: httpx.Client, running: Running, world: WorldHandle) -> None:
    """A reader that leaves frees what the stream holds."""
    with http.stream("GET", "/notes/stream") as answer:
        received = b""
        for chunk in answer.iter_bytes():
            received += chunk
            if b"id: n1" in received:
                assert 1 == running.notes.open_streams
                break
    world.wait({"operation": "notes.stream", "outcome": "cut"})
    assert 0 == running.notes.open_streams
