"""storage.uploads: objects in parts (draft-ietf-httpbis-resumable-upload). A part is stored whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from admin_api_mock import objects
from admin_api_mock.audit import Target
from admin_api_mock.digests import digest_field, require_digest
from admin_api_mock.http import Answer
from admin_api_mock.problems import Problem, invalid
from admin_api_mock.resources import gone_or_never, location
from admin_api_mock.store.uploads import Upload

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.transaction import Handler, Tx

#: The largest object, and the largest part; a test holds the document to them.
MAX_SIZE = 1024 * 1024 * 1024
MAX_APPEND_SIZE = 16 * 1024 * 1024
#: `Upload-Limit` without an upload.
SIZES = f"max-size={MAX_SIZE}, max-append-size={MAX_APPEND_SIZE}"
#: How long an unfinished upload is kept from its creation, and a finished one remembered from its end; world time.
KEPT_MS = 24 * 60 * 60 * 1000

COMPLETE, INCOMPLETE = "?1", "?0"


def create(tx: Tx, ctx: Context) -> Answer:
    if ctx.raw_body:
        raise invalid("", "unexpected_content", "The bytes of an upload go in parts, none with its creation.")
    length: int | None = ctx.header_params.get("upload-length")
    _require_size(length or 0)
    asked = objects.asked_of(ctx) | {"repr_digest": ctx.header_params.get("repr-digest")}
    objects.in_the_way(tx, asked)
    tx.store.uploads.expire(tx.now_ms)  # What was given up is freed no later than something new begins.
    upload = Upload(tx.world.ids.new("upl"), ctx.caller.subject, asked, 0, length, tx.now_ms + KEPT_MS, None)
    tx.store.uploads.insert(upload)
    tx.audit(Target("upload", upload.id, asked["name"]))
    headers = {"Location": location(ctx, ctx.operation.path, upload.id), "Upload-Limit": _limit(upload, tx.now_ms)}
    return Answer(201, _progress(ctx, upload) | headers)


def offset(tx: Tx, ctx: Context) -> Answer:
    upload = _upload(tx, ctx)
    headers = _progress(ctx, upload) | {"Upload-Limit": _limit(upload, tx.now_ms), "Cache-Control": "no-store"}
    if upload.length is not None:
        headers["Upload-Length"] = str(upload.length)
    return Answer(204, headers)


def append(tx: Tx, ctx: Context) -> Answer:
    upload = _upload(tx, ctx)
    part, given = ctx.raw_body, ctx.header_params
    is_last = given["upload-complete"] == COMPLETE
    if upload.object_id is not None:
        # The draft tells a part behind the end from a second end (section "Upload Append", server behaviour).
        if part:
            _refuse(ctx, upload, "inconsistent_upload_length", "The upload is complete; nothing can be appended.")
        _refuse(ctx, upload, "completed_upload", "The upload is complete already.")
    if given["upload-offset"] != upload.offset:
        # Both members are named by the draft (section "Mismatching Offset").
        offsets = {"expected-offset": upload.offset, "provided-offset": given["upload-offset"]}
        _refuse(ctx, upload, "mismatching_upload_offset", "The part does not begin where the upload ends.", **offsets)
    stop = upload.offset + len(part)
    _require_size(max(stop, given.get("upload-length", 0)))
    length = _length(ctx, upload, stop, is_last)
    require_digest("Content-Digest", given["content-digest"], ctx.request.body_sha256)
    if upload.offset < len(objects.AGE_HEADER_LINE):
        before = b"".join(tx.store.contents.read(upload.id, 0, upload.offset))
        objects.require_age_header((before + part)[: len(objects.AGE_HEADER_LINE)], whole=is_last)
    sha256 = tx.store.uploads.append(upload, part, length)
    upload = upload._replace(offset=stop, length=length)
    if is_last:
        answer = _finish(tx, ctx, upload, sha256)
    else:
        answer = Answer(204, _progress(ctx, upload) | {"Upload-Limit": _limit(upload, tx.now_ms)})
    answer.headers["Content-Digest"] = given["content-digest"]
    return answer


def cancel(tx: Tx, ctx: Context) -> Answer:
    upload = _upload(tx, ctx)
    if upload.object_id is not None:
        _refuse(ctx, upload, "completed_upload", "The upload is complete: there is an object, to be deleted as one.")
    tx.store.uploads.delete(upload.id)
    return Answer(204)


def _finish(tx: Tx, ctx: Context, upload: Upload, sha256: str) -> Answer:
    """Makes the object, in the transaction of its last part."""
    digests = [digest for digest in (upload.asked["repr_digest"], ctx.header_params.get("repr-digest")) if digest]
    if not digests:
        detail = "The last part needs it, unless the creation had it."
        raise Problem(
            "validation_failed",
            f"Repr-Digest: {detail}",
            errors=[{"parameter": "Repr-Digest", "code": "required", "detail": detail}],
        )
    for digest in digests:
        require_digest("Repr-Digest", digest, sha256)
    doc = objects.make(tx, ctx, upload.asked, size=upload.offset, sha256=sha256)
    tx.store.uploads.finish(upload, doc["id"], tx.now_ms + KEPT_MS)
    made = objects.created(ctx, doc)
    made.headers |= _progress(ctx, upload._replace(object_id=doc["id"])) | {"Repr-Digest": digest_field(sha256)}
    return made


def _upload(tx: Tx, ctx: Context) -> Upload:
    """The caller's upload. A part that was overtaken on its way by a newer request for the upload is a 409.

    The client has given such a part up (draft, section "Concurrency"): stored now, it would make the offset that the
    newer request was told untrue.
    """
    upload = tx.store.uploads.get(ctx.path["upload_id"], tx.now_ms)
    if upload is None or upload.subject != ctx.caller.subject:
        raise gone_or_never("upload")
    if not tx.store.uploads.is_newest(upload.id, ctx.entry.seq) and ctx.operation.id == "storage.uploads.append":
        _refuse(ctx, upload, "superseded_upload", "A newer request for this upload has overtaken the part.")
    return upload


def _length(ctx: Context, upload: Upload, stop: int, is_last: bool) -> int | None:
    """The length of the whole as far as it is known now; 422 if what is known contradicts itself or this part."""
    told = [length for length in (upload.length, ctx.header_params.get("upload-length")) if length is not None]
    told += [stop] if is_last else []
    if len(set(told)) > 1 or any(stop > length for length in told):
        _refuse(ctx, upload, "inconsistent_upload_length", "The lengths given for this upload contradict each other.")
    return told[0] if told else None


def _require_size(size: int) -> None:
    if size > MAX_SIZE:
        raise Problem("payload_too_large", f"An object may have {MAX_SIZE} bytes.", headers={"Upload-Limit": SIZES})


def _refuse(ctx: Context, upload: Upload, code: str, detail: str, **members: Any) -> NoReturn:
    """A refusal that says how far the upload has come."""
    raise Problem(code, detail, headers=_progress(ctx, upload), **members)


def _progress(ctx: Context, upload: Upload) -> dict[str, str]:
    """How far it has come; where the object lies, once it is made."""
    headers = {
        "Upload-Complete": INCOMPLETE if upload.object_id is None else COMPLETE,
        "Upload-Offset": str(upload.offset),
    }
    if upload.object_id is not None:
        headers["Location"] = objects.location_of(ctx, upload.object_id)
    return headers


def _limit(upload: Upload, now_ms: int) -> str:
    return f"{SIZES}, max-age={(upload.expires_ms - now_ms) // 1000}"


HANDLERS: Mapping[str, Handler] = {
    "storage.uploads.create": create,
    "storage.uploads.offset": offset,
    "storage.uploads.append": append,
    "storage.uploads.cancel": cancel,
}
