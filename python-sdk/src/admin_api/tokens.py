"""Where access tokens come from (AUTH): a fixed one, the user's function, or a grant, which `grants` knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeGuard

from ._flavour import aio as flavour
from .errors import ConfigurationError
from .exchange import Call, Secret, TokenFailure


class Token:
    """An access token and what is known of it; times are of the monotonic clock."""

    __slots__ = ("advise_at", "must_at", "scopes", "value")

    def __init__(
        self,
        value: str,
        *,
        scopes: frozenset[str] | None = None,
        advise_at: float | None = None,
        must_at: float | None = None,
    ) -> None:
        self.value = Secret(f"Bearer {value}")
        """The whole Authorization header."""
        self.scopes = scopes
        """What it may do, None if not known."""
        self.advise_at = advise_at
        """From then on one caller refreshes it, the rest go on with it; None if it never expires."""
        self.must_at = must_at
        """From then on all wait for its successor."""


class AsyncTokenSource(Protocol):
    """Gives tokens to the auth layer."""

    async def token(self, call: Call) -> Token | TokenFailure:
        """A token for the call, waiting no longer than `token_timeout` or the call's deadline."""
        ...

    def refuse(self, token: Token) -> bool:
        """Takes note that the server refused this very token; whether another may be had."""
        ...


class AsyncFixedToken:
    """One token, for good."""

    def __init__(self, token: str) -> None:
        check_token(token)
        self._token = Token(token)

    async def token(self, call: Call) -> Token | TokenFailure:
        return self._token

    def refuse(self, token: Token) -> bool:
        return False


class AsyncTokenFunction:
    """A function of the user's, asked for each attempt; it may keep what it knows, and is asked again after a 401."""

    def __init__(self, function: Callable[[], str | Awaitable[str]]) -> None:
        self._function = function

    async def token(self, call: Call) -> Token | TokenFailure:
        left, bound = call.left(), call.limits.token_timeout
        by_deadline = left is not None and left < bound
        try:
            token = await flavour.resolve(self._function(), left if left is not None and by_deadline else bound)
        except TimeoutError:
            return timed_out(by_deadline)
        check_token(token)
        return Token(token)

    def refuse(self, token: Token) -> bool:
        return True


def sendable(token: object) -> TypeGuard[str]:
    """Whether a token can stand in a header (RFC 6750, section 2.1, and leniently all visible ASCII)."""
    return isinstance(token, str) and bool(token) and all("!" <= character <= "~" for character in token)


def check_token(token: object) -> None:
    """Raises ConfigurationError for a token that cannot stand in a header; does not show it."""
    if not sendable(token):
        raise ConfigurationError("A token must be a string of visible ASCII characters.", code="invalid_token_option")


def timed_out(by_deadline: bool) -> TokenFailure:
    """A wait for a token that took too long."""
    if by_deadline:
        return TokenFailure("deadline_exceeded", "The deadline passed while waiting for an access token.", True, None)
    return TokenFailure("token_timeout", "No access token was had in time.", False, None)
