"""The life of a client: copies, closing, loops, forks, and what is left when nobody closes it (CONF-1)."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from admin_api import AdminClient, APIConnectionError, AsyncAdminClient, ConfigurationError

from . import lives
from .answers import answer, page, user
from .certificates import Authority
from .conftest import Wire
from .flavours import BASE, Flavour
from .lives import LIVES
from .loopback import answering, api_answer, hanging, read_whole, serving


async def closed(flavour: Flavour, client: Any) -> bool:
    """Whether a call says that its client is closed."""
    with pytest.raises(APIConnectionError) as raised:
        await flavour.settle(client.users.get("usr_1"))
    return ("client_closed", "not_sent") == (raised.value.code, raised.value.outcome)


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_closing_any_copy_closes_all(flavour: Flavour, wire: Wire, which: int) -> None:
    """CONF-1: a copy, and a copy of it, share the pool: the close of one is that of all, and twice does no harm."""
    wire.answers(answer(), answer(), answer())
    first = flavour.client()
    family = [first, first.with_options(timeout=1.0), first.with_options(timeout=1.0).with_options(max_retries=0)]
    for client in family:
        await flavour.settle(client.users.get("usr_1"))
    await flavour.settle(family[which].close())
    await flavour.settle(family[which].close())
    assert [True] * 3 == [await closed(flavour, client) for client in family]
    await flavour.settle(first.close())


async def test_copies_share_all_but_limits_and_clock(flavour: Flavour) -> None:
    """CONF-1: one transport, one token source, one stack; a copy's limits are its origin's but for the given."""
    first = flavour.client(timeout=5.0)
    copied = first.with_options(max_retries=7).with_options(deadline=9.0)
    shared = ("_transport", "_source", "_asking")
    assert [True] * 3 == [getattr(first, name) is getattr(copied, name) for name in shared]
    limits = copied._caller.limits
    assert (5.0, 7, 9.0) == (limits.timeout, limits.max_retries, limits.deadline)
    assert (2, None) == (first._caller.limits.max_retries, first._caller.limits.deadline)


async def test_a_subclass_stays_one(flavour: Flavour, wire: Wire) -> None:
    """CONF-1: a copy of a subclass is one, with what it has of its own, and calls by its own limits."""
    base: Any = AsyncAdminClient if flavour.is_async else AdminClient

    class Ours(base):  # type: ignore[misc]  # either of the two
        def __init__(self, tenant: str) -> None:
            super().__init__(base_url=BASE, token="t")
            self.tenant = tenant

    wire.answers(answer(), answer())
    ours = Ours("blue")
    await flavour.settle(ours.users.get("usr_1"))
    copied = ours.with_options(timeout=1.0)
    assert (Ours, "blue") == (type(copied), copied.tenant)
    assert copied.users is not ours.users
    await flavour.settle(copied.users.get("usr_1"))


async def test_a_block_keeps_its_error(flavour: Flavour, wire: Wire) -> None:
    """CONF-1: the end of a block closes the client; an error that ends it is the one that is seen."""
    client = flavour.client()
    entered = []

    async def block() -> None:
        if flavour.is_async:
            async with client as same:
                entered.append(same)
                raise KeyError("mine")
        with client as same:
            entered.append(same)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await block()
    assert [client] == entered
    assert await closed(flavour, client)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"])
async def test_a_client_is_not_copied(flavour: Flavour, how: Callable[[object], object]) -> None:
    """CONF-1: what holds connections and credentials is neither copied nor pickled, and says what to do instead."""
    with pytest.raises(TypeError, match=r"with_options\(\)"):
        how(flavour.client())


async def test_closing_ends_calls_on_their_way(flavour: Flavour) -> None:
    """CONF-1, PARITY-7: who waits for an answer when the client is closed is told so, at once."""
    entered = threading.Event()
    with serving(hanging(entered)) as port:
        client = flavour.client(base_url=f"http://127.0.0.1:{port}", clock=None)
        found: list[BaseException] = []

        def call() -> None:
            try:
                value = client.users.get("usr_1")
                if flavour.is_async:
                    asyncio.run(_awaited(value))
            except APIConnectionError as error:
                found.append(error)

        caller = threading.Thread(target=call)
        caller.start()
        assert await asyncio.to_thread(entered.wait, 10)
        await flavour.settle(client.close())
        await asyncio.to_thread(caller.join, 10)
    assert ["client_closed"] == [error.code for error in found if isinstance(error, APIConnectionError)]


async def _awaited(value: Any) -> Any:
    return await value


def test_one_client_on_three_loops_at_once() -> None:
    """AUTH-3, CONF-1: each loop has a pool of its own; the close on one closes those of the others, on their loops."""
    with serving(answering(*[api_answer()] * 9)) as port:
        client = AsyncAdminClient(base_url=f"http://127.0.0.1:{port}", token="t")
        gate = threading.Barrier(4)
        failures: list[BaseException] = []

        async def life() -> None:
            await asyncio.gather(*(client.users.get("usr_1") for _ in range(3)))
            await asyncio.to_thread(gate.wait, 20)  # all have their pools
            await asyncio.to_thread(gate.wait, 20)  # the client is closed
            try:
                await client.users.get("usr_1")
            except APIConnectionError as error:
                failures.append(error)

        loops = [threading.Thread(target=asyncio.run, args=(life(),)) for _ in range(3)]
        for loop in loops:
            loop.start()
        gate.wait(20)
        assert 3 == len(client._transport._pools)
        asyncio.run(client.close())
        assert 0 == len(client._transport._pools)
        gate.wait(20)
        for loop in loops:
            loop.join(20)
    assert ["client_closed"] * 3 == [error.code for error in failures if isinstance(error, APIConnectionError)]


def test_a_client_outlives_its_loops() -> None:
    """CONF-1: one loop after the other; a pool goes with its loop, and no loop that is closed is kept alive."""
    with serving(answering(*[api_answer()] * 9)) as port:
        client = AsyncAdminClient(base_url=f"http://127.0.0.1:{port}", token="t")
        for _ in range(3):
            assert "usr_1" == asyncio.run(_awaited(client.users.get("usr_1"))).id
            assert len(client._transport._pools) <= 1
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.users.get("usr_1"))
        loop.run_until_complete(client.close())
        loop.close()
        asyncio.run(client.close())


async def test_cancelled_on_the_way_in() -> None:
    """CONF-1: a task that is cancelled while it enters the block leaves a client that works."""
    client = Flavour("async").client(http_client=httpx.MockTransport(lambda _: answer()))

    async def enter() -> None:
        async with client:
            await asyncio.sleep(60)

    task = asyncio.create_task(enter())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "usr_1" == (await client.users.get("usr_1")).id
    entered = asyncio.create_task(enter())
    await asyncio.sleep(0)
    entered.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entered
    assert await closed(Flavour("async"), client)


def test_without_asyncio_it_says_so() -> None:
    """CONF-1: under trio, or driven by hand, a call says that it needs asyncio, and does not hang."""
    client = AsyncAdminClient(base_url=BASE, token="t")
    call = client.users.get("usr_1")
    with pytest.raises(ConfigurationError, match="asyncio") as raised:
        call.send(None)
    assert "no_event_loop" == raised.value.code


async def test_warming_up_sends_nothing(flavour: Flavour, wire: Wire) -> None:
    """CONF-1: all that is loaded late is loaded; the first call validates with what is there."""
    client = flavour.client()
    await flavour.settle(client.warm_up())
    assert [] == wire.requests
    module = sys.modules[type(client.users).__module__]
    assert all(
        op.returns.__pydantic_complete__ for op in (module._GET, module._CREATE) if op.returns is not None
    )  # models are built
    wire.answers(answer())
    assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id


NOISELESS = [life for life in LIVES if "fork" not in life and "processes" not in life]


@pytest.mark.parametrize("life", NOISELESS)
def test_no_noise(flavour: Flavour, life: str, tmp_path: Path) -> None:
    """CONF-1: a life that ends without `close()` ends in silence: nothing unclosed, destroyed, ignored or warned of."""
    run(flavour, life, Authority(tmp_path))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
@pytest.mark.parametrize("life", [life for life in LIVES if life not in NOISELESS])
def test_a_fork(flavour: Flavour, life: str, tmp_path: Path) -> None:
    """CONF-1: a forked child has connections of its own; whatever becomes of them and of it, the parent's live on."""
    run(flavour, life, Authority(tmp_path))


