"""The control plane in the server: its own document, the same routing and validation, a handler per operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from admin_api_mock.document import Document
from admin_api_mock.domain import Domain
from admin_api_mock.http import OCTET_STREAM, Answer, BodyTooLarge, Request
from admin_api_mock.problems import Problem
from admin_api_mock.routing import Router
from admin_api_mock.validation import Validation
from admin_api_mock.worlds import World, Worlds

DOCUMENT = Path(__file__).with_name("openapi.yaml")
DEFAULT_WAIT_MS = 10_000

Call: TypeAlias = Callable[["ControlPlane", Mapping[str, str], Mapping[str, Any], Any], Awaitable[Answer]]


class ControlPlane:
    """Answers requests under `/__mock__/`. The caller has checked that they come from this machine."""

    def __init__(self, worlds: Worlds, domain: Domain) -> None:
        self.worlds = worlds
        self.domain = domain

    # Read when first used: a server that is only called never pays for it.
    @cached_property
    def document(self) -> Document:
        """The control plane's own OpenAPI document."""
        return Document.load(DOCUMENT)

    @cached_property
    def _router(self) -> Router:
        return Router(self.document.operations.values())

    @cached_property
    def _validation(self) -> Validation:
        return Validation(self.document)

    async def answer(self, request: Request) -> Answer:
        """Routes, validates, calls."""
        operation, path = self._router.match(request.method, request.path)
        try:
            await request.read()
        except BodyTooLarge:
            raise Problem("payload_too_large") from None
        query, _ = self._validation.parameters(operation, path, request)
        body = self._validation.body(operation, request)
        return await CALLS[operation.id](self, path, query, body)

    def world(self, path: Mapping[str, str]) -> World:
        """The world that a path names."""
        return self.worlds.get(path["world_id"])


def _rendered(world: World, made: Mapping[str, Any] | None = None) -> dict[str, Any]:
    told = {"id": world.id, "base_url": world.base_url, "token_url": world.token_url, "now_ms": world.clock.now_ms()}
    return told | dict(made or {})


async def _document(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    return Answer(200, {"Content-Type": "application/yaml"}, plane.document.yaml_for(plane.worlds.origin))


async def _list_worlds(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    return Answer.json(200, {"worlds": [_rendered(world) for world in plane.worlds]})


async def _create_world(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    world, made = plane.worlds.create(body)
    return Answer.json(201, _rendered(world, made), {"Location": f"/__mock__/worlds/{world.id}"})


async def _get_world(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    return Answer.json(200, _rendered(plane.world(path)))


async def _delete_world(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    plane.worlds.delete(path["world_id"])
    return Answer(204)


async def _reset_world(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    world, made = plane.worlds.reset(path["world_id"])
    return Answer.json(200, _rendered(world, made))


async def _state(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    return Answer.json(200, dict(plane.domain.counts(plane.world(path))))


async def _now(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    return Answer.json(200, {"now_ms": plane.world(path).clock.now_ms()})


async def _step(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    world = plane.world(path)
    now_ms = world.clock.advance(body["advance_ms"]) if "advance_ms" in body else world.clock.until(body["until_ms"])
    await world.faults.settled()
    return Answer.json(200, {"now_ms": now_ms})


async def _read_journal(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    entries = plane.world(path).journal.entries(query.get("after", 0), query.get("channel"))
    return Answer.json(200, {"entries": [entry.render() for entry in entries]})


async def _clear_journal(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    plane.world(path).journal.clear()
    return Answer(204)


async def _wait(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    found = await plane.world(path).journal.wait(
        body.get("match", {}), body.get("count", 1), body.get("timeout_ms", DEFAULT_WAIT_MS)
    )
    return Answer.json(200, {"entries": [entry.render() for entry in found]})


async def _list_faults(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    return Answer.json(200, {"faults": [fault.render() for fault in plane.world(path).faults]})


async def _create_fault(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    world = plane.world(path)
    if body["operation"] != "*" and body["operation"] not in world.document.operations:
        detail = "There is no such operation."
        raise Problem(
            "validation_failed", detail, errors=[{"pointer": "/operation", "code": "invalid_value", "detail": detail}]
        )
    return Answer.json(201, world.faults.add(body).render())


async def _clear_faults(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    faults = plane.world(path).faults
    faults.clear()
    await faults.settled()
    return Answer(204)


async def _delete_fault(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    faults = plane.world(path).faults
    faults.remove(path["fault_id"])
    await faults.settled()
    return Answer(204)


async def _release(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    faults = plane.world(path).faults
    fault = faults.release(path["fault_id"])
    await faults.settled()
    return Answer.json(200, fault.render())


async def _revoke(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    return Answer.json(200, {"revoked": plane.domain.revoke_tokens(plane.world(path), body)})


async def _log_in(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    return Answer.json(201, plane.domain.log_in(plane.world(path), body), {"Cache-Control": "no-store"})


async def _rotate_keys(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    kids = plane.domain.rotate_keys(plane.world(path), body.get("retire", False))
    return Answer.json(200, {"kid": kids[0], "published": list(kids)})


async def _object(plane: ControlPlane, path: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Answer:
    stored = plane.domain.object_bytes(plane.world(path), path["object_id"])
    if stored is None:
        raise Problem("not_found", "There is no such object.")
    return Answer(200, {"Content-Type": OCTET_STREAM}, stored)


#: operationId of control/openapi.yaml → handler; a test holds the two together.
CALLS: Mapping[str, Call] = {
    "document.yaml": _document,
    "worlds.list": _list_worlds,
    "worlds.create": _create_world,
    "worlds.get": _get_world,
    "worlds.delete": _delete_world,
    "worlds.reset": _reset_world,
    "worlds.state": _state,
    "clock.get": _now,
    "clock.step": _step,
    "journal.read": _read_journal,
    "journal.clear": _clear_journal,
    "journal.wait": _wait,
    "faults.list": _list_faults,
    "faults.create": _create_fault,
    "faults.clear": _clear_faults,
    "faults.delete": _delete_fault,
    "faults.release": _release,
    "tokens.revoke": _revoke,
    "tokens.log_in": _log_in,
    "keys.rotate": _rotate_keys,
    "objects.get": _object,
}
