"""Sockets under threads: each operation gets what is left of the attempt's time; what is sent is marked (RETRY-6)."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, cast
from weakref import WeakSet

import httpcore
import httpx
from httpcore._backends.sync import SyncStream  # no public way to wrap a socket of ours; a test guards it

from .attempt import connecting, current, is_tunnel
from .connecting import connect, in_grip

_PIECE = 65536


def put_under(transport: httpx.HTTPTransport) -> None:
    """Puts the clamping backend under a transport; httpx has no option for it, so this one place reaches in."""
    inner: Any = transport._pool  # pyright: ignore[reportPrivateUsage] (no public way; a test guards it)
    inner._network_backend = _Backend(inner._network_backend)
    if isinstance(inner, httpcore.HTTPProxy):
        setattr(inner, "create_connection", _freeing(inner.create_connection))  # noqa: B010 - type checkers refuse the plain one


def close_idle(transport: httpx.HTTPTransport) -> None:
    """Closes the connections that nobody uses."""
    inner: Any = transport._pool  # pyright: ignore[reportPrivateUsage] (as above)
    for connection in list(inner.connections):
        if connection.is_idle():
            connection.close()


def forget(transport: httpx.HTTPTransport) -> None:
    """Frees the sockets that a fork inherited: no shutdown and no end of TLS, which would be the parent's."""
    inner: Any = transport._pool  # pyright: ignore[reportPrivateUsage] (as above)
    for inherited in list(inner._network_backend.opened):
        number = inherited.detach()
        if number >= 0:
            os.close(number)


def _freeing(
    create: Callable[[httpcore.Origin], httpcore.ConnectionInterface],
) -> Callable[[httpcore.Origin], httpcore.ConnectionInterface]:
    """Makes connections that leave the pool when a request fails on them.

    httpcore keeps the place of a tunnel whose TLS handshake failed: after so many the pool would be full for ever.
    """

    def create_connection(origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        connection: Any = create(origin)
        handle = connection.handle_request

        def handle_request(request: httpcore.Request) -> httpcore.Response:
            try:
                return cast("httpcore.Response", handle(request))
            except httpcore.ConnectionNotAvailable:  # another request has it
                raise
            except BaseException:
                connection.close()
                raise

        connection.handle_request = handle_request
        return cast("httpcore.ConnectionInterface", connection)

    return create_connection


def _left(timeout: float | None, error: type[Exception]) -> float | None:
    attempt = current.get()
    if attempt is None:
        return timeout
    left = attempt.left(timeout)
    if left is not None and left <= 0:
        raise error("The attempt's time is up.")
    return left


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner
        self.opened: WeakSet[socket.socket] = WeakSet()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        connecting()
        # One address after the other, each within what is left: the socket module would give each the whole time.
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found)) or [host]
        for address in addresses[:-1]:
            try:
                return self._connect(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError:
                continue  # the last address's error is raised
        return self._connect(addresses[-1], port, timeout, local_address, socket_options)

    def _connect(
        self,
        address: str,
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[Any] | None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(SyncStream(connect(address, port, left, local_address, socket_options or ())), self.opened)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_unix_socket(path, left, socket_options), self.opened)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, opened: WeakSet[socket.socket]) -> None:
        self._inner = inner
        self._opened = opened
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]  # straight through
        raw = inner.get_extra_info("socket")
        if isinstance(raw, socket.socket):
            opened.add(raw)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        attempt = current.get()
        if attempt is not None and buffer and not is_tunnel(buffer):
            attempt.sent = True
        # One piece after the other, each within what is left: a peer that reads slowly gets no time of its own.
        for start in range(0, len(buffer), _PIECE):
            piece = buffer[start : start + _PIECE] if len(buffer) > _PIECE else buffer
            self._inner.write(piece, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        # Closing a socket does not wake a thread that reads from it; shutting it down does (PARITY: close ends calls).
        raw = self._inner.get_extra_info("socket")
        if isinstance(raw, socket.socket):
            with suppress(OSError):  # not connected any more
                socket.socket.shutdown(raw, socket.SHUT_RDWR)
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        with in_grip(self._inner.get_extra_info("socket")):
            return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._opened)
