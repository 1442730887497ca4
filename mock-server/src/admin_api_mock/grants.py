"""Grants that are renewed: refresh tokens with rotation (RFC 6749 section 6, RFC 9700 section 4.14), and revocation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from admin_api_mock import accounts, oauth, tokens
from admin_api_mock.problems import OAuthProblem, invalid
from admin_api_mock.store.grants import Client, Grant, RefreshToken
from admin_api_mock.store.users import fold

if TYPE_CHECKING:
    from admin_api_mock.worlds import World

#: How long a refresh token that was just replaced still gets its successor (AUTH-5): the answer may have been lost.
GRACE_MS = 10_000


class Reused(Exception):
    """A refresh token that was replaced came again: somebody copied it. Its grant is to be revoked."""

    def __init__(self, grant_id: str) -> None:
        self.grant_id = grant_id
        super().__init__(grant_id)


def begin(world: World, client: Client, scopes: Sequence[str], user_id: str | None = None) -> dict[str, Any]:
    """A new grant, and the token answer that starts it: with an access token and the first refresh token."""
    grant = Grant(world.ids.new("grt"), client.id, user_id, " ".join(scopes))
    world.store.grants.add(grant, world.clock.now_ms())
    return oauth.issue(world, client, scopes, grant) | {"refresh_token": _issue_refresh_token(world, grant, 0)}


def renew(world: World, client: Client, refresh_token: str, wanted: str | None) -> dict[str, Any]:
    """The answer to a refresh token: a new access token and the successor, the same one for the grace.

    Raises OAuthProblem for what is refused, and Reused for what must also end the grant.
    """
    grants, now_ms = world.store.grants, world.clock.now_ms()
    sha256 = tokens.digest(refresh_token)
    stored = grants.refresh_token(sha256) if tokens.is_well_formed(refresh_token) else None
    grant = grants.grant(stored.grant_id) if stored else None
    if stored is None or grant is None or grant.revoked or grant.client_id != client.id:
        raise _invalid_grant()
    if stored.rotated_ms is not None and now_ms - stored.rotated_ms >= GRACE_MS:
        raise Reused(grant.id)
    if now_ms >= stored.expires_ms:
        raise _invalid_grant()
    answer = oauth.issue(world, client, _narrowed(world, grant, wanted), grant)
    if stored.rotated_ms is not None:
        return answer | {"refresh_token": _secret(world, grant, stored.number + 1)}
    grants.rotated(sha256, now_ms)
    return answer | {"refresh_token": _issue_refresh_token(world, grant, stored.number + 1)}


def revoke(world: World, client: Client, token: str) -> None:
    """RFC 7009: ends one access token, or the whole grant of a refresh token. What is unknown is ended already.

    A token of another client is refused with `invalid_grant` (section 2.1), and stays as it is.
    """
    grants = world.store.grants
    stored = grants.refresh_token(tokens.digest(token))
    grant = grants.grant(stored.grant_id) if stored else None
    if grant is not None:
        _require_own(client, grant.client_id)
        grants.revoke(grant.id)
        return
    try:
        claims = oauth.claims_of(world, token)
    except oauth.InvalidAccessToken:
        return
    _require_own(client, claims["client_id"])
    grants.revoke_access(jti=claims["jti"])


def log_in(world: World, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a client gets when a person logs in at the console: {client_id, user?, scopes?} → a token answer.

    `user` is an id or a username; without it the grant is the client's own. 422 for what is not there.
    """
    client = world.store.grants.client(given["client_id"])
    if client is None:
        raise invalid("/client_id", "unknown_client", "There is no such client.")
    allowed = set(client.scopes.split())
    user_id: str | None = None
    if "user" in given:
        user = accounts.active_user(world.store, _user_id(world, given["user"]))
        if user is None:
            raise invalid("/user", "unknown_user", "There is no such active user.")
        user_id = user["id"]
        allowed &= accounts.scopes_of(world.store, user)
    scopes = set(given.get("scopes", allowed))
    if not scopes or not scopes <= allowed:
        raise invalid("/scopes", "invalid_scope", "The client, or the user, may not have all of these scopes.")
    with world.store.transaction():
        return begin(world, client, _in_order(world, scopes), user_id)


def revoke_for(world: World, *, jti: str | None = None, client_id: str | None = None, refresh: bool = False) -> int:
    """Behind the holders' backs: one access token, a client's, or all; with `refresh` their renewal, too. How many."""
    grants = world.store.grants
    renewal = grants.revoke_renewal(jti=jti, client_id=client_id) if refresh else 0
    return renewal + grants.revoke_access(jti=jti, client_id=client_id)


def _user_id(world: World, name_or_id: str) -> str:
    return world.store.users.holder_of("username_key", fold(name_or_id)) or name_or_id


def _narrowed(world: World, grant: Grant, wanted: str | None) -> list[str]:
    """The scopes of a renewed access token: at most those granted, and those that the user's roles still give."""
    granted = set(grant.scopes.split())
    scopes = granted if wanted is None else set(wanted.split())
    if not scopes or not scopes <= granted:
        raise OAuthProblem("invalid_scope", "A refresh narrows the scopes of its grant, it never widens them.")
    if grant.user_id is not None:
        user = accounts.active_user(world.store, grant.user_id)
        if user is None:
            raise _invalid_grant()
        scopes = scopes & accounts.scopes_of(world.store, user)
        if not scopes:
            raise OAuthProblem("invalid_scope", "The user's roles give none of these scopes any more.")
    return _in_order(world, scopes)


def _in_order(world: World, scopes: set[str]) -> list[str]:
    return [scope for scope in world.document.scopes if scope in scopes]


def _issue_refresh_token(world: World, grant: Grant, number: int) -> str:
    secret = _secret(world, grant, number)
    expires_ms = world.clock.now_ms() + world.settings.refresh_token_ttl * 1000
    world.store.grants.add_refresh_token(
        tokens.digest(secret), RefreshToken(grant.id, number, expires_ms, rotated_ms=None)
    )
    return secret


def _secret(world: World, grant: Grant, number: int) -> str:
    """Made again rather than kept: only its hash is stored, and a repeat within the grace still meets the same one."""
    return tokens.issue(world.keys.derive(f"refresh:{grant.id}:{number}"), tokens.REFRESH_PREFIX)


def _require_own(client: Client, client_id: str) -> None:
    if client.id != client_id:
        raise OAuthProblem("invalid_grant", "The token was issued to another client.")


def _invalid_grant() -> OAuthProblem:
    return OAuthProblem("invalid_grant", "The refresh token is unknown, expired, revoked or of another client.")
