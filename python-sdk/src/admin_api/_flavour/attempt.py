"""What the socket layer knows of the attempt that is running: when it must end, and whether a byte has left."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any


class Attempt:
    """One attempt on the wire."""

    __slots__ = ("connecting", "ends_at", "grip", "sent")

    def __init__(self, seconds: float | None) -> None:
        self.ends_at = None if seconds is None else time.monotonic() + seconds
        self.connecting = False
        """Whether it opens a connection by our own sockets, which then mark what leaves."""
        self.sent = False
        """Whether a byte of the request may have left."""
        self.grip: Any = None
        """What `flavour.end` ends it by, from outside; each flavour's own."""

    def left(self, timeout: float | None) -> float | None:
        """The timeout of the next socket operation: what was asked for, but never past the attempt's end (RETRY-6)."""
        if self.ends_at is None:
            return timeout
        left = max(0.0, self.ends_at - time.monotonic())
        return left if timeout is None else min(left, timeout)


current: ContextVar[Attempt | None] = ContextVar("admin_api.attempt", default=None)


def connecting() -> None:
    """Marks the running attempt: it has a connection to make before anything can leave."""
    attempt = current.get()
    if attempt is not None:
        attempt.connecting = True


def is_tunnel(buffer: bytes) -> bool:
    """Whether this asks a proxy for a tunnel: of the request itself nothing has left yet."""
    return buffer.startswith(b"CONNECT ")
