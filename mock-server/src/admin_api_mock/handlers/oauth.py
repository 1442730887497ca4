"""oauth: the token endpoint, revocation, metadata (RFC 8414) and signing keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from admin_api_mock import oauth
from admin_api_mock.http import Answer
from admin_api_mock.problems import OAuthProblem

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.store.grants import Client
    from admin_api_mock.transaction import Handler, Tx

#: RFC 6749 section 5.1: tokens are in no cache.
NO_STORE = {"Cache-Control": "no-store"}
GRANTS = ("client_credentials",)
AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post")


def token(tx: Tx, ctx: Context) -> Answer:
    form = _form(ctx)
    grant = form.get("grant_type")
    if grant is None:
        raise OAuthProblem("invalid_request", "grant_type is missing.")
    client = oauth.authenticate_client(ctx, form)
    if grant not in GRANTS:
        raise OAuthProblem("unsupported_grant_type", f"The grants are: {', '.join(GRANTS)}.")
    return Answer.json(200, oauth.issue(tx.world, client, _granted(tx, client, form.get("scope"))), NO_STORE)


def revoke(tx: Tx, ctx: Context) -> Answer:
    form = _form(ctx)
    client = oauth.authenticate_client(ctx, form)
    if "token" not in form:
        raise OAuthProblem("invalid_request", "token is missing.")
    oauth.revoke(tx.world, client, form["token"])
    return Answer(200, dict(NO_STORE))


def metadata(tx: Tx, ctx: Context) -> Answer:
    base = tx.world.base_url
    paths = {operation.id: operation.path for operation in tx.world.document.operations.values()}
    return Answer.json(
        200,
        {
            "issuer": base,
            "token_endpoint": tx.world.token_url,
            "revocation_endpoint": base + paths["oauth.revoke"],
            "jwks_uri": base + paths["oauth.jwks"],
            "scopes_supported": list(tx.world.document.scopes),
            "grant_types_supported": list(GRANTS),
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": list(AUTHENTICATION_METHODS),
            "revocation_endpoint_auth_methods_supported": list(AUTHENTICATION_METHODS),
        },
    )


def jwks(tx: Tx, ctx: Context) -> Answer:
    return Answer.json(200, tx.world.keys.jwks())


def _form(ctx: Context) -> dict[str, str]:
    """The form; a parameter without a value counts as left out (RFC 6749 section 3.2)."""
    return {name: value for name, value in (ctx.body or {}).items() if value}


def _granted(tx: Tx, client: Client, wanted: str | None) -> list[str]:
    """The scopes wanted, or all that the client may have, in the document's order. One too many is a refusal."""
    allowed = set(client.scopes.split())
    names = allowed if wanted is None else set(wanted.split())
    if not names <= allowed or not names:
        raise OAuthProblem("invalid_scope", "A scope is unknown, or this client may not have it.")
    return [scope for scope in tx.world.document.scopes if scope in names]


HANDLERS: Mapping[str, Handler] = {
    "oauth.token": token,
    "oauth.revoke": revoke,
    "oauth.metadata": metadata,
    "oauth.jwks": jwks,
}
