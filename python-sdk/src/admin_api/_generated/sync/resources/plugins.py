# Derived by make generate from _generated/resources/plugins.py. Do not edit.
"""`client.plugins`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ....operation import Op, Paging
from ....options import OMIT, Omit, RequestOptions
from ...models import plugins as m
from ..resource import Resource, as_raw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from ..pagination import Pager

_LIST: Op[m.Plugin] = Op(
    id="plugins.list",
    method="GET",
    path="/api/v1/plugins",
    returns=m.Plugin,
    scopes=("plugins:read",),
    page=Paging(cursor="cursor", next_cursor="next_cursor", results="items"),
)

_REGISTER: Op[m.Plugin] = Op(
    id="plugins.register",
    method="POST",
    path="/api/v1/plugins",
    returns=m.Plugin,
    scopes=("plugins:manage",),
    body="application/json",
    idempotent=True,
)

_GET: Op[m.Plugin] = Op(
    id="plugins.get", method="GET", path="/api/v1/plugins/{plugin_id}", returns=m.Plugin, scopes=("plugins:read",)
)

_UPDATE: Op[m.Plugin] = Op(
    id="plugins.update",
    method="PATCH",
    path="/api/v1/plugins/{plugin_id}",
    returns=m.Plugin,
    scopes=("plugins:manage",),
    body="application/merge-patch+json",
    idempotent=True,
)

_UNINSTALL: Op[None] = Op(
    id="plugins.uninstall",
    method="DELETE",
    path="/api/v1/plugins/{plugin_id}",
    returns=None,
    scopes=("plugins:manage",),
    idempotent=True,
)


class PluginsResource(Resource):
    """Installed plugins."""

    def list(
        self,
        *,
        status: m.PluginStatus | str | Sequence[m.PluginStatus | str] | Omit = OMIT,
        name: str | Omit = OMIT,
        limit: int | Omit = OMIT,
        cursor: str | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> Pager[m.Plugin]:
        """List plugins.

        Installed plugins in order of registration.

        Args:
            status: Plugins in one of these states. At most 20 items.
            name: The plugin of this name. 1 to 64 characters.
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

        Scope: `plugins:read`.
        """
        return self._pages(
            _LIST, query={"status": status, "name": name, "limit": limit, "cursor": cursor}, options=options
        )

    def register(
        self,
        *,
        name: str,
        version: str,
        source: m.PluginSource | Mapping[str, JsonValue],
        sha256: str | None | Omit = OMIT,
        requires: Sequence[m.PluginRequirement | Mapping[str, JsonValue]] | Omit = OMIT,
        settings: Mapping[str, JsonValue] | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> m.Plugin:
        """Register a plugin.

        Installs a plugin, enabled. 409 `plugin_exists` if the name is taken, `dependency_missing` if a plugin it
        needs is not there.

        Args:
            name: Name, unique. At most 64 characters.
            version: Semantic version. At most 100 characters.
            source: Where a plugin comes from.
            sha256: Digest that the package must have, lower-case hex. At most 64 characters.
            requires: Plugins that this one needs. At most 50 items.
            settings: A JSON object with members of any kind. At most 200 members.
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

        Scope: `plugins:manage`. Idempotent by key. Recorded in the audit trail as `plugins.register`.
        """
        return self._call(
            _REGISTER,
            body={
                "name": name,
                "version": version,
                "source": source,
                "sha256": sha256,
                "requires": requires,
                "settings": settings,
            },
            options=options,
        )

    def get(self, plugin_id: str, *, options: RequestOptions | None = None) -> m.Plugin:
        """Get a plugin.

        One plugin with its health, which is data: an ill plugin is no error.

        Args:
            plugin_id: Id of the plugin.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `plugins:read`.
        """
        return self._call(_GET, path={"plugin_id": plugin_id}, options=options)

    def update(
        self,
        plugin_id: str,
        *,
        status: m.PluginDesiredStatus | str | Omit = OMIT,
        settings: Mapping[str, JsonValue] | Omit = OMIT,
        if_match: str | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> m.Plugin:
        """Update a plugin.

        Enables, disables or changes settings (RFC 7396). 409 `plugin_in_use` with its dependents, or
        `dependency_missing`.

        Args:
            plugin_id: Id of the plugin.
            status: What a plugin should do.
            settings: A JSON object with members of any kind. At most 200 members.
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

        Scope: `plugins:manage`. Idempotent by key. Recorded in the audit trail as `plugins.update`.
        """
        return self._call(
            _UPDATE,
            path={"plugin_id": plugin_id},
            headers={"If-Match": if_match},
            body={"status": status, "settings": settings},
            options=options,
        )

    def uninstall(self, plugin_id: str, *, if_match: str | Omit = OMIT, options: RequestOptions | None = None) -> None:
        """Uninstall a plugin.

        Removes a plugin; 409 `plugin_in_use` while others depend on it.

        Args:
            plugin_id: Id of the plugin.
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
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `plugins:manage`. Idempotent by key. Recorded in the audit trail as `plugins.uninstall`.
        """
        return self._call(_UNINSTALL, path={"plugin_id": plugin_id}, headers={"If-Match": if_match}, options=options)

    @cached_property
    def with_raw_response(self) -> PluginsRaw:
        """The same calls, answering `RawResponse`."""
        return PluginsRaw(PluginsResource(self._raw()))


class PluginsRaw:
    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, attempts, key."""

    def __init__(self, resource: PluginsResource) -> None:
        self.register = as_raw(resource.register)
        self.get = as_raw(resource.get)
        self.update = as_raw(resource.update)
        self.uninstall = as_raw(resource.uninstall)
