"""Plays a chapter on a driver: eight lanes at once in one world, under its faults; the evidence of what came of it."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from runner.load import all_scopes
from runner.process import Driver, Message
from runner.world import DEFAULT_CLIENT

from admin_api_mock.control import Control, WorldHandle
from chaos.calls import Planned, Ref
from chaos.lane import SEEDED_PLUGINS, SEEDED_USERS, SHARED_KEYS
from chaos.plan import Chapter
from chaos.state import Auditor, State
from chaos.weather import Fault

MAIN, NOWHERE = "main", "nowhere"
#: When nobody has said anything for so long, all wait for the world's time: it goes on.
_QUIET_SECONDS: Final = 0.02
_TICK_MS: Final = 250
#: Longer than answers with a secret are kept (SERVER-4), shorter than the others.
_NIGHT_MS: Final = 8 * 3600 * 1000
#: Real time for the server to note the end of the last attempts.
_SETTLE_SECONDS: Final = 10.0
#: What gives a list, a stream or what was made of several answers; of all else the raw answer is told.
_COOKED: Final = frozenset(
    {"users.list", "users.export", "audit.events.list", "config.versions.list", "storage.objects.upload"}
)
#: How long an export may bring nothing, in real time.
_IDLE_MS: Final = 150

Entry: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class Told:
    """One call: what was asked for in the end, and what its caller was told."""

    planned: Planned
    #: As sent; what the plan left open is filled in.
    args: Mapping[str, Any]
    #: The driver's `done`; None for a call that was not made, for want of what an earlier one should have made.
    done: Message | None = None
    sleeps: list[int] = field(default_factory=list)

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The error by its neutral members, if there was one."""
        return None if self.done is None else self.done.get("error")

    @property
    def raw(self) -> Mapping[str, Any] | None:
        """The answer with what came beside its data, if there was one and it is told."""
        return None if self.done is None or self.planned.operation in _COOKED else self.done.get("result")

    @property
    def data(self) -> Any:
        """What was answered, if anything."""
        if self.planned.operation in _COOKED:
            return None if self.done is None else self.done.get("result")
        return None if self.raw is None else self.raw["data"]

    @property
    def acknowledged(self) -> bool:
        """Whether the caller was told that all went well."""
        return self.done is not None and "result" in self.done


@dataclass(slots=True)
class Evidence:
    """All that the accounts are made of."""

    chapter: Chapter
    driver: str
    before: State
    after: State
    told: Mapping[str, Told]
    events: list[Mapping[str, Any]]
    #: Attempts as the server saw them, by the call they belong to.
    attempts: Mapping[str, list[Entry]]
    #: Id → the fault.
    faults: Mapping[str, Fault]


def play(chapter: Chapter, driver: Driver, control: Control) -> Evidence:
    """Plays it to its end. Raises DriverFailed if the driver dies, or a call of its hangs."""
    with control.create_world(
        id=f"chaos-{chapter.seed}-{chapter.number}",
        clients=[{**DEFAULT_CLIENT, "scopes": all_scopes()}],
        tokens=[{"name": "auditor"}],
        users=[
            {"username": name, "email": f"{name}@example.com", "roles": ["viewer"], "metadata": {}}
            for name in SEEDED_USERS
        ],
        plugins=[
            {"name": name.replace(".", "-"), "version": "1.0.0", "source": {"type": "registry", "package": "seeded"}}
            for name in SEEDED_PLUGINS
        ],
        config={key: {"value": {"marker": "seeded"}} for key in SHARED_KEYS},
        access_token_ttl=chapter.access_token_ttl,
        journal={"limit": 100_000},
    ) as world:
        return _Play(chapter, driver, world).evidence()


