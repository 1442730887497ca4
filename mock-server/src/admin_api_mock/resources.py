"""How one resource is answered: its JSON, its entity tag, where it lies, and the 404 for what is not there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from admin_api_mock.http import JSON, Answer
from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.context import Context


def answer(doc: Mapping[str, Any], *, etag: str | None = None) -> Answer:
    """A 200 with the resource."""
    headers = {"Content-Type": JSON}
    if etag is not None:
        headers["ETag"] = etag
    return Answer(200, headers, orjson.dumps(doc))


def created(ctx: Context, doc: Mapping[str, Any], *, etag: str | None = None) -> Answer:
    """A 201 with the new resource, which lies under the path that made it."""
    made = answer(doc, etag=etag)
    made.status = 201
    made.headers["Location"] = location(ctx, ctx.operation.path, doc["id"])
    return made


def location(ctx: Context, collection: str, resource_id: str) -> str:
    """The path of a resource within its world."""
    return f"{ctx.world.base_path}{collection}/{quote(resource_id, safe='')}"


def content_etag(doc: Mapping[str, Any]) -> str:
    """A strong entity tag of what the resource says now."""
    return f'"{hashlib.sha256(orjson.dumps(doc)).hexdigest()[:16]}"'


def gone_or_never(what: str) -> Problem:
    """The 404 of an id that names nothing."""
    return Problem("not_found", f"There is no such {what}.")
