"""Faults: break on command. Each matches an operation at one stage of a request, leaves `skip` of those alone, then
breaks `times` of them. At a stage the oldest fault that is due wins; the others keep their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import orjson

from admin_api_mock.http import JSON, PROBLEM_JSON, Answer
from admin_api_mock.problems import Problem, not_implemented

if TYPE_CHECKING:
    from admin_api_mock.context import Context

Stage: TypeAlias = Literal["body", "barrier", "before", "hold", "after"]

#: Member of the control request → the stage at which that fault acts. `reset` has two.
STAGES: Mapping[str, Stage] = {
    "reset_after_body_bytes": "body",
    "barrier": "barrier",
    "respond": "before",
    "hold": "hold",
    "reset_after_answer_bytes": "after",
    "cut_after": "after",
}
LATER_KINDS = ("latency_ms", "stall", "drip", "malformed")


class Reset(Exception):
    """The connection is to be reset now, without an answer."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How an answer ends early: after `at_bytes` of its body, or `after_items` lines or events and half of the next."""

    at_bytes: int | None = None
    after_items: int | None = None


@dataclass(slots=True, eq=False)
class Fault:
    """One fault as it was set, with what is left of it."""

    id: str
    spec: Mapping[str, Any]
    kind: str
    stage: Stage
    operation: str
    skip: int
    times: int
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    def due(self, operation: str) -> bool:
        """Counts one request that reached this fault's stage; True if it is to be broken, by this or an older fault."""
        if self.operation not in ("*", operation) or self.times == 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        return True

    def render(self) -> dict[str, Any]:
        """As the control plane shows it."""
        return {**self.spec, "id": self.id, "skip": self.skip, "times": self.times, "waiting": self.waiting}


class Faults:
    """The faults of one world."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._made = 0
        self._closed = False

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults.values())

    def add(self, spec: Mapping[str, Any]) -> Fault:
        """Sets a fault from its control body; kinds that are not there yet are a declared 501."""
        for later in LATER_KINDS:
            if later in spec:
                raise not_implemented(f"The fault {later}")
        kind = next(member for member in (*STAGES, "reset") if member in spec)
        stage: Stage = STAGES[kind] if kind != "reset" else "before" if spec["reset"] == "before" else "after"
        self._made += 1
        fault = Fault(
            id=f"flt_{self._made}",
            spec=spec,
            kind=kind,
            stage=stage,
            operation=spec["operation"],
            skip=spec.get("skip", 0),
            # A barrier lets all n through at once, so it is spent by n requests.
            times=spec["barrier"] if kind == "barrier" else spec.get("times", 1),
        )
        self._faults[fault.id] = fault
        return fault

    def release(self, fault_id: str) -> Fault:
        """Lets go all that a `hold` or `barrier` keeps, and whoever would still come."""
        fault = self._get(fault_id)
        fault.times = 0
        fault.gate.set()
        return fault

    def remove(self, fault_id: str) -> None:
        """Removes one fault, letting go what it keeps."""
        self.release(fault_id)
        del self._faults[fault_id]

    def clear(self) -> None:
        """Removes all faults."""
        for fault_id in list(self._faults):
            self.remove(fault_id)

    def close(self) -> None:
        """The world ends: what is kept is reset, for there is nothing left to answer from."""
        self._closed = True
        self.clear()

    def body_bytes(self, operation: str) -> int | None:
        """After how many bytes of its body this request is to be reset."""
        fault = self._take("body", operation) if self._faults else None
        return fault.spec["reset_after_body_bytes"] if fault else None

    async def before(self, ctx: Context) -> Answer | None:
        """Barriers, then an answer of the test's own making, or a reset, before the API has seen the request."""
        if not self._faults:
            return None
        barrier = self._take("barrier", ctx.operation.id)
        if barrier:
            if barrier.times == 0:
                barrier.gate.set()
            await self._keep(barrier, ctx)
        fault = self._take("before", ctx.operation.id)
        if fault is None:
            return None
        if fault.kind == "reset":
            raise Reset
        return _scripted(fault.spec["respond"], ctx)

    async def hold(self, ctx: Context) -> None:
        """Keeps the request until it is released: in flight, and holding no database lock (RULES SERVER)."""
        fault = self._take("hold", ctx.operation.id) if self._faults else None
        if fault:
            await self._keep(fault, ctx)

    def after(self, operation: str) -> Cut | None:
        """How this request's answer is to be broken; all is committed by now. Raises Reset if it is to be lost."""
        fault = self._take("after", operation) if self._faults else None
        if fault is None:
            return None
        if fault.kind == "reset":
            raise Reset
        return Cut(fault.spec.get("reset_after_answer_bytes"), fault.spec.get("cut_after"))

    def _take(self, stage: Stage, operation: str) -> Fault | None:
        # Every fault of the stage counts the request, so that `skip` means the same whatever else is set.
        due = [fault for fault in self._faults.values() if fault.stage == stage and fault.due(operation)]
        if not due:
            return None
        due[0].times -= 1
        return due[0]

    async def _keep(self, fault: Fault, ctx: Context) -> None:
        ctx.entry.phase = "held"
        fault.waiting += 1
        ctx.world.journal.changed()
        try:
            await fault.gate.wait()
        finally:
            fault.waiting -= 1
            ctx.entry.phase = ctx.phase
        if self._closed:
            raise Reset

    def _get(self, fault_id: str) -> Fault:
        fault = self._faults.get(fault_id)
        if fault is None:
            raise Problem("not_found", "There is no such fault.")
        return fault


def _scripted(script: Mapping[str, Any], ctx: Context) -> Answer:
    """The answer a `respond` fault describes: a `problem` (filled up to a whole one), JSON, text, or nothing."""
    headers: dict[str, str] = {}
    body: Any = script.get("body")
    if "problem" in script:
        problem = {
            "type": "about:blank",
            "title": "Scripted",
            "status": script["status"],
            "code": "service_unavailable",
        }
        body = {**problem, "request_id": ctx.request_id, **script["problem"]}
        headers["Content-Type"] = PROBLEM_JSON
    elif body is not None:
        headers["Content-Type"] = "text/plain; charset=utf-8" if isinstance(body, str) else JSON
    for name, value in script.get("headers", {}).items():
        # One spelling per header: a scripted one replaces ours, whatever its case.
        headers = {ours: kept for ours, kept in headers.items() if ours.lower() != name.lower()} | {name: value}
    encoded = b"" if body is None else body.encode() if isinstance(body, str) else orjson.dumps(body)
    return Answer(script["status"], headers, encoded, scripted=True)
