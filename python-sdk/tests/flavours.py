"""Both flavours of the SDK behind one face, so that a law is written once and holds for both."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

import httpcore
import httpx

from admin_api import AdminClient, AsyncAdminClient
from admin_api.exchange import Outcome, Request

from .clocks import AsyncSteppingClock, SteppingClock

BASE = "http://localhost:8099"


class Flavour:
    """One of the two; what it gives is awaited where that is needed."""

    def __init__(self, name: Literal["sync", "async"]) -> None:
        self.name = name
        self.is_async = name == "async"

    def room(self, name: str) -> ModuleType:
        """A room by its name, such as `layers.retry`."""
        return import_module(f"admin_api.{name}" if self.is_async else f"admin_api._generated.sync.{name}")

    def of(self, room: str, name: str) -> Any:
        """What a room calls `name`, or `Async` and the name in the asyncio flavour."""
        module = self.room(room)
        return getattr(module, f"Async{name}" if self.is_async else name)

    def clock(self, random: float = 1.0) -> Any:
        return AsyncSteppingClock(random=random) if self.is_async else SteppingClock(random=random)

    def client(self, **options: Any) -> Any:
        """A client with a clock that stands still, a token, and predictable keys, unless told otherwise."""
        options.setdefault("base_url", BASE)
        options.setdefault("clock", self.clock())
        options.setdefault("new_id", numbered("key"))
        if "client_id" not in options:
            options.setdefault("token", "t0ken")
        return AsyncAdminClient(**options) if self.is_async else AdminClient(**options)

    def sender(self, *outcomes: Outcome | Callable[[Request], Outcome]) -> Sender:
        """A `send` that gives one outcome after the other."""
        return AsyncSender(outcomes) if self.is_async else Sender(outcomes)

    async def settle(self, value: Any) -> Any:
        """The value, awaited if it has to be."""
        return await value if inspect.isawaitable(value) else value

    async def collect(self, iterable: Any) -> list[Any]:
        if self.is_async:
            return [item async for item in iterable]
        return list(iterable)

    async def take(self, iterator: Any) -> Any:
        return await anext(iterator) if self.is_async else next(iterator)

    def __repr__(self) -> str:
        return self.name


class Sender:
    """A `send` of the threaded flavour that follows a script and keeps what it was given."""

    def __init__(self, outcomes: Iterable[Outcome | Callable[[Request], Outcome]]) -> None:
        self.requests: list[Request] = []
        self._outcomes = iter(outcomes)

    def next(self, request: Request) -> Outcome:
        self.requests.append(request)
        outcome = next(self._outcomes)
        return outcome(request) if callable(outcome) else outcome

    def __call__(self, request: Request) -> Any:
        return self.next(request)


class AsyncSender(Sender):
    """The same for asyncio."""

    def __call__(self, request: Request) -> Awaitable[Outcome]:
        async def answer() -> Outcome:
            return self.next(request)

        return answer()


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in the very chunks given; an exception among them breaks it there. Serves both flavours."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self._chunks = chunks
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


LOST = httpcore.ReadError("connection reset")


def numbered(prefix: str) -> Callable[[], str]:
    """Ids that tell their number."""
    made = 0

    def new_id() -> str:
        nonlocal made
        made += 1
        return f"{prefix}-{made}"

    return new_id
