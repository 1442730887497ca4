# Derived by make generate from _generated/resources/config.py. Do not edit.
"""`client.config`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, overload

from ....operation import Op, Paging
from ....options import OMIT, Omit, RequestOptions
from ...models import config as m
from ..resource import Resource, as_raw

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from ..pagination import Pager

_LIST: Op[m.ConfigEntry] = Op(
    id="config.list",
    method="GET",
    path="/api/v1/config",
    returns=m.ConfigEntry,
    scopes=("config:read",),
    page=Paging(cursor="cursor", next_cursor="next_cursor", results="items"),
)

_GET: Op[m.ConfigEntry | None] = Op(
    id="config.get",
    method="GET",
    path="/api/v1/config/{key}",
    returns=m.ConfigEntry,
    scopes=("config:read",),
    not_modified=True,
)

_SET: Op[m.ConfigEntry] = Op(
    id="config.set",
    method="PUT",
    path="/api/v1/config/{key}",
    returns=m.ConfigEntry,
    scopes=("config:write",),
    body="application/json",
    idempotent=True,
)

_DELETE: Op[None] = Op(
    id="config.delete",
    method="DELETE",
    path="/api/v1/config/{key}",
    returns=None,
    scopes=("config:write",),
    idempotent=True,
)

_VERSIONS_LIST: Op[m.ConfigVersion] = Op(
    id="config.versions.list",
    method="GET",
    path="/api/v1/config/{key}/versions",
    returns=m.ConfigVersion,
    scopes=("config:read",),
    page=Paging(cursor="cursor", next_cursor="next_cursor", results="items"),
)

_VERSIONS_ROLLBACK: Op[m.ConfigEntry] = Op(
    id="config.versions.rollback",
    method="POST",
    path="/api/v1/config/{key}/rollback",
    returns=m.ConfigEntry,
    scopes=("config:write",),
    body="application/json",
    idempotent=True,
)


class ConfigResource(Resource):
    """Configuration entries, their versions and secrets."""

    @cached_property
    def versions(self) -> ConfigVersionsResource:
        """`config.versions`: list, rollback."""
        return ConfigVersionsResource(self._caller)

    def list(
        self,
        *,
        prefix: str | Omit = OMIT,
        limit: int | Omit = OMIT,
        cursor: str | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> Pager[m.ConfigEntry]:
        """List configuration entries.

        Entries in order of their key.

        Args:
            prefix: Entries whose key begins so. 1 to 128 characters.
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

        Scope: `config:read`.
        """
        return self._pages(_LIST, query={"prefix": prefix, "limit": limit, "cursor": cursor}, options=options)

    @overload
    def get(self, key: str, *, options: RequestOptions | None = None) -> m.ConfigEntry: ...

    @overload
    def get(
        self, key: str, *, if_none_match: str | Omit, options: RequestOptions | None = None
    ) -> m.ConfigEntry | None: ...

    def get(
        self, key: str, *, if_none_match: str | Omit = OMIT, options: RequestOptions | None = None
    ) -> m.ConfigEntry | None:
        """Get a configuration entry.

        One entry. With `If-None-Match` an unchanged entry is a 304.

        Args:
            key: Dotted name of the entry.
            if_none_match: Entity tag already known; an unchanged entry is not sent again. 1 to 200 characters.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `config:read`. None if it has not changed.
        """
        return self._call(_GET, path={"key": key}, headers={"If-None-Match": if_none_match}, options=options)

    def set(
        self,
        key: str,
        *,
        value: JsonValue,
        secret: bool | Omit = OMIT,
        schema: Mapping[str, JsonValue] | None | Omit = OMIT,
        dry_run: bool | Omit = OMIT,
        if_match: str | Omit = OMIT,
        if_none_match: Literal["*"] | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> m.ConfigEntry:
        """Set a configuration entry.

        Creates or overwrites an entry. The value must satisfy the entry's JSON Schema.

        Args:
            key: Dotted name of the entry.
            value: Any JSON value.
            secret: Whether the value is never shown again; a secret stays one.
            schema: JSON Schema (2020-12) that this and later values must satisfy; left out, the one in force
                stays. At most 200 members.
            dry_run: Answers as the real call would, and changes nothing.
            if_match: Entity tag that must be current, else 412; required to overwrite, else 428. 1 to 200
                characters.
            if_none_match: `*`: only if there is no such entry; required to create, else 428.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            ConflictError: 409. It conflicts with what is there, or the same call is still in flight (with
                Retry-After).
            PreconditionFailedError: 412. A condition does not hold.
            APIStatusError: 413. The body is too large.
            APIStatusError: 415. The body has the wrong media type.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            PreconditionRequiredError: 428. A condition is required.
            RateLimitError: 429. Too many requests.

        Scope: `config:write`. Idempotent by key. Recorded in the audit trail as `config.set`.
        """
        return self._call(
            _SET,
            path={"key": key},
            query={"dry_run": dry_run},
            headers={"If-Match": if_match, "If-None-Match": if_none_match},
            body={"value": value, "secret": secret, "schema": schema},
            options=options,
        )

    def delete(self, key: str, *, if_match: str | Omit = OMIT, options: RequestOptions | None = None) -> None:
        """Delete a configuration entry.

        Deletes an entry; its versions stay.

        Args:
            key: Dotted name of the entry.
            if_match: Entity tag that must be current, else 412; required, else 428. 1 to 200 characters.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            ConflictError: 409. It conflicts with what is there, or the same call is still in flight (with
                Retry-After).
            PreconditionFailedError: 412. A condition does not hold.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            PreconditionRequiredError: 428. A condition is required.
            RateLimitError: 429. Too many requests.

        Scope: `config:write`. Idempotent by key. Recorded in the audit trail as `config.delete`.
        """
        return self._call(_DELETE, path={"key": key}, headers={"If-Match": if_match}, options=options)

    @cached_property
    def with_raw_response(self) -> ConfigRaw:
        """The same calls, answering `RawResponse`."""
        return ConfigRaw(ConfigResource(self._raw()))


class ConfigRaw:
    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, attempts, key."""

    def __init__(self, resource: ConfigResource) -> None:
        self.get = as_raw(resource.get)
        self.set = as_raw(resource.set)
        self.delete = as_raw(resource.delete)


