# Derived by make generate from _generated/resources/users.py. Do not edit.
"""`client.users`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ....operation import Op, Paging, Stream
from ....options import OMIT, Omit, RequestOptions
from ...models import users as m
from ..resource import Resource, as_raw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from ..pagination import Pager
    from ..streaming import ItemStream

_LIST: Op[m.User] = Op(
    id="users.list",
    method="GET",
    path="/api/v1/users",
    returns=m.User,
    scopes=("users:read",),
    page=Paging(cursor="cursor", next_cursor="next_cursor", results="items"),
)

_CREATE: Op[m.User] = Op(
    id="users.create",
    method="POST",
    path="/api/v1/users",
    returns=m.User,
    scopes=("users:create",),
    body="application/json",
    idempotent=True,
)

_GET: Op[m.User] = Op(
    id="users.get", method="GET", path="/api/v1/users/{user_id}", returns=m.User, scopes=("users:read",)
)

_UPDATE: Op[m.User] = Op(
    id="users.update",
    method="PATCH",
    path="/api/v1/users/{user_id}",
    returns=m.User,
    scopes=("users:update",),
    body="application/merge-patch+json",
    idempotent=True,
)

_DELETE: Op[m.User] = Op(
    id="users.delete",
    method="DELETE",
    path="/api/v1/users/{user_id}",
    returns=m.User,
    scopes=("users:delete",),
    idempotent=True,
)

_SUSPEND: Op[m.User] = Op(
    id="users.suspend",
    method="POST",
    path="/api/v1/users/{user_id}/suspend",
    returns=m.User,
    scopes=("users:update",),
    body="application/json",
    idempotent=True,
)

_REACTIVATE: Op[m.User] = Op(
    id="users.reactivate",
    method="POST",
    path="/api/v1/users/{user_id}/reactivate",
    returns=m.User,
    scopes=("users:update",),
    idempotent=True,
)

_RESTORE: Op[m.User] = Op(
    id="users.restore",
    method="POST",
    path="/api/v1/users/{user_id}/restore",
    returns=m.User,
    scopes=("users:delete",),
    idempotent=True,
)

_EXPORT: Op[m.User] = Op(
    id="users.export",
    method="GET",
    path="/api/v1/exports/users",
    returns=m.User,
    scopes=("users:read",),
    stream=Stream(format="ndjson", terminator="$end", resume="after"),
)

_ROLES_ASSIGN: Op[m.User] = Op(
    id="users.roles.assign",
    method="PUT",
    path="/api/v1/users/{user_id}/roles/{role}",
    returns=m.User,
    scopes=("users:update",),
    idempotent=True,
)

_ROLES_REMOVE: Op[m.User] = Op(
    id="users.roles.remove",
    method="DELETE",
    path="/api/v1/users/{user_id}/roles/{role}",
    returns=m.User,
    scopes=("users:update",),
    idempotent=True,
)


class UsersResource(Resource):
    """Users of the installation, their roles and their life."""

    @cached_property
    def roles(self) -> UsersRolesResource:
        """`users.roles`: assign, remove."""
        return UsersRolesResource(self._caller)

    def list(
        self,
        *,
        role: str | Sequence[str] | Omit = OMIT,
        status: m.UserStatus | str | Sequence[m.UserStatus | str] | Omit = OMIT,
        username: str | Omit = OMIT,
        email: str | Omit = OMIT,
        external_id: str | Omit = OMIT,
        created_after: datetime | str | Omit = OMIT,
        created_before: datetime | str | Omit = OMIT,
        last_login_after: datetime | str | Omit = OMIT,
        last_login_before: datetime | str | Omit = OMIT,
        q: str | Omit = OMIT,
        sort: m.UserSort | str | Omit = OMIT,
        include_deleted: bool | Omit = OMIT,
        limit: int | Omit = OMIT,
        cursor: str | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> Pager[m.User]:
        """List users.

        Users in order of creation, unless sorted, page by page.

        Args:
            role: Users that have one of these roles. At most 20 items.
            status: Users in one of these states; deleted ones only with `include_deleted`. At most 20 items.
            username: The user of this name, ignoring case. 1 to 64 characters.
            email: The user of this address, ignoring case. 1 to 254 characters.
            external_id: The user of this external id. 1 to 255 characters.
            created_after: Created at this time or later. RFC 3339.
            created_before: Created before this time. RFC 3339.
            last_login_after: Last signed in at this time or later. RFC 3339.
            last_login_before: Last signed in before this time. RFC 3339.
            q: Part of the username or the e-mail address, ignoring case. 1 to 254 characters.
            sort: Order; by creation if left out.
            include_deleted: Whether deleted users are listed too; false if left out.
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

        Scope: `users:read`.
        """
        return self._pages(
            _LIST,
            query={
                "role": role,
                "status": status,
                "username": username,
                "email": email,
                "external_id": external_id,
                "created_after": created_after,
                "created_before": created_before,
                "last_login_after": last_login_after,
                "last_login_before": last_login_before,
                "q": q,
                "sort": sort,
                "include_deleted": include_deleted,
                "limit": limit,
                "cursor": cursor,
            },
            options=options,
        )

    def create(
        self,
        *,
        username: str,
        email: str,
        roles: Sequence[str] | Omit = OMIT,
        display_name: str | None | Omit = OMIT,
        external_id: str | None | Omit = OMIT,
        metadata: Mapping[str, str] | Omit = OMIT,
        sso_mappings: Sequence[m.SsoMappingInput | Mapping[str, JsonValue]] | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> m.User:
        """Create a user.

        Creates a user with its roles, all or nothing; records an audit event and may provision SSO mappings. A
        duplicate is a 409 that names the member taken and the id of the user that has it.

        Args:
            username: Login name, unique ignoring case among users that are not deleted. 1 to 64 characters.
            email: E-mail address, unique ignoring case among users that are not deleted. An e-mail address.
            roles: Roles to grant; each must exist. At most 20 items. No item twice.
            display_name: Name to show. At most 200 characters.
            external_id: Key of the user in the caller's system, unique. 1 to 255 characters.
            metadata: The caller's own notes: up to 50 strings by name. At most 50 members.
            sso_mappings: Identities to bind; left out, one is made when the e-mail's domain has a provider. At
                most 20 items.
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

        Scope: `users:create`. Idempotent by key. Recorded in the audit trail as `users.create`.
        """
        return self._call(
            _CREATE,
            body={
                "username": username,
                "email": email,
                "roles": roles,
                "display_name": display_name,
                "external_id": external_id,
                "metadata": metadata,
                "sso_mappings": sso_mappings,
            },
            options=options,
        )

    def get(self, user_id: str, *, options: RequestOptions | None = None) -> m.User:
        """Get a user.

        One user, deleted ones too until they are purged.

        Args:
            user_id: Id of the user.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `users:read`.
        """
        return self._call(_GET, path={"user_id": user_id}, options=options)

    def update(
        self,
        user_id: str,
        *,
        username: str | Omit = OMIT,
        email: str | None | Omit = OMIT,
        roles: Sequence[str] | Omit = OMIT,
        display_name: str | None | Omit = OMIT,
        external_id: str | None | Omit = OMIT,
        metadata: Mapping[str, str | None] | Omit = OMIT,
        if_match: str | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> m.User:
        """Update a user.

        Changes the members given (RFC 7396): null deletes one, a member left out is left alone.

        Args:
            user_id: Id of the user.
            username: Login name, unique ignoring case among users that are not deleted. 1 to 64 characters.
            email: E-mail address, unique ignoring case among users that are not deleted. An e-mail address.
            roles: Roles, replacing all of them. At most 20 items. No item twice.
            display_name: Name to show. At most 200 characters.
            external_id: Key of the user in the caller's system, unique. 1 to 255 characters.
            metadata: Notes to set by name; null removes one, a name left out is left alone. At most 50 members.
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

        Scope: `users:update`. Idempotent by key. Recorded in the audit trail as `users.update`.
        """
        return self._call(
            _UPDATE,
            path={"user_id": user_id},
            headers={"If-Match": if_match},
            body={
                "username": username,
                "email": email,
                "roles": roles,
                "display_name": display_name,
                "external_id": external_id,
                "metadata": metadata,
            },
            options=options,
        )

    def delete(self, user_id: str, *, if_match: str | Omit = OMIT, options: RequestOptions | None = None) -> m.User:
        """Delete a user.

        Deletes a user softly: its name and e-mail address are free at once, and it can be restored for 30 days.

        Args:
            user_id: Id of the user.
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

        Scope: `users:delete`. Idempotent by key. Recorded in the audit trail as `users.delete`.
        """
        return self._call(_DELETE, path={"user_id": user_id}, headers={"If-Match": if_match}, options=options)

    def suspend(self, user_id: str, *, reason: str | Omit = OMIT, options: RequestOptions | None = None) -> m.User:
        """Suspend a user.

        Suspends a user; the user's tokens stop working at once.

        Args:
            user_id: Id of the user.
            reason: Recorded in the audit trail. At most 500 characters.
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

        Scope: `users:update`. Idempotent by key. Recorded in the audit trail as `users.suspend`.
        """
        return self._call(_SUSPEND, path={"user_id": user_id}, body={"reason": reason}, options=options)

    def reactivate(self, user_id: str, *, options: RequestOptions | None = None) -> m.User:
        """Reactivate a user.

        Ends a suspension.

        Args:
            user_id: Id of the user.
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

        Scope: `users:update`. Idempotent by key. Recorded in the audit trail as `users.reactivate`.
        """
        return self._call(_REACTIVATE, path={"user_id": user_id}, options=options)

    def restore(self, user_id: str, *, options: RequestOptions | None = None) -> m.User:
        """Restore a user.

        Undoes a deletion; 409 if the name or the e-mail address is taken by now.

        Args:
            user_id: Id of the user.
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

        Scope: `users:delete`. Idempotent by key. Recorded in the audit trail as `users.restore`.
        """
        return self._call(_RESTORE, path={"user_id": user_id}, options=options)

    def export(
        self,
        *,
        role: str | Sequence[str] | Omit = OMIT,
        status: m.UserStatus | str | Sequence[m.UserStatus | str] | Omit = OMIT,
        username: str | Omit = OMIT,
        email: str | Omit = OMIT,
        external_id: str | Omit = OMIT,
        created_after: datetime | str | Omit = OMIT,
        created_before: datetime | str | Omit = OMIT,
        last_login_after: datetime | str | Omit = OMIT,
        last_login_before: datetime | str | Omit = OMIT,
        q: str | Omit = OMIT,
        include_deleted: bool | Omit = OMIT,
        after: str | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> ItemStream[m.User]:
        """Export users.

        All users in order of creation, one JSON object per line; the last line is `{"$end":{"count":N}}`.

        Args:
            role: Users that have one of these roles. At most 20 items.
            status: Users in one of these states; deleted ones only with `include_deleted`. At most 20 items.
            username: The user of this name, ignoring case. 1 to 64 characters.
            email: The user of this address, ignoring case. 1 to 254 characters.
            external_id: The user of this external id. 1 to 255 characters.
            created_after: Created at this time or later. RFC 3339.
            created_before: Created before this time. RFC 3339.
            last_login_after: Last signed in at this time or later. RFC 3339.
            last_login_before: Last signed in before this time. RFC 3339.
            q: Part of the username or the e-mail address, ignoring case. 1 to 254 characters.
            include_deleted: Whether deleted users are listed too; false if left out.
            after: Id of the last user received: the export goes on behind it. 1 to 64 characters.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            GoneError: 410. What the cursor or the id pointed at is no longer kept.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `users:read`.
        """
        return self._items(
            _EXPORT,
            query={
                "role": role,
                "status": status,
                "username": username,
                "email": email,
                "external_id": external_id,
                "created_after": created_after,
                "created_before": created_before,
                "last_login_after": last_login_after,
                "last_login_before": last_login_before,
                "q": q,
                "include_deleted": include_deleted,
                "after": after,
            },
            options=options,
        )

    @cached_property
    def with_raw_response(self) -> UsersRaw:
        """The same calls, answering `RawResponse`."""
        return UsersRaw(UsersResource(self._raw()))


class UsersRaw:
    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, attempts, key."""

    def __init__(self, resource: UsersResource) -> None:
        self.create = as_raw(resource.create)
        self.get = as_raw(resource.get)
        self.update = as_raw(resource.update)
        self.delete = as_raw(resource.delete)
        self.suspend = as_raw(resource.suspend)
        self.reactivate = as_raw(resource.reactivate)
        self.restore = as_raw(resource.restore)


