"""What clients that share a token have in common: the token of the moment, and the refresh that is on its way (AUTH-3).

Decides who refreshes, who waits and who goes on; no I/O. The lock is held for decisions only.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from ._flavour.fork import after_fork
from ._generated import policy
from .access import AccessToken
from .errors import ConfigurationError
from .exchange import Secret, TokenFailure

OBTAINED_KEPT = 16
"""Access tokens remembered for `close(revoke=True)`; older ones have expired, or nearly."""


@dataclass(frozen=True, slots=True)
class RefreshRecord:
    """A token request that has ended; telemetry consumes it."""

    grant: str
    """`client_credentials` or `refresh_token`."""
    duration: float
    """Seconds that it took."""
    code: str | None
    """Code of the token failure, None if a token came."""


class Flight:
    """A refresh that is under way."""

    __slots__ = ("asked", "ends_at", "future", "owner", "pid")

    def __init__(self, owner: object, ends_at: float) -> None:
        self.future: Future[AccessToken | TokenFailure | None] = Future()
        self.future.set_running_or_notify_cancel()  # so that no waiter's cancellation reaches it
        self.owner = owner
        """The source that sends the request."""
        self.ends_at = ends_at
        self.asked = False
        """Whether the token request may have left."""
        self.pid = os.getpid()

    def gone(self, now: float) -> bool:
        """Whether nobody can be flying it any more: another process did, or it should have landed long ago."""
        return self.pid != os.getpid() or now > self.ends_at


class Election(NamedTuple):
    """Who flies, who waits, who goes on."""

    flight: Flight | None
    """What to wait for; None to go on with `usable` at once."""
    usable: AccessToken | None
    """What to go on with, at once or if the flight fails."""
    leads: bool
    """Whether the caller is to start the flight."""


class Renewal:
    """The token of the moment, the refresh token that gets the next, and the flight that fetches it."""

    def __init__(self, refresh_token: Secret | None = None) -> None:
        self.refresh_token = refresh_token
        """The newest that is known; its successor replaces it before anybody else may use it."""
        self.refused: Secret | None = None
        """The token that the server refused last: no store gives it back (AUTH-4)."""
        self.outdated: Secret | None = None
        """What a store still says, because its successor could not be written."""
        self.stored = False
        """Whether the store held this grant before: what replaces it there is a later log-in."""
        self.flight: Flight | None = None
        self._current: AccessToken | None = None
        self._pause_until = float("-inf")
        self._obtained: deque[tuple[object, AccessToken]] = deque(maxlen=OBTAINED_KEPT)
        self._renew_lock()
        after_fork(self, Renewal._renew_lock)

    def _renew_lock(self) -> None:
        """A lock that some thread held at the fork would stay locked for ever in the child."""
        self._lock = threading.Lock()

    def fresh(self, now: float) -> AccessToken | None:
        """The token, if nobody need think of its successor yet; takes no lock."""
        token = self._current
        return token if token is not None and (token.advise_at is None or now < token.advise_at) else None

    def elect(self, owner: object, now: float, ends_at: float) -> Election:
        """What a caller is to do now (AUTH-2)."""
        with self._lock:
            token = self.fresh(now)
            if token is not None:
                return Election(None, token, False)
            token = self._current
            flight = None if self.flight is None or self.flight.gone(now) else self.flight
            usable = token if token is not None and token.usable(now) else None
            if usable is not None and (flight is not None or now < self._pause_until):
                return Election(None, usable, False)
            self.flight = flight or Flight(owner, ends_at)
            return Election(self.flight, usable, flight is None)

    def land(self, flight: Flight, landed: AccessToken | TokenFailure | None, now: float) -> None:
        """Takes in what a flight came to, and tells all who wait."""
        with self._lock:
            if isinstance(landed, AccessToken):
                self._current = landed
                self.refresh_token = landed.refresh_token or self.refresh_token
            if not isinstance(landed, AccessToken) or self.fresh(now) is None:  # or an old one that must do for now
                self._pause_until = now + policy.AUTH_ADVISORY_PAUSE
            if self.flight is flight:
                self.flight = None
        flight.future.set_result(landed)

    def refuse(self, token: AccessToken) -> None:
        """Throws away this very token; a late 401 for one already replaced throws nothing away (AUTH-4)."""
        with self._lock:
            if self._current is token:
                self._current = None
                self.refused = token.access

    def remember(self, owner: object, token: AccessToken) -> None:
        """Notes who got a token from the server."""
        with self._lock:
            self._obtained.append((owner, token))

    def given_up(self, owner: object) -> list[AccessToken]:
        """The tokens that this owner got, the latest first; nobody goes on with one of them."""
        with self._lock:
            found = [token for whose, token in reversed(self._obtained) if whose is owner]
            if self._current in found:
                self._current = None
            return found


class _Sharing:
    """The renewals of stores that are given to several clients."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Any, dict[tuple[str, str | None], Renewal]] = WeakKeyDictionary()
        self._renew_lock()
        after_fork(self, _Sharing._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def of(self, store: object, name: tuple[str, str | None], refresh_token: Secret | None) -> Renewal:
        with self._lock:
            return self._of.setdefault(store, {}).setdefault(name, Renewal(refresh_token))


_sharing = _Sharing()


def shared(store: object, key: str, origin: str | None, refresh_token: Secret | None) -> Renewal:
    """The renewal that all clients of one store object share for one grant (AUTH-10).

    Raises:
        ConfigurationError: The store cannot be the key of a weak dictionary.
    """
    try:
        return _sharing.of(store, (key, origin), refresh_token)
    except TypeError:
        pass
    raise ConfigurationError("token_store must be hashable and weakly referable.", code="invalid_option")
