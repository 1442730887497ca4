# Derived by make generate from _generated/resources/pets.py. Do not edit.
"""`client.pets`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, overload

from ....operation import Op, Paging, Stream
from ....options import OMIT, Omit, RequestOptions
from ....resource import Resource, as_raw
from ...models import pets as m

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from ....encryption import Identity, Recipient
    from ....files import Downloaded, DownloadTarget, Progress, UploadSource
    from ....pagination import Pager
    from ....streaming import EventStream, ItemStream

_LIST: Op[m.Pet] = Op(
    id="pets.list",
    method="GET",
    path="/pets",
    returns=m.Pet,
    scopes=("pets:read",),
    page=Paging(cursor="cursor", next_cursor="next_cursor", results="items"),
    sensitive=True,
)

_CREATE: Op[m.Pet] = Op(
    id="pets.create",
    method="POST",
    path="/pets",
    returns=m.Pet,
    scopes=("pets:write",),
    body="application/json",
    idempotent=True,
    sensitive=True,
)

_GET: Op[m.Pet | None] = Op(
    id="pets.get",
    method="GET",
    path="/pets/{pet_id}",
    returns=m.Pet,
    scopes=("pets:read",),
    not_modified=True,
    sensitive=True,
)

_UPDATE: Op[m.Pet] = Op(
    id="pets.update",
    method="PATCH",
    path="/pets/{pet_id}",
    returns=m.Pet,
    scopes=("pets:write",),
    body="application/merge-patch+json",
    idempotent=True,
    sensitive=True,
    retries=False,
)

_DELETE: Op[None] = Op(
    id="pets.delete",
    method="DELETE",
    path="/pets/{pet_id}",
    returns=None,
    scopes=("pets:write",),
    sunset="2027-01-01",
    idempotent=True,
    deprecated=True,
)

_EXPORT: Op[m.Pet] = Op(
    id="pets.export",
    method="GET",
    path="/exports/pets",
    returns=m.Pet,
    scopes=("pets:read",),
    stream=Stream(format="ndjson", terminator="$end", resume="after"),
    sensitive=True,
)

_STREAM: Op[m.Pet] = Op(
    id="pets.stream",
    method="GET",
    path="/pets/stream",
    returns=m.Pet,
    scopes=("pets:read",),
    stream=Stream(format="sse"),
    sensitive=True,
)

_PHOTOS_UPLOAD: Op[m.Pet] = Op(
    id="pets.photos.upload",
    method="POST",
    path="/photos",
    returns=m.Pet,
    scopes=("pets:write",),
    body="application/octet-stream",
    deep=("notes",),
    idempotent=True,
    sensitive=True,
)

_PHOTOS_DOWNLOAD: Op[None] = Op(
    id="pets.photos.download",
    method="GET",
    path="/pets/{pet_id}/photo",
    returns=None,
    scopes=("pets:read",),
    binary=True,
)


class PetsResource(Resource):
    """Pets of the house."""

    @cached_property
    def photos(self) -> PetsPhotosResource:
        """`pets.photos`: upload, download."""
        return PetsPhotosResource(self._caller)

    def list(
        self,
        *,
        mood: m.Mood | str | Sequence[m.Mood | str] | Omit = OMIT,
        from_: datetime | str | Omit = OMIT,
        cursor: str | Omit = OMIT,
        limit: int | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> Pager[m.Pet]:
        """List pets.

        Pets by age.

        Args:
            mood: Of these moods.
            from_: Born then or later. RFC 3339.
            cursor: Where to go on.
            limit: Pets per page. 1 to 500. Default: `50`.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            UnprocessableEntityError: 422. It cannot be.

        Scope: `pets:read`.
        """
        return self._pages(
            _LIST, query={"mood": mood, "from": from_, "cursor": cursor, "limit": limit}, options=options
        )

    def create(
        self,
        *,
        name: str,
        animal: m.Animal | Mapping[str, JsonValue],
        friends: Sequence[m.Base | Mapping[str, JsonValue]] | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> m.Pet:
        """Create a pet.

        Takes a pet in.

        Args:
            name: Its name. 1 to 40 characters.
            animal: What it is.
            friends: Other pets. No item twice.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            ConflictError: 409. It cannot be.

        Scope: `pets:write`. Idempotent by key. Recorded in the audit trail as `pets.create`.
        """
        return self._call(_CREATE, body={"name": name, "animal": animal, "friends": friends}, options=options)

    @overload
    def get(self, pet_id: str, *, options: RequestOptions | None = None) -> m.Pet: ...

    @overload
    def get(self, pet_id: str, *, if_none_match: str | Omit, options: RequestOptions | None = None) -> m.Pet | None: ...

    def get(
        self, pet_id: str, *, if_none_match: str | Omit = OMIT, options: RequestOptions | None = None
    ) -> m.Pet | None:
        """Get a pet.

        One pet.

        Args:
            pet_id: Id of the pet.
            if_none_match: Entity tag already known.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Scope: `pets:read`. None if it has not changed.
        """
        return self._call(_GET, path={"pet_id": pet_id}, headers={"If-None-Match": if_none_match}, options=options)

    def update(
        self,
        pet_id: str,
        *,
        name: str | None | Omit = OMIT,
        if_match: Literal["*"] | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> m.Pet:
        """Update a pet.

        Null deletes a member.

        Args:
            pet_id: Id of the pet.
            name: Its name.
            if_match: `*` only.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Scope: `pets:write`. Idempotent by key. Recorded in the audit trail as `pets.update`. Never repeated by the
        SDK.
        """
        return self._call(
            _UPDATE, path={"pet_id": pet_id}, headers={"If-Match": if_match}, body={"name": name}, options=options
        )

    def delete(self, pet_id: str, *, options: RequestOptions | None = None) -> None:
        """Delete a pet.

        Gives it away.

        Args:
            pet_id: Id of the pet.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Scope: `pets:write`. Idempotent by key. Recorded in the audit trail as `pets.delete`. Deprecated, until
        2027-01-01.
        """
        return self._call(_DELETE, path={"pet_id": pet_id}, options=options)

    def export(self, *, after: str | Omit = OMIT, options: RequestOptions | None = None) -> ItemStream[m.Pet]:
        """Export pets.

        One pet per line.

        Args:
            after: The last pet received.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Scope: `pets:read`.
        """
        return self._items(_EXPORT, query={"after": after}, options=options)

    def stream(self, *, last_event_id: str | Omit = OMIT, options: RequestOptions | None = None) -> EventStream[m.Pet]:
        """Stream pets.

        Pets as they come.

        Args:
            last_event_id: The last pet received.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Scope: `pets:read`.
        """
        return self._events(_STREAM, headers={"Last-Event-ID": last_event_id}, options=options)

    @cached_property
    def with_raw_response(self) -> PetsRaw:
        """The same calls, answering `RawResponse`."""
        return PetsRaw(PetsResource(self._raw()))


class PetsRaw:
    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, attempts, key."""

    def __init__(self, resource: PetsResource) -> None:
        self.create = as_raw(resource.create)
        self.get = as_raw(resource.get)
        self.update = as_raw(resource.update)
        self.delete = as_raw(resource.delete)


