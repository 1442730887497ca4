"""The asyncio flavour."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .attempt import Attempt, current
from .fork import after_fork

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Home",
    "Wake",
    "after_fork",
    "home",
    "in_thread",
    "limit",
    "pool",
    "resolve",
    "sleep",
    "spawn",
    "wait",
]

T = TypeVar("T")


class Wake:
    """Ends sleeps from outside; under asyncio cancellation does that."""

    def set(self) -> None:
        """Nothing to do: a task that sleeps is cancelled."""


async def sleep(seconds: float, wake: Wake) -> None:
    """Sleeps, in real time."""
    await asyncio.sleep(seconds)


async def wait(future: Future[T], seconds: float) -> T:
    """The future's result; TimeoutError after so many seconds. Cancelling the waiter leaves the future alone."""
    async with asyncio.timeout(seconds):
        return await asyncio.wrap_future(future)


@asynccontextmanager
async def limit(seconds: float | None) -> AsyncGenerator[Attempt]:
    """Bounds what is done on the wire within: TimeoutError, or httpx's, when the time is up."""
    attempt = Attempt(seconds)
    token = current.set(attempt)
    try:
        async with asyncio.timeout(seconds):
            yield attempt
    finally:
        current.reset(token)


_detached: set[asyncio.Task[None]] = set()


def spawn(work: Callable[[], Awaitable[None]]) -> None:
    """Starts work that no caller's cancellation ends; only the end of its loop does."""

    async def run() -> None:
        await work()

    task = asyncio.get_running_loop().create_task(run(), context=copy_context())
    _detached.add(task)
    task.add_done_callback(_detached.discard)


async def in_thread(work: Callable[[], T]) -> T:
    """Runs blocking work without blocking the loop."""
    return await asyncio.to_thread(work)


async def resolve(value: T | Awaitable[T], seconds: float) -> T:
    """The value of a user's function, awaited if it is to be; TimeoutError after so many seconds."""
    result: Any = value
    if inspect.isawaitable(value):
        async with asyncio.timeout(seconds):
            result = await value
    return cast("T", result)


Home = asyncio.AbstractEventLoop


def home() -> Home:
    """Where connections live: each event loop has its own."""
    return asyncio.get_running_loop()


def pool(
    *,
    verify: ssl.SSLContext | bool,
    proxy: str | None,
    max_connections: int,
    max_keepalive: int,
    keepalive_expiry: float,
) -> httpx.AsyncHTTPTransport:
    """A pool of connections whose sockets mark what they send."""
    import httpx

    from .aio_sockets import put_under  # httpcore is loaded with the first request, not at import

    limits = httpx.Limits(
        max_connections=max_connections, max_keepalive_connections=max_keepalive, keepalive_expiry=keepalive_expiry
    )
    transport = httpx.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=limits, trust_env=False)
    put_under(transport)
    return transport
