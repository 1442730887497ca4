"""Access tokens of the token endpoint: JWTs (RFC 9068) in world time, for a program or for a user who logged in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from admin_api_mock import accounts
from admin_api_mock.keys import InvalidSignature
from admin_api_mock.principal import Principal

if TYPE_CHECKING:
    from admin_api_mock.store.grants import Client, Grant
    from admin_api_mock.worlds import World

ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068, section 2.1
#: Which generations of the signing key are published, kept with the key material.
SIGNING_GENERATIONS = "signing generations"
#: Principals remembered by their token.
_REMEMBERED = 1024


class InvalidAccessToken(Exception):
    """The access token is not ours, not valid any more, or revoked."""


def issue(world: World, client: Client, scopes: Sequence[str], grant: Grant | None = None) -> dict[str, Any]:
    """A token answer (RFC 6749, 5.1) with a new access token; of `grant` if it can be renewed or is a user's."""
    ttl = client.token_ttl or world.settings.access_token_ttl
    now_ms = world.clock.now_ms()
    expires_at = -(-now_ms // 1000) + ttl  # Rounded up: a token never ends before its expires_in.
    scope = " ".join(scopes)
    jti = world.ids.new("atk")
    claims = {
        "iss": world.base_url,
        "aud": world.base_url,
        "sub": client.id if grant is None or grant.user_id is None else grant.user_id,
        "client_id": client.id,
        "scope": scope,
        "iat": now_ms // 1000,
        "exp": expires_at,
        "jti": jti,
    }
    world.store.grants.issued(jti, client.id, grant.id if grant else None, expires_at * 1000, now_ms)
    token = world.keys.sign({"typ": ACCESS_TOKEN_TYPE}, claims)
    return {"access_token": token, "token_type": "Bearer", "expires_in": ttl, "scope": scope}


def principal_of(world: World, token: str) -> Principal:
    """Whom an access token speaks for, remembered until a token or a user changes. Raises InvalidAccessToken."""
    store = world.store
    known = store.grants.bearers.get(token)
    if known is None or known[0] != store.bearers_revision:
        if len(store.grants.bearers) >= _REMEMBERED:
            store.grants.bearers.clear()
        known = store.grants.bearers[token] = store.bearers_revision, _bearer_of(world, token)
    principal = known[1]
    if principal.expires_ms is not None and world.clock.now_ms() >= principal.expires_ms:
        raise InvalidAccessToken
    return principal


def claims_of(world: World, token: str) -> dict[str, Any]:
    """The claims of an access token of this world, expired or revoked or not. Raises InvalidAccessToken."""
    try:
        claims = world.keys.verify(token, ACCESS_TOKEN_TYPE)
    except InvalidSignature:
        raise InvalidAccessToken from None
    if claims["iss"] != world.base_url or claims["aud"] != world.base_url:
        raise InvalidAccessToken
    return claims


def rotate_keys(world: World, retire: bool) -> list[str]:
    """Signs with a new key from now on; gives the ids of all that are published, the one that signs first."""
    with world.store.transaction():
        world.keys.rotate(retire=retire)
        world.store.remember(SIGNING_GENERATIONS, orjson.dumps(world.keys.generations))
    world.store.bearers_revision += 1
    return [key["kid"] for key in world.keys.jwks()["keys"]]


def _bearer_of(world: World, token: str) -> Principal:
    """Whom a token that is ours and not revoked speaks for, expired or not."""
    claims = claims_of(world, token)
    if not world.store.grants.is_live(claims["jti"]):
        raise InvalidAccessToken
    client_id: str = claims["client_id"]
    scopes = frozenset(claims["scope"].split())
    kind, actor_id, name = "service_account", client_id, client_id
    if claims["sub"] != client_id:
        user = accounts.active_user(world.store, claims["sub"])
        if user is None:
            raise InvalidAccessToken  # A suspended user's tokens stop at once.
        kind, actor_id, name = "user", user["id"], user["username"]
        scopes &= accounts.scopes_of(world.store, user)
    return Principal(
        type=kind, id=actor_id, name=name, scopes=scopes, client_id=client_id, expires_ms=claims["exp"] * 1000
    )
