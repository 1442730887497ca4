"""An access token, and what is known of it."""

from __future__ import annotations

from typing import TypeGuard

from ._generated import policy
from .errors import ConfigurationError
from .exchange import Secret, TokenFailure


class AccessToken:
    """An access token and what is known of it; times are of the monotonic clock."""

    __slots__ = ("access", "advise_at", "ends_at", "expires_in", "must_at", "refresh_token", "scopes", "value")

    def __init__(
        self,
        value: str,
        *,
        scopes: frozenset[str] | None = None,
        since: float = 0.0,
        expires_in: float | None = None,
        left: float | None = None,
        refresh_token: Secret | None = None,
    ) -> None:
        self.access = Secret(value)
        """The token itself."""
        self.value = Secret(f"Bearer {value}")
        """The whole Authorization header."""
        self.scopes = scopes
        """What it may do, None if not known."""
        self.refresh_token = refresh_token
        """The refresh token that came with it."""
        self.expires_in = expires_in
        """Seconds that it was given to live, None if that is not known."""
        self.ends_at = None if expires_in is None else since + (expires_in if left is None else left)
        """When it stops working, None if that is not known."""
        self.advise_at: float | None = None
        """From then on one caller refreshes it, the rest go on with it; None if it never expires."""
        self.must_at: float | None = None
        """From then on all wait for its successor."""
        if expires_in is not None and self.ends_at is not None:
            self.advise_at = self.ends_at - min(policy.AUTH_ADVISORY_WINDOW, expires_in / 2)
            self.must_at = self.ends_at - min(policy.AUTH_MANDATORY_WINDOW, expires_in / 4)

    def fresh(self, now: float) -> bool:
        """Whether nobody need think of its successor yet (AUTH-2)."""
        return self.advise_at is None or now < self.advise_at

    def usable(self, now: float) -> bool:
        """Whether one may go on with it while its successor is fetched (AUTH-2)."""
        return self.must_at is None or now < self.must_at


def sendable(token: object) -> TypeGuard[str]:
    """Whether a token can stand in a header (RFC 6750, section 2.1, and leniently all visible ASCII)."""
    return isinstance(token, str) and bool(token) and all("!" <= character <= "~" for character in token)


def unsendable() -> ConfigurationError:
    """The error of a token that cannot stand in a header; does not show it."""
    return ConfigurationError("A token must be a string of visible ASCII characters.", code="invalid_token_option")


def timed_out(by_deadline: bool) -> TokenFailure:
    """A wait for a token that took too long."""
    if by_deadline:
        return TokenFailure("deadline_exceeded", "No access token before the deadline.", True, None)
    return TokenFailure("token_timeout", "No access token in time.", False, None)
