"""A fixed-window quota per caller in world time, told on every answer (draft-ietf-httpapi-ratelimit-headers)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

#: Generous, so that it is met only by a world that asks for less.
DEFAULT_QUOTA = 1_000_000
DEFAULT_WINDOW_SECONDS = 60


class Standing(NamedTuple):
    """Where a caller stands after a request."""

    allowed: bool
    remaining: int
    reset_seconds: int

    def header(self) -> str:
        """The RateLimit field."""
        return f'"default";r={self.remaining};t={self.reset_seconds}'


class RateLimiter:
    """Counts per subject and window."""

    def __init__(self, quota: int = DEFAULT_QUOTA, window_seconds: int = DEFAULT_WINDOW_SECONDS) -> None:
        self._quota = quota
        self._window_ms = window_seconds * 1000
        self._window = -1
        self._used: dict[str, int] = {}
        #: The RateLimit-Policy field.
        self.policy = f'"default";q={quota};w={window_seconds}'

    @classmethod
    def of(cls, creation: Mapping[str, Any] | None) -> RateLimiter:
        """From a world's creation body: {quota, window_seconds}."""
        creation = creation or {}
        return cls(creation.get("quota", DEFAULT_QUOTA), creation.get("window_seconds", DEFAULT_WINDOW_SECONDS))

    def take(self, subject: str, now_ms: int) -> Standing:
        """Counts one request of `subject`."""
        window, elapsed = divmod(now_ms, self._window_ms)
        if window != self._window:
            self._window = window
            self._used.clear()
        used = self._used.get(subject, 0) + 1
        self._used[subject] = used
        reset_seconds = -(-(self._window_ms - elapsed) // 1000)
        return Standing(used <= self._quota, max(0, self._quota - used), reset_seconds)
