"""Bearer token → Principal (RFC 6750): access tokens of the token endpoint, and personal tokens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from admin_api_mock import accounts, grants, oauth, tokens
from admin_api_mock.clients import REALM
from admin_api_mock.principal import Principal
from admin_api_mock.problems import Problem, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admin_api_mock.context import Context
    from admin_api_mock.store.tokens import StoredToken
    from admin_api_mock.worlds import World

#: The bearer of the API documentation's samples; works where `Settings.literal_token` says so.
LITERAL = "TOKEN"
#: RFC 6750, section 2.1.
_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
#: Ours, and so of a checksum.
_CHECKED = (tokens.PREFIX, tokens.REFRESH_PREFIX)
_NO_HEADER = "There is no Authorization header."
_NO_TOKEN = "The Authorization header has no well-formed bearer token."  # noqa: S105 - says what is missing
_NOT_THERE = "A token goes into the Authorization header, and never into the query."
#: `last_used_at` may be this late, so that not every call writes.
COARSE_MS = 15 * 60 * 1000


def authenticate(ctx: Context) -> Principal:
    """Who calls. 401 with a challenge if nobody can be told, 400 if what was sent is no way to tell (RFC 6750, 3.1)."""
    field = ctx.request.header("authorization")
    in_query = "access_token=" in ctx.request.raw_query and any(name == "access_token" for name, _ in ctx.request.query)
    if field is None:
        # Addresses are logged and kept: a token in one is none (RFC 6750, 5.3).
        raise _challenge(_NOT_THERE if in_query else _NO_HEADER)
    scheme, _, token = field.partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer":
        raise _challenge(_NO_TOKEN)
    if in_query:
        raise _malformed(_NOT_THERE)
    try:
        return oauth.principal_of(ctx.world, token) if token.count(".") == 2 else _personal(ctx.world, token)
    except oauth.InvalidAccessToken:
        # Looked at only now: whoever is known has no need of it.
        raise (_invalid_token() if _B64TOKEN.fullmatch(token) else _malformed(_NO_TOKEN)) from None


def revoke_tokens(world: World, which: Mapping[str, Any]) -> int:
    """Revokes by {"client_id"}, {"token_id"} (personal, or the `jti` of an access token) or {"all": True}.

    Refresh tokens stay, so that a client can renew what it lost; with `refresh` they go, too.
    """
    store = world.store
    if sum(name in which for name in ("client_id", "token_id", "all")) != 1:
        raise invalid("", "one_of", "Exactly one of client_id, token_id and all says what to revoke.")
    with store.transaction():
        personal = store.tokens.all_ids() if "all" in which else [which["token_id"]] if "token_id" in which else []
        return sum(_revoke_personal(world, token_id) for token_id in personal) + grants.revoke_for(
            world, jti=which.get("token_id"), client_id=which.get("client_id"), refresh=which.get("refresh", False)
        )


def _personal(world: World, token: str) -> Principal:
    if token == LITERAL and not world.settings.literal_token:
        raise oauth.InvalidAccessToken
    if token.startswith(_CHECKED) and not tokens.is_well_formed(token):
        raise oauth.InvalidAccessToken  # Its checksum is wrong: mistyped or cut off, and not worth a look-up.
    now_ms = world.clock.now_ms()
    stored, principal = _known(world, tokens.digest(token))
    if stored.expires_ms is not None and now_ms >= stored.expires_ms:
        raise oauth.InvalidAccessToken
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
        raise oauth.InvalidAccessToken
    principal = _bearer_of(world, stored)
    store.tokens.bearers[digest] = store.bearers_revision, stored, principal
    return stored, principal


def _bearer_of(world: World, stored: StoredToken) -> Principal:
    """The user a token acts for, or the token itself if it was made by a program."""
    kind, actor_id, name = "api_key", stored.doc["id"], stored.doc["name"]
    scopes = frozenset(stored.doc["scopes"])
    if stored.owner_id is not None:
        owner = accounts.active_user(world.store, stored.owner_id)
        if owner is None:
            raise oauth.InvalidAccessToken  # A suspended user's tokens stop at once.
        kind, actor_id, name = "user", owner["id"], owner["username"]
        scopes &= accounts.scopes_of(world.store, owner)  # And nobody's token can do more than its owner.
    return Principal(
        type=kind,
        id=actor_id,
        name=name,
        scopes=scopes,
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
    return Problem("invalid_token", detail, headers={"WWW-Authenticate": f'Bearer realm="{REALM}"'})


def _malformed(detail: str) -> Problem:
    return Problem(
        "invalid_request",
        detail,
        headers={"WWW-Authenticate": f'Bearer realm="{REALM}", error="invalid_request"'},
    )


def _invalid_token() -> Problem:
    return Problem(
        "invalid_token",
        "The access token is unknown, expired or revoked.",
        headers={"WWW-Authenticate": f'Bearer realm="{REALM}", error="invalid_token"'},
    )
