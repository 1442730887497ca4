"""What makes an object, however its bytes came: an age file, under a name free or replaced, told by one event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from admin_api_mock.audit import Target, changes_between
from admin_api_mock.clock import format_instant
from admin_api_mock.http import Answer
from admin_api_mock.problems import Problem
from admin_api_mock.resources import answer, location

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.transaction import Tx

#: The operation whose path objects lie under, and whose action every new one records.
UPLOAD = "storage.objects.upload"
#: The first line of every age v1 file (age-encryption.org/v1, "Header").
AGE_HEADER_LINE = b"age-encryption.org/v1\n"


def require_age_header(head: bytes, *, whole: bool) -> None:
    """422 if these first bytes are not those of an age file; some more may follow unless they are the `whole`."""
    if not head.startswith(AGE_HEADER_LINE) and (whole or not AGE_HEADER_LINE.startswith(head)):
        raise Problem("not_encrypted", "The body is not an age v1 file; objects are stored encrypted only.")


def asked_of(ctx: Context) -> dict[str, Any]:
    """What the caller wants the object to be."""
    return {
        "name": ctx.query["name"],
        "metadata": ctx.query.get("metadata", {}),
        "encryption": ctx.header_params["admin-encryption"],
        "only_if_free": "if-none-match" in ctx.header_params,
    }


def in_the_way(tx: Tx, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The object that has the name, which the new one is to replace; 412 if it shall not."""
    found = tx.store.objects.named(asked["name"])
    if found is not None and asked["only_if_free"]:
        headers = {"ETag": found["etag"]}
        raise Problem("object_exists", "An object of this name exists.", existing_id=found["id"], headers=headers)
    return found


def make(tx: Tx, ctx: Context, asked: Mapping[str, Any], *, size: int, sha256: str) -> dict[str, Any]:
    """The new object, recorded as an upload; the bytes are for the caller to put under its id."""
    replaced = in_the_way(tx, asked)
    if replaced is not None:
        tx.store.objects.delete(replaced["id"])
    object_id = tx.world.ids.new("obj")
    doc = {
        "id": object_id,
        "name": asked["name"],
        "size": size,
        "sha256": sha256,
        "metadata": asked["metadata"],
        "encryption": asked["encryption"],
        "etag": f'"{object_id.removeprefix("obj_")}"',
        "created_by": ctx.caller.id,
        "created_at": format_instant(tx.now_ms),
    }
    tx.store.objects.insert(doc)
    targets = [target(doc)] if replaced is None else [target(doc), target(replaced)]
    tx.audit(*targets, changes=changes_between(replaced, doc), action=_upload(ctx).audit)
    return doc


def created(ctx: Context, doc: Mapping[str, Any]) -> Answer:
    """The 201 with a new object."""
    made = answer(doc, etag=doc["etag"])
    made.status = 201
    made.headers["Location"] = location_of(ctx, doc["id"])
    return made


def location_of(ctx: Context, object_id: str) -> str:
    """Where an object lies."""
    return location(ctx, _upload(ctx).path, object_id)


def target(doc: Mapping[str, Any]) -> Target:
    """An object as events name it."""
    return Target("object", doc["id"], doc["name"])


def _upload(ctx: Context) -> Any:
    return ctx.world.document.operations[UPLOAD]