class ConfigVersionsResource(Resource):
    """`config.versions`: list, rollback."""

    def list(
        self, key: str, *, limit: int | Omit = OMIT, cursor: str | Omit = OMIT, options: RequestOptions | None = None
    ) -> Pager[m.ConfigVersion]:
        """List the versions of an entry.

        Versions, oldest first, those of a deleted entry too.

        Args:
            key: Dotted name of the entry.
            limit: Items per page, 1 to 500; 50 if left out. Outside of that: 422.
            cursor: A page's `next_cursor`; bound to the filters and the order of the list it came from. 1 to 2000
                characters.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            GoneError: 410. What the cursor or the id pointed at is no longer kept.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `config:read`.
        """
        return self._pages(_VERSIONS_LIST, path={"key": key}, query={"limit": limit, "cursor": cursor}, options=options)

    def rollback(
        self, key: str, *, version: int, if_match: str | Omit = OMIT, options: RequestOptions | None = None
    ) -> m.ConfigEntry:
        """Roll back an entry.

        Makes an earlier version's value the value again, as a new version; works for secrets without showing them.

        Args:
            key: Dotted name of the entry.
            version: Number of the version whose value becomes the value again, as a new version. 1 to 2147483647.
            if_match: Entity tag that must be current, else 412. 1 to 200 characters.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            ConflictError: 409. It conflicts with what is there, or the same call is still in flight (with
                Retry-After).
            PreconditionFailedError: 412. A condition does not hold.
            APIStatusError: 413. The body is too large.
            APIStatusError: 415. The body has the wrong media type.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `config:write`. Idempotent by key. Recorded in the audit trail as `config.versions.rollback`.
        """
        return self._call(
            _VERSIONS_ROLLBACK,
            path={"key": key},
            headers={"If-Match": if_match},
            body={"version": version},
            options=options,
        )

    @cached_property
    def with_raw_response(self) -> ConfigVersionsRaw:
        """The same calls, answering `RawResponse`."""
        return ConfigVersionsRaw(ConfigVersionsResource(self._raw()))


class ConfigVersionsRaw:
    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, attempts, key."""

    def __init__(self, resource: ConfigVersionsResource) -> None:
        self.rollback = as_raw(resource.rollback)
