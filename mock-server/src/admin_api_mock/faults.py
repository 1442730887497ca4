"""Faults: break on command. Each matches an operation, and headers if it names any, at one stage of a request, leaves
`skip` of those alone, then breaks `times` of them. At a stage the oldest fault that is due wins; the others keep their
turn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import orjson

from admin_api_mock.http import JSON, PROBLEM_JSON, Answer, Disconnected
from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.clock import WorldClock
    from admin_api_mock.context import Context
    from admin_api_mock.journal import Entry, Journal

Stage: TypeAlias = Literal["body", "latency", "barrier", "before", "hold", "after"]

#: Member of the control request → the stage at which that fault acts; the stages in the order of a request.
#: `reset` and `stall` have two, and say which.
STAGES: Mapping[str, Stage | None] = {
    "reset_after_body_bytes": "body",
    "latency_ms": "latency",
    "barrier": "barrier",
    "respond": "before",
    "reset": None,
    "stall": None,
    "hold": "hold",
    "hold_ms": "hold",
    "reset_after_answer_bytes": "after",
    "cut_after": "after",
    "stall_after_answer_bytes": "after",
    "stall_after": "after",
    "drip": "after",
    "malformed": "after",
}
#: What nobody misses if its client has gone while it was held.
READS = frozenset({"GET", "HEAD"})


class Reset(Exception):
    """The connection is to be reset now, without an answer or in the midst of one."""


@dataclass(slots=True, eq=False)
class Fault:
    """One fault as it was set, with what is left of it."""

    id: str
    spec: Mapping[str, Any]
    kind: str
    stage: Stage
    operation: str
    #: Lower-case name → the value a request must carry.
    headers: Mapping[str, str]
    skip: int
    times: int
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    def due(self, ctx: Context) -> bool:
        """Counts one request that reached this fault's stage; True if it is to be broken, by this or an older fault."""
        if self.times == 0 or self.operation not in ("*", ctx.operation.id):
            return False
        if any(ctx.request.header(name) != value for name, value in self.headers.items()):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        return True

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Counts a request that it keeps or slows."""
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    def render(self) -> dict[str, Any]:
        """As the control plane shows it."""
        left = {"skip": self.skip, "times": self.times, "waiting": self.waiting}
        return {**self.spec, "id": self.id, "kind": self.kind, **left}


class _Kept(NamedTuple):
    """Why a request waits: until its fault lets go, or until world time is there."""

    fault: Fault
    until_ms: int | None


class Faults:
    """The faults of one world."""

    def __init__(self, clock: WorldClock, journal: Journal) -> None:
        self._clock = clock
        self._journal = journal
        self._faults: dict[str, Fault] = {}
        self._kept: dict[Entry, _Kept] = {}
        self._made = 0
        self._closed = False

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults.values())

    def __len__(self) -> int:
        return len(self._faults)

    def add(self, spec: Mapping[str, Any]) -> Fault:
        """Sets a fault from its control body."""
        kind = next(member for member in STAGES if member in spec)
        stage: Stage = STAGES[kind] or ("before" if spec[kind] == "before" else "after")
        self._made += 1
        fault = Fault(
            id=f"flt_{self._made}",
            spec=spec,
            kind=kind,
            stage=stage,
            operation=spec["operation"],
            headers={name.lower(): value for name, value in spec.get("headers", {}).items()},
            skip=spec.get("skip", 0),
            # A barrier lets all n through at once, so it is spent by n requests.
            times=spec["barrier"] if kind == "barrier" else spec.get("times", 1),
        )
        self._faults[fault.id] = fault
        return fault

    def release(self, fault_id: str) -> Fault:
        """Lets go all that it keeps, and whoever would still come."""
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

    async def settled(self) -> None:
        """Returns once all that was just let go, by a release or by the clock, has ended, has begun to be answered
        or is kept again: who steps sees what the step brought about (SERVER-2)."""
        now_ms = self._clock.now_ms()
        freed = [
            entry
            for entry, (fault, until_ms) in self._kept.items()
            if fault.gate.is_set() or (until_ms is not None and until_ms <= now_ms)
        ]
        for entry in freed:
            entry.phase = "released"
        await self._journal.settled(freed)

    def body_bytes(self, ctx: Context) -> int | None:
        """After how many bytes of its body this request is to be reset."""
        fault = self._take("body", ctx) if self._faults else None
        return fault.spec["reset_after_body_bytes"] if fault else None

    async def before(self, ctx: Context) -> Answer | None:
        """Latency, a barrier, then an answer of the test's own making, a reset or silence: the API has seen nothing."""
        late = self._take("latency", ctx)
        if late:
            await self.keep(late, ctx, until_ms=self._clock.now_ms() + late.spec["latency_ms"])
        barrier = self._take("barrier", ctx)
        if barrier:
            if barrier.times == 0:
                barrier.gate.set()
            await self.keep(barrier, ctx)
        fault = self._take("before", ctx)
        if fault is None:
            return None
        if fault.kind == "reset":
            raise Reset
        if fault.kind == "stall":
            await self.keep(fault, ctx)
            return None
        return _scripted(fault.spec["respond"], ctx)

    async def hold(self, ctx: Context) -> None:
        """Keeps the request: in flight, and holding no database lock. A mutation has got too far to end with its
        client (SERVER-2)."""
        fault = self._take("hold", ctx) if self._faults else None
        if fault:
            for_ms = fault.spec.get("hold_ms")
            until_ms = None if for_ms is None else self._clock.now_ms() + for_ms
            await self.keep(fault, ctx, until_ms=until_ms, drop=ctx.request.method in READS)

    async def after(self, ctx: Context) -> Fault | None:
        """The fault that breaks this request's answer on its way; all is committed by now. Raises Reset if the answer
        is to be lost."""
        fault = self._take("after", ctx)
        if fault is None:
            return None
        if fault.kind == "reset":
            raise Reset
        if fault.kind == "stall":
            await self.keep(fault, ctx)
            return None
        return fault

    async def keep(self, fault: Fault, ctx: Context, *, until_ms: int | None = None, drop: bool = True) -> None:
        """Returns when the fault lets go or world time is there. Raises Reset if the world ends, and Disconnected as
        soon as the client leaves, if such a request is to be dropped."""
        entry, phase = ctx.entry, ctx.entry.phase
        released: set[asyncio.Future[Any]] = {asyncio.ensure_future(fault.gate.wait())}
        if until_ms is not None:
            released.add(asyncio.ensure_future(self._clock.sleep_until(until_ms)))
        # Awaited in every case: it reads on, without which nobody would notice that the client leaves.
        gone = asyncio.ensure_future(ctx.request.gone())
        entry.phase = "held"
        self._kept[entry] = _Kept(fault, until_ms)
        self._journal.changed()
        try:
            with fault.busy():
                await asyncio.wait(released | {gone} if drop else released, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*released, gone):
                task.cancel()
            await asyncio.gather(*released, gone, return_exceptions=True)
            del self._kept[entry]
            entry.phase = phase
            self._journal.changed()
        if self._closed:
            raise Reset
        if drop and ctx.request.wire.left:
            raise Disconnected

    async def pause(self, fault: Fault, real_ms: int) -> None:
        """Returns after so long, or as soon as the fault lets go. Raises Reset if the world ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(real_ms / 1000):
                await fault.gate.wait()
        if self._closed:
            raise Reset

    def _take(self, stage: Stage, ctx: Context) -> Fault | None:
        # Every fault of the stage counts the request, so that `skip` means the same whatever else is set.
        due = [fault for fault in self._faults.values() if fault.stage == stage and fault.due(ctx)]
        if not due:
            return None
        due[0].times -= 1
        ctx.entry.faults += (due[0].id,)
        return due[0]

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
