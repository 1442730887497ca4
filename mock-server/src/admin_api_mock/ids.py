"""Identifiers: a prefix and a ULID from world time and world randomness, strictly rising within a world."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from admin_api_mock.clock import WorldClock

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
#: The first number of a millisecond leaves room above it; each step stays small against that room.
_STEP_BITS = 40


class Ids:
    """The generator of one world. A standing clock gives the same millisecond for ever, so the random part rises."""

    def __init__(self, clock: WorldClock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._last_ms = -1
        self._low = 0

    def new(self, prefix: str, at_ms: int | None = None) -> str:
        """The next id, such as `usr_01JZ8Y4QW3M7K2B9C5D6E8F0GH`; of a moment in the past if a seed says so."""
        now_ms = self._clock.now_ms() if at_ms is None else at_ms
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            self._low = self._random.getrandbits(_RANDOM_BITS - 1)
        else:
            self._low += 1 + self._random.getrandbits(_STEP_BITS)
        return f"{prefix}_{_encode(self._last_ms << _RANDOM_BITS | self._low)}"


#: Two digits at a time.
_PAIRS = [high + low for high in CROCKFORD for low in CROCKFORD]
_SHIFTS = range(120, -1, -10)


def _encode(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
