"""The in-flight table: keyed mutations whose transaction has not ended yet (RULES SERVER)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.idempotency import Keyed


class InFlight:
    """One world's table, in memory: what was in flight when a process died is not in flight any more."""

    def __init__(self) -> None:
        self._fingerprints: dict[bytes, bytes] = {}

    @contextmanager
    def enter(self, keyed: Keyed) -> Iterator[None]:
        """Holds the key's place. Taken: 409 `idempotency_in_flight` at once, 422 if by another request."""
        first = self._fingerprints.get(keyed.place)
        if first is not None:
            if first != keyed.fingerprint:
                raise Problem("idempotency_key_reused", "The Idempotency-Key is in use for another request.")
            raise Problem(
                "idempotency_in_flight",
                "The first request with this Idempotency-Key has not ended yet.",
                headers={"Retry-After": "1"},
            )
        self._fingerprints[keyed.place] = keyed.fingerprint
        try:
            yield
        finally:
            del self._fingerprints[keyed.place]
