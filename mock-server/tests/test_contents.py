"""Laws of stored bytes: read in chunks, given without a copy, freed when nobody has them any more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from admin_api_mock.store import Store
from admin_api_mock.store.contents import CHUNK_BYTES, ContentGone
from admin_api_mock.store.uploads import Upload

#: Two chunks and a bit.
CONTENT = bytes(range(256)) * (2 * CHUNK_BYTES // 256) + b"end"


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store()
    yield opened
    opened.close()


def begun(store: Store, upload_id: str = "upl_1") -> Upload:
    made = Upload(upload_id, "me", {}, 0, None, 10, None)
    store.uploads.insert(made)
    return made


@pytest.mark.parametrize(
    "start,stop",
    [(0, len(CONTENT)), (5, 7), (CHUNK_BYTES - 1, CHUNK_BYTES + 1), (CHUNK_BYTES, 2 * CHUNK_BYTES), (3, 3)],
)
def test_any_part_can_be_read(store: Store, start: int, stop: int) -> None:
    """However the content was appended and wherever its chunks end."""
    store.contents.append("obj_1", 0, CONTENT[:100])
    store.contents.append("obj_1", 100, CONTENT[100:])
    store.contents.append("obj_2", 0, b"another's")
    assert CONTENT[start:stop] == b"".join(store.contents.read("obj_1", start, stop))


def test_chunks_are_never_another_owners(store: Store) -> None:
    """A reader that is overtaken by the deletion of what it reads is told, whatever has been stored since."""
    store.contents.append("obj_1", 0, bytes(CHUNK_BYTES + 1))
    reading = store.contents.read("obj_1", 0, CHUNK_BYTES + 1)
    assert next(reading) == bytes(CHUNK_BYTES)
    store.contents.delete("obj_1")
    store.contents.append("obj_2", 0, b"!" * (CHUNK_BYTES + 1))
    with pytest.raises(ContentGone):
        next(reading)


def test_bytes_are_freed(store: Store) -> None:
    """Expiry, cancellation and the deletion of the object leave no chunk behind; a finished upload keeps none."""

    def filled(upload_id: str) -> Upload:
        made = begun(store, upload_id)
        store.uploads.append(made, bytes(CHUNK_BYTES + 1), None)
        return made

    filled("upl_1")
    filled("upl_2")
    store.uploads.finish(filled("upl_3"), "obj_1", 20)
    assert (store.count("chunks"), store.count("content_chunks")) == (6, 6)
    store.uploads.delete("upl_1")
    assert store.count("chunks") == 4
    store.uploads.expire(10)
    assert (store.count("chunks"), store.count("uploads")) == (2, 1)
    assert b"".join(store.contents.read("obj_1", 0, CHUNK_BYTES + 1)) == bytes(CHUNK_BYTES + 1)
    store.objects.delete("obj_1")
    assert (store.count("chunks"), store.count("content_chunks")) == (0, 0)


def test_a_digest_is_of_what_is_stored(store: Store) -> None:
    """It runs along with the parts, and begins anew where a part was taken back."""
    upload = begun(store)
    first = store.uploads.append(upload, b"one", None)
    upload = upload._replace(offset=3)
    with store.transaction():
        store.uploads.append(upload, b"two", None)
        store.start_over()
    assert first == hashlib.sha256(b"one").hexdigest()
    assert store.uploads.append(upload, b"six", None) == hashlib.sha256(b"onesix").hexdigest()
