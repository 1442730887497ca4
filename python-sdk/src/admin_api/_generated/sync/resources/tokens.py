# Derived by make generate from _generated/resources/tokens.py. Do not edit.
"""`client.tokens`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ....operation import Op, Paging
from ....options import OMIT, Omit, RequestOptions
from ...models import tokens as m
from ..resource import Resource, as_raw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..pagination import Pager

_LIST: Op[m.Token] = Op(
    id="tokens.list",
    method="GET",
    path="/api/v1/tokens",
    returns=m.Token,
    scopes=("tokens:manage",),
    page=Paging(cursor="cursor", next_cursor="next_cursor", results="items"),
)

_CREATE: Op[m.IssuedToken] = Op(
    id="tokens.create",
    method="POST",
    path="/api/v1/tokens",
    returns=m.IssuedToken,
    scopes=("tokens:manage",),
    body="application/json",
    idempotent=True,
    sensitive=True,
)

_GET: Op[m.Token] = Op(
    id="tokens.get", method="GET", path="/api/v1/tokens/{token_id}", returns=m.Token, scopes=("tokens:manage",)
)

_REVOKE: Op[m.Token] = Op(
    id="tokens.revoke",
    method="DELETE",
    path="/api/v1/tokens/{token_id}",
    returns=m.Token,
    scopes=("tokens:manage",),
    idempotent=True,
)

_ROTATE: Op[m.IssuedToken] = Op(
    id="tokens.rotate",
    method="POST",
    path="/api/v1/tokens/{token_id}/rotate",
    returns=m.IssuedToken,
    scopes=("tokens:manage",),
    body="application/json",
    idempotent=True,
    sensitive=True,
)


class TokensResource(Resource):
    """Personal access tokens, as copied from the Admin Console."""

    def list(
        self,
        *,
        status: m.TokenStatus | str | Sequence[m.TokenStatus | str] | Omit = OMIT,
        created_by: str | Omit = OMIT,
        limit: int | Omit = OMIT,
        cursor: str | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> Pager[m.Token]:
        """List tokens.

        Tokens in order of creation, expired and revoked ones too.

        Args:
            status: Tokens in one of these states. At most 20 items.
            created_by: Tokens made by this actor. 1 to 64 characters.
            limit: Items per page, 1 to 500; 50 if left out. Outside of that: 422.
            cursor: A page's `next_cursor`; bound to the filters and the order of the list it came from. 1 to 2000
                characters.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            GoneError: 410. What the cursor or the id pointed at is no longer kept.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `tokens:manage`.
        """
        return self._pages(
            _LIST, query={"status": status, "created_by": created_by, "limit": limit, "cursor": cursor}, options=options
        )

    def create(
        self,
        *,
        name: str,
        scopes: Sequence[str],
        description: str | None | Omit = OMIT,
        expires_at: datetime | str | None | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> m.IssuedToken:
        """Create a token.

        Creates a personal token; its secret is in this answer only. More scopes than the caller has: 403
        `scope_escalation`.

        Args:
            name: Name. 1 to 100 characters.
            scopes: What the token may do, at most what the caller may. 1 to 100 items. No item twice.
            description: Description. At most 500 characters.
            expires_at: When the token stops working; null is never, left out 90 days. RFC 3339.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            ConflictError: 409. It conflicts with what is there, or the same call is still in flight (with
                Retry-After).
            APIStatusError: 413. The body is too large.
            APIStatusError: 415. The body has the wrong media type.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `tokens:manage`. Idempotent by key. Recorded in the audit trail as `tokens.create`.
        """
        return self._call(
            _CREATE,
            body={"name": name, "scopes": scopes, "description": description, "expires_at": expires_at},
            options=options,
        )

    def get(self, token_id: str, *, options: RequestOptions | None = None) -> m.Token:
        """Get a token.

        One token, without its secret.

        Args:
            token_id: Id of the token.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `tokens:manage`.
        """
        return self._call(_GET, path={"token_id": token_id}, options=options)

    def revoke(self, token_id: str, *, options: RequestOptions | None = None) -> m.Token:
        """Revoke a token.

        Stops a token at once; it stays listed.

        Args:
            token_id: Id of the token.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            ConflictError: 409. It conflicts with what is there, or the same call is still in flight (with
                Retry-After).
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `tokens:manage`. Idempotent by key. Recorded in the audit trail as `tokens.revoke`.
        """
        return self._call(_REVOKE, path={"token_id": token_id}, options=options)

    def rotate(
        self,
        token_id: str,
        *,
        expires_at: datetime | str | None | Omit = OMIT,
        overlap_seconds: int | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> m.IssuedToken:
        """Rotate a token.

        Makes a token that replaces this one, which goes on working for the overlap. Rotating a replaced token is a
        409 `already_rotated`, never a revocation.

        Args:
            token_id: Id of the token.
            expires_at: When the new token stops working; left out, 90 days. RFC 3339.
            overlap_seconds: How long the old token goes on working, in seconds; 3600 if left out. 0 to 604800.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            ConflictError: 409. It conflicts with what is there, or the same call is still in flight (with
                Retry-After).
            APIStatusError: 413. The body is too large.
            APIStatusError: 415. The body has the wrong media type.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `tokens:manage`. Idempotent by key. Recorded in the audit trail as `tokens.rotate`.
        """
        return self._call(
            _ROTATE,
            path={"token_id": token_id},
            body={"expires_at": expires_at, "overlap_seconds": overlap_seconds},
            options=options,
        )

    @cached_property
    def with_raw_response(self) -> TokensRaw:
        """The same calls, answering `RawResponse`."""
        return TokensRaw(TokensResource(self._raw()))


class TokensRaw:
    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, attempts, key."""

    def __init__(self, resource: TokensResource) -> None:
        self.create = as_raw(resource.create)
        self.get = as_raw(resource.get)
        self.revoke = as_raw(resource.revoke)
        self.rotate = as_raw(resource.rotate)
