"""Clocks that stand still and note what they were asked to sleep; one per flavour."""

from __future__ import annotations

from collections.abc import Callable


class Time:
    """A moment that moves only when somebody sleeps or a test says so."""

    def __init__(self, now: float = 1_700_000_000.0, random: float = 1.0) -> None:
        self.elapsed = 0.0
        self.sleeps: list[float] = []
        self.chance = random
        self.on_sleep: Callable[[], None] | None = None
        self._began = now

    def now(self) -> float:
        return self._began + self.elapsed

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    def random(self) -> float:
        return self.chance

    def advance(self, seconds: float) -> None:
        self.elapsed += seconds

    def set_wall(self, by_seconds: float) -> None:
        """Sets the clock on the wall, as somebody does, or NTP."""
        self._began += by_seconds

    def _slept(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.elapsed += seconds
        if self.on_sleep is not None:
            self.on_sleep()


class SteppingClock(Time):
    """For the threaded flavour."""

    def sleep(self, seconds: float) -> None:
        self._slept(seconds)


class AsyncSteppingClock(Time):
    """For the asyncio flavour."""

    async def sleep(self, seconds: float) -> None:
        self._slept(seconds)
