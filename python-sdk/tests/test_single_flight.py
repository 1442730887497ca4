"""One refresh in flight, over threads, tasks, event loops and a fork (AUTH-3)."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections import Counter
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from admin_api import AdminClient, AsyncAdminClient
from admin_api.access import AccessToken
from admin_api.backoff import Budget
from admin_api.exchange import Headers, Outcome, Request, Response, TokenFailure
from admin_api.grants import AsyncClientCredentials

from .answers import call
from .clocks import AsyncSteppingClock, SteppingClock
from .flavours import BASE, Flavour
from .granting import grant


def token_response(request: Request, number: int) -> Response:
    document = {"access_token": f"t{number}", "token_type": "Bearer", "expires_in": 3600}
    return Response(request.call, 200, Headers(), json.dumps(document).encode())


class Gate:
    """A token endpoint that counts its requests and answers when it is opened; the first thread that meets it tells."""

    def __init__(self) -> None:
        self.count = 0
        self.entered = threading.Event()
        self.opened = threading.Event()

    def sync(self, request: Request) -> Outcome:
        self.count += 1
        self.entered.set()
        assert self.opened.wait(20)
        return token_response(request, self.count)

    def aio(self, request: Request) -> Awaitable[Outcome]:
        async def answer() -> Outcome:
            self.count += 1
            self.entered.set()
            while not self.opened.is_set():  # noqa: ASYNC110 (the event is one of threads)
                await asyncio.sleep(0.002)
            return token_response(request, self.count)

        return answer()


def source_of(flavour: Flavour, gate: Gate, clock: Any, refresh_token: str | None = None) -> Any:
    return grant(flavour, gate.aio if flavour.is_async else gate.sync, clock, refresh_token=refresh_token)


def opened_later(gate: Gate) -> threading.Thread:
    """Opens the gate a moment after somebody stands before it, so that the others have come too."""

    def run() -> None:
        assert gate.entered.wait(20)
        threading.Event().wait(0.1)
        gate.opened.set()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("refresh_token", [None, "r1"])
def test_32_threads_cause_one_refresh(refresh_token: str | None) -> None:
    """AUTH-3: 32 threads that need a token at once cause one token request and share its token."""
    gate, clock = Gate(), SteppingClock()
    source = source_of(Flavour("sync"), gate, clock, refresh_token)
    barrier = threading.Barrier(32)

    def ask() -> Any:
        barrier.wait(20)
        return source.token(call(clock))

    opener = opened_later(gate)
    with ThreadPoolExecutor(32) as pool:
        tokens = [one.result(20) for one in [pool.submit(ask) for _ in range(32)]]
    opener.join()
    assert 1 == gate.count
    assert 1 == len({id(token) for token in tokens})


@pytest.mark.parametrize("refresh_token", [None, "r1"])
async def test_1000_tasks_cause_one_refresh(refresh_token: str | None) -> None:
    """AUTH-3: 1 000 tasks that need a token at once cause one token request."""
    gate, clock = Gate(), AsyncSteppingClock()
    source = source_of(Flavour("async"), gate, clock, refresh_token)
    opener = opened_later(gate)
    tokens = await asyncio.gather(*(source.token(call(clock)) for _ in range(1000)))
    opener.join()
    assert 1 == gate.count
    assert 1 == len({id(token) for token in tokens})


@pytest.mark.parametrize("refresh_token", [None, "r1"])
def test_event_loops_share_one_refresh(refresh_token: str | None) -> None:
    """AUTH-3: one asyncio client serves several loops at once; still there is one refresh."""
    gate, clock = Gate(), AsyncSteppingClock()
    source = source_of(Flavour("async"), gate, clock, refresh_token)
    barrier = threading.Barrier(4)

    def loop() -> list[Any]:
        async def ask() -> list[Any]:
            return await asyncio.gather(*(source.token(call(clock)) for _ in range(20)))

        barrier.wait(20)
        return asyncio.run(ask())

    opener = opened_later(gate)
    with ThreadPoolExecutor(4) as pool:
        tokens = [token for one in [pool.submit(loop) for _ in range(4)] for token in one.result(20)]
    opener.join()
    assert 1 == gate.count
    assert 1 == len({id(token) for token in tokens})


@pytest.mark.parametrize("refresh_token", [None, "r1"])
async def test_a_cancelled_leader_costs_no_second_refresh(refresh_token: str | None) -> None:
    """AUTH-3: a refresh runs detached; cancelling whoever asked for it, leader or waiter, leaves it flying."""
    gate, clock = Gate(), AsyncSteppingClock()
    source = source_of(Flavour("async"), gate, clock, refresh_token)
    leader = asyncio.create_task(source.token(call(clock)))
    assert await asyncio.to_thread(gate.entered.wait, 20)
    waiters = [asyncio.create_task(source.token(call(clock))) for _ in range(3)]
    await asyncio.sleep(0)
    leader.cancel()
    waiters[0].cancel()
    ended = await asyncio.gather(leader, waiters[0], return_exceptions=True)
    gate.opened.set()
    tokens = await asyncio.gather(*waiters[1:])
    assert [asyncio.CancelledError] * 2 == [type(one) for one in ended]
    assert (1, "Bearer t1") == (gate.count, tokens[0].value.reveal())


def test_the_end_of_the_leaders_loop_hands_over() -> None:
    """AUTH-3: when the loop under a refresh ends, one of the waiters in another loop takes over."""
    gate, clock = Gate(), AsyncSteppingClock()
    source: AsyncClientCredentials = source_of(Flavour("async"), gate, clock)
    waiting = threading.Event()

    async def lead() -> None:
        leader = asyncio.create_task(source.token(call(clock)))
        assert await asyncio.to_thread(gate.entered.wait, 20)
        assert await asyncio.to_thread(waiting.wait, 20)
        await asyncio.sleep(0.05)
        leader.cancel()  # the loop ends here, and the refresh with it

    async def follow() -> AccessToken | TokenFailure:
        waiting.set()
        return await source.token(call(clock))

    with ThreadPoolExecutor(2) as pool:
        leading = pool.submit(lambda: asyncio.run(lead()))
        assert gate.entered.wait(20)
        following = pool.submit(lambda: asyncio.run(follow()))
        leading.result(20)
        gate.opened.set()
        token = following.result(20)
    assert isinstance(token, AccessToken)
    assert (2, "Bearer t2") == (gate.count, token.value.reveal())


def test_in_the_advisory_window_one_refreshes_and_the_rest_go_on() -> None:
    """AUTH-2: ahead of expiry one caller refreshes and waits, the rest go on with the old token at once."""
    gate, clock = Gate(), SteppingClock()
    source = source_of(Flavour("sync"), gate, clock)
    gate.opened.set()
    old = source.token(call(clock))
    gate.opened.clear()
    gate.entered.clear()
    clock.advance(3500)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(source.token, call(clock))
        assert gate.entered.wait(20)
        rest = [source.token(call(clock)) for _ in range(10)]
        assert not leader.done()
        gate.opened.set()
        fresh = leader.result(20)
    assert all(token is old for token in rest)
    assert fresh is not old
    assert 2 == gate.count


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
@pytest.mark.parametrize("flavour_name", ["sync", "async"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_locks_of_its_own(flavour_name: Any) -> None:
    """AUTH-3, CONF: a lock that the parent held at the fork stops no child; the parent's flight is not awaited."""
    flavour = Flavour(flavour_name)
    gate = Gate()
    clock = flavour.clock()
    source = source_of(flavour, gate, clock)
    client: Any = (AsyncAdminClient if flavour.is_async else AdminClient)(base_url=BASE, token="t")
    leader = threading.Thread(
        target=lambda: asyncio.run(source.token(call(clock))) if flavour.is_async else source.token(call(clock))
    )
    leader.start()
    assert gate.entered.wait(20)
    budget = Budget()
    held = [source._renewal._lock, client._transport._lock, budget._lock]
    for lock in held:
        lock.acquire()
    pid = os.fork()
    if pid == 0:  # the child: nothing of pytest may run here
        code = 1
        try:
            gate.opened.set()
            one = source.token(call(clock))
            token = asyncio.run(one) if flavour.is_async else one
            free = client._transport._lock.acquire(timeout=5)
            code = 0 if not isinstance(token, TokenFailure) and free and budget.spend(1) else 2
        finally:
            os._exit(code)
    for lock in held:
        lock.release()
    ended = wait_for(pid)
    gate.opened.set()
    leader.join(20)
    assert 0 == ended


def wait_for(pid: int) -> int:
    """The child's exit code; a child that hangs is killed, and has failed."""
    for _ in range(1000):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        threading.Event().wait(0.01)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return -9


def test_the_count_of_refreshes_is_exact() -> None:
    """AUTH-4: 50 late refusals of one token cause one refresh."""
    gate, clock = Gate(), SteppingClock()
    gate.opened.set()
    source = source_of(Flavour("sync"), gate, clock)
    first = source.token(call(clock))
    barrier = threading.Barrier(50)

    def refuse_and_ask() -> str:
        barrier.wait(20)
        source.refuse(first)
        return str(source.token(call(clock)).value.reveal())

    with ThreadPoolExecutor(50) as pool:
        values = [one.result(20) for one in [pool.submit(refuse_and_ask) for _ in range(50)]]
    assert Counter({"Bearer t2": 50}) == Counter(values)
    assert 2 == gate.count
