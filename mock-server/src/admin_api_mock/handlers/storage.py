"""storage.objects: ciphertext in and out, by digest and by range. Plaintext never gets in."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from admin_api_mock import objects
from admin_api_mock.audit import changes_between
from admin_api_mock.clock import http_date, parse_instant
from admin_api_mock.digests import digest_field, require_digest
from admin_api_mock.http import OCTET_STREAM, Answer
from admin_api_mock.pages import page
from admin_api_mock.preconditions import matches_weakly, require_match
from admin_api_mock.ranges import part_of
from admin_api_mock.resources import answer, gone_or_never

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.transaction import Handler, Tx

#: What is longer is sent as it is read, chunk by chunk.
MAX_IN_MEMORY_BYTES = 16 * 1024 * 1024


def upload(tx: Tx, ctx: Context) -> Answer:
    sha256 = ctx.request.body_sha256
    require_digest("Content-Digest", ctx.header_params["content-digest"], sha256)
    objects.require_age_header(ctx.raw_body, whole=True)
    doc = objects.make(tx, ctx, objects.asked_of(ctx), size=len(ctx.raw_body), sha256=sha256)
    tx.store.contents.append(doc["id"], 0, ctx.raw_body)
    made = objects.created(ctx, doc)
    made.headers["Content-Digest"] = digest_field(sha256)
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
    tx.audit(objects.target(doc), changes=changes_between(doc, None))
    return Answer(204)


def download(tx: Tx, ctx: Context) -> Answer:
    doc = _object(tx, ctx)
    last_modified = http_date(parse_instant(doc["created_at"]))
    # It never changes under its id, but it can be deleted: a private copy is good once it has been asked about.
    headers = {"ETag": doc["etag"], "Last-Modified": last_modified, "Cache-Control": "private, no-cache, no-transform"}
    known = ctx.header_params.get("if-none-match")
    if known is not None and matches_weakly(known, doc["etag"]):  # Before Range (RFC 9110 section 13.2.2).
        return Answer(304, headers)
    headers |= {
        "Content-Type": OCTET_STREAM,
        "Accept-Ranges": "bytes",
        "Repr-Digest": digest_field(doc["sha256"]),
        "Admin-Encryption": doc["encryption"],
    }
    # Range is for GET alone (RFC 9110 section 14.2).
    field = ctx.header_params.get("range") if ctx.request.method == "GET" else None
    condition = ctx.header_params.get("if-range")
    part = part_of(field, condition, size=doc["size"], etag=doc["etag"], last_modified=last_modified)
    if part is None:
        headers["Content-Digest"] = headers["Repr-Digest"]
        return _content(tx, 200, headers, doc["id"], range(doc["size"]))
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{doc['size']}"
    return _content(tx, 206, headers, doc["id"], part)


def _content(tx: Tx, status: int, headers: dict[str, str], object_id: str, part: range) -> Answer:
    chunks = tx.store.contents.read(object_id, part.start, part.stop)
    if len(part) > MAX_IN_MEMORY_BYTES:
        headers["Content-Length"] = str(len(part))
        return Answer(status, headers, _each(chunks))
    content = b"".join(chunks)
    if status == 206:
        headers["Content-Digest"] = digest_field(hashlib.sha256(content).hexdigest())
    return Answer(status, headers, content)


async def _each(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def _object(tx: Tx, ctx: Context) -> dict[str, Any]:
    doc = tx.store.objects.get(ctx.path["object_id"])
    if doc is None:
        raise gone_or_never("object")
    return doc


HANDLERS: Mapping[str, Handler] = {
    "storage.objects.upload": upload,
    "storage.objects.list": list_,
    "storage.objects.get": get,
    "storage.objects.delete": delete,
    "storage.objects.download": download,
}
