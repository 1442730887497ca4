"""The driver of `AsyncAdminClient`: one task per call; every clock asks the runner to sleep."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import traceback
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import neutral
import protocol
import seams

from admin_api import AdminAPIError, AsyncAdminClient, AsyncLayer, AsyncSend, Outcome, Request


class Time:
    """The runner's time: the last it told, and sleeps that it ends."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._ids = count(1)
        self._sleeping: dict[int, asyncio.Event] = {}

    async def sleep(self, call: str | None, seconds: float) -> None:
        """Asks the runner to sleep and waits for its word."""
        sleep_id, slept = next(self._ids), asyncio.Event()
        self._sleeping[sleep_id] = slept
        from_ms = self.now_ms
        protocol.say(type="sleep", id=sleep_id, call=call, from_ms=from_ms, until_ms=from_ms + round(seconds * 1000))
        await slept.wait()

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

    async def sleep(self, seconds: float) -> None:
        await self._time.sleep(self._call, seconds)

    def random(self) -> float:
        return self._random


class Driver:
    """Answers the runner's messages."""

    def __init__(self) -> None:
        self._time = Time()
        self._clients: dict[str, tuple[AsyncAdminClient, float]] = {}
        self._calls: dict[str, set[asyncio.Task[None]]] = {}

    async def take(self, message: Mapping[str, Any]) -> None:
        """One message."""
        kind = message["type"]
        if kind == "client":
            self._make(message)
        elif kind == "call":
            tasks = self._calls.setdefault(message["call"], set())
            task = asyncio.create_task(self._call(message))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            await asyncio.sleep(0)  # a task that is cancelled before its first step would tell nothing
        elif kind == "cancel":
            for task in self._calls[message["call"]]:
                task.cancel()
        elif kind == "slept":
            self._time.slept(message["id"], message["now_ms"])
        elif kind == "now":
            self._time.now_ms = max(self._time.now_ms, message["now_ms"])
        elif kind == "close":
            await self._clients[message["client"]][0].close(revoke=message["revoke"])
            protocol.say(type="ok")
        else:
            raise ValueError(f"There is no message {kind!r}.")

    def _make(self, message: Mapping[str, Any]) -> None:
        self._time.now_ms = message["now_ms"]
        options = message["options"]
        clock = CallClock(self._time, None, options["random"])
        try:
            with seams.environment(options.get("env") or {}):
                client = AsyncAdminClient(**neutral.seconds(seams.options(options, passing)), clock=clock)
        except AdminAPIError as error:
            protocol.say(type="refused", error=neutral.error_of(error), shown=neutral.shown_by(error))
            return
        self._clients[message["client"]] = (client, options["random"])
        protocol.say(type="ok")

    async def _call(self, message: Mapping[str, Any]) -> None:
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
                    value = await consume(value, message["consume"], delivered)
                else:
                    value = await value
                done["result"] = neutral.result_of(value, folder, raw=message["raw"])
            except AdminAPIError as error:
                done["error"] = neutral.error_of(error)
                done["delivered"] = neutral.result_of(delivered, folder, raw=False)
                done["shown"] = neutral.shown_by(error)
            except asyncio.CancelledError:
                done["cancelled"] = True  # told to the runner, which asked for it
            except Exception:  # noqa: BLE001 - whatever it is, the runner shows it
                done["crash"] = traceback.format_exc()
        protocol.say(type="done", call=message["call"], **done)


def passing(slot: str) -> AsyncLayer:
    """A layer of the user's own that tells what comes by."""

    def layer(send: AsyncSend) -> AsyncSend:
        async def told(request: Request) -> Outcome:
            outcome = await send(request)
            seams.tell_passage(slot, request, outcome)
            return outcome

        return told

    return layer


async def consume(lazy: Any, how: str | int, into: list[Any]) -> Any:
    """Reads a list or a stream, item by item."""
    if how == "first_page":
        return await lazy.first_page()
    async for item in lazy.pages() if how == "pages" else lazy:
        into.append(item)
        if len(into) == how:
            break
    if hasattr(lazy, "close"):
        await lazy.close()
    return into


async def main() -> None:
    """Runs until the end of input."""
    driver = Driver()
    reader = asyncio.StreamReader(limit=2**24)  # the longest line
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    protocol.begin("async", ["cancel", "close", "prefetch", "validates"])
    while line := await reader.readline():
        await driver.take(json.loads(line))


if __name__ == "__main__":
    asyncio.run(main())
