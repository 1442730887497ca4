"""Laws of uploads in parts: a part counts whole or not at all, one writer at a time, one object at the end."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from admin_api_mock.control import WorldHandle
from admin_api_mock.digests import digest_field
from admin_api_mock.document import Document
from admin_api_mock.handlers import uploads

from .conftest import AGE, access_token, client_of, events, problem, serving, upload

DAY_MS = 24 * 3600 * 1000
IANA = "https://iana.org/assignments/http-problem-types#"


def digest(content: bytes) -> str:
    return digest_field(hashlib.sha256(content).hexdigest())


def begin(api: httpx.Client, name: str = "a", query: str = "", **headers: str) -> httpx.Response:
    """Begins an upload; header names have `_` for `-`."""
    own = {"Upload-Complete": "?0", "Admin-Encryption": "age-v1"}
    given = {field.replace("_", "-"): value for field, value in headers.items()}
    return api.post(f"/storage/uploads?name={name}{query}", headers={**own, **given})


def begun(api: httpx.Client, name: str = "a", **headers: str) -> str:
    """The path of a new upload."""
    answer = begin(api, name, **headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"].removeprefix(api.base_url.path.rstrip("/"))


def part(api: httpx.Client, path: str, offset: int, content: bytes, whole: bytes | None = None, **headers: str) -> Any:
    """Appends `content`; with `whole` it is the last part of that."""
    own = {
        "Content-Type": "application/partial-upload",
        "Upload-Offset": str(offset),
        "Upload-Complete": "?0" if whole is None else "?1",
        "Content-Digest": digest(content),
    }
    if whole is not None:
        own["Repr-Digest"] = digest(whole)
    given = {field.replace("_", "-"): value for field, value in headers.items()}
    return api.patch(path, content=content, headers={**own, **given})


def progress(api: httpx.Client, path: str) -> tuple[str, int]:
    """What HEAD tells: complete or not, and the offset."""
    answer = api.head(path)
    assert answer.status_code == 204
    return answer.headers["upload-complete"], int(answer.headers["upload-offset"])


def test_parts_make_an_object(api: httpx.Client, world: WorldHandle) -> None:
    """The last part answers with the object as one request would have made it, and records its one event."""
    answer = begin(api, "report", "&metadata[team]=blue")
    assert (answer.status_code, answer.content) == (201, b"")
    assert (answer.headers["upload-complete"], answer.headers["upload-offset"]) == ("?0", "0")
    path = answer.headers["location"].removeprefix(api.base_url.path.rstrip("/"))
    assert path.startswith("/storage/uploads/upl_")
    first = part(api, path, 0, AGE[:30])
    assert (first.status_code, first.headers["upload-offset"], first.headers["upload-complete"]) == (204, "30", "?0")
    assert first.headers["content-digest"] == digest(AGE[:30])
    assert "audit-event-id" not in first.headers
    last = part(api, path, 30, AGE[30:], AGE)
    assert (last.status_code, last.headers["upload-complete"]) == (201, "?1")
    made = last.json()
    assert (made["name"], made["size"], made["sha256"]) == ("report", len(AGE), hashlib.sha256(AGE).hexdigest())
    assert (made["metadata"], made["encryption"]) == ({"team": "blue"}, "age-v1")
    assert last.headers["location"].endswith(f"/storage/objects/{made['id']}")
    assert (last.headers["etag"], last.headers["repr-digest"]) == (made["etag"], digest(AGE))
    assert made == api.get(f"/storage/objects/{made['id']}").json()
    assert api.get(f"/storage/objects/{made['id']}/content").content == world.object_bytes(made["id"]) == AGE
    [event] = events(api, action="storage.objects.upload")
    assert event["id"] == last.headers["audit-event-id"]
    assert [target["id"] for target in event["data"]["targets"]] == [made["id"]]
    [creation] = events(api, action="storage.uploads.create")
    assert creation["id"] == answer.headers["audit-event-id"]


def test_head_tells_how_far_it_has_come(api: httpx.Client, world: WorldHandle) -> None:
    """Offset, completeness, the length if it is known, the limits with the seconds left; never from a cache."""
    path = begun(api, Upload_Length=str(len(AGE)))
    part(api, path, 0, AGE[:30])
    world.advance(1000)
    answer = api.head(path)
    told = {name: answer.headers[name] for name in ("upload-complete", "upload-offset", "upload-length")}
    assert told == {"upload-complete": "?0", "upload-offset": "30", "upload-length": str(len(AGE))}
    assert answer.headers["upload-limit"] == "max-size=1073741824, max-append-size=16777216, max-age=86399"
    assert answer.headers["cache-control"] == "no-store"
    assert "upload-length" not in api.head(begun(api, "b")).headers


def test_the_document_says_what_the_server_holds_to() -> None:
    """Limits, methods and idempotency of the document are those that the handlers have."""
    operations = Document.load().operations
    append = operations["storage.uploads.append"]
    assert append.max_body_bytes == uploads.MAX_APPEND_SIZE
    for name in ("storage.uploads.create", "storage.uploads.append"):
        assert operations[name].responses["413"].fixed_headers == {"Upload-Limit": uploads.SIZES}
    content = operations["storage.objects.download"].responses["200"].content["application/octet-stream"]
    assert content.schema["maxLength"] == uploads.MAX_SIZE
    assert operations["storage.uploads.create"].idempotent
    assert not any(operations[f"storage.uploads.{name}"].idempotent for name in ("offset", "append", "cancel"))


@pytest.mark.parametrize("offset", [0, 29, 31, 10**15 - 1])
def test_a_part_at_another_offset(api: httpx.Client, offset: int) -> None:
    """409 with the right offset, in the header and in the problem of the draft; nothing is stored."""
    path = begun(api)
    part(api, path, 0, AGE[:30])
    refused = part(api, path, offset, AGE[30:])
    found = problem(refused, 409, "mismatching_upload_offset")
    assert found["type"] == f"{IANA}mismatching-upload-offset"
    assert (found["expected-offset"], found["provided-offset"]) == (30, offset)
    assert (refused.headers["upload-offset"], refused.headers["upload-complete"]) == ("30", "?0")
    assert progress(api, path) == ("?0", 30)


def test_a_damaged_part_is_not_stored(api: httpx.Client) -> None:
    """A part that does not match its own digest leaves the upload as it was; sent rightly it is taken."""
    path = begun(api)
    problem(part(api, path, 0, AGE[:30], Content_Digest=digest(b"other")), 422, "digest_mismatch")
    assert progress(api, path) == ("?0", 0)
    assert part(api, path, 0, AGE[:30]).status_code == 204


def test_the_whole_is_verified(api: httpx.Client, world: WorldHandle) -> None:
    """The digest of the whole is needed, at the creation or at the end, and each given must be right."""
    path, known = begun(api), begun(api, "b", Repr_Digest=digest(b"other"))
    for each in (path, known):
        part(api, each, 0, AGE[:30])
    for refused in (
        part(api, path, 30, AGE[30:], AGE, Repr_Digest=digest(b"other")),
        part(api, known, 30, AGE[30:], AGE),
    ):
        assert problem(refused, 422, "digest_mismatch")["errors"][0]["parameter"] == "Repr-Digest"
    missing = part(api, path, 30, AGE[30:], Upload_Complete="?1")
    assert problem(missing, 422, "validation_failed")["errors"][0]["parameter"] == "Repr-Digest"
    assert progress(api, path) == ("?0", 30)
    assert world.state()["objects"] == 0
    # The digest that was running along belongs to a part that never was.
    other = AGE[:30] + b"!" * len(AGE[30:])
    made = part(api, path, 30, other[30:], other)
    assert (made.status_code, made.json()["sha256"]) == (201, hashlib.sha256(other).hexdigest())


def test_plaintext_is_refused_with_its_first_bytes(api: httpx.Client) -> None:
    """The first bytes have to be an age header, however they are cut; half a header is no object."""
    path = begun(api)
    problem(part(api, path, 0, b"plain text, and more of it"), 422, "not_encrypted")
    for at in range(0, 20, 5):
        assert part(api, path, at, AGE[at : at + 5]).status_code == 204
    problem(part(api, path, 20, b"??"), 422, "not_encrypted")
    problem(part(api, path, 20, b"", AGE[:20]), 422, "not_encrypted")
    assert part(api, path, 20, AGE[20:], AGE).status_code == 201


def test_an_empty_last_part(api: httpx.Client) -> None:
    """Who learns late that all has been sent ends the upload with no more bytes."""
    path = begun(api)
    part(api, path, 0, AGE)
    assert part(api, path, len(AGE), b"", AGE).json()["size"] == len(AGE)


@pytest.mark.parametrize(
    "known,told,content,is_last",
    [
        (40, "41", AGE[:30], False),
        (40, None, AGE[:41], False),
        (40, None, AGE[:30], True),
        (None, "29", AGE[:30], False),
        (None, "31", AGE[:30], True),
    ],
    ids=["another length", "behind the end", "the end too early", "longer than told", "shorter than told"],
)
def test_lengths_that_contradict_each_other(
    api: httpx.Client, known: int | None, told: str | None, content: bytes, is_last: bool
) -> None:
    """Every length given has to be the same, and the parts have to keep to it."""
    path = begun(api, **({"Upload_Length": str(known)} if known else {}))
    headers = {"Upload_Length": told} if told else {}
    refused = part(api, path, 0, content, content if is_last else None, **headers)
    assert problem(refused, 422, "inconsistent_upload_length")["type"] == f"{IANA}inconsistent-upload-length"
    assert progress(api, path) == ("?0", 0)


def test_limits(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that would be too large is a 413 that tells the limits, as soon as it is known."""
    path = begun(api)
    begun_too_long = begin(api, Upload_Length=str(uploads.MAX_SIZE + 1))
    grown_too_long = part(api, path, 0, AGE, Upload_Length=str(uploads.MAX_SIZE + 1))
    monkeypatch.setattr(uploads, "MAX_SIZE", 100)
    grown_too_large = part(api, path, 0, bytes(101))
    for refused in (begun_too_long, grown_too_long, grown_too_large):
        problem(refused, 413, "payload_too_large")
        assert refused.headers["upload-limit"] == uploads.SIZES
    assert progress(api, path) == ("?0", 0)