class UsersRolesResource(Resource):
    """`users.roles`: assign, remove."""

    def assign(self, user_id: str, role: str, *, options: RequestOptions | None = None) -> m.User:
        """Assign a role.

        Gives a user a role; no change if it has it.

        Args:
            user_id: Id of the user.
            role: Name of the role.
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

        Scope: `users:update`. Idempotent by key. Recorded in the audit trail as `users.roles.assign`.
        """
        return self._call(_ROLES_ASSIGN, path={"user_id": user_id, "role": role}, options=options)

    def remove(self, user_id: str, role: str, *, options: RequestOptions | None = None) -> m.User:
        """Remove a role.

        Takes a role from a user; no change if it has it not. The last active admin keeps its role: 409
        `last_admin`.

        Args:
            user_id: Id of the user.
            role: Name of the role.
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

        Scope: `users:update`. Idempotent by key. Recorded in the audit trail as `users.roles.remove`.
        """
        return self._call(_ROLES_REMOVE, path={"user_id": user_id, "role": role}, options=options)

    @cached_property
    def with_raw_response(self) -> UsersRolesRaw:
        """The same calls, answering `RawResponse`."""
        return UsersRolesRaw(UsersRolesResource(self._raw()))


class UsersRolesRaw:
    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, attempts, key."""

    def __init__(self, resource: UsersRolesResource) -> None:
        self.assign = as_raw(resource.assign)
        self.remove = as_raw(resource.remove)
