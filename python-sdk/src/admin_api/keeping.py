"""A token store as one grant uses it: re-read → refresh → write as one transaction, over processes (AUTH-10)."""

from __future__ import annotations

import errno
import secrets
import time
from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias, TypeVar

from ._flavour import aio as flavour
from ._generated import policy
from .access import AccessToken, timed_out
from .clock import AsyncClock
from .errors import AdminAPIError, AuthenticationError
from .exchange import Secret, TokenFailure
from .kept import GrantName, Kept, read, written
from .renewal import Renewal
from .store import TokenStore

T = TypeVar("T")
AsyncAsk: TypeAlias = Callable[[float], Awaitable[AccessToken | TokenFailure]]


class AsyncKeeping:
    """One grant's place in a token store. Waits for the lock in real time: it is another process's.

    Args:
        origin: Which log-in the grant goes back to; what another left in its place is never used.
        least: Seconds that a token request must have left to be begun.
        warn: Told of what went wrong and stopped nobody.
    """

    def __init__(
        self,
        store: TokenStore,
        name: GrantName,
        origin: str | None,
        renewal: Renewal,
        *,
        token_timeout: float,
        least: float,
        clock: AsyncClock,
        warn: Callable[[str], None],
    ) -> None:
        self._store = store
        self._name = name
        self._key = name.key
        self._origin = origin
        self._renewal = renewal
        self._token_timeout = token_timeout
        self._least = least
        self._clock = clock
        self._warn = warn

    async def renewed(self, ask: AsyncAsk) -> AccessToken | TokenFailure:
        """The token that another process has fetched meanwhile; else one that is asked for within the time, and kept.

        Raises:
            AdminAPIError: The store cannot be used.
        """
        until = time.monotonic() + self._token_timeout

        async def transaction() -> AccessToken | TokenFailure:
            return await self._renewed(ask, until)

        return await self._locked(until, transaction) or timed_out(False)

    async def forget(self, accesses: Collection[Secret]) -> None:
        """Takes a token out of the store if it is one of these."""

        async def transaction() -> bool:
            kept = await self._load()
            if kept is not None and kept.token.access in accesses:
                await self._use(lambda: self._store.save(self._key, None))
            return True

        try:
            done = await self._locked(time.monotonic() + self._token_timeout, transaction)
        except AdminAPIError as error:
            self._warn(f"A token that was revoked is still in the token store: {error.message}")
        else:
            if not done:
                self._warn("A token that was revoked is still in the token store, which another process holds.")

    async def _locked(self, until: float, transaction: Callable[[], Awaitable[T]]) -> T | None:
        """What a transaction under the lock gives; None if the lock was not had in time."""
        nonce, wake = secrets.token_hex(16), flavour.Wake()
        stale_after = policy.AUTH_STORE_STALE * self._token_timeout
        while not await self._use(lambda: self._store.lock(self._key, nonce, stale_after)):
            left = until - time.monotonic()
            if left <= 0:
                return None
            await flavour.sleep(min(policy.AUTH_STORE_POLL, left), wake)
        try:
            return await transaction()
        finally:
            try:
                await self._use(lambda: self._store.unlock(self._key, nonce))
            except AdminAPIError as error:
                self._warn(f"The token store's lock was not given back: {error.message}")

    async def _renewed(self, ask: AsyncAsk, until: float) -> AccessToken | TokenFailure:
        renewal = self._renewal
        kept = await self._load()
        ours = kept.token if kept is not None and kept.origin == self._origin else None
        if ours is not None and ours.access == renewal.outdated:
            ours = None  # what is known is newer, though it could not be written
        if ours is not None:
            renewal.stored = True
            renewal.refresh_token = ours.refresh_token or renewal.refresh_token
            if ours.access == renewal.refused:
                ours = None
        now = self._clock.monotonic()
        if ours is not None and ours.fresh(now):
            return ours
        left = until - time.monotonic()
        landed = await ask(left) if left > self._least else timed_out(False)
        if isinstance(landed, TokenFailure):
            if ours is None or not ours.usable(now):
                return landed
            self._warn(f"The access token was not refreshed ahead of time: {landed.message}")
            return ours
        if kept is None or kept.origin == self._origin or not renewal.stored:
            await self._save(landed, kept)
        else:
            self._warn("Another log-in has taken this one's place in the token store; it goes on in memory.")
        return landed

    async def _load(self) -> Kept | None:
        text = await self._use(lambda: self._store.load(self._key))
        if text is None:
            return None
        return read(text, self._name, now=self._clock.now(), monotonic=self._clock.monotonic())

    async def _save(self, token: AccessToken, kept: Kept | None) -> None:
        renewal = self._renewal
        renewing = None if self._origin is None else token.refresh_token or renewal.refresh_token
        left = None if token.ends_at is None else token.ends_at - self._clock.monotonic()
        text = written(
            token, self._name, self._origin, renewing, ends_at=None if left is None else self._clock.now() + left
        )
        try:
            await self._use(lambda: self._store.save(self._key, text))
        except AdminAPIError as error:
            renewal.outdated = None if kept is None else kept.token.access
            self._warn(f"The token could not be written to the token store, it goes on in memory: {error.message}")
        else:
            renewal.outdated = None
            renewal.stored = True

    async def _use(self, work: Callable[[], T]) -> T:
        """Something of the store's.

        Raises:
            AdminAPIError: The store's own, or `token_store_failed` for whatever else it raised.
        """
        try:
            return await flavour.in_thread(work)
        except AdminAPIError:
            raise
        except Exception as caught:  # noqa: BLE001 (a store may be anybody's; of what it raised only the kind is told)
            number = caught.errno if isinstance(caught, OSError) else None
            reason = type(caught).__name__ if number is None else errno.errorcode.get(number, str(number))
        raise AuthenticationError(f"The token store failed: {reason}.", code="token_store_failed", retryable=True)
