"""Laws of configuration: no blind write, schemas, secrets that never come back, versions and rollback."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from admin_api_mock.control import WorldHandle

from .conftest import events, problem

CREATE = {"If-None-Match": "*"}
SECRET = "hunter2-and-more"


def put(api: httpx.Client, key: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return api.put(f"/api/v1/config/{key}", json=body, headers=headers)


def test_no_blind_write(api: httpx.Client) -> None:
    """Creating needs If-None-Match: *, overwriting and deleting If-Match (428); one that does not hold is a 412."""
    problem(put(api, "a.b", {"value": 1}), 428, "precondition_required")
    problem(put(api, "a.b", {"value": 1}, **{"If-Match": '"1-x"'}), 412, "precondition_failed")
    made = put(api, "a.b", {"value": 1}, **CREATE)
    assert (made.status_code, made.json()["version"]) == (201, 1)
    assert made.headers["etag"] == made.json()["etag"]
    problem(put(api, "a.b", {"value": 2}), 428, "precondition_required")
    refused = put(api, "a.b", {"value": 2}, **CREATE)
    problem(refused, 412, "precondition_failed")
    assert refused.headers["etag"] == made.headers["etag"]
    changed = put(api, "a.b", {"value": 2}, **{"If-Match": made.headers["etag"]})
    assert (changed.status_code, changed.json()["version"], changed.json()["value"]) == (200, 2, 2)
    problem(put(api, "a.b", {"value": 3}, **{"If-Match": made.headers["etag"]}), 412, "precondition_failed")
    problem(api.delete("/api/v1/config/a.b"), 428, "precondition_required")
    problem(api.delete("/api/v1/config/a.b", headers={"If-Match": made.headers["etag"]}), 412, "precondition_failed")
    gone = api.delete("/api/v1/config/a.b", headers={"If-Match": changed.headers["etag"]})
    assert gone.status_code == 204
    problem(api.get("/api/v1/config/a.b"), 404, "not_found")


def test_not_modified(api: httpx.Client) -> None:
    """With its tag, weak or not, an unchanged entry is a 304 without a body."""
    tag = put(api, "a", {"value": 1}, **CREATE).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = api.get("/api/v1/config/a", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert api.get("/api/v1/config/a", headers={"If-None-Match": '"other"'}).status_code == 200


def test_values_satisfy_their_schema(api: httpx.Client) -> None:
    """A value that breaks the entry's schema is a 422 with pointers into it; the schema stays in force."""
    schema = {"type": "object", "properties": {"port": {"type": "integer", "maximum": 65535}}, "required": ["port"]}
    made = put(api, "mail", {"value": {"port": 25}, "schema": schema}, **CREATE)
    assert made.status_code == 201
    found = problem(
        put(api, "mail", {"value": {"port": "x-secret"}}, **{"If-Match": made.headers["etag"]}),
        422,
        "validation_failed",
    )
    assert found["errors"][0]["pointer"] == "/value/port"
    assert "x-secret" not in str(found)
    for broken in ({"type": "nonsense"}, {"$ref": "http://127.0.0.1:1/other.json"}):
        answer = put(api, "other", {"value": 1, "schema": broken}, **CREATE)
        assert problem(answer, 422, "validation_failed")["errors"][0]["pointer"] == "/schema"


def test_sso_providers_are_checked(api: httpx.Client) -> None:
    """The entry that provisioning reads is held to its shape, whatever schema it has."""
    answer = put(api, "sso.providers", {"value": {"corp": {"issuer": 7}}}, **CREATE)
    pointers = {error["pointer"] for error in problem(answer, 422, "validation_failed")["errors"]}
    assert pointers == {"/value/corp/issuer", "/value/corp/domains"}


def test_dry_run(api: httpx.Client, world: WorldHandle) -> None:
    """A dry run answers as the real call would; nothing is kept and nothing recorded."""
    answer = api.put("/api/v1/config/a", params={"dry_run": "true"}, json={"value": 1}, headers=CREATE)
    assert (answer.status_code, answer.json()["version"]) == (201, 1)
    assert "audit-event-id" not in answer.headers
    assert (world.state()["config"], events(api)) == (0, [])
    real = put(api, "a", {"value": 1}, **CREATE)
    assert real.json() == answer.json()


def test_a_secret_never_comes_back(api: httpx.Client) -> None:
    """A secret's value is absent from every answer, the trail included; equal values have equal fingerprints."""
    first = put(api, "p", {"value": SECRET, "secret": True}, **CREATE)
    second = put(api, "p", {"value": "other"}, **{"If-Match": first.headers["etag"]})
    third = put(api, "p", {"value": SECRET, "secret": False}, **{"If-Match": second.headers["etag"]})
    entry = third.json()
    assert "value" not in entry
    assert (entry["secret"], entry["value_set"]) == (True, True)
    assert first.json()["fingerprint"] == entry["fingerprint"] != second.json()["fingerprint"]
    texts = [
        first.text,
        api.get("/api/v1/config/p").text,
        api.get("/api/v1/config").text,
        api.get("/api/v1/config/p/versions").text,
        api.get("/api/v1/audit/events").text,
        api.get("/api/v1/exports/audit-events").text,
    ]
    assert not any(SECRET in text for text in texts)
    assert events(api)[1]["data"]["changes"] == [{"pointer": "/value", "redacted": True}]


