"""What a token store's text says, alike in every language (AUTH-10)."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, NamedTuple, TypeGuard, cast

from .access import AccessToken, sendable
from .exchange import Secret

VERSION = 1
"""Of the text."""
_FAR = 1e15


class GrantName(NamedTuple):
    """What a kept token is for; another's is not used, whatever the file is called."""

    token_url: str
    client_id: str
    scopes: tuple[str, ...]
    """In order, each once."""

    @property
    def key(self) -> str:
        """Under which key it is kept: SHA-256 of endpoint, scopes and client, a line each, in hex."""
        return hashlib.sha256("\n".join((self.token_url, " ".join(self.scopes), self.client_id)).encode()).hexdigest()


def origin_of(refresh_token: Secret | None) -> str | None:
    """Which log-in a grant goes back to: SHA-256 of its first refresh token in hex; None for the client's own."""
    return None if refresh_token is None else hashlib.sha256(refresh_token.reveal().encode()).hexdigest()


def written(
    token: AccessToken, name: GrantName, origin: str | None, refresh_token: Secret | None, *, ends_at: float | None
) -> Secret:
    """The text of a token, the same in every language; `ends_at` is of the wall clock."""
    document = {
        "v": VERSION,
        "token_url": name.token_url,
        "client_id": name.client_id,
        "scopes": name.scopes,
        "origin": origin,
        "access_token": token.access.reveal(),
        "scope": None if token.scopes is None else " ".join(sorted(token.scopes)),
        "expires_in": token.expires_in,
        "expires_at": None if ends_at is None else math.floor(ends_at),
        "refresh_token": None if refresh_token is None else refresh_token.reveal(),
    }
    return Secret(json.dumps(document, separators=(",", ":")))


class Kept(NamedTuple):
    """What a store's text says."""

    origin: str | None
    token: AccessToken


def read(text: Secret, name: GrantName, *, now: float, monotonic: float) -> Kept | None:
    """The token that a text holds, expired or not; None for a text that is broken, foreign or of another grant.

    Its end is by the wall clock, which may have been set since: it is never later than its whole life from now.
    """
    try:
        document: Any = json.loads(text.reveal())
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    given = cast("dict[str, Any]", document).get
    ours = {"v": VERSION, "token_url": name.token_url, "client_id": name.client_id, "scopes": list(name.scopes)}
    if given("v") is True or any(given(member) != value for member, value in ours.items()):
        return None
    access, refresh, origin, scope = given("access_token"), given("refresh_token"), given("origin"), given("scope")
    if not sendable(access) or not (refresh is None or sendable(refresh)):
        return None
    if not all(each is None or isinstance(each, str) for each in (origin, scope)):
        return None
    lifetime, ends_at = given("expires_in"), given("expires_at")
    left = None
    if lifetime is not None or ends_at is not None:
        if not _number(lifetime) or not _number(ends_at) or lifetime <= 0:
            return None
        left = min(ends_at - now, lifetime)
    token = AccessToken(
        access,
        scopes=None if scope is None else frozenset(scope.split()),
        since=monotonic,
        expires_in=lifetime,
        left=left,
        refresh_token=None if refresh is None else Secret(refresh),
    )
    return Kept(origin, token)


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _FAR
