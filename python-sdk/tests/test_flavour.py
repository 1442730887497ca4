"""The only hand-written twins, and what is derived."""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import queue
import threading
import weakref
from pathlib import Path
from types import ModuleType

import pytest

import admin_api
from admin_api._flavour import aio, sync


def public(module: ModuleType) -> dict[str, list[str] | None]:
    """What a module gives: names, with the parameters of what can be called."""
    own = ast.parse(inspect.getsource(module))
    names = {node.name for node in own.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    assigned = [target for node in own.body if isinstance(node, ast.Assign) for target in node.targets]
    names |= {target.id for target in assigned if isinstance(target, ast.Name)}
    found: dict[str, list[str] | None] = {}
    for name in sorted(name for name in names if not name.startswith("_")):
        thing = getattr(module, name)
        found[name] = list(inspect.signature(thing).parameters) if inspect.isfunction(thing) else None
    return found


def test_the_twins_are_alike() -> None:
    """STACK: `_flavour.aio` and `_flavour.sync` have the same names with the same parameters."""
    twins = public(aio)
    assert twins == public(sync)
    assert {"Home", "Wake", "home", "in_thread", "limit", "pool", "resolve", "sleep", "spawn", "wait"} <= set(twins)
    assert callable(aio.after_fork)
    assert aio.after_fork is sync.after_fork


@pytest.mark.parametrize("name", ["Wake"])
def test_the_classes_of_the_twins_are_alike(name: str) -> None:
    """STACK: what the rooms use of a twin's class is there in both."""
    assert all(callable(getattr(module, name)().set) for module in (aio, sync))


async def test_a_sleep_of_asyncio_is_woken_from_another_thread() -> None:
    """PARITY-7: `close` ends the sleeps of every loop; one that is begun later does not begin."""
    wake = aio.Wake()
    sleeping = asyncio.create_task(aio.sleep(60, wake))
    await asyncio.sleep(0)
    await asyncio.to_thread(wake.set)
    async with asyncio.timeout(10):
        await sleeping
        await aio.sleep(60, wake)
    assert set() == wake.sleeping


def test_waking_who_slept_on_a_loop_that_is_closed() -> None:
    """PARITY-7: a loop that ended in the midst of a sleep does not keep a client from closing."""
    wake = aio.Wake()
    loop = asyncio.new_event_loop()
    sleeping = loop.create_task(aio.sleep(60, wake))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    wake.set()
    assert wake.woken
    assert not sleeping.done()
    sleeping._log_destroy_pending = False  # type: ignore[attr-defined]  # nobody will end it, which is the point


def test_the_sync_flavour_is_free_of_asyncio() -> None:
    """STACK: who uses the sync client alone runs nothing of asyncio's."""
    root = Path(admin_api.__file__).parent
    rooms = [root / "_flavour" / "sync.py", *(root / "_generated" / "sync").rglob("*.py")]
    assert len(rooms) > 10
    for room in rooms:
        tree = ast.parse(room.read_text(encoding="utf-8"))
        kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
        assert not [node for node in ast.walk(tree) if isinstance(node, kinds)], room
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert "asyncio" not in imported, room


async def test_what_a_thread_made_for_nobody_is_dropped() -> None:
    """RETRY-9: a cancelled wait ends at once, though a thread goes on; what it then makes is thrown away."""
    begun, go = threading.Event(), threading.Event()
    dropped: queue.SimpleQueue[str] = queue.SimpleQueue()

    def work() -> str:
        begun.set()
        assert go.wait(20)
        return "made"

    waiting = asyncio.create_task(aio.in_thread(work, drop=dropped.put))
    assert await asyncio.to_thread(begun.wait, 20)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert dropped.empty()
    go.set()
    assert "made" == await asyncio.to_thread(dropped.get, True, 20)


async def test_an_error_in_a_thread_keeps_nothing_alive() -> None:
    """An error that was raised is gone with its last name, without the garbage collector."""

    class Failure(Exception):
        """Of the test's own, so that it can be watched."""

    def work() -> None:
        raise Failure

    async def failing() -> weakref.ref[Failure]:
        try:
            await aio.in_thread(work)
        except Failure as caught:
            return weakref.ref(caught)
        raise AssertionError("it did not fail")

    gc.disable()
    try:
        failure = await failing()
        for _ in range(1000):  # the thread lets go of it when it is scheduled again
            if failure() is None:
                break
            await asyncio.sleep(0.001)
        assert failure() is None
    finally:
        gc.enable()