def test_what_becomes_a_secret_was_one(api: httpx.Client) -> None:
    """Once an entry is a secret, its earlier versions are not shown either, nor after a deletion."""
    first = put(api, "p", {"value": SECRET}, **CREATE)
    second = put(api, "p", {"value": SECRET, "secret": True}, **{"If-Match": first.headers["etag"]})
    assert SECRET not in api.get("/api/v1/config/p/versions").text
    api.delete("/api/v1/config/p", headers={"If-Match": second.headers["etag"]})
    assert "value" not in put(api, "p", {"value": SECRET}, **CREATE).json()


def test_versions_and_rollback(api: httpx.Client) -> None:
    """Versions are kept over deletion, each with its event; a rollback makes a new one of an old value."""
    tag = put(api, "a", {"value": 1}, **CREATE).headers["etag"]
    tag = put(api, "a", {"value": 2}, **{"If-Match": tag}).headers["etag"]
    api.delete("/api/v1/config/a", headers={"If-Match": tag})
    versions = api.get("/api/v1/config/a/versions").json()["items"]
    assert [(v["version"], v.get("value"), v["value_set"]) for v in versions] == [
        (1, 1, True),
        (2, 2, True),
        (3, None, False),
    ]
    assert [v["audit_event_id"] for v in versions] == [event["id"] for event in events(api)]
    rolled = api.post("/api/v1/config/a/rollback", json={"version": 1})
    assert (rolled.status_code, rolled.json()["version"], rolled.json()["value"]) == (200, 4, 1)
    for version in (9, 3):
        answer = api.post("/api/v1/config/a/rollback", json={"version": version})
        assert problem(answer, 422, "validation_failed")["errors"][0]["pointer"] == "/version"
    stale = api.post("/api/v1/config/a/rollback", json={"version": 1}, headers={"If-Match": tag})
    problem(stale, 412, "precondition_failed")
    problem(api.post("/api/v1/config/never/rollback", json={"version": 1}), 404, "not_found")
    problem(api.get("/api/v1/config/never/versions"), 404, "not_found")


def test_a_secret_rolls_back_unseen(api: httpx.Client) -> None:
    """A rollback works for secrets without showing them: the fingerprint tells that the value is back."""
    first = put(api, "p", {"value": SECRET, "secret": True}, **CREATE)
    put(api, "p", {"value": "other"}, **{"If-Match": first.headers["etag"]})
    rolled = api.post("/api/v1/config/p/rollback", json={"version": 1})
    assert rolled.json()["fingerprint"] == first.json()["fingerprint"]
    assert SECRET not in rolled.text


def test_prefix(api: httpx.Client) -> None:
    """A prefix is compared as it is: no character in it is a wildcard; order is that of the keys."""
    for key in ("mail_x", "mail.port", "mail.host", "mailx"):
        put(api, key, {"value": None}, **CREATE)
    found = [entry["key"] for entry in api.get("/api/v1/config?prefix=mail_").json()["items"]]
    assert found == ["mail_x"]
    found = [entry["key"] for entry in api.get("/api/v1/config?prefix=mail.&limit=500").json()["items"]]
    assert found == ["mail.host", "mail.port"]


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}, 1.5, {"a": [None]}])
def test_any_json_value(api: httpx.Client, value: Any) -> None:
    """Every JSON value is a value, null included."""
    assert put(api, "a", {"value": value}, **CREATE).json()["value"] == value
    assert api.get("/api/v1/config/a").json()["value"] == value


@pytest.mark.parametrize("opening,closing", [("[", "]"), ('{"a":', "}")])
def test_nesting_has_a_limit(api: httpx.Client, opening: str, closing: str) -> None:
    """What could be kept and never shown again is refused: 127 levels in the body's own are well, one more is a 422."""
    headers = {**CREATE, "Content-Type": "application/json"}

    def nested(levels: int) -> str:
        return '{"value":' + opening * levels + "1" + closing * levels + "}"

    assert api.put("/api/v1/config/deep", content=nested(127), headers=headers).status_code == 201
    assert api.get("/api/v1/config/deep").status_code == 200
    found = problem(api.put("/api/v1/config/deeper", content=nested(128), headers=headers), 422, "validation_failed")
    assert found["errors"][0]["code"] == "too_deep"
