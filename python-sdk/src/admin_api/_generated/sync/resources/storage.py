# Derived by make generate from _generated/resources/storage.py. Do not edit.
"""`client.storage`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ....operation import Op, Paging
from ....options import OMIT, Omit, RequestOptions
from ...models import storage as m
from ..resource import Resource, as_raw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ....encryption import Identity, Recipient
    from ..files import Downloaded, DownloadTarget, Progress, UploadSource
    from ..pagination import Pager

_OBJECTS_UPLOAD: Op[m.StorageObject] = Op(
    id="storage.objects.upload",
    method="POST",
    path="/storage/objects",
    returns=m.StorageObject,
    scopes=("storage:write",),
    body="application/octet-stream",
    deep=("metadata",),
    idempotent=True,
)

_OBJECTS_LIST: Op[m.StorageObject] = Op(
    id="storage.objects.list",
    method="GET",
    path="/storage/objects",
    returns=m.StorageObject,
    scopes=("storage:read",),
    page=Paging(cursor="cursor", next_cursor="next_cursor", results="items"),
)

_OBJECTS_GET: Op[m.StorageObject] = Op(
    id="storage.objects.get",
    method="GET",
    path="/storage/objects/{object_id}",
    returns=m.StorageObject,
    scopes=("storage:read",),
)

_OBJECTS_DELETE: Op[None] = Op(
    id="storage.objects.delete",
    method="DELETE",
    path="/storage/objects/{object_id}",
    returns=None,
    scopes=("storage:write",),
    idempotent=True,
)

_OBJECTS_DOWNLOAD: Op[None] = Op(
    id="storage.objects.download",
    method="GET",
    path="/storage/objects/{object_id}/content",
    returns=None,
    scopes=("storage:read",),
    binary=True,
)


class StorageResource(Resource):
    """Encrypted objects."""

    @cached_property
    def objects(self) -> StorageObjectsResource:
        """`storage.objects`: upload, list, get, delete, download."""
        return StorageObjectsResource(self._caller)


class StorageObjectsResource(Resource):
    """`storage.objects`: upload, list, get, delete, download."""

    def upload(
        self,
        source: UploadSource,
        *,
        name: str,
        metadata: Mapping[str, str] | Omit = OMIT,
        if_none_match: Literal["*"] | Omit = OMIT,
        encrypt_to: Sequence[Recipient] = (),
        already_encrypted: bool = False,
        on_progress: Progress | None = None,
        options: RequestOptions | None = None,
    ) -> m.StorageObject:
        """Upload an encrypted object.

        Stores ciphertext; plaintext is refused with 422 `not_encrypted`. The digest is verified.

        Args:
            source: A path, bytes, or a binary file.
            name: Name of the object. 1 to 255 characters.
            metadata: The caller's own notes. At most 50 members.
            if_none_match: `*`: only if the name is free, else 412 `object_exists`; without it an object of that
                name is replaced.
            encrypt_to: Recipients that can read the object; needed unless `already_encrypted`.
            already_encrypted: The source is an age file already.
            on_progress: Called with bytes sent so far and in all.
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
            RateLimitError: 429. Too many requests.

        Scope: `storage:write`. Idempotent by key. Recorded in the audit trail as `storage.objects.upload`.
        """
        return self._upload(
            _OBJECTS_UPLOAD,
            source,
            query={"name": name, "metadata": metadata},
            headers={"If-None-Match": if_none_match},
            encrypt_to=encrypt_to,
            already_encrypted=already_encrypted,
            on_progress=on_progress,
            options=options,
        )

    def list(
        self,
        *,
        prefix: str | Omit = OMIT,
        limit: int | Omit = OMIT,
        cursor: str | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> Pager[m.StorageObject]:
        """List objects.

        Objects in order of upload.

        Args:
            prefix: Objects whose name begins so. 1 to 255 characters.
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

        Scope: `storage:read`.
        """
        return self._pages(_OBJECTS_LIST, query={"prefix": prefix, "limit": limit, "cursor": cursor}, options=options)

    def get(self, object_id: str, *, options: RequestOptions | None = None) -> m.StorageObject:
        """Get an object.

        What is known of an object, without its content.

        Args:
            object_id: Id of the object.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `storage:read`.
        """
        return self._call(_OBJECTS_GET, path={"object_id": object_id}, options=options)

    def delete(self, object_id: str, *, if_match: str | Omit = OMIT, options: RequestOptions | None = None) -> None:
        """Delete an object.

        Deletes an object and its content.

        Args:
            object_id: Id of the object.
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

        Scope: `storage:write`. Idempotent by key. Recorded in the audit trail as `storage.objects.delete`.
        """
        return self._call(
            _OBJECTS_DELETE, path={"object_id": object_id}, headers={"If-Match": if_match}, options=options
        )

    def download(
        self,
        object_id: str,
        *,
        to: DownloadTarget,
        identity: Identity | Sequence[Identity] | None = None,
        expect_sha256: str | None = None,
        on_progress: Progress | None = None,
        options: RequestOptions | None = None,
    ) -> Downloaded:
        """Download the content of an object.

        The ciphertext, whole or in part. One range in bytes is answered with just that part; several, or one that
        makes no sense, with the whole. `Repr-Digest` is the digest of the whole, `Content-Digest` that of what is
        sent; a part above 16 MiB goes without the latter, since it is sent as it is read.

        Args:
            object_id: Id of the object.
            to: Where the content goes; a file appears there only when it is whole.
            identity: What can decrypt it; left out, the ciphertext is kept as it is.
            expect_sha256: Digest that the ciphertext must have, lower-case hex.
            on_progress: Called with bytes received so far and in all.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            APIStatusError: 416. The range lies outside the content.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `storage:read`.
        """
        return self._download(
            _OBJECTS_DOWNLOAD,
            path={"object_id": object_id},
            to=to,
            identity=identity,
            expect_sha256=expect_sha256,
            on_progress=on_progress,
            options=options,
        )

    @cached_property
    def with_raw_response(self) -> StorageObjectsRaw:
        """The same calls, answering `RawResponse`."""
        return StorageObjectsRaw(StorageObjectsResource(self._raw()))


class StorageObjectsRaw:
    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, attempts, key."""

    def __init__(self, resource: StorageObjectsResource) -> None:
        self.get = as_raw(resource.get)
        self.delete = as_raw(resource.delete)
