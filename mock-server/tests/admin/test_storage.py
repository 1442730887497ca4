"""Laws of objects: ciphertext only, digests checked, names unique, ranges as RFC 9110 has them."""

from __future__ import annotations

import base64
import hashlib

import httpx
import pytest

from admin_api_mock.control import WorldHandle

from .conftest import AGE, events, problem, upload


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
    assert (got.headers["accept-ranges"], got.headers["admin-encryption"]) == ("bytes", "age-v1")
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
    [("bytes=0-4", 0, 5), ("bytes=5-", 5, len(AGE)), ("bytes=-7", len(AGE) - 7, len(AGE)),
     ("bytes=0-999999", 0, len(AGE)),     ("bytes=-999999", 0, len(AGE))],
)  # fmt: skip
def test_ranges(api: httpx.Client, asked: str, start: int, stop: int) -> None:
    """One satisfiable range is a 206 with just that part."""
    path = f"/storage/objects/{upload(api, 'a').json()['id']}/content"
    answer = api.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, AGE[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(AGE)}"
    assert answer.headers["repr-digest"] == digest(AGE)


def test_ranges_that_do_not_apply(api: httpx.Client) -> None:
    """Outside: 416 with the size. Several, backwards, or of another version (If-Range): the whole."""
    made = upload(api, "a").json()
    path = f"/storage/objects/{made['id']}/content"
    for asked in (f"bytes={len(AGE)}-", "bytes=-0"):
        outside = api.get(path, headers={"Range": asked})
        problem(outside, 416, "range_not_satisfiable")
        assert outside.headers["content-range"] == f"bytes */{len(AGE)}"
    for headers in ({"Range": "bytes=0-1,3-4"}, {"Range": "bytes=5-2"}, {"Range": "bytes=0-1", "If-Range": '"other"'}):
        assert api.get(path, headers=headers).status_code == 200
    assert api.get(path, headers={"Range": "bytes=0-1", "If-Range": made["etag"]}).status_code == 206


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
