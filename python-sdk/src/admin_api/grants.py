"""Grants that are asked for at the token endpoint (AUTH): client credentials, and refresh tokens that rotate.

A refresh runs detached from whoever asked for it: at most one is in flight, over threads, tasks and event loops, and no
caller's cancellation ends it; over processes too, if they have a token store in common.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from ._flavour import aio as flavour
from .access import AccessToken, timed_out
from .clock import AsyncClock
from .endpoint import Endpoint, landed_token, redirection
from .errors import AdminAPIError
from .exchange import AsyncSend, Call, Response, Secret, TokenFailure
from .options import Limits
from .renewal import Flight, RefreshRecord, Renewal, shared
from .transport import CLOSED

if TYPE_CHECKING:
    from .keeping import AsyncKeeping
    from .store import TokenStore


class AsyncGrant(ABC):
    """A grant that is asked for again and again, one refresh in flight (AUTH-2, AUTH-3).

    Args:
        send: What lies below the auth layer and may carry a token request (AUTH-5).
        endpoint: The token endpoint, and the client that asks there.
        scopes: What to ask for; empty asks for all that may be had.
        warn: Told of what went wrong and stopped nobody.
        refresh_token: The first one, of a grant that has them.
        store: Where the token is kept; memory if left out.
    """

    kind: ClassVar[str]
    """Its `grant_type`."""
    repeatable: ClassVar[bool]
    """Whether the request may be made again though an earlier one may have acted (AUTH-5)."""

    def __init__(
        self,
        *,
        send: AsyncSend,
        endpoint: Endpoint,
        scopes: tuple[str, ...],
        limits: Limits,
        clock: AsyncClock,
        warn: Callable[[str], None],
        refresh_token: Secret | None = None,
        store: TokenStore | None = None,
    ) -> None:
        self._send = send
        self._endpoint = endpoint
        self._scopes = scopes
        self._limits = limits
        self._clock = clock
        self._warn = warn
        self._ended = False
        self._renewal = Renewal(refresh_token)
        self._keeping = None if store is None else self._kept_in(store, refresh_token)

    def _kept_in(self, store: TokenStore, refresh_token: Secret | None) -> AsyncKeeping:
        from .keeping import AsyncKeeping  # for those who have one
        from .kept import GrantName, origin_of

        name = GrantName(self._endpoint.url, self._endpoint.client_id, tuple(sorted(set(self._scopes))))
        origin = origin_of(refresh_token)
        self._renewal = shared(store, name.key, origin, refresh_token)
        time_limit = self._limits.token_timeout
        return AsyncKeeping(
            store, name, origin, self._renewal, token_timeout=time_limit,
            least=0.0 if self.repeatable else time_limit / 2,  # what is cut short is lost
            clock=self._clock, warn=self._warn,
        )  # fmt: skip

    @abstractmethod
    def _form(self) -> dict[str, str | Secret]:
        """What proves the grant."""

    def refuse(self, token: AccessToken) -> bool:
        self._renewal.refuse(token)
        return True

    async def token(self, call: Call) -> AccessToken | TokenFailure:
        now = self._clock.monotonic()
        if self._ended:
            return TokenFailure(CLOSED.code, CLOSED.message, True, CLOSED)
        current = self._renewal.fresh(now)
        if current is not None:
            return current
        ends_at = now + self._limits.token_timeout
        while True:
            flight, usable = self._elect(call)
            if flight is None:
                assert usable is not None
                return usable
            left = call.left()
            seconds = ends_at - self._clock.monotonic()
            by_deadline = left is not None and left < seconds
            try:
                landed = await flavour.wait(
                    flight.future, max(0.0, left if left is not None and by_deadline else seconds)
                )
            except TimeoutError:
                landed = timed_out(by_deadline) if by_deadline else self._late(flight)
            if isinstance(landed, AccessToken):
                return landed
            if landed is None or (landed.code == CLOSED.code and flight.owner is not self):
                if seconds > 0 and (landed is None or self._may_follow(landed)):
                    continue  # the leader's loop ended, or its client was closed: one of the waiters takes over
                landed = self._late(flight)
            if usable is None:
                return landed
            self._warn(f"The access token was not refreshed ahead of time: {landed.message}")
            return usable

    def _elect(self, call: Call) -> tuple[Flight | None, AccessToken | None]:
        """Who flies, who waits, who goes on: a flight to wait for, and the token to go on with if it fails."""
        now = self._clock.monotonic()
        flight, usable, leads = self._renewal.elect(self, now, now + self._limits.token_timeout)
        if flight is not None and leads:
            self._fly(flight, call)
        return flight, usable

    def _fly(self, flight: Flight, call: Call) -> None:
        async def ask(seconds: float) -> AccessToken | TokenFailure:
            return await self._ask(flight, call, seconds)

        async def fly() -> None:
            landed: AccessToken | TokenFailure | None = None
            try:
                if self._keeping is None:
                    landed = await ask(self._limits.token_timeout)
                else:
                    landed = await self._keeping.renewed(ask)
            except AdminAPIError as error:  # of the token store
                landed = TokenFailure(error.code, error.message, not error.retryable, None)
            except Exception as error:  # noqa: BLE001 (a layer below that breaks its word: all who wait are told)
                landed = TokenFailure(
                    "token_request_failed", f"The token request raised {type(error).__name__}.", True, None
                )
            finally:
                if landed is None and flight.asked and not self.repeatable:
                    landed = unknown(None)  # its loop ended under it
                self._renewal.land(flight, landed, self._clock.monotonic())

        flavour.spawn(fly)

    async def _ask(self, flight: Flight, call: Call, seconds: float) -> AccessToken | TokenFailure:
        form = self._form() | ({"scope": " ".join(self._scopes)} if self._scopes else {})
        request = self._endpoint.request(self._call("oauth.token", seconds), self._endpoint.url, form)
        asked_at = self._clock.monotonic()
        flight.asked = True
        landed = landed_token(await self._send(request), asked_at, self._scopes)
        if isinstance(landed, AccessToken):
            self._renewal.remember(self, landed)
        elif landed.code != CLOSED.code and not self._may_follow(landed):
            landed = unknown(landed)
        if call.telemetry is not None:
            code = landed.code if isinstance(landed, TokenFailure) else None
            call.telemetry.refreshed(RefreshRecord(self.kind, self._clock.monotonic() - asked_at, code))
        return landed

    def _may_follow(self, failure: TokenFailure) -> bool:
        """Whether another request may follow, or the failure is the last word anyway."""
        answer = failure.answer
        if self.repeatable or (failure.final and failure.code != CLOSED.code):
            return True
        return (
            answer.status == 429 if isinstance(answer, Response) else answer is None or answer.effect != "maybe_acted"
        )

    def _late(self, flight: Flight) -> TokenFailure:
        """A flight that did not land in time."""
        return timed_out(False) if self.repeatable or not flight.asked else unknown(None)

    async def revoke(self) -> None:
        """Ends what this source got from the server (RFC 7009), within `token_timeout`; a failure is a warning."""
        if self._ended:
            return
        self._ended = True
        until = time.monotonic() + self._limits.token_timeout
        flight = self._renewal.flight
        if flight is not None and flight.owner is self:
            try:
                await flavour.wait(flight.future, self._limits.token_timeout)
            except TimeoutError:
                self._warn("A token request on its way did not end in time; what it brings is not revoked.")
        tokens = self._renewal.given_up(self)
        renewing = [("refresh_token", token.refresh_token) for token in tokens if token.refresh_token is not None]
        for hint, secret in [*renewing[:1], *(("access_token", token.access) for token in tokens)]:
            reason = await self._revoked(hint, secret, until - time.monotonic())
            if reason is not None:
                self._warn(f"A token was not revoked ({hint}): {reason}")
        if tokens and self._keeping is not None:
            await self._keeping.forget([token.access for token in tokens])

    async def _revoked(self, hint: str, secret: Secret, seconds: float) -> str | None:
        """Why it was not revoked, None if it was."""
        if seconds <= 0:
            return "the time was up."
        call, url = self._call("oauth.revoke", seconds), self._endpoint.revocation_url
        outcome = await self._send(self._endpoint.request(call, url, {"token": secret, "token_type_hint": hint}))
        if isinstance(outcome, Response):
            told = f"the endpoint answered {outcome.status}{redirection(outcome)}."
            return None if outcome.status < 300 else told
        return outcome.message

    def _call(self, operation: str, seconds: float) -> Call:
        limits = Limits(timeout=seconds, max_retries=0)
        return Call(operation=operation, method="POST", limits=limits, clock=self._clock, sensitive=True)


class AsyncClientCredentials(AsyncGrant):
    """The client credentials grant (RFC 6749, section 4.4)."""

    kind = "client_credentials"
    repeatable = True

    def _form(self) -> dict[str, str | Secret]:
        return {"grant_type": self.kind}


class AsyncRefreshToken(AsyncGrant):
    """The refresh token grant (RFC 6749, section 6); each answer may bring the next refresh token."""

    kind = "refresh_token"
    repeatable = False

    def _form(self) -> dict[str, str | Secret]:
        assert self._renewal.refresh_token is not None
        return {"grant_type": self.kind, "refresh_token": self._renewal.refresh_token}


def unknown(failure: TokenFailure | None) -> TokenFailure:
    """A refresh that may have used up its token, and whose answer, with the next one, is lost (AUTH-5)."""
    answer, told = (None, "it did not end in time.") if failure is None else (failure.answer, failure.message)
    message = f"The refresh token may have been used up, and its successor lost: {told}"
    return TokenFailure("refresh_outcome_unknown", message, True, answer)