class PetsPhotosResource(Resource):
    """`pets.photos`: upload, download."""

    def upload(
        self,
        source: UploadSource,
        *,
        notes: Mapping[str, str] | Omit = OMIT,
        encrypt_to: Sequence[Recipient] = (),
        already_encrypted: bool = False,
        on_progress: Progress | None = None,
        options: RequestOptions | None = None,
    ) -> m.Pet:
        """Upload a photo.

        Takes bytes.

        Args:
            source: A path, bytes, or a binary file.
            notes: Notes by name.
            encrypt_to: Recipients that can read the object; needed unless `already_encrypted`.
            already_encrypted: The source is an age file already.
            on_progress: Called with bytes sent so far and in all.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Scope: `pets:write`. Idempotent by key. Recorded in the audit trail as `pets.photos.upload`.
        """
        return self._upload(
            _PHOTOS_UPLOAD,
            source,
            query={"notes": notes},
            encrypt_to=encrypt_to,
            already_encrypted=already_encrypted,
            on_progress=on_progress,
            options=options,
        )

    def download(
        self,
        pet_id: str,
        *,
        to: DownloadTarget,
        identity: Identity | Sequence[Identity] | None = None,
        expect_sha256: str | None = None,
        on_progress: Progress | None = None,
        options: RequestOptions | None = None,
    ) -> Downloaded:
        """Download a photo.

        Gives bytes.

        Args:
            pet_id: Id of the pet.
            to: Where the content goes; a file appears there only when it is whole.
            identity: What can decrypt it; left out, the ciphertext is kept as it is.
            expect_sha256: Digest that the ciphertext must have, lower-case hex.
            on_progress: Called with bytes received so far and in all.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Scope: `pets:read`.
        """
        return self._download(
            _PHOTOS_DOWNLOAD,
            path={"pet_id": pet_id},
            to=to,
            identity=identity,
            expect_sha256=expect_sha256,
            on_progress=on_progress,
            options=options,
        )
