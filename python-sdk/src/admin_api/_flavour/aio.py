"""The asyncio flavour."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..errors import ConfigurationError
from .attempt import Attempt, current
from .fork import after_fork

if TYPE_CHECKING:
    import httpx

    from ..exchange import Secret

__all__ = [
    "HANDLE",
    "NO_CLIENT",
    "Home",
    "Keeper",
    "Wake",
    "after_fork",
    "check_running",
    "close_at_exit",
    "end",
    "forsake",
    "home",
    "in_thread",
    "is_ours",
    "is_over",
    "keeper",
    "limit",
    "pool",
    "resolve",
    "sleep",
    "spawn",
    "wait",
    "waits",
]

T = TypeVar("T")


class Wake:
    """Ends sleeps, from whichever loop or thread."""

    def __init__(self) -> None:
        self.woken = False
        self.sleeping: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        self.woken = True
        for sleeper in list(self.sleeping):
            with suppress(RuntimeError):  # a loop that is closed has no sleepers left
                sleeper.get_loop().call_soon_threadsafe(_rise, sleeper)


def _rise(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)


async def sleep(seconds: float, wake: Wake) -> None:
    """Sleeps, in real time, unless woken."""
    loop = asyncio.get_running_loop()
    sleeper: asyncio.Future[None] = loop.create_future()
    wake.sleeping.add(sleeper)
    alarm = loop.call_later(seconds, _rise, sleeper)
    try:
        if not wake.woken:  # asked once it can be woken, so that no call gets lost between the two
            await sleeper
    finally:
        alarm.cancel()
        wake.sleeping.discard(sleeper)


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
        async with asyncio.timeout(seconds) as timeout:
            attempt.grip = (asyncio.get_running_loop(), timeout)
            yield attempt
    finally:
        current.reset(token)


def end(attempt: Attempt) -> None:
    """Ends an attempt at once, from whichever loop or thread, as if its time were up."""
    if attempt.grip is not None:
        loop, timeout = attempt.grip
        with suppress(RuntimeError):  # its loop is closed, and has ended it
            loop.call_soon_threadsafe(_expire, timeout)


def _expire(timeout: asyncio.Timeout) -> None:
    with suppress(RuntimeError):  # it has ended by itself
        timeout.reschedule(0.0)


def waits(seconds: float) -> dict[str, float | None]:
    """What httpx is to time: nothing, for `limit` bounds all of it."""
    return {}


_detached: set[asyncio.Task[None]] = set()


def spawn(work: Callable[[], Awaitable[None]]) -> None:
    """Starts work that no caller's cancellation ends; only the end of its loop does."""

    async def run() -> None:
        await work()

    task = asyncio.get_running_loop().create_task(run(), context=copy_context())
    _detached.add(task)
    task.add_done_callback(_detached.discard)


async def in_thread(work: Callable[[], T], drop: Callable[[T], object] | None = None) -> T:
    """Runs blocking work without blocking the loop. A thread cannot be stopped: what it makes of work that nobody waits
    for any more goes to `drop`."""
    made: Future[T] = Future()
    try:
        await asyncio.to_thread(_make, [made], work)
    except asyncio.CancelledError:
        made.add_done_callback(lambda late: _dropped(late, drop))
        raise
    try:
        return made.result()
    finally:
        del made  # or an error would keep itself alive, by way of its traceback and this frame


def _make(only: list[Future[T]], work: Callable[[], T]) -> None:
    made = only.pop()  # out of what the frames of the thread keep
    try:
        made.set_result(work())
    except BaseException as caught:  # noqa: BLE001 (raised where it is waited for)
        made.set_exception(caught)
        del made  # likewise


def _dropped(late: Future[T], drop: Callable[[T], object] | None) -> None:
    if drop is not None and late.exception() is None:
        drop(late.result())


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


def close_at_exit(stream: AsyncGenerator[Any]) -> None:
    """A loop that shuts down closes its generators by itself."""


def is_over(home: Home) -> bool:
    """Whether nothing lives there any more."""
    return home.is_closed()


def check_running() -> None:
    """Raises ConfigurationError unless asyncio runs us: there is no support for trio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        return
    raise ConfigurationError("AsyncAdminClient runs under asyncio alone, and no loop is running.", code="no_event_loop")


Keeper = AsyncGenerator[None]


def keeper(pool: httpx.AsyncHTTPTransport) -> Keeper:
    """Closes the pool on its own loop: when it is closed itself, when it is dropped, and when the loop shuts down."""
    kept = _kept(pool)
    with suppress(StopIteration):  # the first step, which waits for nothing, makes it known to the loop
        kept.__anext__().send(None)
    return kept


async def _kept(pool: httpx.AsyncHTTPTransport) -> Keeper:
    try:
        yield
    finally:
        await pool.aclose()


_of_parent: list[object] = []


def forsake(pool: httpx.AsyncHTTPTransport, keeper: Keeper) -> None:
    """In a forked child: never touches what belongs to the parent's loop again, not even to free it."""
    _of_parent.append((pool, keeper))


HANDLE = "handle_async_request"
NO_CLIENT = "http_client must have `send`, as httpx.AsyncClient, or `handle_async_request`, as its transports."


def is_ours(client: Any) -> bool:
    """Whether a client of the user's is one for asyncio: its `send` gives what can be awaited."""
    return not isinstance(client, type) and (inspect.iscoroutinefunction(client.send) or hasattr(client, "aclose"))


def pool(
    *,
    tls_context: ssl.SSLContext | None,
    proxy: Secret | None,
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
    through = None if proxy is None else httpx.Proxy(proxy.reveal())
    if through is not None and through.url.scheme == "https":
        through.ssl_context = tls_context  # what is trusted is trusted of the proxy too
    transport = httpx.AsyncHTTPTransport(verify=tls_context or False, proxy=through, limits=limits, trust_env=False)
    put_under(transport)
    return transport
