"""SERVER-3 of streams: they hold no transaction, and each line is held to the document."""

from __future__ import annotations

import json

import httpx
import pytest

from admin_api_mock.control import WorldHandle
from admin_api_mock.document import Document

from .conftest import CREATION, client_of, events, make_user, serving

#: Two reads of the store.
USERS = 700


def test_an_export_stands_in_nobodys_way(world: WorldHandle, api: httpx.Client) -> None:
    """While one is read, slowly, others write; it goes on to its own end, and is of the moment it began."""
    for number in range(3):
        make_user(api, f"before{number}")
    fault = world.fault("users.export", stall_after=1)
    with client_of(world) as slow, slow.stream("GET", "/api/v1/exports/users") as export:
        arriving = export.iter_raw()
        came = next(arriving)
        make_user(api, "during")
        world.release(fault)
        came += b"".join(arriving)
    *rows, end = [json.loads(line) for line in came.splitlines()]
    assert ["before0", "before1", "before2"] == [row["username"] for row in rows]
    assert {"$end": {"count": 3}} == end


@pytest.mark.parametrize("first_of", [0, USERS - 1])
def test_a_line_that_the_document_does_not_allow_does_not_leave(first_of: int) -> None:
    """An export that meets one is cut without its end, be it in its first read or in a later one."""
    text = Document.load().text
    narrowed = text.replace("enum: [active, suspended, deleted]", "enum: [suspended, deleted]")
    assert narrowed != text
    users = [
        {
            "username": "wrong" if n == first_of else f"user{n}",
            "email": f"user{n}@example.net",
            "roles": ["viewer"],
            "status": "active" if n == first_of else "suspended",
        }
        for n in range(USERS)
    ]
    with serving(Document(narrowed)) as control:
        world = control.create_world(**CREATION, users=users)
        with client_of(world) as api, api.stream("GET", "/api/v1/exports/users") as export:
            came = []
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                came.extend(export.iter_raw())
        assert b"wrong" not in b"".join(came)
        assert b"$end" not in b"".join(came)
        assert "cut" == world.journal()[-1]["outcome"]


def test_a_refused_call_leaves_no_trace_but_its_own(api: httpx.Client, world: WorldHandle) -> None:
    """Of a handler's refusal nothing is kept, but, if it came with a key, the refusal itself."""
    given = {"username": "alice", "email": "alice@example.net", "roles": ["none"]}
    before = world.state()
    answer = api.post("/api/v1/users", json=given, headers={"Idempotency-Key": "k"})
    assert 422 == answer.status_code
    after = world.state()
    assert {**before, "idempotency_records": before["idempotency_records"] + 1} == after
    assert [] == events(api)