def test_a_creation_has_no_bytes(api: httpx.Client) -> None:
    """Bytes that came with the creation would be lost in silence: it is refused instead."""
    headers = {"Upload-Complete": "?0", "Admin-Encryption": "age-v1"}
    problem(api.post("/storage/uploads?name=a", content=AGE, headers=headers), 422, "validation_failed")


def test_a_lost_last_answer_is_not_a_lost_object(api: httpx.Client, world: WorldHandle) -> None:
    """For a day HEAD tells that it is complete and where the object lies, then the upload is forgotten."""
    path = begun(api)
    world.fault("storage.uploads.append", reset="after_commit")
    with pytest.raises(httpx.HTTPError):
        part(api, path, 0, AGE, AGE)
    world.advance(DAY_MS - 1)
    told = api.head(path)
    assert (told.headers["upload-complete"], told.headers["upload-offset"]) == ("?1", str(len(AGE)))
    [made] = api.get("/storage/objects").json()["items"]
    assert told.headers["location"].endswith(f"/storage/objects/{made['id']}")
    assert len(events(api, action="storage.objects.upload")) == 1
    world.advance(1)
    assert api.head(path).status_code == 404
    assert api.get(f"/storage/objects/{made['id']}/content").content == AGE


def test_a_complete_upload_stays_as_it_is(api: httpx.Client) -> None:
    """More bytes contradict its length, a second end and a cancel meet what is complete; each is told the object."""
    path = begun(api)
    location = part(api, path, 0, AGE, AGE).headers["location"]
    more, again, cancel = part(api, path, len(AGE), b"!"), part(api, path, len(AGE), b"", AGE), api.delete(path)
    problem(more, 422, "inconsistent_upload_length")
    assert problem(again, 409, "completed_upload")["type"] == f"{IANA}completed-upload"
    problem(cancel, 409, "completed_upload")
    for refused in (more, again, cancel):
        assert (refused.headers["upload-complete"], refused.headers["location"]) == ("?1", location)


