"""Authlib judges the authorization server: its OAuth 2 client, its JOSE and its validator of JWT access tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet
from judges.conftest import CLIENT, PUBLIC, RENEWING

from admin_api_mock.control import WorldHandle

METHODS = ("client_secret_basic", "client_secret_post")
GRACE_MS = 10_000


@pytest.fixture
def client_for(world: WorldHandle) -> Iterator[Callable[..., OAuth2Client]]:
    """Makes clients of the test's world."""
    made: list[OAuth2Client] = []

    def make(client: dict[str, Any], method: str = "client_secret_basic", **options: Any) -> OAuth2Client:
        made.append(
            OAuth2Client(
                client["id"],
                client.get("secret"),
                token_endpoint_auth_method=method,
                token_endpoint=world.token_url,
                trust_env=False,
                **options,
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


def published(world: WorldHandle) -> dict[str, Any]:
    """The JWKS, where the metadata say it is."""
    metadata = httpx.get(f"{world.base_url}/.well-known/oauth-authorization-server", trust_env=False).json()
    keys: dict[str, Any] = httpx.get(metadata["jwks_uri"], trust_env=False).json()
    return keys


def error_of(call: Callable[[], object]) -> str:
    """The OAuth error that a call is refused with."""
    with pytest.raises(OAuthError) as refused:
        call()
    found: str = refused.value.error
    return found


@pytest.mark.parametrize("method", METHODS)
def test_client_credentials(world: WorldHandle, client_for: Callable[..., OAuth2Client], method: str) -> None:
    """By Basic and by form it gets a token that works, with the scopes it asked for."""
    client = client_for(CLIENT, method, scope="users:read")
    token = client.fetch_token(world.token_url, grant_type="client_credentials")
    assert (token["token_type"], token["scope"]) == ("Bearer", "users:read")
    assert not token.is_expired()
    me = client.get(f"{world.base_url}/api/v1/me").json()
    assert (me["id"], me["scopes"]) == (CLIENT["id"], ["users:read"])


@pytest.mark.parametrize("method", METHODS)
def test_refusals_are_understood(world: WorldHandle, client_for: Callable[..., OAuth2Client], method: str) -> None:
    """A wrong secret, a foreign scope, an unknown grant: each error is the one that RFC 6749 names."""
    wrong = client_for({**CLIENT, "secret": "wrong"}, method)
    assert "invalid_client" == error_of(lambda: wrong.fetch_token(grant_type="client_credentials"))
    client = client_for(CLIENT, method)
    foreign = {"grant_type": "client_credentials", "scope": "tokens:manage"}
    assert "invalid_scope" == error_of(lambda: client.fetch_token(**foreign))
    assert "unsupported_grant_type" == error_of(lambda: client.fetch_token(grant_type="implicit"))
    assert "invalid_grant" == error_of(lambda: client.refresh_token(refresh_token="unknown"))


def test_it_renews_by_itself(world: WorldHandle, client_for: Callable[..., OAuth2Client]) -> None:
    """With `update_token` its next call after expiry refreshes, and the rotated token is the one that works then."""
    updates: list[tuple[str, str]] = []

    def update_token(token: dict[str, Any], refresh_token: str | None = None, **_: Any) -> None:
        assert refresh_token is not None
        updates.append((refresh_token, token["refresh_token"]))

    client = client_for(RENEWING, update_token=update_token)
    first = dict(client.fetch_token(grant_type="client_credentials"))
    for _ in range(2):
        client.token["expires_at"] = 1  # As after an hour; its clock is not ours to move.
        assert client.get(f"{world.base_url}/api/v1/me").status_code == 200
    assert [old for old, _ in updates] == [first["refresh_token"], updates[0][1]]
    world.advance(GRACE_MS)
    assert "invalid_grant" == error_of(lambda: client.refresh_token(refresh_token=first["refresh_token"]))
    assert "invalid_grant" == error_of(lambda: client.refresh_token(refresh_token=updates[-1][1]))


def test_a_public_client_renews(world: WorldHandle, client_for: Callable[..., OAuth2Client]) -> None:
    """With the method `none`, from the refresh token of a log-in."""
    client = client_for(PUBLIC, "none", token=world.log_in(PUBLIC["id"]))
    old = client.token["refresh_token"]
    assert old != client.refresh_token()["refresh_token"]
    assert client.get(f"{world.base_url}/api/v1/me").status_code == 200


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revocation(world: WorldHandle, client_for: Callable[..., OAuth2Client], method: str, kind: str) -> None:
    """RFC 7009 by its own client: the access token stops at once, with a refresh token the whole grant."""
    client = client_for(RENEWING, method, revocation_endpoint_auth_method=method)
    token = dict(client.fetch_token(grant_type="client_credentials"))
    answer = client.revoke_token(f"{world.base_url}/oauth/revoke", token=token[kind], token_type_hint=kind)
    assert answer.status_code == 200
    assert client.get(f"{world.base_url}/api/v1/me").status_code == 401
    if kind == "refresh_token":
        assert "invalid_grant" == error_of(client.refresh_token)
    else:
        client.refresh_token()
        assert client.get(f"{world.base_url}/api/v1/me").status_code == 200


#: Its successor is joserfc, which is what we sign with: no judge.
@pytest.mark.filterwarnings("ignore:authlib.jose module is deprecated")
def test_its_jose_verifies_our_tokens(world: WorldHandle, client_for: Callable[..., OAuth2Client]) -> None:
    """Signature by the key that `kid` names, before and after a rotation; a changed token is refused."""
    from authlib.jose import JsonWebKey, JsonWebToken
    from authlib.jose.errors import BadSignatureError, JoseError

    client, jwt = client_for(CLIENT), JsonWebToken(["ES256"])
    tokens = [client.fetch_token(grant_type="client_credentials")["access_token"]]
    world.rotate_keys()
    tokens.append(client.fetch_token(grant_type="client_credentials")["access_token"])
    keys = JsonWebKey.import_key_set(published(world))
    assert [key.thumbprint() for key in keys.keys] == [key["kid"] for key in published(world)["keys"]]
    for token in tokens:
        claims = jwt.decode(token, keys)
        claims.validate()
        assert (claims.header["typ"], claims["iss"]) == ("at+jwt", world.base_url)
    head, _, signature = tokens[0].split(".")
    with pytest.raises(BadSignatureError):
        jwt.decode(f"{head}.{tokens[1].split('.')[1]}.{signature}", keys)
    world.rotate_keys(retire=True)
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(tokens[0], JsonWebKey.import_key_set(published(world)))


class Validator(JWTBearerTokenValidator):  # type: ignore[misc]  # Authlib has no types
    """A resource server of Authlib's (RFC 9068)."""

    def __init__(self, world: WorldHandle, resource_server: str) -> None:
        super().__init__(issuer=world.base_url, resource_server=resource_server)
        self._world = world

    def get_jwks(self) -> KeySet:
        """The world's keys."""
        return KeySet.import_key_set(published(self._world))


def test_its_resource_server_takes_our_tokens(world: WorldHandle, client_for: Callable[..., OAuth2Client]) -> None:
    """RFC 9068 as Authlib reads it: type, issuer, audience, times, scopes; for another audience they are none."""
    token = client_for(CLIENT).fetch_token(grant_type="client_credentials")["access_token"]
    here = Validator(world, world.base_url)
    claims = here.authenticate_token(token)
    here.validate_token(claims, ["users:read users:create"], None)
    assert {"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"} == set(claims)
    elsewhere = Validator(world, "https://example.net")
    with pytest.raises(InvalidTokenError):
        elsewhere.validate_token(elsewhere.authenticate_token(token), None, None)


def test_the_metadata_are_sound(world: WorldHandle) -> None:
    """RFC 8414 as Authlib checks it; it wants https, which a world on loopback does without."""
    told = httpx.get(f"{world.base_url}/.well-known/oauth-authorization-server", trust_env=False).json()
    secure = {
        name: value.replace("http://", "https://") if isinstance(value, str) else value for name, value in told.items()
    }
    metadata = AuthorizationServerMetadata(secure)
    for name in ("issuer", "token_endpoint", "jwks_uri", "scopes_supported", "revocation_endpoint"):
        getattr(metadata, f"validate_{name}")()
    metadata.validate_token_endpoint_auth_methods_supported()
    metadata.validate_revocation_endpoint_auth_methods_supported()
    metadata.validate_grant_types_supported()
