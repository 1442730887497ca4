"""Who calls: what the constructor and the environment say, checked before anything is done with it (AUTH-1)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from .errors import ConfigurationError
from .exchange import Secret

F = TypeVar("F")


class OAuthClient(NamedTuple):
    """A client that gets its tokens from the token endpoint."""

    id: str
    secret: Secret | None
    """None for a public client."""
    refresh_token: Secret | None
    """None if it acts for itself."""


def secret(value: str | None) -> Secret | None:
    """What is to be shown nowhere; nothing is None, and so is a variable that is empty."""
    return None if value is None else Secret(value)


def credentials(
    token: Secret | F | None, client_id: str | None, client_secret: Secret | None, refresh_token: Secret | None
) -> Secret | F | OAuthClient:
    """A token, the user's function, or a client; its id and secret come from the same place.

    There is no variable for a refresh token: the first use would spend what the environment still holds.

    Raises:
        ConfigurationError: There is none, half of one, or two.
    """
    nothing = client_id is None and client_secret is None and refresh_token is None
    if token is not None:
        if nothing:
            return token
        raise ConfigurationError("Give a token or a client.", code="conflicting_credentials")
    if nothing:
        found = os.environ.get("ADMIN_API_TOKEN")
        if found:
            return Secret(found)
        client_id = os.environ.get("ADMIN_API_CLIENT_ID")
        client_secret = secret(os.environ.get("ADMIN_API_CLIENT_SECRET") or None)
    if not client_id or (client_secret is None and refresh_token is None):
        raise ConfigurationError(
            "Give token, or client_id with client_secret or refresh_token; or set ADMIN_API_TOKEN, or "
            "ADMIN_API_CLIENT_ID and ADMIN_API_CLIENT_SECRET.",
            code="missing_credentials",
        )
    return OAuthClient(client_id, client_secret, refresh_token)


def checked_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """Scopes as the token endpoint takes them (RFC 6749, section 3.3)."""
    if isinstance(scopes, str) or not all(scope and "!" <= min(scope) and max(scope) <= "~" for scope in scopes):
        raise ConfigurationError("scopes must be a list of scopes.", code="invalid_scopes")
    return tuple(scopes)


def check_choices(client_auth: object, token_store: object) -> None:
    """Raises ConfigurationError for a way to authenticate that there is not, or a store that is none."""
    if client_auth not in ("basic", "post"):
        raise ConfigurationError("client_auth must be 'basic' or 'post'.", code="invalid_option")
    if token_store is not None and not all(
        callable(getattr(token_store, name, None)) for name in ("load", "save", "lock", "unlock")
    ):
        raise ConfigurationError("token_store must have load, save, lock and unlock.", code="invalid_option")
