"""One case on one driver: the steps, the messages between them, and time, which the runner owns (SUITE-1, SUITE-2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from admin_api_mock.control import Control
from runner.load import Case
from runner.match import Bindings, UnknownReference, resolve
from runner.process import Driver, Message
from runner.world import DEFAULT_CLIENT, World

CLIENT = "main"
#: What a driver sets on a list or stream before it reads it.
_OF_LAZY = ("idle_timeout_ms", "liveness_ms", "prefetch")
#: How long one look at the journal waits before the driver is listened to again.
_SLICE_MS = 25


@dataclass(slots=True)
class Seen:
    """What a case brought about, to be judged."""

    bindings: Bindings = field(default_factory=dict)
    #: The error that making the client raised.
    client_error: Mapping[str, Any] | None = None
    #: Call id → what became of it; several for a call with `concurrency`.
    done: dict[str, list[Message]] = field(default_factory=dict)
    sleeps: list[dict[str, Any]] = field(default_factory=list)
    #: What the SDK logged: level and text.
    log: list[Message] = field(default_factory=list)
    #: What came by the user's own layers.
    slots: list[Message] = field(default_factory=list)
    #: What OpenTelemetry was told of calls.
    spans: list[Message] = field(default_factory=list)
    #: All that errors show: texts, tracebacks, pickles.
    shown: list[str] = field(default_factory=list)
    journal: list[dict[str, Any]] = field(default_factory=list)
    state: Mapping[str, int] = field(default_factory=dict)
    #: Stored ciphertext by object id.
    objects: dict[str, bytes] = field(default_factory=dict)
    #: Why the steps could not be carried out to their end.
    stopped: str | None = None


def run(case: Case, driver: Driver, control: Control) -> Seen:
    """Carries out the steps of a case. Raises DriverFailed if the driver hangs, dies or breaks the protocol."""
    world = World(control, case)
    with world.handle:
        return _Run(case, driver, world).seen_in_the_end()


class _Run:
    def __init__(self, case: Case, driver: Driver, world: World) -> None:
        self.case = case
        self.driver = driver
        self.world = world
        self.seen = Seen(bindings={"world": world.told})
        #: Call id → how many of its calls are not done.
        self._open: dict[str, int] = {}
        #: Call id → its calls that sleep.
        self._asleep: dict[str, list[Message]] = {}
        #: Steps that wait for the first sleep of a call.
        self._while_sleeping: dict[str, Sequence[Mapping[str, Any]]] = {}
        self._closed = False

    def seen_in_the_end(self) -> Seen:
        """The whole case."""
        self.driver.ensure_started()
        if self._make_client():
            try:
                self._carry_out(self.case.steps)
            except UnknownReference as error:
                self.seen.stopped = str(error)
            if self._while_sleeping:
                self.seen.stopped = self.seen.stopped or f"{', '.join(self._while_sleeping)} never slept"
            if any(self._open.values()):  # what nobody came to await is not left to the next case
                self.world.clear_faults()
                self._until(lambda: not any(self._open.values()))
            self._close()
        self.world.clear_faults()  # what is still held comes to its end, and into the journal
        self.seen.journal = self.world.journal()
        if "state" in self.case.expect:
            self.seen.state = self.world.handle.state()
        self._fetch_objects()
        return self.seen

    def _make_client(self) -> bool:
        given = dict(self.case.client)
        options = {"base_url": self.world.handle.base_url, "random": 1.0, **given}
        if not given.keys() & {"token", "token_function", "refresh_token", "client_id", "client_secret"}:
            options |= {"client_id": DEFAULT_CLIENT["id"], "client_secret": DEFAULT_CLIENT["secret"]}
        options = {name: value for name, value in options.items() if value is not None or name.endswith("_ms")}
        message = {"type": "client", "client": CLIENT, "options": resolve(options, self.seen.bindings)}
        self.driver.send({**message, "now_ms": self.world.now_ms})
        answer = self.driver.receive()
        if answer["type"] == "refused":
            self.seen.client_error = answer["error"]
            self.seen.shown += answer["shown"]
            return False
        if answer["type"] != "ok":
            raise self.driver.failed(f"it answered `client` with {answer}")
        return True

    def _carry_out(self, steps: Sequence[Mapping[str, Any]]) -> None:
        for step in steps:
            if "call" in step:
                self._call(step)
                if not step.get("background"):
                    self._await(step["id"])
            elif "await" in step:
                self._await(step["await"])
            else:
                ((name, operand),) = step["control"].items()
                getattr(self, f"_control_{name}")(operand)

    def _call(self, step: Mapping[str, Any]) -> None:
        call_id, times = step["id"], step.get("concurrency", 1)
        message = {
            "type": "call",
            "client": CLIENT,
            "operation": step["call"],
            "args": resolve(step.get("args") or {}, self.seen.bindings),
            "options": resolve(step.get("options") or {}, self.seen.bindings),
            "consume": step.get("consume", "all"),
            "raw": step.get("raw", False),
            **{name: step[name] for name in _OF_LAZY if name in step},
        }
        if "while_sleeping" in step:
            self._while_sleeping[call_id] = step["while_sleeping"]
        self._open[call_id] = times
        self.seen.done[call_id] = []
        for _ in range(times):
            self.driver.send({**message, "call": call_id})

    def _await(self, call_id: str) -> None:
        self._until(lambda: self._open[call_id] == 0)
        first = self.seen.done[call_id][0]
        self.seen.bindings[call_id] = first.get("result", first.get("error"))

    def _until(self, settled: Callable[[], bool]) -> None:
        while not settled():
            self._take(self.driver.receive())

    def _take(self, message: Message) -> None:
        if message["type"] == "sleep":
            self._sleep(message)
        elif message["type"] == "done":
            if "crash" in message:
                raise self.driver.failed(f"call {message['call']} crashed in it:\n{message['crash']}")
            self.seen.shown += message.pop("shown", ())
            self.seen.done[message["call"]].append(message)
            self._open[message["call"]] -= 1
            self._wake(message["call"])
        elif message["type"] == "log":
            self.seen.log.append(message)
        elif message["type"] == "passage":
            self.seen.slots.append(message)
        elif message["type"] == "span":
            self.seen.spans.append(message)
        elif message["type"] == "ok":
            self._closed = True
        else:
            raise self.driver.failed(f"it said {message}")

    def _sleep(self, message: Message) -> None:
        call_id = message["call"]
        self.seen.sleeps.append({"call": call_id, "ms": message["until_ms"] - message["from_ms"]})
        self._carry_out(self._while_sleeping.pop(call_id, ()))
        self._asleep.setdefault(call_id, []).append(message)
        self._wake(call_id)

    def _wake(self, call_id: str) -> None:
        """Moves the world to the next sleeper's moment, once all calls of its id sleep or are done.

        For one still at work it is no later yet: two concurrent 7 s sleeps are 7 s, whoever asks first (SUITE-2).
        """
        asleep = self._asleep.get(call_id, [])
        if not asleep or len(asleep) < self._open.get(call_id, 0):
            return
        until_ms = min(message["until_ms"] for message in asleep)
        self._asleep[call_id] = [message for message in asleep if message["until_ms"] > until_ms]
        now_ms = self.world.move_to(until_ms)
        for message in asleep:
            if message["until_ms"] == until_ms:
                self.driver.send({"type": "slept", "id": message["id"], "now_ms": now_ms})

    def _close(self, *, revoke: bool = False) -> None:
        if not self._closed:
            self.driver.send({"type": "close", "client": CLIENT, "revoke": revoke})
            self._until(lambda: self._closed)

    def _fetch_objects(self) -> None:
        for stored in self.case.expect.get("objects") or ():
            try:
                object_id = resolve(stored["id"], self.seen.bindings)
            except UnknownReference as error:
                self.seen.stopped = self.seen.stopped or str(error)
            else:
                self.seen.objects[object_id] = self.world.handle.object_bytes(object_id)

    def _control_advance_ms(self, by_ms: int) -> None:
        now_ms = self.world.move_to(self.world.now_ms + by_ms)
        self.driver.send({"type": "now", "now_ms": now_ms})

    def _control_advance_until_done(self, operand: Mapping[str, Any]) -> None:
        give_up = time.monotonic() + self.driver.patience
        while self._open[operand["call"]] > 0:
            if time.monotonic() > give_up:
                raise self.driver.failed(f"{operand['call']} was never done")
            self._control_advance_ms(operand["ms"])
            message = self.driver.listen(_SLICE_MS / 1000)
            if message is not None:
                self._take(message)

    def _control_revoke_tokens(self, whose: str) -> None:
        self.world.handle.revoke_tokens(client_id=None if whose == "all" else whose)

    def _control_rotate_keys(self, how: Mapping[str, Any]) -> None:
        self.world.handle.rotate_keys(retire=how.get("retire", False))

    def _control_fault(self, fault: Mapping[str, Any]) -> None:
        self.world.set_fault(resolve(fault, self.seen.bindings))

    def _control_release(self, name: str) -> None:
        self.world.release(name)

    def _control_wait(self, operand: Mapping[str, Any]) -> None:
        """Listens to the driver between looks: what is waited for may come only after a sleep of its."""
        give_up = time.monotonic() + self.driver.patience
        while not self.world.has(operand["match"], operand.get("count", 1), _SLICE_MS):
            if time.monotonic() > give_up:
                journal = "\n".join(str(entry) for entry in self.world.handle.journal())
                raise self.driver.failed(f"the journal never had {operand}; it has\n{journal}")
            while self.driver.waiting():
                self._take(self.driver.receive())

    def _control_pause_ms(self, ms: int) -> None:
        time.sleep(ms / 1000)  # real: bytes must come, or not, meanwhile

    def _control_cancel(self, call_id: str) -> None:
        self.driver.send({"type": "cancel", "call": call_id})

    def _control_close(self, operand: bool | str) -> None:
        self._close(revoke=operand == "revoke")
