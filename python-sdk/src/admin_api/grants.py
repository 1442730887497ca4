"""Tokens that are asked for at the token endpoint (AUTH): the client credentials grant.

A refresh runs detached from whoever asked for it: at most one is in flight, over threads, tasks and event loops, and no
caller's cancellation ends it. The lock is held for decisions only, never over I/O.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast
from urllib.parse import quote_plus, urlencode

from ._flavour import aio as flavour
from ._generated import policy
from .clock import AsyncClock
from .exchange import AsyncSend, Call, Outcome, Request, Response, Secret, TokenFailure
from .options import Limits
from .tokens import Token, sendable, timed_out

FINAL_CODES = frozenset(
    {
        "invalid_client",
        "invalid_grant",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_request",
    }
)
"""OAuth errors that another try cannot mend (AUTH-5)."""


class _Flight:
    """A refresh that is under way."""

    __slots__ = ("ends_at", "future", "pid")

    def __init__(self, ends_at: float) -> None:
        self.future: Future[Token | TokenFailure | None] = Future()
        self.future.set_running_or_notify_cancel()  # so that no waiter's cancellation reaches it
        self.ends_at = ends_at
        self.pid = os.getpid()

    def gone(self, now: float) -> bool:
        """Whether nobody can be flying it any more: another process did, or it should have landed long ago."""
        return self.pid != os.getpid() or now > self.ends_at


class AsyncClientCredentials:
    """The client credentials grant (RFC 6749, section 4.4), one refresh in flight (AUTH-2, AUTH-3).

    Args:
        send: What lies below the auth layer and may carry a token request (AUTH-5).
        token_url: The token endpoint.
        scopes: What to ask for; empty asks for all that the client may have.
        warn: Told when a refresh ahead of time failed; the old token goes on working.
    """

    def __init__(
        self,
        *,
        send: AsyncSend,
        token_url: str,
        client_id: str,
        client_secret: str,
        scopes: tuple[str, ...],
        limits: Limits,
        clock: AsyncClock,
        user_agent: str,
        warn: Callable[[str], None],
    ) -> None:
        self._send = send
        self._token_url = token_url
        self._credentials = Secret(
            "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()).decode()
        )
        self._scopes = scopes
        self._limits = limits
        self._clock = clock
        self._user_agent = user_agent
        self._warn = warn
        self._renew_lock()
        self._current: Token | None = None
        self._flight: _Flight | None = None
        self._pause_until = float("-inf")
        flavour.after_fork(self, AsyncClientCredentials._renew_lock)

    def _renew_lock(self) -> None:
        """A lock that some thread held at the fork would stay locked for ever in the child."""
        self._lock = threading.Lock()

    def refuse(self, token: Token) -> bool:
        with self._lock:
            if self._current is token:  # a late 401 for a token already replaced throws nothing away (AUTH-4)
                self._current = None
        return True

    async def token(self, call: Call) -> Token | TokenFailure:
        current = self._current
        if current is not None and (current.advise_at is None or self._clock.monotonic() < current.advise_at):
            return current
        ends_at = self._clock.monotonic() + self._limits.token_timeout
        while True:
            flight, current = self._elect(call)
            if flight is None:
                assert current is not None
                return current
            left = call.left()
            seconds = ends_at - self._clock.monotonic()
            by_deadline = left is not None and left < seconds
            try:
                landed = await flavour.wait(
                    flight.future, max(0.0, left if left is not None and by_deadline else seconds)
                )
            except TimeoutError:
                landed = timed_out(by_deadline)
            if isinstance(landed, Token):
                return landed
            if landed is None and seconds > 0:
                continue  # its loop ended under it: one of the waiters takes over
            landed = landed or timed_out(by_deadline)
            if current is None:
                return landed
            self._warn(f"The access token was not refreshed ahead of time: {landed.message}")
            return current

    def _elect(self, call: Call) -> tuple[_Flight | None, Token | None]:
        """Who flies, who waits, who goes on: a flight to wait for, and the token to go on with if it fails."""
        start = None
        with self._lock:
            now = self._clock.monotonic()
            token = self._current
            if token is not None and (token.advise_at is None or now < token.advise_at):
                return None, token
            flight = None if self._flight is None or self._flight.gone(now) else self._flight
            usable = token if token is not None and (token.must_at is None or now < token.must_at) else None
            if usable is not None and (flight is not None or now < self._pause_until):
                return None, usable
            if flight is None:
                flight = start = self._flight = _Flight(now + self._limits.token_timeout)
        if start is not None:
            self._fly(start)
        return flight, usable

    def _fly(self, flight: _Flight) -> None:
        async def fly() -> None:
            landed: Token | TokenFailure | None = None
            try:
                landed = await self._request()
            except Exception as error:  # noqa: BLE001 (a layer below that breaks its word: all who wait are told)
                landed = TokenFailure(
                    "token_request_failed", f"The token request raised {type(error).__name__}.", True, None
                )
            finally:
                with self._lock:
                    if isinstance(landed, Token):
                        self._current = landed
                    else:
                        self._pause_until = self._clock.monotonic() + policy.AUTH_ADVISORY_PAUSE
                    if self._flight is flight:
                        self._flight = None
                flight.future.set_result(landed)

        flavour.spawn(fly)

    async def _request(self) -> Token | TokenFailure:
        limits = Limits(timeout=self._limits.token_timeout, max_retries=0)
        call = Call(operation="oauth.token", method="POST", limits=limits, clock=self._clock, sensitive=True)
        form = {"grant_type": "client_credentials"} | ({"scope": " ".join(self._scopes)} if self._scopes else {})
        request = Request(
            call,
            "POST",
            self._token_url,
            {
                "authorization": self._credentials,
                "content-type": "application/x-www-form-urlencoded",
                "accept": "application/json",
                "user-agent": self._user_agent,
            },
            urlencode(form).encode(),
        )
        asked_at = self._clock.monotonic()
        return landed_token(await self._send(request), asked_at, self._scopes)


def landed_token(outcome: Outcome, asked_at: float, asked: tuple[str, ...]) -> Token | TokenFailure:
    """What a token request came to."""
    if isinstance(outcome, TokenFailure):
        return outcome
    if not isinstance(outcome, Response):
        return TokenFailure(
            outcome.code, f"The token endpoint gave no answer: {outcome.message}", outcome.effect == "final", outcome
        )
    document = _json_object(outcome.body)
    if outcome.status != 200:
        error = document.get("error")
        code = error if isinstance(error, str) and error.isascii() and len(error) <= 64 else "token_request_failed"
        final = code in FINAL_CODES or (outcome.status < 500 and outcome.status not in policy.RETRY_STATUSES)
        return TokenFailure(code, f"The token endpoint answered {outcome.status} ({code}).", final, outcome)
    value, kind, lifetime, scope = (
        document.get(name) for name in ("access_token", "token_type", "expires_in", "scope")
    )
    if not sendable(value) or not isinstance(kind, str) or kind.lower() != "bearer":
        return TokenFailure(
            "invalid_token_response", "The token endpoint's answer holds no bearer token.", True, outcome
        )
    scopes = frozenset(scope.split()) if isinstance(scope, str) else frozenset(asked) if asked else None
    if not isinstance(lifetime, int | float) or isinstance(lifetime, bool) or lifetime <= 0:
        return Token(value, scopes=scopes)  # no lifetime, no refresh ahead of time (AUTH-2)
    return Token(
        value,
        scopes=scopes,
        advise_at=asked_at + lifetime - min(policy.AUTH_ADVISORY_WINDOW, lifetime / 2),
        must_at=asked_at + lifetime - min(policy.AUTH_MANDATORY_WINDOW, lifetime / 4),
    )


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:  # an answer that is no JSON holds nothing
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}
