"""oauth: the token endpoint, revocation, metadata (RFC 8414) and signing keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from admin_api_mock import grants, oauth
from admin_api_mock.clients import AUTHENTICATION_METHODS, authenticate_client
from admin_api_mock.http import Answer
from admin_api_mock.problems import OAuthProblem

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.store.grants import Client
    from admin_api_mock.transaction import Handler, Tx


def token(tx: Tx, ctx: Context) -> Answer:
    form: Mapping[str, str] = ctx.body
    client = authenticate_client(ctx, form)
    answer_for = GRANTS.get(form["grant_type"])
    if answer_for is None:
        raise OAuthProblem("unsupported_grant_type", f"The grants are: {', '.join(GRANTS)}.")
    try:
        return Answer.json(200, answer_for(tx, client, form))
    except grants.Reused as reuse:
        # An answer and not a Problem: what a refusal did is undone (SERVER-3), and this must stay done.
        tx.store.grants.revoke(reuse.grant_id)
        detail = "The refresh token was used before; its grant is revoked."
        return OAuthProblem("invalid_grant", detail).answer(ctx.request_id)


def revoke(tx: Tx, ctx: Context) -> Answer:
    form: Mapping[str, str] = ctx.body
    client = authenticate_client(ctx, form)
    # `token_type_hint` speeds up a search (RFC 7009, 2.1); each kind is told at a glance here.
    grants.revoke(tx.world, client, form["token"])
    return Answer(200)


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


def _client_credentials(tx: Tx, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    if client.secret_sha256 is None:  # RFC 6749, 4.4: for confidential clients only.
        raise OAuthProblem("unauthorized_client", "A client without a secret cannot act for itself.")
    scopes = _granted(tx, client, form.get("scope"))
    if client.refresh_tokens:
        return grants.begin(tx.world, client, scopes)
    return oauth.issue(tx.world, client, scopes)


def _refresh_token(tx: Tx, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    if "refresh_token" not in form:
        raise OAuthProblem("invalid_request", "refresh_token is missing.")
    return grants.renew(tx.world, client, form["refresh_token"], form.get("scope"))


def _granted(tx: Tx, client: Client, wanted: str | None) -> list[str]:
    """The scopes wanted, or all that the client may have, in the document's order. One too many is a refusal."""
    allowed = set(client.scopes.split())
    names = allowed if wanted is None else set(wanted.split())
    if not names <= allowed or not names:
        raise OAuthProblem("invalid_scope", "A scope is unknown, or this client may not have it.")
    return [scope for scope in tx.world.document.scopes if scope in names]


#: grant_type → what answers it.
GRANTS = {"client_credentials": _client_credentials, "refresh_token": _refresh_token}

HANDLERS: Mapping[str, Handler] = {
    "oauth.token": token,
    "oauth.revoke": revoke,
    "oauth.metadata": metadata,
    "oauth.jwks": jwks,
}
