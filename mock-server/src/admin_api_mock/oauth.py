"""OAuth 2 for programs: client authentication (RFC 6749, 2.3.1) and JWT access tokens (RFC 9068) in world time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from admin_api_mock.keys import InvalidSignature
from admin_api_mock.principal import Principal
from admin_api_mock.problems import OAuthProblem
from admin_api_mock.store.grants import Client

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.worlds import World

ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068, section 2.1
REALM = "admin-api"
#: Principals remembered by their token.
_REMEMBERED = 1024


class InvalidAccessToken(Exception):
    """The access token is not ours, not valid any more, or revoked."""


def secret_digest(secret: str) -> bytes:
    """What is stored of a client's secret."""
    return hashlib.sha256(secret.encode()).digest()


def authenticate_client(ctx: Context, form: Mapping[str, str]) -> Client:
    """The client that asks, by HTTP Basic or by form. 401 `invalid_client`, 400 for both ways at once."""
    field = ctx.request.header("authorization")
    if field is None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    else:
        client_id, secret = _basic(field)
        if "client_secret" in form or form.get("client_id", client_id) != client_id:
            raise OAuthProblem("invalid_request", "A client authenticates in one way only.")
    client = ctx.world.store.grants.client(client_id)
    # The comparison is made for unknown clients too: how long it takes tells nothing.
    expected = client.secret_sha256 if client else b"\0" * 32
    if not hmac.compare_digest(expected, secret_digest(secret)) or client is None:
        raise _invalid_client()
    return client


def issue(world: World, client: Client, scopes: list[str]) -> dict[str, Any]:
    """A token answer (RFC 6749, 5.1) with a new access token."""
    ttl = client.token_ttl or world.settings.access_token_ttl
    now_ms = world.clock.now_ms()
    issued_at = now_ms // 1000
    expires_at = -(-now_ms // 1000) + ttl  # Rounded up: a token never ends before its expires_in.
    scope = " ".join(scopes)
    jti = world.ids.new("atk")
    claims = {
        "iss": world.base_url,
        "aud": world.base_url,
        "sub": client.id,
        "client_id": client.id,
        "scope": scope,
        "iat": issued_at,
        "exp": expires_at,
        "jti": jti,
    }
    world.store.grants.issued(jti, client.id, expires_at * 1000, now_ms)
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


def revoke(world: World, client: Client, token: str) -> None:
    """Revokes an access token of this client; any other token is none of its business (RFC 7009, 2.1)."""
    try:
        claims = world.keys.verify(token, ACCESS_TOKEN_TYPE)
    except InvalidSignature:
        return
    if claims["client_id"] == client.id:
        world.store.grants.revoke(jti=claims["jti"])


def _bearer_of(world: World, token: str) -> Principal:
    """The client of a token that is ours and not revoked, expired or not."""
    try:
        claims = world.keys.verify(token, ACCESS_TOKEN_TYPE)
    except InvalidSignature:
        raise InvalidAccessToken from None
    if claims["iss"] != world.base_url or claims["aud"] != world.base_url:
        raise InvalidAccessToken
    if not world.store.grants.is_live(claims["jti"]):
        raise InvalidAccessToken
    return Principal(
        type="service_account",
        id=claims["client_id"],
        name=claims["client_id"],
        scopes=frozenset(claims["scope"].split()),
        client_id=claims["client_id"],
        expires_ms=claims["exp"] * 1000,
    )


def _basic(field: str) -> tuple[str, str]:
    scheme, _, credentials = field.partition(" ")
    if scheme.lower() != "basic":
        raise _invalid_client()
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _invalid_client() from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise _invalid_client()
    return unquote_plus(client_id), unquote_plus(secret)  # Both are form-encoded before they are joined (2.3.1).


def _invalid_client() -> OAuthProblem:
    return OAuthProblem(
        "invalid_client",
        "Client authentication failed.",
        status=401,
        headers={"WWW-Authenticate": f'Basic realm="{REALM}", charset="UTF-8"'},
    )
