# Derived by make generate from clock.py. Do not edit.
"""Time and chance, the seam that tests replace. Random numbers are for jitter only; ids come from `new_id` (STACK)."""

from __future__ import annotations

import random
import time
from typing import Protocol

from ..._flavour.sync import Wake, sleep


class Clock(Protocol):
    """Where a client takes its time from. Give your own as `clock=` to test without waiting."""

    def now(self) -> float:
        """Wall clock, seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits before a retry, or until a stream is reconnected."""
        ...

    def random(self) -> float:
        """A number in [0, 1) for jitter."""
        ...


class SystemClock:
    """The machine's clock; `close` ends its sleeps."""

    def __init__(self) -> None:
        self._wake = Wake()

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        sleep(seconds, self._wake)

    def random(self) -> float:
        return random.random()  # jitter, not a secret

    def close(self) -> None:
        """Ends all sleeps at once."""
        self._wake.set()
