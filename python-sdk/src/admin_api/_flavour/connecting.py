"""Connecting, under threads: within its time, and ended at once by another thread (PARITY-7)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from typing import Any

import httpcore

from .attempt import Attempt, current


def connect(
    address: str, port: int, timeout: float | None, local_address: str | None, options: Iterable[Any]
) -> socket.socket:
    """A connection to one address.

    Raises:
        httpcore.ConnectTimeout: It was not made in time.
        httpcore.ConnectError: It was refused, or the attempt was ended.
    """
    raw = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        raw.settimeout(timeout)
        for option in options:
            raw.setsockopt(*option)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if local_address is not None:
            raw.bind((local_address, 0))
        with in_grip(raw):
            raw.connect((address, port))
    except TimeoutError as error:
        raw.close()
        raise httpcore.ConnectTimeout(str(error)) from error
    except OSError as error:
        raw.close()
        raise httpcore.ConnectError(str(error)) from error
    except BaseException:
        raw.close()
        raise
    return raw


class _Grip:
    """A second hold on a socket: TLS takes the first away while it shakes hands."""

    def __init__(self, raw: socket.socket) -> None:
        self._socket = raw.dup()
        self._lock = threading.Lock()  # so that no number is shut down that is another socket's by now

    def shut(self) -> None:
        """Breaks the connection, and wakes who waits for it."""
        with self._lock, suppress(OSError):  # not connected; where that wakes nobody, the attempt's time still does
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            self._socket.close()


@contextmanager
def in_grip(raw: object) -> Generator[None]:
    """Lets `let_go` reach the socket meanwhile. TLS inside of TLS cannot be held twice; its time bounds it alone."""
    attempt = current.get()
    if attempt is None or type(raw) is not socket.socket:
        yield
        return
    attempt.grip = grip = _Grip(raw)
    try:
        if attempt.left(None) == 0:  # asked once it can be reached, so that no end gets lost between the two
            raise httpcore.ConnectTimeout("The attempt's time is up.")
        yield
    finally:
        attempt.grip = None
        grip.close()


def let_go(attempt: Attempt) -> None:
    """Ends an attempt: its time is up, and the connection that it is making breaks."""
    attempt.ends_at = float("-inf")
    grip = attempt.grip
    if grip is not None:
        grip.shut()
