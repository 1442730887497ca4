"""Where access tokens come from (AUTH): a fixed one, the user's function, or a grant, which `grants` knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from ._flavour import aio as flavour
from .access import AccessToken, sendable, timed_out, unsendable
from .exchange import Call, Secret, TokenFailure


class AsyncTokenSource(Protocol):
    """Gives tokens to the auth layer."""

    async def token(self, call: Call) -> AccessToken | TokenFailure:
        """A token for the call, waiting no longer than `token_timeout` or the call's deadline."""
        ...

    def refuse(self, token: AccessToken) -> bool:
        """Takes note that the server refused this very token; whether another may be had."""
        ...

    async def revoke(self) -> None:
        """Ends the tokens that this source got from the server; nothing to do for tokens that were given to it."""
        ...


class AsyncFixedToken:
    """One token, for good."""

    def __init__(self, token: Secret) -> None:
        if not sendable(token.reveal()):
            raise unsendable()
        self._token = AccessToken(token.reveal())

    async def token(self, call: Call) -> AccessToken | TokenFailure:
        return self._token

    def refuse(self, token: AccessToken) -> bool:
        return False

    async def revoke(self) -> None:
        return


class AsyncTokenFunction:
    """A function of the user's, asked for each attempt; it may keep what it knows, and is asked again after a 401."""

    def __init__(self, function: Callable[[], str | Awaitable[str]]) -> None:
        self._function = function
        self._last: AccessToken | None = None

    async def token(self, call: Call) -> AccessToken | TokenFailure:
        left, bound = call.left(), call.limits.token_timeout
        by_deadline = left is not None and left < bound
        try:
            given = await flavour.resolve(self._function(), left if left is not None and by_deadline else bound)
        except TimeoutError:
            return timed_out(by_deadline)
        if not sendable(given):
            del given  # so that it is in no frame of the traceback (AUTH-9)
            raise unsendable()
        token = self._last
        if token is None or token.access != Secret(given):
            token = self._last = AccessToken(given)  # one object per token, so that what is learnt of it is kept
        return token

    def refuse(self, token: AccessToken) -> bool:
        return True

    async def revoke(self) -> None:
        return
