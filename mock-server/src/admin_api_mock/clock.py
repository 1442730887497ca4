"""World time: milliseconds that follow real time (the root world) or stand still but for control steps (all others)."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime
from functools import lru_cache

_INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_instant(text: str) -> int:
    """Milliseconds since the epoch of an RFC 3339 instant; digits beyond milliseconds are cut. Raises ValueError."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 instant")
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    leap, second = divmod(second, 60)  # A leap second is the first of the next minute, as POSIX time has it.
    whole = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) + 60 * leap
    offset = int(f"{match[8]}1") * (int(match[9]) * 3600 + int(match[10]) * 60) if match[8] else 0
    return (whole - offset) * 1000 + int((match[7] or "0")[:3].ljust(3, "0"))


def format_instant(instant_ms: int) -> str:
    """RFC 3339, UTC, `Z`, with milliseconds: the one spelling of times on this API's wire."""
    seconds, millis = divmod(instant_ms, 1000)
    return f"{_format_second(seconds)}.{millis:03d}Z"


@lru_cache(maxsize=64)
def _format_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def http_date(instant_ms: int) -> str:
    """IMF-fixdate (RFC 9110 section 5.6.7), independent of the locale."""
    moment = datetime.fromtimestamp(instant_ms // 1000, UTC)
    return f"{_DAYS[moment.weekday()]}, {moment:%d} {_MONTHS[moment.month - 1]} {moment:%Y %H:%M:%S} GMT"


class WorldClock:
    """One world's time. It never runs backwards."""

    def __init__(self, base_ms: int, follows_real_time: bool) -> None:
        self._base_ms = base_ms
        self._origin = time.monotonic() if follows_real_time else None
        self._moved: set[asyncio.Event] = set()
        self._closed = False
        self._date = (-1, "")

    @classmethod
    def real(cls) -> WorldClock:
        """Begins now and follows real time."""
        return cls(time.time_ns() // 1_000_000, follows_real_time=True)

    @classmethod
    def standing(cls, instant_ms: int) -> WorldClock:
        """Stands at `instant_ms` until it is moved."""
        return cls(instant_ms, follows_real_time=False)

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        if self._origin is None:
            return self._base_ms
        return self._base_ms + int((time.monotonic() - self._origin) * 1000)

    def now(self) -> int:
        """Whole seconds since the epoch, as JWT claims count."""
        return self.now_ms() // 1000

    def iso(self) -> str:
        """Now, as the wire spells it."""
        return format_instant(self.now_ms())

    def date(self) -> str:
        """Now, for the Date header; made once per second."""
        second = self.now_ms() // 1000
        if self._date[0] != second:
            self._date = (second, http_date(second * 1000))
        return self._date[1]

    def advance(self, by_ms: int) -> int:
        """Moves forward by `by_ms`; returns the new now."""
        self._base_ms += max(0, by_ms)
        for moved in self._moved:
            moved.set()
        return self.now_ms()

    def until(self, instant_ms: int) -> int:
        """Moves to `instant_ms` unless that is past already: max, not sum (RULES SUITE)."""
        return self.advance(instant_ms - self.now_ms())

    async def sleep_until(self, instant_ms: int) -> None:
        """Returns once world time is there, or the world has ended."""
        while not self._closed and (left := instant_ms - self.now_ms()) > 0:
            moved = asyncio.Event()
            self._moved.add(moved)
            try:
                async with asyncio.timeout(None if self._origin is None else left / 1000):
                    await moved.wait()
            except TimeoutError:
                continue  # Real time has come there by itself.
            finally:
                self._moved.discard(moved)

    def close(self) -> None:
        """Ends every sleep."""
        self._closed = True
        for moved in self._moved:
            moved.set()
