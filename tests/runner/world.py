"""The world of one case: made from what the case says, steered by its control steps, and what it saw in the end."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from admin_api_mock.control import Control, ControlError, WorldHandle
from runner.load import Case, all_scopes

DEFAULT_CLIENT: Final = {"id": "suite", "secret": "suite-secret"}
#: Real time for the server to note the end of the last answers.
_SETTLE_SECONDS = 3.0
_POLL_SECONDS = 0.005


class World:
    """A world at its own base path, with the faults of its case set."""

    def __init__(self, control: Control, case: Case) -> None:
        creation = {name: value for name, value in case.world.items() if name not in ("faults", "log_ins")}
        creation.setdefault("clients", [{**DEFAULT_CLIENT, "scopes": all_scopes()}])
        creation["journal"] = {"bodies": True, **creation.get("journal", {})}  # so that the exchanges can be judged
        self.handle: WorldHandle = control.create_world(**creation, id=_world_id(case.id))
        self.start_ms = self.handle.told["now_ms"]
        self.now_ms = self.start_ms
        #: What `{$ref: world…}` finds: all that creating it told, and what its log-ins were given.
        self.told: dict[str, Any] = {
            **self.handle.told,
            "log_ins": [self.handle.log_in(each["client_id"]) for each in case.world.get("log_ins") or ()],
        }
        self._faults: dict[str, str] = {}
        self._any_fault = False
        for fault in case.world.get("faults") or ():
            self.set_fault(fault)

    def set_fault(self, fault: Mapping[str, Any]) -> None:
        """Sets a fault; `as` keeps its id for `release`."""
        given = dict(fault)
        name = given.pop("as", None)
        self._any_fault = True
        fault_id = self.handle.fault(given.pop("operation"), **given)
        if name is not None:
            self._faults[name] = fault_id

    def release(self, name: str) -> None:
        """Lets a fault's captives go."""
        self.handle.release(self._faults[name])

    def clear_faults(self) -> None:
        """Removes what faults are set, letting go all that they keep."""
        if self._any_fault:
            self.handle.clear_faults()

    def move_to(self, until_ms: int) -> int:
        """Moves world time to an instant, unless that is past; the new now."""
        if until_ms > self.now_ms:
            self.now_ms = self.handle.until(until_ms)
        return self.now_ms

    def has(self, match: Mapping[str, Any], count: int, slice_ms: int) -> bool:
        """Whether the journal has so many entries like this, given a moment of real time."""
        try:
            self.handle.wait(match, count=count, timeout_ms=slice_ms)
        except ControlError as error:
            if error.code == "wait_timed_out":
                return False
            raise
        return True

    def journal(self) -> list[dict[str, Any]]:
        """Every attempt, once the server has noted how each ended."""
        give_up = time.monotonic() + _SETTLE_SECONDS
        while True:
            entries = self.handle.journal()
            if time.monotonic() > give_up or all(entry["outcome"] != "pending" for entry in entries):
                return [self._readable(entry) for entry in entries]
            time.sleep(_POLL_SECONDS)  # real: the server runs in real time

    def _readable(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """An entry as cases name it: pairs by name, the time since the world began."""
        return {
            **entry,
            "elapsed_ms": entry["at_ms"] - self.start_ms,
            "headers": _by_name(entry["headers"], lower=True),
            "answer_headers": _by_name(entry["answer_headers"], lower=True),
            "query": _by_name(entry["query"], lower=False),
        }


def _by_name(pairs: list[list[str]], *, lower: bool) -> dict[str, str | list[str]]:
    """Pairs as a mapping; what came more than once is a list."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.lower() if lower else name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _world_id(case_id: str) -> str:
    """Readable, and short enough for the control plane; the same on every run and driver, so that ids are too."""
    name = re.sub(r"[^a-z0-9]+", "-", case_id)
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return name if len(name) <= 63 else f"{name[:54]}-{digest}"
