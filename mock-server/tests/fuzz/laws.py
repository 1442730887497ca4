"""Laws that no schema states, held against every answer Schemathesis gets: scopes, keys, entity tags, the trail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import requests
import schemathesis
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from fuzz.requests_made import WORLD, session

#: Statuses of what has passed authentication and authorisation (phases.py), in whatever way it ended.
AUTHORISED = frozenset({200, 201, 204, 206, 304, 409, 410, 412, 416, 422, 428})
#: So many lines of an export are held to its schema.
LINES = 20
_STALE = '"stale"'


@schemathesis.check
def needs_its_scopes(ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """SERVER-1: before anybody looks at its data, a request without a token is a 401, without the scope a 403 that
    names it; on an audited operation the 403 names its event (SERVER-3)."""
    operation = _operation(case, response)
    if operation is None or response.status_code not in AUTHORISED:
        return
    schemes = [scheme for requirement in operation["security"] for scheme in requirement]
    if "oauth2" not in schemes:
        return
    anonymous = _again(response, Authorization=None)
    assert anonymous.status_code == 401, f"without a token: {anonymous.status_code}, not 401"
    assert anonymous.headers["WWW-Authenticate"].startswith("Bearer "), "a 401 has a challenge"
    for scope in (scope for requirement in operation["security"] for scope in requirement["oauth2"]):
        refused = _again(response, Authorization=f"Bearer {WORLD.without[scope]}")
        assert refused.status_code == 403, f"without {scope}: {refused.status_code}, not 403"
        challenge = refused.headers["WWW-Authenticate"]
        assert 'error="insufficient_scope"' in challenge, f"the challenge is {challenge}"
        assert f'scope="{scope}"' in challenge, f"the challenge is {challenge}"
        audited = isinstance(operation.get("x-audit"), str)
        assert audited is ("Audit-Event-Id" in refused.headers), "denied events are those of audited operations"


@schemathesis.check
def a_key_keeps_the_first_answer(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """SERVER-4: repeated with its key, a mutation is answered as the first time and done once; asked for something
    else, the key is a 422."""
    operation = _operation(case, response)
    key = (response.request.headers or {}).get("Idempotency-Key")
    if operation is None or not operation.get("x-idempotent") or key is None:
        return
    if not 200 <= response.status_code < 300 or "idempotency-replayed" in response.headers:
        return
    replay = _again(response)
    assert (replay.status_code, replay.content) == (response.status_code, response.content), "the replay differs"
    assert replay.headers.get("Idempotency-Replayed") == "true", "the replay does not say so"
    event_id = response.headers.get("audit-event-id", [None])[0]
    assert replay.headers.get("Audit-Event-Id") == event_id, "the replay names another event"
    assert not _events(replay.headers["X-Request-Id"]), "the replay has recorded an event"
    other = _again(response, **{"Content-Type": "application/json; another=request"})
    if other.status_code != 415:  # A part of what a key stands for (SERVER-4), and taken by every JSON operation.
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused"), "the key was used twice"


@schemathesis.check
def is_on_the_trail(ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """SERVER-3, SERVER-5: a committed mutation has recorded exactly one event and names it; a 403 a denied one;
    nothing else any."""
    operation = _operation(case, response)
    if operation is None:
        return
    named = response.headers.get("audit-event-id", [None])[0]
    replayed = "idempotency-replayed" in response.headers
    done = 200 <= response.status_code < 300
    dry_run = str(case.query.get("dry_run")).lower() == "true"
    if isinstance(operation.get("x-audit"), str) and done and not dry_run:
        assert named is not None, "a committed mutation names no event"
    if replayed:
        return
    events = _events(response.headers["x-request-id"][0])
    assert [event["id"] for event in events] == ([named] if named else []), "the trail has other events of this call"
    for event in events:
        assert event["data"]["outcome"] == ("success" if done else "denied"), event["data"]["outcome"]
        assert operation["x-audit"] in (event["data"]["action"], False), "the event tells of another action"


@schemathesis.check
def entity_tags_hold(ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """RFC 9110, 13: what is known is a 304 wherever the document has one; a stale tag stops every change that takes
    If-Match."""
    operation = _operation(case, response)
    if operation is None or not 200 <= response.status_code < 300:
        return
    if response.request.method == "GET" and "etag" in response.headers:
        etag = response.headers["etag"][0]
        if "304" in operation["responses"]:
            for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
                unchanged = _again(response, **{"If-None-Match": known})
                assert (unchanged.status_code, unchanged.content) == (304, b""), f"{known}: {unchanged.status_code}"
                assert unchanged.headers["ETag"] == etag, "a 304 has the tag"
        _a_stale_tag_stops_deletion(response, case)
    elif response.request.method != "DELETE" and _takes_if_match(operation, case):
        conditions = {"If-Match": _STALE, "If-None-Match": None, "Idempotency-Key": None}
        stale = _again(response, **conditions)
        assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed"), stale.text


@schemathesis.check
def lines_are_items(ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """STREAM-2, STREAM-3: each line of an export and the data of each event are an item of their schema; the last
    line of an export counts them."""
    operation = _operation(case, response)
    media_type = response.headers.get("content-type", [""])[0]
    if operation is None or response.status_code != 200 or "x-streaming" not in operation:
        return
    lines = response.content.splitlines()
    if operation["x-streaming"]["format"] == "ndjson":
        assert json.loads(lines.pop()) == {"$end": {"count": len(lines)}}, "the count is another"
        items = lines[:LINES]
    else:
        items = [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data:")]
        assert items, "behind an old event there are others"
    registry = Registry().with_resource("urn:document", Resource(case.operation.schema.raw_schema, DRAFT202012))
    reference = operation["responses"]["200"]["content"][media_type]["schema"]["$ref"]
    validator = Draft202012Validator({"$ref": f"urn:document{reference}"}, registry=registry)
    for item in items:
        validator.validate(json.loads(item))


@schemathesis.check
class EverythingWasReached:
    """A run proves nothing of an operation that it never got to work."""

    def __init__(self) -> None:
        self.tested: set[str] = set()
        self.reached: set[str] = set()

    def after_response(
        self, ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
    ) -> None:
        """Notes what was tried, and what succeeded."""
        operation = _operation(case, response)
        if operation is not None:
            self.tested.add(operation["operationId"])
            if 200 <= response.status_code < 300:
                self.reached.add(operation["operationId"])

    def after_run(self, ctx: schemathesis.CheckContext) -> None:
        """Every operation has to have succeeded once."""
        missed = self.tested - self.reached
        assert not missed, f"never succeeded: {', '.join(sorted(missed))}"


def _operation(case: schemathesis.Case, response: schemathesis.Response) -> Mapping[str, Any] | None:
    """The operation as the document has it; None if the request was not its own but a probe of another method."""
    raw: Mapping[str, Any] = case.operation.definition.raw
    return raw if response.request.method == case.operation.method.upper() else None


def _again(response: schemathesis.Response, **headers: str | None) -> requests.Response:
    """The same bytes once more, but for these headers; None takes one away."""
    request = response.request.copy()
    for name, value in headers.items():
        request.headers.pop(name, None)
        if value is not None:
            request.headers[name] = value
    return session.send(request, allow_redirects=False, timeout=20)


def _events(request_id: str) -> list[Mapping[str, Any]]:
    """All events that a request recorded."""
    answer = session.get(
        f"{WORLD.base_url}/api/v1/audit/events",
        params={"request_id": request_id},
        headers={"Authorization": f"Bearer {WORLD.token}"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    found: list[Mapping[str, Any]] = answer.json()["items"]
    return found


def _takes_if_match(operation: Mapping[str, Any], case: schemathesis.Case) -> bool:
    parameters = operation.get("parameters", ())
    return any(parameter.get("name") == "If-Match" for parameter in parameters)


def _a_stale_tag_stops_deletion(response: schemathesis.Response, case: schemathesis.Case) -> None:
    deletion = case.operation.schema.raw_schema["paths"][case.operation.path].get("delete")
    if deletion is None or not _takes_if_match(deletion, case):
        return
    url = str(response.request.url).partition("?")[0]
    headers = {"Authorization": f"Bearer {WORLD.token}", "If-Match": _STALE}
    stale = session.delete(url, headers=headers, timeout=10)
    # What is deleted already is not there to be deleted: a user is still shown.
    gone = response.json().get("status") == "deleted"
    assert stale.status_code == (404 if gone else 412), f"{stale.status_code} {stale.text}"
