"""Many callers of one client who need a token at once make one refresh between them, on the wire (AUTH-3)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from runner.calls import Client
from runner.process import DRIVERS, Driver

from admin_api import AsyncAdminClient
from admin_api_mock.control import Control, WorldHandle

CLIENT = "console"
LOOPS = 3
TASKS_OF_A_LOOP = 100
#: So many callers at once may take their time on a busy machine.
PATIENCE_SECONDS = 120.0


@pytest.fixture
def world(control: Control) -> Iterator[WorldHandle]:
    """With a public client that a person has logged in to."""
    with control.create_world(clients=[{"id": CLIENT}], journal={"limit": 10_000}) as world:
        yield world


def renewals(world: WorldHandle) -> list[int | None]:
    """Statuses of the token requests that the server saw."""
    return [entry.get("status") for entry in world.journal(channel="auth")]


def log_in(world: WorldHandle) -> dict[str, Any]:
    """A client's options, its refresh token rotating."""
    credentials = {"client_id": CLIENT, "refresh_token": world.log_in(CLIENT)["refresh_token"]}
    return {"base_url": world.base_url, "token_url": world.token_url, **credentials}


@pytest.mark.parametrize(
    "name, callers",
    [("python-sync", 32), ("python-async", 1000), ("node", 1000)],
    ids=["32 threads", "1000 tasks", "1000 promises"],
)
def test_one_refresh_each_time(name: str, callers: int, world: WorldHandle) -> None:
    """At first one, and one more when all of them meet a 401."""
    patient = {"timeout_ms": PATIENCE_SECONDS * 1000, "token_timeout_ms": PATIENCE_SECONDS * 1000}
    with (
        Driver(name, DRIVERS[name], patience=PATIENCE_SECONDS) as driver,
        Client(driver, **log_in(world), **patient) as client,
    ):
        for times in (1, 2):
            assert [CLIENT] * callers == [me["name"] for me in client.results("me.get", callers)]
            assert [200] * times == renewals(world)
            world.revoke_tokens(client_id=CLIENT)


def test_event_loops_share_their_refreshes(world: WorldHandle) -> None:
    """One client in three event loops at once, a hundred tasks in each."""
    client = AsyncAdminClient(**log_in(world), timeout=PATIENCE_SECONDS)
    barrier = Barrier(LOOPS)

    async def ask() -> list[str]:
        answers = await asyncio.gather(*(client.me.get() for _ in range(TASKS_OF_A_LOOP)))
        return [me.name for me in answers]

    def loop() -> list[str]:
        barrier.wait(20)
        return asyncio.run(ask())

    with ThreadPoolExecutor(LOOPS) as pool:
        names = [name for one in [pool.submit(loop) for _ in range(LOOPS)] for name in one.result(PATIENCE_SECONDS)]
    assert [CLIENT] * LOOPS * TASKS_OF_A_LOOP == names
    assert [200] == renewals(world)
