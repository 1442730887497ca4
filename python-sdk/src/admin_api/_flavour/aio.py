"""The asyncio flavour."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any, TypeVar, cast

import httpcore
import httpx

from .attempt import Attempt, current
from .fork import after_fork

__all__ = [
    "Home",
    "Wake",
    "after_fork",
    "guard",
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


async def resolve(value: T | Awaitable[T]) -> T:
    """The value of a user's function, awaited if it is to be."""
    return cast("T", await value if inspect.isawaitable(value) else value)


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
    limits = httpx.Limits(
        max_connections=max_connections, max_keepalive_connections=max_keepalive, keepalive_expiry=keepalive_expiry
    )
    transport = httpx.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=limits, trust_env=False)
    guard(transport)
    return transport


def guard(transport: httpx.AsyncHTTPTransport) -> None:
    """Puts the marking backend under a transport; httpx has no option for it, so this one place reaches in."""
    inner: Any = transport._pool  # pyright: ignore[reportPrivateUsage] (no public way; a test guards it)
    inner._network_backend = _Backend(inner._network_backend)


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options))

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.connect_unix_socket(path, timeout, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self.read = inner.read  # type: ignore[method-assign]  # straight through: a call saved on every read
        self.aclose = inner.aclose  # type: ignore[method-assign]  # the same
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]  # the same

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        attempt = current.get()
        if attempt is not None:
            attempt.sent = True
        await self._inner.write(buffer, timeout)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _Stream(await self._inner.start_tls(ssl_context, server_hostname, timeout))
