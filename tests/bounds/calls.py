"""Makes the calls that a test asks for, one line of JSON each, with either flavour of the Python SDK, in real time."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from admin_api import AdminAPIError, AdminClient, AsyncAdminClient
from admin_api._generated.sync.clock import SystemClock
from admin_api.clock import AsyncSystemClock

#: Calls that do nothing until they are iterated.
LAZY = frozenset({"pages", "stream", "events"})


class Now(SystemClock):
    """Real time without chance: a backoff takes none, so that what is measured is the wire."""

    def random(self) -> float:
        return 0.0


class AsyncNow(AsyncSystemClock):
    """The same for asyncio."""

    def random(self) -> float:
        return 0.0


def options_of(asked: Mapping[str, Any], ready: Callable[[], Any]) -> dict[str, Any]:
    """Constructor options; limits come in milliseconds."""
    limits = {name: value / 1000 if name != "max_retries" else value for name, value in asked["limits"].items()}
    proxy = asked.get("proxy")
    if proxy:
        os.environ["HTTPS_PROXY"] = proxy
    given = {name: asked[name] for name in ("base_url", "token_url", "client_id", "client_secret") if name in asked}
    if "client_id" not in given:
        given["token"] = ready if asked.get("token") == "pending" else "t0ken"
    return {**limits, **given, "verify": asked.get("ca")}


def started(client: Any, kind: str, folder: Path) -> Any:
    """The call, begun as the flavour begins it: a coroutine, an iterable, or done already."""
    if kind == "get":
        return client.users.get("usr_1")
    if kind == "create":
        return client.users.create(username="a", email="a@example.com", roles=[])
    if kind == "send":
        return client.users.create(username="a" * 8_000_000, email="a@example.com", roles=[])
    if kind == "untyped":
        return client.request("GET", "/api/v1/users/usr_1")
    if kind == "pages":
        return client.users.list()
    if kind == "stream":
        return client.users.export()
    if kind == "events":
        return client.audit.events.stream()
    if kind == "download":
        return client.storage.objects.download("obj_1", to=folder / "out")
    raise ValueError(f"There is no call {kind!r}.")


def told(error: AdminAPIError) -> dict[str, Any]:
    """An error, as data."""
    names = ("code", "outcome", "attempts", "status", "request_id", "operation", "retryable", "retry_after", "message")
    return {"name": type(error).__name__, **{name: getattr(error, name) for name in names}}


def peak_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sync_call(asked: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """One call in a thread of its own; `close` comes from this one."""
    client = AdminClient(clock=None if "act" in asked else Now(), **options_of(asked, lambda: "t0ken"))
    result: dict[str, Any] = {}

    def run() -> None:
        try:
            value = started(client, asked["kind"], folder)
            if asked["kind"] in LAZY:
                for _ in value:
                    pass
        except AdminAPIError as error:
            result["error"] = told(error)
        result["ended"] = time.monotonic()

    thread = threading.Thread(target=run)
    began = time.monotonic()
    thread.start()
    if "act" in asked:
        thread.join(asked["act"]["after_ms"] / 1000)
        result["early"] = not thread.is_alive()
        began = time.monotonic()
        client.close()
    thread.join()
    client.close()
    result["ms"] = (result.pop("ended") - began) * 1000
    return result


async def async_call(asked: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """One call in a task of its own, which `close` or `cancel` ends."""
    loop = asyncio.get_running_loop()
    client = AsyncAdminClient(clock=None if "act" in asked else AsyncNow(), **options_of(asked, loop.create_future))
    result: dict[str, Any] = {}

    async def run() -> None:
        try:
            value = started(client, asked["kind"], folder)
            if asked["kind"] in LAZY:
                async for _ in value:
                    pass
            else:
                await value
        except AdminAPIError as error:
            result["error"] = told(error)
        except asyncio.CancelledError:
            result["cancelled"] = True
        result["ended"] = time.monotonic()

    task = asyncio.create_task(run())
    began = time.monotonic()
    if "act" in asked:
        await asyncio.wait({task}, timeout=asked["act"]["after_ms"] / 1000)
        result["early"] = task.done()
        began = time.monotonic()
        if asked["act"]["do"] == "cancel":
            task.cancel()
        else:
            await client.close()
    await task
    await client.close()
    result["ms"] = (result.pop("ended") - began) * 1000
    return result


def main(flavour: str) -> None:
    """Runs until the end of input; says how much memory each call took beyond the most of before."""
    before = dict(os.environ)
    for line in sys.stdin:
        asked = json.loads(line)
        peak = peak_mb()
        with tempfile.TemporaryDirectory() as name:
            call = sync_call(asked, Path(name)) if flavour == "sync" else asyncio.run(async_call(asked, Path(name)))
            call["files"] = os.listdir(name)
        os.environ.clear()
        os.environ.update(before)
        sys.stdout.write(json.dumps({**call, "grown_mb": peak_mb() - peak}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
