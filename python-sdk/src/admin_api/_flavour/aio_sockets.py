"""Sockets under asyncio: they mark what they send; `asyncio.timeout` bounds them."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast
from weakref import ref

import httpcore
import httpx

from .attempt import connecting, current, is_tunnel


def put_under(transport: httpx.AsyncHTTPTransport) -> None:
    """Puts the marking backend under a transport; httpx has no option for it, so this one place reaches in."""
    inner: Any = transport._pool  # pyright: ignore[reportPrivateUsage] (no public way; a test guards it)
    inner._network_backend = _Backend(inner._network_backend)
    setattr(inner, "create_connection", _freeing(inner.create_connection))  # noqa: B010 - type checkers refuse the plain one


def _freeing(
    create: Callable[[httpcore.Origin], httpcore.AsyncConnectionInterface],
) -> Callable[[httpcore.Origin], httpcore.AsyncConnectionInterface]:
    """Makes connections that leave the pool when a request fails on them, or is cancelled.

    httpcore keeps the place of a tunnel whose TLS handshake failed, and of a connection whose task is cancelled while
    it takes the connection's lock: its shields are anyio's, which `Task.cancel` and `asyncio.timeout` go through.
    After so many the pool would be full for ever.
    """

    def create_connection(origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        made: Any = create(origin)
        kind = cast("Any", type(made))
        held = ref(made)  # weakly: in itself it would be a cycle

        async def handle_async_request(request: httpcore.Request) -> httpcore.Response:
            connection: Any = held()  # who calls has it
            try:
                answer: httpcore.Response = await kind.handle_async_request(connection, request)
            except httpcore.ConnectionNotAvailable:  # another request has it
                raise
            except BaseException:
                await connection.aclose()
                raise
            _innermost(connection)._state_lock = _UNLOCKED
            return answer

        made.handle_async_request = handle_async_request
        return cast("httpcore.AsyncConnectionInterface", made)

    return create_connection


class _Unlocked:
    """Stands in for the lock of a connection, which one request at a time has: nobody is cancelled taking it."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *exc: object) -> None: ...


_UNLOCKED = _Unlocked()


def _innermost(connection: Any) -> Any:
    """The connection that speaks HTTP/1.1, beneath those that connect it and tunnel it."""
    while (inner := getattr(connection, "_connection", None)) is not None:
        connection = inner
    return connection


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
        connecting()
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
        if attempt is not None and buffer and not is_tunnel(buffer):
            attempt.sent = True
        await self._inner.write(buffer, timeout)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            return _Stream(await self._inner.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:  # httpcore frees what failed, and forgets what was cancelled: our timeout, for one
            await self._inner.aclose()
            raise