def test_cancel(api: httpx.Client, world: WorldHandle) -> None:
    """A cancelled upload is gone at once."""
    path = begun(api)
    part(api, path, 0, AGE[:30])
    assert api.delete(path).status_code == 204
    assert api.head(path).status_code == 404
    problem(part(api, path, 30, AGE[30:], AGE), 404, "not_found")
    problem(api.delete(path), 404, "not_found")
    assert world.state()["uploads"] == 0


def test_unfinished_uploads_expire(api: httpx.Client, world: WorldHandle) -> None:
    """Unfinished after a day of world time it is a 404, and forgotten when something new begins."""
    path = begun(api)
    part(api, path, 0, AGE[:30])
    world.advance(DAY_MS - 1)
    assert progress(api, path) == ("?0", 30)
    world.advance(1)
    assert api.head(path).status_code == 404
    problem(part(api, path, 30, AGE[30:], AGE), 404, "not_found")
    begun(api, "b")
    assert world.state()["uploads"] == 1


def test_a_free_name_is_asked_for_twice(api: httpx.Client) -> None:
    """If-None-Match: * holds when the upload begins and again when it ends; a refused end can be tried again."""
    path = begun(api, If_None_Match="*")
    rival = upload(api, "a").json()
    assert problem(begin(api, If_None_Match="*"), 412, "object_exists")["existing_id"] == rival["id"]
    refused = part(api, path, 0, AGE, AGE)
    assert problem(refused, 412, "object_exists")["existing_id"] == rival["id"]
    assert refused.headers["etag"] == rival["etag"]
    assert progress(api, path) == ("?0", 0)
    api.delete(f"/storage/objects/{rival['id']}")
    assert part(api, path, 0, AGE, AGE).status_code == 201


