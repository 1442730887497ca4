"""The law of denied events: each audited operation that a caller may not do leaves exactly one, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from admin_api_mock.control import WorldHandle
from admin_api_mock.document import Document, Operation

from .conftest import client_of, events, problem

AUDITED = [operation for operation in Document.load().operations.values() if operation.audit is not None]


@pytest.mark.parametrize("operation", AUDITED, ids=[operation.id for operation in AUDITED])
def test_every_refused_operation_is_on_record(make_world: Callable[..., WorldHandle], operation: Operation) -> None:
    """The event says which operation, on what, by whom and why; the answer names it; a replay tells the same again."""
    world = make_world(tokens=[{"token": "ALL"}, {"token": "NONE", "scopes": []}])
    path = operation.path.replace("{", "some-").replace("}", "")
    with client_of(world) as api, client_of(world, "NONE") as nobody:
        before = world.state()
        answer = nobody.request(operation.method, path, headers={"Idempotency-Key": "k"})
        problem(answer, 403, "insufficient_scope")
        [event] = events(api)
        assert event["id"] == answer.headers["audit-event-id"]
        data = event["data"]
        assert (data["action"], data["outcome"], data["reason"]) == (operation.audit, "denied", "insufficient_scope")
        assert (data["actor"]["type"], data["actor"]["name"]) == ("api_key", "seeded")
        assert [target["id"] for target in data["targets"]] == [
            part for part in path.split("/") if part.startswith("some-")
        ]
        assert data["changes"] == []
        assert world.state() == before | {"audit_events": before["audit_events"] + 1}


def test_who_is_not_known_leaves_no_event(world: WorldHandle, api: httpx.Client) -> None:
    """A 401 has no actor to speak of."""
    for token in ("unknown", "a b"):
        with client_of(world, token) as nobody:
            assert nobody.post("/api/v1/users", json={}).status_code in (400, 401)
    assert events(api) == []