def run(flavour: Flavour, life: str, authority: Authority) -> None:
    """Runs a program of `lives` with every warning an error; it must end well and write nothing to stderr."""
    with serving(serve, authority.server()) as port:
        arguments = [str(flavour), life, f"https://localhost:{port}", str(authority.bundle)]
        command = [sys.executable, "-X", "dev", "-W", "error", *QUIET, str(PROGRAM), *arguments]
        done = subprocess.run(command, env=CLEAN, capture_output=True, text=True, timeout=60, check=False)
    assert (0, "", "done\n") == (done.returncode, done.stderr, done.stdout)


PROGRAM = Path(lives.__file__)
CLEAN = {"PATH": os.environ["PATH"]}
QUIET = ["-W", "ignore:This process:DeprecationWarning"]  # of a fork of many threads, which is the point


def serve(peer: socket.socket, over: threading.Event) -> None:
    """One connection: users at once; of an export two lines, then silence; of an object the beginning."""
    while True:
        path = read_whole(peer).split(b" ")[1]
        if path.startswith(b"/api/v1/exports/"):
            line = json.dumps(user()).encode() + b"\n"
            peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n")
            peer.sendall(b"%x\r\n%s\r\n" % (len(line) * 2, line * 2))
            hung_up(peer, over)
            return
        if path.startswith(b"/storage/"):
            peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 9\r\n\r\n123")
            if b"slow" in path:
                hung_up(peer, over)
                return
            peer.sendall(b"456789")
        elif path.startswith(b"/api/v1/users?") or path == b"/api/v1/users":
            peer.sendall(api_answer(page([1, 2], "more")))
        else:
            peer.sendall(api_answer())


def hung_up(peer: socket.socket, over: threading.Event) -> None:
    """Waits until the client is gone."""
    peer.settimeout(0.05)
    while not over.is_set():
        try:
            if not peer.recv(1024):
                return
        except TimeoutError:
            continue
