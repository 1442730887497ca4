"""A domain of notes: the smallest API behind the frame, so that the frame's tests are of the frame alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from admin_api_mock.context import Context
from admin_api_mock.document import Document
from admin_api_mock.domain import Domain
from admin_api_mock.http import EVENT_STREAM, NDJSON, Answer
from admin_api_mock.principal import Principal
from admin_api_mock.problems import Problem
from admin_api_mock.worlds import World

DOCUMENT = Path(__file__).with_name("tiny.yaml")


class Notes:
    """What the tests look at: how often each operation was carried out, and what was denied, per world."""

    def __init__(self) -> None:
        self.done: dict[str, list[str]] = {}
        self.denied: list[str] = []
        self.open_streams = 0
        self.domain = Domain(
            furnish=lambda world: self.done.update({world.id: []}),
            populate=self.populate,
            authenticate=self.authenticate,
            transact=self.transact,
            record_denied=self.record_denied,
            revoke_tokens=lambda world, named: len(named),
            log_in=lambda world, given: {"refresh_token": given["client_id"]},
            rotate_keys=lambda world, retire: ["new"] if retire else ["new", "old"],
            object_bytes=lambda world, object_id: b"\x00\xff" if object_id == "obj_1" else None,
            counts=lambda world: {"done": len(self.done[world.id])},
            dismantle=lambda world: None,
            erase=lambda world: None,
        )

    def populate(self, world: World, creation: Mapping[str, Any]) -> Mapping[str, Any]:
        """Makes an id per user asked for; refuses a user without a name."""
        for user in creation.get("users", ()):
            if "username" not in user:
                raise Problem("validation_failed", "A user needs a name.")
        return {"users": [f"usr_{n}" for n, _ in enumerate(creation.get("users", ()))]}

    def authenticate(self, ctx: Context) -> Principal:
        """`Bearer a,b` is somebody with the scopes a and b."""
        scheme, _, token = (ctx.request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer":
            raise Problem("invalid_token", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return Principal("user", "usr_1", "somebody", frozenset(token.split(",")))

    def record_denied(self, ctx: Context, refusal: Problem) -> str:
        """Counts a denial."""
        self.denied.append(ctx.operation.id)
        return f"evt_{len(self.denied)}"

    async def transact(self, ctx: Context) -> Answer:
        """Holds, then does what the operation says; the commit is the line in `done`."""
        await ctx.world.faults.hold(ctx)
        operation = ctx.operation.id
        if operation == "bugs.meet":
            raise ZeroDivisionError("a secret value")
        self.done[ctx.world.id].append(operation)
        if operation == "notes.export":
            return Answer(200, {"Content-Type": NDJSON}, self.lines())
        if operation == "notes.stream":
            return Answer(200, {"Content-Type": EVENT_STREAM}, self.events())
        if operation == "notes.put":
            return Answer(204)
        told = {"path": ctx.path, "query": ctx.query, "headers": ctx.header_params, "body": ctx.body}
        return Answer.json(201 if operation == "notes.create" else 200, told)

    async def lines(self) -> AsyncIterator[bytes]:
        """Four lines."""
        for n in range(4):
            yield b'{"id":"n%d","text":"line"}\n' % n
        yield b'{"$end":{"count":4}}\n'

    async def events(self) -> AsyncIterator[bytes]:
        """A retry field, a heartbeat, two events, then silence until the reader goes."""
        self.open_streams += 1
        try:
            yield b"retry: 1000\n\n"
            yield b": heartbeat\n\n"
            for n in range(2):
                yield b'id: n%d\ndata: {"id":"n%d"}\n\n' % (n, n)
            await asyncio.Event().wait()
        finally:
            self.open_streams -= 1


def document() -> Document:
    """The document of notes."""
    return Document.load(DOCUMENT)