def test_without_a_condition_the_object_is_replaced(api: httpx.Client, world: WorldHandle) -> None:
    """As in one request: a new object under a new id, and the old one gone with its content."""
    old = upload(api, "a").json()
    new = part(api, begun(api), 0, AGE, AGE).json()
    assert [item["id"] for item in api.get("/storage/objects").json()["items"]] == [new["id"]]
    problem(api.get(f"/storage/objects/{old['id']}/content"), 404, "not_found")
    assert world.state()["objects"] == 1


def test_an_upload_is_its_creators_alone(api: httpx.Client, world: WorldHandle) -> None:
    """Another caller with the scope meets a 404; the creator's next token goes on; reading is not enough."""
    path = begun(api)
    with client_of(world, access_token(world)) as other:
        assert other.head(path).status_code == 404
        problem(part(other, path, 0, AGE, AGE), 404, "not_found")
        problem(other.delete(path), 404, "not_found")
        own = begun(other, "b")
        with client_of(world, access_token(world)) as refreshed:
            assert part(refreshed, own, 0, AGE, AGE).status_code == 201
    with client_of(world, access_token(world, "reader", "r3ad")) as reader:
        assert reader.head(path).status_code == 403
        problem(begin(reader), 403, "insufficient_scope")
    assert progress(api, path) == ("?0", 0)


