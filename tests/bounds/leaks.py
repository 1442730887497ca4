"""Makes many calls that fail, time out or are cancelled, with either flavour, and tells what is left of them."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
import threading
import time
import tracemalloc
import weakref
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any, Final

from admin_api import AdminAPIError, AdminClient, AsyncAdminClient, RequestOptions

#: Calls at a time: fewer than a pool keeps.
WORKERS: Final = 16
BRIEF: Final = RequestOptions(timeout=0.03, max_retries=0)
#: Gives up when asked to wait for a minute.
HURRIED: Final = RequestOptions(deadline=0.5, max_retries=2)
#: Waits for the minute, and is cancelled then.
PATIENT: Final = RequestOptions(max_retries=2)


class Mark:
    """Something of the caller's own, in a frame that an error's traceback shows."""


def sync_kinds(client: AdminClient, folder: Path) -> list[Callable[[], object]]:
    """What a round of calls is made of; the test's world has a fault for each."""

    def left_early() -> None:
        with client.users.export() as users:
            next(iter(users))

    return [
        lambda: client.users.get("usr_none"),
        lambda: client.users.list().first_page(),
        lambda: client.roles.list().first_page(),
        lambda: client.plugins.list().first_page(),
        lambda: client.config.get("key", options=BRIEF),
        lambda: client.audit.events.get("evt_1", options=BRIEF),
        lambda: client.config.list(options=HURRIED).first_page(),
        lambda: client.tokens.list().first_page(),
        lambda: client.storage.objects.upload(b"x" * 1000, name="x", already_encrypted=True),
        lambda: client.storage.objects.download("obj_none", to=folder / "out"),
        lambda: client.users.delete("usr_none"),
        left_early,
    ]


