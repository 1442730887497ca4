"""Sockets under asyncio: they mark what they send; `asyncio.timeout` bounds them."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from .attempt import current


def put_under(transport: httpx.AsyncHTTPTransport) -> None:
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