class _Play:
    def __init__(self, chapter: Chapter, driver: Driver, world: WorldHandle) -> None:
        self._chapter = chapter
        self._driver = driver
        self._world = world
        self._now_ms = world.now_ms()
        self._waiting = [deque(lane) for lane in chapter.lanes]
        #: Call id → the lane it holds up.
        self._open: dict[str, int] = {}
        self._told: dict[str, Told] = {}
        self._faults: dict[str, Fault] = {}
        #: When to cancel which call, by the real clock.
        self._cancels: list[tuple[float, str]] = []
        self._begun = 0
        self._closed: set[str] = set()
        self._unclosed = 0
        self._ids = dict(zip(SEEDED_USERS, world.told["users"], strict=True))
        self._ids |= zip(SEEDED_PLUGINS, world.told["plugins"], strict=True)
        #: Key → its entity tag as last seen; None if there was no such entry.
        self._etags: dict[str, str | None] = {}

    def evidence(self) -> Evidence:
        """The whole chapter."""
        with Auditor(self._world) as auditor, socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))  # bound and not listening: whoever connects is refused
            before = auditor.state()
            self._set_faults()
            self._make_clients(f"http://127.0.0.1:{reserved.getsockname()[1]}")
            self._carry_on(lambda: not self._open and (MAIN in self._closed or not any(self._waiting)))
            self._close(MAIN)
            self._close(NOWHERE)
            self._carry_on(lambda: self._unclosed == 0)
            self._world.clear_faults()  # what is still held comes to its end, and into the journal
            return Evidence(
                chapter=self._chapter,
                driver=self._driver.name,
                before=before,
                attempts=self._attempts(),
                after=auditor.state(),
                events=auditor.events(),
                told=self._told,
                faults=self._faults,
            )

    def _set_faults(self) -> None:
        for call in self._chapter.calls.values():
            for fault in call.faults:
                self._set_fault(call.operation, {"headers": {"X-Request-Id": call.id}, **fault})
        for fault in self._chapter.token_faults:
            self._set_fault("oauth.token", fault)

    def _set_fault(self, operation: str, fault: Fault) -> None:
        self._faults[self._world.fault(operation, **fault)] = fault

    def _make_clients(self, nowhere: str) -> None:
        self._driver.ensure_started()
        credentials = {"client_id": DEFAULT_CLIENT["id"], "client_secret": DEFAULT_CLIENT["secret"]}
        for name, options in (
            (MAIN, {"base_url": self._world.base_url, **credentials}),
            (NOWHERE, {"base_url": nowhere, "token": "nobody-takes-it"}),
        ):
            self._driver.send(
                {
                    "type": "client",
                    "client": name,
                    "options": {**self._chapter.client, **options},
                    "now_ms": self._now_ms,
                }
            )
            answer = self._driver.receive()
            if answer["type"] != "ok":
                raise self._driver.failed(f"it answered `client` with {answer}")
            self._unclosed += 1

    def _carry_on(self, finished: Callable[[], bool]) -> None:
        quiet_since = time.monotonic()
        while True:
            for number in range(len(self._waiting)):
                self._begin_next(number)
            if finished():
                return
            self._cancel_due()
            message = self._driver.listen(_QUIET_SECONDS)
            if message is not None:
                quiet_since = time.monotonic()
                self._take(message)
            elif time.monotonic() - quiet_since > self._driver.patience:
                raise self._driver.failed(self._hanging())
            else:
                self._move_to(self._now_ms + _TICK_MS)

    def _hanging(self) -> str:
        lines = [f"calls of chapter {self._chapter.number} hang (seed {self._chapter.seed}):"]
        for call_id in sorted(self._open):
            lines.append(f"{self._told[call_id]}")
            lines += [f"  {entry}" for entry in self._world.journal() if ["x-request-id", call_id] in entry["headers"]]
        return "\n".join(lines)

    def _begin_next(self, lane: int) -> None:
        waiting = self._waiting[lane]
        while waiting and MAIN not in self._closed and lane not in self._open.values():
            call = waiting.popleft()
            args = self._resolved(call)
            self._told[call.id] = Told(call, args or call.args)
            if args is not None:
                self._begin(lane, call, args)

    def _begin(self, lane: int, call: Planned, args: Mapping[str, Any]) -> None:
        self._open[call.id] = lane
        self._driver.send(
            {
                "type": "call",
                "call": call.id,
                "client": NOWHERE if call.nowhere else MAIN,
                "operation": call.operation,
                "args": args,
                "options": call.options,
                "consume": "all",
                "raw": call.operation not in _COOKED,
                **({"idle_timeout_ms": _IDLE_MS} if call.operation == "users.export" else {}),
            }
        )
        if isinstance(call.cancel, int) and "cancel" in self._driver.features:
            self._cancels.append((time.monotonic() + call.cancel / 1000, call.id))
        self._begun += 1
        match self._chapter.upsets.get(self._begun):
            case "tokens":
                self._world.revoke_tokens(client_id=DEFAULT_CLIENT["id"])
            case "keys":
                self._world.rotate_keys(retire=True)
            case "night":
                self._move_to(self._now_ms + _NIGHT_MS)
        if self._begun == self._chapter.closes_after:
            self._close(MAIN)  # under those that are on their way

    def _close(self, client: str) -> None:
        if client not in self._closed:
            self._closed.add(client)
            self._driver.send({"type": "close", "client": client, "revoke": False})

    def _cancel_due(self) -> None:
        now = time.monotonic()
        due = [call for when, call in self._cancels if when <= now]
        self._cancels = [(when, call) for when, call in self._cancels if when > now]
        for call in due:
            if call in self._open:
                self._driver.send({"type": "cancel", "call": call})

    def _take(self, message: Message) -> None:
        if message["type"] == "sleep":
            self._sleep(message)
        elif message["type"] == "done":
            if "crash" in message:
                raise self._driver.failed(f"call {message['call']} crashed in it:\n{message['crash']}")
            told = self._told[message["call"]]
            told.done = message
            del self._open[message["call"]]
            self._remember(told)
        elif message["type"] == "ok":
            self._unclosed -= 1
        else:
            raise self._driver.failed(f"it said {message}")

    def _sleep(self, message: Message) -> None:
        told = self._told.get(message["call"] or "")
        if told is not None:
            told.sleeps.append(message["until_ms"] - message["from_ms"])
            if told.planned.cancel == "asleep" and "cancel" in self._driver.features:
                self._driver.send({"type": "cancel", "call": message["call"]})
                return
        self._move_to(message["until_ms"])
        self._driver.send({"type": "slept", "id": message["id"], "now_ms": self._now_ms})

    def _move_to(self, until_ms: int) -> None:
        if until_ms > self._now_ms:
            self._now_ms = self._world.until(until_ms)
            self._driver.send({"type": "now", "now_ms": self._now_ms})

    def _resolved(self, call: Planned) -> dict[str, Any] | None:
        """The arguments with what is known by now; None if an id is needed that nobody was told."""
        args: dict[str, Any] = {}
        for name, value in call.args.items():
            if not isinstance(value, Ref):
                args[name] = value
            elif value.kind == "id":
                known = self._ids.get(value.name) or self._ids.get(value.otherwise or "")
                if known is None:
                    return None
                args[name] = known
            elif etag := self._etags.get(value.name):
                args[name] = etag
            elif call.operation == "config.set":
                args["If-None-Match"] = "*"
        return args

    def _remember(self, told: Told) -> None:
        """What later calls refer to."""
        call = told.planned
        data = told.data
        if call.makes is not None and data is not None:
            self._ids[call.makes] = data["id"]
        if call.operation in ("config.get", "config.set", "config.versions.rollback") and not told.args.get("dry_run"):
            if data is not None:
                self._etags[told.args["key"]] = data["etag"]
            elif (told.error or {}).get("status") == 404:
                self._etags[told.args["key"]] = None

    def _attempts(self) -> dict[str, list[Entry]]:
        """What the server saw of each call, once it has noted how each attempt ended."""
        give_up = time.monotonic() + _SETTLE_SECONDS
        journal = self._world.journal(channel="api")
        while any(entry["outcome"] == "pending" for entry in journal):
            if time.monotonic() > give_up:
                raise TimeoutError(f"The server does not end an attempt of chapter {self._chapter.number}: {journal}")
            time.sleep(_QUIET_SECONDS)  # real: the server runs in real time
            journal = self._world.journal(channel="api")
        attempts: dict[str, list[Entry]] = {call_id: [] for call_id in self._told}
        for entry in journal:
            call_id = next((value for name, value in entry["headers"] if name == "x-request-id"), None)
            if call_id is not None:
                attempts[call_id].append(entry)
        return attempts
