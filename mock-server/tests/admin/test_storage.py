"""Laws of objects: ciphertext only, digests checked, names unique, ranges as RFC 9110 has them."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress

import httpx
import pytest

from admin_api_mock.control import WorldHandle
from admin_api_mock.handlers.storage import MAX_IN_MEMORY_BYTES
from admin_api_mock.store.contents import CHUNK_BYTES

from .conftest import AGE, client_of, events, problem, upload


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def test_upload_and_download(api: httpx.Client, world: WorldHandle) -> None:
    """What was uploaded comes back byte for byte, with the digest of the whole and the tag of the object."""
    made = upload(api, "report.pdf")
    assert made.status_code == 201
    found = made.json()
    assert (found["size"], found["sha256"]) == (len(AGE), hashlib.sha256(AGE).hexdigest())
    assert made.headers["content-digest"] == digest(AGE)
    got = api.get(f"/storage/objects/{found['id']}/content")
    assert (got.status_code, got.content) == (200, AGE)
    assert got.headers["repr-digest"] == digest(AGE)
    assert got.headers["etag"] == found["etag"] == made.headers["etag"]
    assert got.headers["content-digest"] == digest(AGE)
    assert (got.headers["accept-ranges"], got.headers["admin-encryption"]) == ("bytes", "age-v1")
    assert got.headers["cache-control"] == "private, no-cache, no-transform"
    assert world.object_bytes(found["id"]) == AGE
    assert len(events(api, action="storage.objects.upload")) == 1


def test_plaintext_and_damage_are_refused(api: httpx.Client) -> None:
    """Plaintext is a 422, so is a body that does not match its digest; missing headers are a 422 that names them."""
    problem(upload(api, "a", b"plain text"), 422, "not_encrypted")
    problem(upload(api, "a", AGE + b"!", {"Content-Digest": digest(AGE)}), 422, "digest_mismatch")
    answer = api.post("/storage/objects?name=a", content=AGE, headers={"Content-Type": "application/octet-stream"})
    errors = problem(answer, 422, "validation_failed")["errors"]
    assert {error["parameter"] for error in errors} == {"admin-encryption", "content-digest"}
    assert api.get("/storage/objects").json()["items"] == []


def test_metadata(api: httpx.Client) -> None:
    """Notes come as deepObject query members and stay with the object."""
    answer = api.post(
        "/storage/objects?name=a&metadata[team]=blue&metadata[k%20y]=1",
        content=AGE,
        headers={
            "Content-Type": "application/octet-stream",
            "Admin-Encryption": "age-v1",
            "Content-Digest": digest(AGE),
        },
    )
    assert answer.json()["metadata"] == {"team": "blue", "k y": "1"}


def test_names_are_unique(api: httpx.Client) -> None:
    """Without a condition an upload replaces the object of its name under a new id; If-None-Match: * refuses to."""
    first = upload(api, "a").json()
    second = upload(api, "a", AGE + b"2").json()
    assert second["id"] != first["id"]
    problem(api.get(f"/storage/objects/{first['id']}"), 404, "not_found")
    refused = upload(api, "a", headers={"If-None-Match": "*"})
    assert problem(refused, 412, "object_exists")["existing_id"] == second["id"]
    assert [item["id"] for item in api.get("/storage/objects").json()["items"]] == [second["id"]]


@pytest.mark.parametrize(
    "asked,start,stop",
    [
        ("bytes=0-4", 0, 5),
        ("bytes=5-", 5, len(AGE)),
        ("bytes=-7", len(AGE) - 7, len(AGE)),
        ("bytes=0-999999999999999999999999", 0, len(AGE)),
        ("bytes=-999999999999999999999999", 0, len(AGE)),
        ("Bytes=0-0", 0, 1),
    ],
)
def test_ranges(api: httpx.Client, asked: str, start: int, stop: int) -> None:
    """One satisfiable range is a 206 with just that part."""
    path = f"/storage/objects/{upload(api, 'a').json()['id']}/content"
    answer = api.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, AGE[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(AGE)}"
    assert (answer.headers["repr-digest"], answer.headers["content-digest"]) == (digest(AGE), digest(AGE[start:stop]))


def test_ranges_that_do_not_apply(api: httpx.Client) -> None:
    """Outside: 416 with the size. Several, backwards, another unit, nonsense: the whole (RFC 9110 section 14.2)."""
    made = upload(api, "a").json()
    path = f"/storage/objects/{made['id']}/content"
    for asked in (f"bytes={len(AGE)}-", "bytes=-0"):
        outside = api.get(path, headers={"Range": asked})
        problem(outside, 416, "range_not_satisfiable")
        assert outside.headers["content-range"] == f"bytes */{len(AGE)}"
    for asked in ("bytes=0-1,3-4", "bytes=0-1, 3-4", "bytes=5-2", "items=0-1", "bytes=-", "bytes", "bytes=a-b"):
        answer = api.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (200, AGE), asked
        assert "content-range" not in answer.headers
    assert api.head(path, headers={"Range": "bytes=0-1"}).status_code == 200


def test_if_range(api: httpx.Client, world: WorldHandle) -> None:
    """The part is given for exactly the version that is meant: by a strong tag, or by the very date of the content."""
    path = f"/storage/objects/{upload(api, 'a').json()['id']}/content"
    world.advance(60_000)
    whole = api.get(path).headers
    assert whole["last-modified"] == "Tue, 01 Jan 2030 00:00:00 GMT"
    for condition, status in (
        (whole["etag"], 206),
        (f"W/{whole['etag']}", 200),
        ('"other"', 200),
        (whole["last-modified"], 206),
        ("Tue, 01 Jan 2030 00:01:00 GMT", 200),
        ("yesterday", 200),
    ):
        assert api.get(path, headers={"Range": "bytes=0-1", "If-Range": condition}).status_code == status, condition


def test_not_modified(api: httpx.Client) -> None:
    """A known tag, weak or not, is answered with 304 and no body, even where a range is asked for."""
    path = f"/storage/objects/{upload(api, 'a').json()['id']}/content"
    etag = api.get(path).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = api.get(path, headers={"If-None-Match": known, "Range": "bytes=0-1"})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert answer.headers["cache-control"] == "private, no-cache, no-transform"
    assert api.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


LARGE = AGE + bytes(range(256)) * (MAX_IN_MEMORY_BYTES // 256 + CHUNK_BYTES // 256)


def test_a_large_content_is_sent_as_it_is_read(api: httpx.Client) -> None:
    """Above what is held in memory nothing differs but that a part has no digest of its own; HEAD tells the length."""
    path = f"/storage/objects/{upload(api, 'a', LARGE).json()['id']}/content"
    whole = api.get(path)
    assert hashlib.sha256(LARGE).digest() == hashlib.sha256(whole.content).digest()
    assert (whole.headers["content-length"], whole.headers["content-digest"]) == (str(len(LARGE)), digest(LARGE))
    head = api.head(path)
    assert (head.headers["content-length"], head.content) == (str(len(LARGE)), b"")
    for start, stop in ((1, len(LARGE)), (CHUNK_BYTES - 1, CHUNK_BYTES + 1), (CHUNK_BYTES, 2 * CHUNK_BYTES)):
        got = api.get(path, headers={"Range": f"bytes={start}-{stop - 1}"})
        assert (got.status_code, got.headers["content-length"]) == (206, str(stop - start))
        assert got.content == LARGE[start:stop]
        assert ("content-digest" in got.headers) == (stop - start <= MAX_IN_MEMORY_BYTES)


def test_a_content_that_goes_away_is_never_whole(api: httpx.Client, world: WorldHandle) -> None:
    """Who reads an object while it is deleted gets an error or all of it, and nothing of the next object."""
    object_id = upload(api, "a", LARGE).json()["id"]
    with client_of(world) as reader, reader.stream("GET", f"/storage/objects/{object_id}/content") as answer:
        chunks = answer.iter_bytes()
        received = next(chunks)
        assert api.delete(f"/storage/objects/{object_id}").status_code == 204
        upload(api, "b", AGE + bytes(len(LARGE)))
        # How much is on its way already is the sockets' business; that a short answer is an error is HTTP's.
        with suppress(httpx.HTTPError):
            for chunk in chunks:
                received += chunk
    assert LARGE.startswith(received)


def test_delete(api: httpx.Client, world: WorldHandle) -> None:
    """A deleted object is gone with its content; If-Match guards it."""
    made = upload(api, "a").json()
    path = f"/storage/objects/{made['id']}"
    problem(api.delete(path, headers={"If-Match": '"other"'}), 412, "precondition_failed")
    assert api.delete(path, headers={"If-Match": made["etag"]}).status_code == 204
    problem(api.get(f"{path}/content"), 404, "not_found")
    assert world.state()["objects"] == 0


def test_prefix(api: httpx.Client) -> None:
    """The prefix is compared as it is, in the order of upload."""
    for name in ("b/2", "a%", "b/1", "B/3"):
        upload(api, name)
    assert [item["name"] for item in api.get("/storage/objects", params={"prefix": "b/"}).json()["items"]] == [
        "b/2",
        "b/1",
    ]
    assert [item["name"] for item in api.get("/storage/objects", params={"prefix": "a%"}).json()["items"]] == ["a%"]
