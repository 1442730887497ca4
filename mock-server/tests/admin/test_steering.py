"""Every call of the control plane's client, and every answer held against the control plane's own document."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from admin_api_mock.control import Control, WorldHandle
from admin_api_mock.control._generated.operations import Call
from admin_api_mock.control.routes import CALLS, DOCUMENT
from admin_api_mock.control.wire import Wire
from admin_api_mock.document import Document
from admin_api_mock.validation import Validation

from .conftest import access_token, upload

#: What is read and not called.
DOCUMENTATION = {"document.yaml"}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Operation and answer of each call that the client sends."""
    seen: list[tuple[str, Any]] = []
    send = Wire.send

    def spying(wire: Wire, call: Call, **how: Any) -> Any:
        answer = send(wire, call, **how)
        seen.append((call.operation, answer))
        return answer

    monkeypatch.setattr(Wire, "send", spying)
    return seen


def test_every_operation_has_a_method_and_answers_as_documented(
    control: Control, answers: list[tuple[str, Any]]
) -> None:
    """The client covers the document, and the server keeps to it, member by member."""
    spied = Control(control.url)
    with spied.create_world(seed="dev", users=1, journal={"bodies": True}) as world:
        steer(spied, world)
    assert set(CALLS) - DOCUMENTATION == {operation for operation, _ in answers}
    document = Document.load(DOCUMENT)
    validation = Validation(document)
    for operation, answer in answers:
        if isinstance(answer, dict):
            pointer = schema_of(document, operation)
            validation.check_own(operation, pointer, answer)
            name = pointer.rpartition("/")[2]
            # A fault is told with what it was set with.
            known = members(document, name) | (members(document, "FaultCreation") if name == "Fault" else set())
            assert not known or set(answer) - known == set(), operation


def steer(control: Control, world: WorldHandle) -> None:
    """Calls whatever can be called."""
    assert {world.id, "root"} <= {found.id for found in control.worlds()}
    assert world.base_url == control.world(world.id).base_url
    with httpx.Client(base_url=world.base_url, headers={"Authorization": f"Bearer {world.token}"}) as api:
        assert 200 == api.get("/api/v1/users", params={"limit": 1}).status_code
        object_id = upload(api, "a.age").json()["id"]
    assert world.object_bytes(object_id).startswith(b"age-encryption.org/v1")
    access_token(world, world.client_id, world.client_secret)
    assert "Bearer" == world.log_in(world.client_id)["token_type"]
    assert 2 == len(world.rotate_keys()) == 1 + len(world.rotate_keys(retire=True))
    assert 1 <= world.revoke_tokens(client_id=world.client_id, refresh=True)
    assert ["users.list", "storage.objects.upload"] == [entry["operation"] for entry in world.journal(channel="api")]
    assert 1 == len(world.wait({"operation": "users.list", "status": 200}))
    world.clear_journal()
    begin = world.now_ms()
    assert begin + 2000 == world.until(begin + 1000) + 1000 == world.advance(1000)
    held, reset = world.fault("users.list", hold=True), world.fault("*", skip=1, times=2, reset="before")
    assert [(held, 0, 1), (reset, 1, 2)] == [(one["id"], one["skip"], one["times"]) for one in world.faults()]
    world.release(held)
    world.remove_fault(held)
    assert [reset] == [one["id"] for one in world.faults()]
    world.clear_faults()
    assert [] == world.faults()
    users = world.state()["users"]
    world.reset()
    assert (begin, users) == (world.now_ms(), world.state()["users"])


def members(document: Document, name: str) -> set[str]:
    """The members that a schema names; none if it is a map."""
    return set(document.raw["components"]["schemas"][name].get("properties", ()))


def schema_of(document: Document, operation: str) -> str:
    """The pointer of the schema of an operation's JSON answer."""
    for item in document.raw["paths"].values():
        for node in item.values():
            if isinstance(node, dict) and node.get("operationId") == operation:
                (answer,) = [given for status, given in node["responses"].items() if str(status).startswith("2")]
                reference: str = answer["content"]["application/json"]["schema"]["$ref"]
                return reference.removeprefix("#")
    raise LookupError(operation)
