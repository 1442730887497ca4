"""The threaded flavour."""

from __future__ import annotations

import atexit
import inspect
import ssl
import threading
import weakref
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

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


class Wake(threading.Event):
    """Ends sleeps from another thread."""


def sleep(seconds: float, wake: Wake) -> None:
    """Sleeps, in real time, unless woken."""
    wake.wait(seconds)


def wait(future: Future[T], seconds: float) -> T:
    """The future's result; TimeoutError after so many seconds."""
    return future.result(seconds)


@contextmanager
def limit(seconds: float | None) -> Generator[Attempt]:
    """Bounds what is done on the wire within: TimeoutError, or httpx's, when the time is up."""
    attempt = Attempt(seconds)
    token = current.set(attempt)
    try:
        yield attempt
    finally:
        current.reset(token)


def end(attempt: Attempt) -> None:
    """Ends an attempt at once, from another thread: whatever it does next on the wire fails."""
    from .connecting import let_go  # the sockets are loaded with the first request, not at import

    let_go(attempt)


def waits(seconds: float) -> dict[str, float | None]:
    """What httpx is to time: the wait for its pool, for the sockets keep within the attempt by themselves."""
    return {"pool": seconds}


def spawn(work: Callable[[], None]) -> None:
    """Starts work that outlives its caller."""
    threading.Thread(target=work, name="admin-api-token", daemon=True).start()


def in_thread(work: Callable[[], T], drop: Callable[[T], object] | None = None) -> T:
    """Runs blocking work; the caller blocks anyway, so nothing is ever dropped."""
    return work()


def resolve(value: T, seconds: float) -> T:
    """The value of a user's function, which has returned; a thread cannot be bounded from outside."""
    return value


class Home:
    """The one place there is."""


_home = Home()


def home() -> Home:
    """Where connections live: threads share them."""
    return _home


_open: WeakSet[Generator[Any]] = WeakSet()


def close_at_exit(stream: Generator[Any]) -> None:
    """Closes a stream that is open when the interpreter ends: later, what it has to do cannot be done any more."""
    _open.add(stream)


@atexit.register
def _close_all() -> None:
    for stream in list(_open):
        with suppress(ValueError):  # a daemon thread is reading it
            stream.close()
    if _keepers:
        from .sync_sockets import close_idle  # loaded with the first request, so here by now

        for keeper in list(_keepers):
            close_idle(keeper.pool)


def is_over(home: Home) -> bool:
    """Whether nothing lives there any more: never."""
    return False


def check_running() -> None:
    """Threads need nothing that runs them."""


_keepers: WeakSet[Keeper] = WeakSet()


class Keeper:
    """Closes a pool: when it is closed itself, when it is dropped, and what is idle of it when the interpreter ends."""

    def __init__(self, pool: httpx.HTTPTransport) -> None:
        self.pool = pool
        self.close = weakref.finalize(self, pool.close)
        self.close.atexit = False  # a daemon thread that is in a call then would tell of an error
        _keepers.add(self)


def keeper(pool: httpx.HTTPTransport) -> Keeper:
    """What closes the pool."""
    return Keeper(pool)


def forsake(pool: httpx.HTTPTransport, keeper: Keeper) -> None:
    """In a forked child: frees the parent's sockets without a word to the peer."""
    from .sync_sockets import forget

    _keepers.discard(keeper)
    keeper.close.detach()
    forget(pool)


HANDLE = "handle_request"
NO_CLIENT = "http_client must have `send`, as httpx.Client, or `handle_request`, as its transports."


def is_ours(client: Any) -> bool:
    """Whether a client of the user's is one for threads: its `send` gives the answer itself."""
    return not isinstance(client, type) and not inspect.iscoroutinefunction(client.send)


def pool(
    *,
    tls_context: ssl.SSLContext | None,
    proxy: Secret | None,
    max_connections: int,
    max_keepalive: int,
    keepalive_expiry: float,
) -> httpx.HTTPTransport:
    """A pool of connections whose sockets keep within the attempt's time and mark what they send."""
    import httpx

    from .sync_sockets import put_under  # httpcore is loaded with the first request, not at import

    limits = httpx.Limits(
        max_connections=max_connections, max_keepalive_connections=max_keepalive, keepalive_expiry=keepalive_expiry
    )
    through = None if proxy is None else httpx.Proxy(proxy.reveal())
    if through is not None and through.url.scheme == "https":
        through.ssl_context = tls_context  # what is trusted is trusted of the proxy too
    transport = httpx.HTTPTransport(verify=tls_context or False, proxy=through, limits=limits, trust_env=False)
    put_under(transport)
    return transport
