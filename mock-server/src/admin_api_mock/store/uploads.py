"""Uploads in parts: what each shall become, and how far it has come. Their bytes lie among the contents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from admin_api_mock.store.contents import ContentsTable
from admin_api_mock.store.database import Database


class Upload(NamedTuple):
    """One upload. `object_id` is None until its last part has made the object."""

    id: str
    #: Whose it is: nobody else finds it.
    subject: str
    #: What the object shall be, as the creation asked for it.
    asked: Mapping[str, Any]
    offset: int
    length: int | None
    expires_ms: int
    object_id: str | None


class UploadsTable:
    """Uploads by id, until they expire."""

    def __init__(self, database: Database, contents: ContentsTable) -> None:
        self._database = database
        self._contents = contents
        #: Per upload how many bytes have been digested, and their running digest: a part need not digest what lies
        #: before it again. Of no use at another offset, as after a rollback or a restart; then the chunks are read.
        self._digests: dict[str, tuple[int, hashlib._Hash]] = {}
        #: Per upload the newest request for it, as the journal counts arrivals; in memory as requests are.
        self._newest: dict[str, int] = {}

    def insert(self, upload: Upload) -> None:
        """A new upload."""
        self._database.execute(
            "INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*upload[:2], orjson.dumps(upload.asked), *upload[3:]),
        )

    def get(self, upload_id: str, now_ms: int) -> Upload | None:
        """The upload of this id, unless it has expired."""
        row = self._database.one("SELECT * FROM uploads WHERE id = ? AND expires_ms > ?", (upload_id, now_ms))
        if row is None:
            return None
        found = Upload(*row)
        return found._replace(asked=orjson.loads(row[2]))

    def is_newest(self, upload_id: str, arrival: int) -> bool:
        """Notes a request for the upload; False if a newer one has been here before it."""
        newest = self._newest[upload_id] = max(arrival, self._newest.get(upload_id, 0))
        return arrival == newest

    def append(self, upload: Upload, part: bytes, length: int | None) -> str:
        """Stores a part; gives the SHA-256 of all bytes up to its end, in lower-case hex."""
        digest = self._digest(upload).copy()
        digest.update(part)
        self._contents.append(upload.id, upload.offset, part)
        stop = upload.offset + len(part)
        self._database.execute('UPDATE uploads SET "offset" = ?, length = ? WHERE id = ?', (stop, length, upload.id))
        self._digests[upload.id] = (stop, digest)
        return digest.hexdigest()

    def finish(self, upload: Upload, object_id: str, expires_ms: int) -> None:
        """Hands the bytes to the object; that it was made is remembered until `expires_ms`."""
        self._contents.give(upload.id, object_id)
        self._database.execute(
            "UPDATE uploads SET object_id = ?, expires_ms = ? WHERE id = ?", (object_id, expires_ms, upload.id)
        )
        self._forget(upload.id)

    def delete(self, upload_id: str) -> None:
        """Forgets an upload and its bytes."""
        self._contents.delete(upload_id)
        self._database.execute("DELETE FROM uploads WHERE id = ?", (upload_id,))
        self._forget(upload_id)

    def expire(self, now_ms: int) -> None:
        """Forgets the uploads whose time is over, and the bytes of the unfinished ones."""
        for (upload_id,) in self._database.all("SELECT id FROM uploads WHERE expires_ms <= ?", (now_ms,)):
            self.delete(upload_id)

    def _digest(self, upload: Upload) -> hashlib._Hash:
        known = self._digests.get(upload.id)
        if known is not None and known[0] == upload.offset:
            return known[1]
        digest = hashlib.sha256()
        for chunk in self._contents.read(upload.id, 0, upload.offset):
            digest.update(chunk)
        return digest

    def _forget(self, upload_id: str) -> None:
        self._digests.pop(upload_id, None)
        self._newest.pop(upload_id, None)
