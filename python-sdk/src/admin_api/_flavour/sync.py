"""The threaded flavour."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

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


def spawn(work: Callable[[], None]) -> None:
    """Starts work that outlives its caller."""
    threading.Thread(target=work, name="admin-api-token", daemon=True).start()


def in_thread(work: Callable[[], T]) -> T:
    """Runs blocking work; the caller blocks anyway."""
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


def pool(
    *,
    verify: ssl.SSLContext | bool,
    proxy: str | None,
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
    transport = httpx.HTTPTransport(verify=verify, proxy=proxy, limits=limits, trust_env=False)
    put_under(transport)
    return transport