def async_kinds(client: AsyncAdminClient, folder: Path) -> list[Callable[[], Awaitable[object]]]:
    """The same; some are cancelled where the others run out of time."""

    async def left_early() -> None:
        async with client.users.export() as users:
            await anext(aiter(users))

    def cancelled(call: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
        async def cancelling() -> None:
            # real time: it is on the wire by then, or waits to be tried again
            asyncio.get_running_loop().call_later(0.02, _current().cancel)
            await call()

        return cancelling

    return [
        lambda: client.users.get("usr_none"),
        lambda: client.users.list().first_page(),
        lambda: client.roles.list().first_page(),
        lambda: client.plugins.list().first_page(),
        cancelled(lambda: client.config.get("key")),
        lambda: client.audit.events.get("evt_1", options=BRIEF),
        cancelled(lambda: client.config.list(options=PATIENT).first_page()),
        lambda: client.tokens.list().first_page(),
        lambda: client.storage.objects.upload(b"x" * 1000, name="x", already_encrypted=True),
        lambda: client.storage.objects.download("obj_none", to=folder / "out"),
        lambda: client.users.delete("usr_none"),
        left_early,
    ]


class Ledger:
    """How calls ended, and the marks of their frames that outlived them."""

    def __init__(self) -> None:
        self.ended: dict[str, int] = {}
        self._marks: list[tuple[str, weakref.ref[Mark]]] = []

    def enter(self, how: str, mark: weakref.ref[Mark]) -> None:
        self.ended[how] = self.ended.get(how, 0) + 1
        self._marks.append((how, mark))
        if len(self._marks) > 100:
            self._marks = [(how, mark) for how, mark in self._marks if mark() is not None]

    def kept(self) -> list[str]:
        """How those ended whose frames are still there, by now that no thread is about to let go of one."""
        return sorted({how for how, mark in self._marks if mark() is not None})


def sync_round(kinds: list[Callable[[], object]], number: int, ledger: Ledger) -> None:
    """One call, and what became of its frame once its error was dropped."""

    def framed() -> tuple[str, weakref.ref[Mark]]:
        mark = Mark()
        try:
            kinds[number % len(kinds)]()
        except AdminAPIError as error:
            return error.code, weakref.ref(mark)
        return "ended", weakref.ref(mark)

    ledger.enter(*framed())


async def async_round(kinds: list[Callable[[], Awaitable[object]]], number: int, ledger: Ledger) -> None:
    """The same."""

    async def framed() -> tuple[str, weakref.ref[Mark]]:
        mark = Mark()
        try:
            await kinds[number % len(kinds)]()
        except AdminAPIError as error:
            return error.code, weakref.ref(mark)
        except asyncio.CancelledError:
            _current().uncancel()
            return "cancelled", weakref.ref(mark)
        return "ended", weakref.ref(mark)

    ledger.enter(*await framed())


def _current() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def sockets() -> int:
    """Sockets that this process has open."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
        except FileNotFoundError:  # the folder's own, which is gone by now
            continue
    return found


class Measured:
    """What there was before, and what is left."""

    def __init__(self) -> None:
        self._sockets = sockets()
        self._threads = threading.active_count()
        self.told: dict[str, Any] = {}

    def warm(self) -> None:
        """From here on memory counts, and garbage stays where it is, to be counted, too."""
        gc.collect()
        gc.disable()
        tracemalloc.start()
        self._memory = tracemalloc.get_traced_memory()[0]

    def open(self, ledger: Ledger) -> None:
        """Before the client is closed."""
        self.told["kept_frames"] = ledger.kept()
        self.told["garbage"] = gc.collect()
        self.told["grown_bytes"] = tracemalloc.get_traced_memory()[0] - self._memory
        self.told["connections"] = sockets() - self._sockets
        self.told["threads"] = threading.active_count() - self._threads
        self.told["ended"] = ledger.ended

    def closed(self, folder: Path) -> None:
        self.told["connections_closed"] = sockets() - self._sockets
        self.told["files"] = sorted(path.name for path in folder.rglob("*"))


def run_sync(base_url: str, calls: int, folder: Path) -> dict[str, Any]:
    measured = Measured()
    client = AdminClient(base_url=base_url, token="TOKEN", max_retries=0)
    kinds = sync_kinds(client, folder)
    with closing(client):
        for counted in (False, True):
            ledger = Ledger()
            with ThreadPoolExecutor(WORKERS) as pool:
                numbers = range(calls if counted else WARM)
                for done in [pool.submit(sync_round, kinds, number, ledger) for number in numbers]:
                    done.result()
            if not counted:
                measured.warm()
        measured.open(ledger)
    measured.closed(folder)
    return measured.told


async def run_async(base_url: str, calls: int, folder: Path) -> dict[str, Any]:
    measured = Measured()
    client = AsyncAdminClient(base_url=base_url, token="TOKEN", max_retries=0)
    kinds = async_kinds(client, folder)
    async with aclosing(Closing(client)):
        for counted in (False, True):
            ledger = Ledger()
            numbers = iter(range(calls if counted else WARM))
            await asyncio.gather(*(worker(kinds, numbers, ledger) for _ in range(WORKERS)))
            if not counted:
                measured.warm()
        await asyncio.sleep(0.05)  # real: what the loop still has to put away
        measured.told["tasks"] = len(asyncio.all_tasks()) - 1
        measured.open(ledger)
    measured.closed(folder)
    return measured.told


class Closing:
    """A client, as `aclosing` has it."""

    def __init__(self, client: AsyncAdminClient) -> None:
        self.aclose = client.close


async def worker(kinds: list[Callable[[], Awaitable[object]]], numbers: Iterator[int], ledger: Ledger) -> None:
    for number in numbers:
        await async_round(kinds, number, ledger)


#: Calls before memory counts: models and pools are made by then.
WARM: Final = 240


def main() -> None:
    """Prints what is left, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("flavour", choices=["sync", "async"])
    parser.add_argument("base_url")
    parser.add_argument("calls", type=int)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        tempfile.tempdir = name
        folder = Path(name)
        began = time.monotonic()
        if asked.flavour == "sync":
            told = run_sync(asked.base_url, asked.calls, folder)
        else:
            told = asyncio.run(run_async(asked.base_url, asked.calls, folder))
        tempfile.tempdir = None
    sys.stdout.write(json.dumps({**told, "seconds": time.monotonic() - began}) + "\n")


if __name__ == "__main__":
    main()
