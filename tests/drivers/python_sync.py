"""The driver of `AdminClient`: one thread per call; every clock asks the runner to sleep."""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import neutral
import protocol
import seams

from admin_api import AdminAPIError, AdminClient, Layer, Outcome, Request, Send


class Time:
    """The runner's time: the last it told, and sleeps that it ends."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._ids = count(1)
        self._sleeping: dict[int, threading.Event] = {}

    def sleep(self, call: str | None, seconds: float) -> None:
        """Asks the runner to sleep and waits for its word."""
        sleep_id, slept = next(self._ids), threading.Event()
        self._sleeping[sleep_id] = slept
        from_ms = self.now_ms
        protocol.say(type="sleep", id=sleep_id, call=call, from_ms=from_ms, until_ms=from_ms + round(seconds * 1000))
        slept.wait()

    def slept(self, sleep_id: int, now_ms: int) -> None:
        """The runner's word."""
        self.now_ms = max(self.now_ms, now_ms)
        self._sleeping.pop(sleep_id).set()


class CallClock:
    """The clock of one call, so that the runner knows who sleeps (SUITE-2)."""

    def __init__(self, time: Time, call: str | None, random: float) -> None:
        self._time, self._call, self._random = time, call, random

    def now(self) -> float:
        return self._time.now_ms / 1000

    monotonic = now

    def sleep(self, seconds: float) -> None:
        self._time.sleep(self._call, seconds)

    def random(self) -> float:
        return self._random


class Driver:
    """Answers the runner's messages."""

    def __init__(self) -> None:
        self._time = Time()
        self._clients: dict[str, tuple[AdminClient, float]] = {}

    def take(self, message: Mapping[str, Any]) -> None:
        """One message."""
        kind = message["type"]
        if kind == "client":
            self._make(message)
        elif kind == "call":
            threading.Thread(target=self._call, args=(message,), daemon=True).start()
        elif kind == "slept":
            self._time.slept(message["id"], message["now_ms"])
        elif kind == "now":
            self._time.now_ms = max(self._time.now_ms, message["now_ms"])
        elif kind == "close":
            self._clients[message["client"]][0].close(revoke=message["revoke"])
            protocol.say(type="ok")
        else:
            raise ValueError(f"There is no message {kind!r}.")

    def _make(self, message: Mapping[str, Any]) -> None:
        self._time.now_ms = message["now_ms"]
        options = message["options"]
        clock = CallClock(self._time, None, options["random"])
        try:
            with seams.environment(options.get("env") or {}):
                client = AdminClient(**neutral.seconds(seams.options(options, passing)), clock=clock)
        except AdminAPIError as error:
            protocol.say(type="refused", error=neutral.error_of(error), shown=neutral.shown_by(error))
            return
        self._clients[message["client"]] = (client, options["random"])
        protocol.say(type="ok")

    def _call(self, message: Mapping[str, Any]) -> None:
        delivered: list[Any] = []
        client, random = self._clients[message["client"]]
        own = client.with_options(clock=CallClock(self._time, message["call"], random))
        done: dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            try:
                method, info = neutral.method_of(own, message["operation"], raw=message["raw"])
                positional, named = neutral.arguments_of(info, message["args"], message["options"], folder)
                value = method(*positional, **named)
                if info.kind in ("pages", "items", "events"):
                    neutral.configure(value, message)
                    value = consume(value, message["consume"], delivered)
                done["result"] = neutral.result_of(value, folder, raw=message["raw"])
            except AdminAPIError as error:
                done["error"] = neutral.error_of(error)
                done["delivered"] = neutral.result_of(delivered, folder, raw=False)
                done["shown"] = neutral.shown_by(error)
            except Exception:  # noqa: BLE001 - whatever it is, the runner shows it
                done["crash"] = traceback.format_exc()
        protocol.say(type="done", call=message["call"], **done)


def passing(slot: str) -> Layer:
    """A layer of the user's own that tells what comes by."""

    def layer(send: Send) -> Send:
        def told(request: Request) -> Outcome:
            outcome = send(request)
            seams.tell_passage(slot, request, outcome)
            return outcome

        return told

    return layer


def consume(lazy: Any, how: str | int, into: list[Any]) -> Any:
    """Reads a list or a stream, item by item."""
    if how == "first_page":
        return lazy.first_page()
    iterator = iter(lazy.pages() if how == "pages" else lazy)
    for item in iterator if isinstance(how, str) else itertools.islice(iterator, how):
        into.append(item)  # noqa: PERF402 - what came before an error counts
    if hasattr(lazy, "close"):
        lazy.close()
    return into


def main() -> None:
    """Runs until the end of input."""
    protocol.begin("sync", ["close", "validates"])
    driver = Driver()
    for line in sys.stdin:
        driver.take(json.loads(line))


if __name__ == "__main__":
    main()
