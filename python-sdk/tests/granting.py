"""Grants as a client makes them, for tests of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from admin_api.endpoint import Endpoint
from admin_api.exchange import Headers, Outcome, Request, Response, Secret
from admin_api.options import Limits

from .flavours import BASE, Flavour

TOKEN_URL = f"{BASE}/oauth/token"


def endpoint(
    *, url: str = TOKEN_URL, client_id: str = "demo", client_secret: str | None = "demo-secret", auth: Any = "basic"
) -> Endpoint:
    """The token endpoint, and who asks there."""
    return Endpoint(url, client_id, None if client_secret is None else Secret(client_secret), auth, "test")


def grant(
    flavour: Flavour,
    send: Any,
    clock: Any,
    *,
    at: Endpoint | None = None,
    refresh_token: str | None = None,
    scopes: tuple[str, ...] = (),
    limits: Limits | None = None,
    warn: Callable[[str], None] = print,
    store: Any = None,
) -> Any:
    """A source of tokens: of a refresh token if one is given, else of client credentials."""
    return flavour.of("grants", "ClientCredentials" if refresh_token is None else "RefreshToken")(
        send=send,
        endpoint=at or endpoint(),
        scopes=scopes,
        limits=limits or Limits(),
        clock=clock,
        warn=warn,
        refresh_token=None if refresh_token is None else Secret(refresh_token),
        store=store,
    )


def land(token: str, expires_in: object = 3600, **members: Any) -> Callable[[Request], Outcome]:
    """A token answer."""
    document = {"access_token": token, "token_type": "Bearer", "expires_in": expires_in, **members}
    return lambda request: Response(request.call, 200, Headers(), json.dumps(document).encode())


def fail(status: int, error: str | None = None) -> Callable[[Request], Outcome]:
    """A refusal of the token endpoint."""
    content = json.dumps({"error": error}).encode() if error else b"<html>"
    return lambda request: Response(request.call, status, Headers(), content)


def form_of(request: Request) -> dict[str, str]:
    """The form that a token request carries."""
    from urllib.parse import parse_qsl

    body = request.content
    assert body is not None
    assert not isinstance(body, bytes)
    return dict(parse_qsl(b"".join(body.chunks()).decode(), strict_parsing=True))