def test_the_creation_takes_a_key_and_a_part_does_not(api: httpx.Client, world: WorldHandle) -> None:
    """A repeated creation gets the first upload again; a repeated part meets its own offset."""
    first, again = (begin(api, Idempotency_Key="k") for _ in range(2))
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    problem(begin(api, "b", Idempotency_Key="k"), 422, "idempotency_key_reused")
    assert world.state()["uploads"] == 1
    path = first.headers["location"].removeprefix(api.base_url.path.rstrip("/"))
    assert part(api, path, 0, AGE[:30], Idempotency_Key="p").status_code == 204
    problem(part(api, path, 0, AGE[:30], Idempotency_Key="p"), 409, "mismatching_upload_offset")


def test_a_part_cut_on_its_way_does_not_count(api: httpx.Client, world: WorldHandle) -> None:
    """Half a part is nothing: its digest cannot be verified. HEAD tells where to go on."""
    path = begun(api)
    part(api, path, 0, AGE[:30])
    world.fault("storage.uploads.append", reset_after_body_bytes=5)
    with pytest.raises(httpx.HTTPError):
        part(api, path, 30, AGE[30:], AGE)
    assert progress(api, path) == ("?0", 30)
    assert part(api, path, 30, AGE[30:], AGE).status_code == 201


@pytest.mark.parametrize("newer", ["HEAD", "PATCH", "DELETE"])
def test_a_newer_request_ends_an_older_part(api: httpx.Client, world: WorldHandle, newer: str) -> None:
    """A part that the client gave up is refused when it comes after all: the offset that was told stays true."""
    path = begun(api)
    part(api, path, 0, AGE[:30])
    fault = world.fault("storage.uploads.append", hold=True)
    answers: list[httpx.Response] = []
    older = threading.Thread(target=lambda: answers.append(part(api, path, 30, b"given up")))
    older.start()
    world.wait({"operation": "storage.uploads.append", "phase": "held"})
    with httpx.Client(base_url=api.base_url, headers=api.headers, timeout=10, trust_env=False) as second:
        if newer == "HEAD":
            assert progress(second, path) == ("?0", 30)
        elif newer == "PATCH":
            problem(part(second, path, 31, b"!"), 409, "mismatching_upload_offset")
        else:
            assert second.delete(path).status_code == 204
    world.release(fault)
    older.join(10)
    assert not older.is_alive()
    if newer == "DELETE":
        problem(answers[0], 404, "not_found")
        return
    problem(answers[0], 409, "superseded_upload")
    assert part(api, path, 30, AGE[30:], AGE).status_code == 201


def test_parts_outlive_the_process(tmp_path: Path) -> None:
    """With a data directory an upload goes on after a restart, its digest over all parts included."""
    document = Document.load()
    with serving(document, data_dir=tmp_path) as control, client_of(control.world(), "TOKEN") as api:
        path = begun(api)
        part(api, path, 0, AGE[:30])
    with serving(document, data_dir=tmp_path) as control, client_of(control.world(), "TOKEN") as api:
        assert progress(api, path) == ("?0", 30)
        made = part(api, path, 30, AGE[30:], AGE)
        assert (made.status_code, made.json()["sha256"]) == (201, hashlib.sha256(AGE).hexdigest())


def test_an_uploads_traffic_is_api_traffic(api: httpx.Client, world: WorldHandle) -> None:
    """What the SDKs do inside an upload stands in the journal beside their other calls."""
    begun(api)
    assert [entry["operation"] for entry in world.journal(channel="api")] == ["storage.uploads.create"]


def test_every_creation_field_is_checked(api: httpx.Client) -> None:
    """What is missing or malformed is named; nothing begins."""
    answer = api.post("/storage/uploads", headers={"Upload-Complete": "?1", "Upload-Length": "-1"})
    named = {error["parameter"] for error in problem(answer, 422, "validation_failed")["errors"]}
    assert named == {"name", "admin-encryption", "upload-complete", "upload-length"}
    assert api.get("/storage/objects").json()["items"] == []
