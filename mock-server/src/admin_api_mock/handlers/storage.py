"""storage.objects: ciphertext in and out, by digest and by range. Plaintext never gets in."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from admin_api_mock.audit import Target, changes_between
from admin_api_mock.clock import format_instant
from admin_api_mock.http import OCTET_STREAM, Answer
from admin_api_mock.pages import page
from admin_api_mock.preconditions import matches_strongly, require_match
from admin_api_mock.problems import FieldError, Problem
from admin_api_mock.resources import answer, created, gone_or_never

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.transaction import Handler, Tx

#: The first line of every age v1 file (age-encryption.org/v1, "Header").
AGE_HEADER_LINE = b"age-encryption.org/v1\n"
_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def upload(tx: Tx, ctx: Context) -> Answer:
    content = ctx.raw_body
    digest = f"sha-256=:{base64.b64encode(bytes.fromhex(ctx.request.body_sha256)).decode()}:"
    if ctx.header_params["content-digest"] != digest:
        detail = "The body that arrived is not the one that was digested."
        error: FieldError = {"parameter": "Content-Digest", "code": "digest_mismatch", "detail": detail}
        raise Problem("digest_mismatch", detail, errors=[error])
    if not content.startswith(AGE_HEADER_LINE):
        raise Problem("not_encrypted", "The body is not an age v1 file; objects are stored encrypted only.")
    name: str = ctx.query["name"]
    replaced = tx.store.objects.named(name)
    if replaced is not None:
        if "if-none-match" in ctx.header_params:
            headers = {"ETag": replaced["etag"]}
            raise Problem(
                "object_exists", "An object of this name exists.", existing_id=replaced["id"], headers=headers
            )
        tx.store.objects.delete(replaced["id"])
    object_id = tx.world.ids.new("obj")
    doc = {
        "id": object_id,
        "name": name,
        "size": len(content),
        "sha256": ctx.request.body_sha256,
        "metadata": ctx.query.get("metadata", {}),
        "encryption": ctx.header_params["admin-encryption"],
        "etag": f'"{object_id.removeprefix("obj_")}"',
        "created_by": ctx.caller.id,
        "created_at": format_instant(tx.now_ms),
    }
    tx.store.objects.insert(doc, content)
    targets = [_target(doc)] if replaced is None else [_target(doc), _target(replaced)]
    tx.audit(*targets, changes=changes_between(replaced, doc))
    made = created(ctx, doc, etag=doc["etag"])
    made.headers["Content-Digest"] = digest
    return made


def list_(tx: Tx, ctx: Context) -> Answer:
    return page(ctx, lambda after, limit: tx.store.objects.page(ctx.query.get("prefix"), after, limit))


def get(tx: Tx, ctx: Context) -> Answer:
    doc = _object(tx, ctx)
    return answer(doc, etag=doc["etag"])


def delete(tx: Tx, ctx: Context) -> Answer:
    doc = _object(tx, ctx)
    require_match(ctx.header_params.get("if-match"), doc["etag"])
    tx.store.objects.delete(doc["id"])
    tx.audit(_target(doc), changes=changes_between(doc, None))
    return Answer(204)


def download(tx: Tx, ctx: Context) -> Answer:
    doc = _object(tx, ctx)
    content = tx.store.objects.content(doc["id"])
    assert content is not None, "an object without content"
    headers = {
        "Content-Type": OCTET_STREAM,
        "ETag": doc["etag"],
        "Accept-Ranges": "bytes",
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(doc['sha256'])).decode()}:",
        "Admin-Encryption": doc["encryption"],
    }
    part = _part(ctx, doc["etag"], len(content))
    if part is None:
        return Answer(200, headers, content)
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(content)}"
    return Answer(206, headers, content[part.start : part.stop])


def _part(ctx: Context, etag: str, size: int) -> range | None:
    """The one range asked for (RFC 9110 section 14.2); None = the whole. 416 if it lies outside."""
    field: str | None = ctx.header_params.get("range")
    condition: str | None = ctx.header_params.get("if-range")
    if field is None or (condition is not None and not matches_strongly(condition, etag)):
        return None
    match = _ONE_RANGE.fullmatch(field)
    if match is None or match[1] == match[2] == "":
        return None  # Several ranges, or none: a server may ignore the field, and this one does.
    if match[1] == "":
        start, stop = max(0, size - int(match[2])), size
    else:
        start, stop = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None  # Invalid, so ignored.
    if start >= size:
        raise Problem(
            "range_not_satisfiable",
            "The range begins behind the end of the content.",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return range(start, stop)


def _object(tx: Tx, ctx: Context) -> dict[str, Any]:
    doc = tx.store.objects.get(ctx.path["object_id"])
    if doc is None:
        raise gone_or_never("object")
    return doc


def _target(doc: Mapping[str, Any]) -> Target:
    return Target("object", doc["id"], doc["name"])


HANDLERS: Mapping[str, Handler] = {
    "storage.objects.upload": upload,
    "storage.objects.list": list_,
    "storage.objects.get": get,
    "storage.objects.delete": delete,
    "storage.objects.download": download,
}
