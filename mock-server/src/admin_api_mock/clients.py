"""Which OAuth client asks (RFC 6749, section 2.3): by HTTP Basic, by form, or, if it is public, by its id alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from admin_api_mock.problems import OAuthProblem

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.store.grants import Client

REALM = "admin-api"
#: As RFC 8414 and RFC 7591 name them; a client without a secret is public and uses `none`.
AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post", "none")
#: What no secret hashes to.
_NO_DIGEST = b"\0" * 32


def secret_digest(secret: str) -> bytes:
    """What is stored of a client's secret."""
    return hashlib.sha256(secret.encode()).digest()


def authenticate_client(ctx: Context, form: Mapping[str, str]) -> Client:
    """The client that asks. 401 `invalid_client`; 400 `invalid_request` if it authenticates in two ways at once."""
    field = ctx.request.header("authorization")
    secret: str | None
    if field is None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret")
    else:
        client_id, secret = _basic(field)
        if "client_secret" in form or form.get("client_id", client_id) != client_id:
            raise OAuthProblem("invalid_request", "A client authenticates in one way only.")
    client = ctx.world.store.grants.client(client_id)
    if client is not None and client.secret_sha256 is None and secret is None:
        return client
    # The comparison is made for unknown clients too: how long it takes tells nothing.
    expected = (client and client.secret_sha256) or _NO_DIGEST
    if not hmac.compare_digest(expected, secret_digest(secret or "")) or client is None:
        raise _invalid_client()
    return client


def _basic(field: str) -> tuple[str, str]:
    scheme, _, credentials = field.partition(" ")
    if scheme.lower() != "basic":
        raise _invalid_client()
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:  # Neither base64 nor UTF-8.
        raise _invalid_client() from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise _invalid_client()
    return unquote_plus(client_id), unquote_plus(secret)  # Both are form-encoded before they are joined (2.3.1).


def _invalid_client() -> OAuthProblem:
    """Every 401 has a challenge (RFC 9110, 15.5.2), not only those that answer Basic (RFC 6749, 5.2)."""
    return OAuthProblem(
        "invalid_client",
        "Client authentication failed.",
        status=401,
        headers={"WWW-Authenticate": f'Basic realm="{REALM}", charset="UTF-8"'},
    )
