"""Bearer token → Principal (RFC 6750): access tokens of the token endpoint, and personal tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from admin_api_mock import oauth, tokens
from admin_api_mock.principal import Principal
from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admin_api_mock.context import Context
    from admin_api_mock.store.tokens import StoredToken
    from admin_api_mock.worlds import World

#: The bearer of the API documentation's samples; works where `Settings.literal_token` says so.
LITERAL = "TOKEN"
#: `last_used_at` may be this late, so that not every call writes.
COARSE_MS = 15 * 60 * 1000


def authenticate(ctx: Context) -> Principal:
    """Who calls. 401 with a challenge if nobody can be told; in the header only, never in the query (RFC 6750, 5.3)."""
    field = ctx.request.header("authorization")
    if field is None:
        raise _challenge("There is no Authorization header.")
    scheme, _, token = field.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise _challenge("The Authorization header has no bearer token.")
    world = ctx.world
    if token.count(".") == 2:
        try:
            return oauth.principal_of(world, token)
        except oauth.InvalidAccessToken:
            raise _invalid_token() from None
    return _personal(world, token)


def revoke_tokens(world: World, which: Mapping[str, Any]) -> int:
    """Revokes by {"client_id"}, {"token_id"} (personal, or the `jti` of an access token) or {"all": True}."""
    store = world.store
    with store.transaction():
        if which.get("all"):
            revoked = store.grants.revoke()
            return revoked + sum(_revoke_personal(world, token_id) for token_id in store.tokens.all_ids())
        if "client_id" in which:
            return store.grants.revoke(client_id=which["client_id"])
        return _revoke_personal(world, which["token_id"]) or store.grants.revoke(jti=which["token_id"])


def _personal(world: World, token: str) -> Principal:
    if token == LITERAL and not world.settings.literal_token:
        raise _invalid_token()
    if token.startswith(tokens.PREFIX) and not tokens.is_well_formed(token):
        raise _invalid_token()  # Its checksum is wrong: mistyped or cut off, and not worth a look-up.
    now_ms = world.clock.now_ms()
    stored, principal = _known(world, tokens.digest(token))
    if stored.expires_ms is not None and now_ms >= stored.expires_ms:
        raise _invalid_token()
    if stored.last_used_ms is None or now_ms - stored.last_used_ms >= COARSE_MS:
        world.store.tokens.used(stored, now_ms)
    return principal


def _known(world: World, digest: bytes) -> tuple[StoredToken, Principal]:
    """The token of this digest and whom it speaks for, remembered until a token or a user changes."""
    store = world.store
    known = store.tokens.bearers.get(digest)
    if known is not None and known[0] == store.bearers_revision:
        return known[1], known[2]
    stored = store.tokens.by_secret(digest)
    if stored is None or stored.revoked_ms is not None:
        raise _invalid_token()
    principal = _bearer_of(world, stored)
    store.tokens.bearers[digest] = store.bearers_revision, stored, principal
    return stored, principal


def _bearer_of(world: World, stored: StoredToken) -> Principal:
    """The user a token acts for, or the token itself if it was made by a program."""
    kind, actor_id, name = "api_key", stored.doc["id"], stored.doc["name"]
    if stored.owner_id is not None:
        owner = world.store.users.get(stored.owner_id)
        if owner is None or owner.doc["status"] != "active":
            raise _invalid_token()  # A suspended user's tokens stop at once.
        kind, actor_id, name = "user", owner.doc["id"], owner.doc["username"]
    return Principal(
        type=kind,
        id=actor_id,
        name=name,
        scopes=frozenset(stored.doc["scopes"]),
        token_id=stored.doc["id"],
        expires_ms=stored.expires_ms,
    )


def _revoke_personal(world: World, token_id: str) -> int:
    stored = world.store.tokens.get(token_id)
    if stored is None or stored.revoked_ms is not None:
        return 0
    now_ms = world.clock.now_ms()
    doc = stored.doc | {"revoked_at": world.clock.iso()}
    world.store.tokens.replace(stored, doc, expires_ms=stored.expires_ms, revoked_ms=now_ms)
    return 1


def _challenge(detail: str) -> Problem:
    """No token at all: the challenge names no error (RFC 6750, 3.1)."""
    return Problem("invalid_token", detail, headers={"WWW-Authenticate": f'Bearer realm="{oauth.REALM}"'})


def _invalid_token() -> Problem:
    return Problem(
        "invalid_token",
        "The access token is unknown, expired or revoked.",
        headers={"WWW-Authenticate": f'Bearer realm="{oauth.REALM}", error="invalid_token"'},
    )
