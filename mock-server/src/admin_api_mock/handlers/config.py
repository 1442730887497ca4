"""config and config.versions: entries with strong entity tags, their schemas, secrets and history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from admin_api_mock import settings
from admin_api_mock.audit import Target
from admin_api_mock.clock import format_instant
from admin_api_mock.http import Answer
from admin_api_mock.pages import page
from admin_api_mock.preconditions import matches_weakly, require_match
from admin_api_mock.problems import Problem, invalid
from admin_api_mock.resources import answer, gone_or_never

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.store.config import ConfigRow
    from admin_api_mock.store.keyset import Key, Row
    from admin_api_mock.transaction import Handler, Tx


def list_(tx: Tx, ctx: Context) -> Answer:
    def fetch(after: Key | None, limit: int) -> Sequence[Row]:
        rows = tx.store.config.page(ctx.query.get("prefix"), after, limit)
        return [(orjson.dumps(settings.shown(row)), row.key) for row in rows]

    return page(ctx, fetch)


def get(tx: Tx, ctx: Context) -> Answer:
    row = _entry(tx, ctx)
    condition: str | None = ctx.header_params.get("if-none-match")
    if condition is not None and matches_weakly(condition, row.etag):
        return Answer(304, {"ETag": row.etag})
    return answer(settings.shown(row), etag=row.etag)


def set_(tx: Tx, ctx: Context) -> Answer:
    key = ctx.path["key"]
    before = tx.store.config.current(key)
    _require_condition(ctx, before)
    schema = settings.NO_SCHEMA
    if "schema" in ctx.body:
        schema = orjson.dumps(ctx.body["schema"])
    elif before is not None:
        schema = before.schema
    settings.require_valid(key, ctx.body["value"], schema)
    # A secret stays one; a name that was one before its deletion is one again.
    ancestor = tx.store.config.newest(key)
    secret = ctx.body.get("secret", False) or (ancestor is not None and ancestor.secret)
    row = _put(tx, ctx, before, ctx.body["value"], secret=secret, schema=schema)
    made = answer(settings.shown(row), etag=row.etag)
    made.status = 201 if before is None else 200
    if ctx.query.get("dry_run"):
        tx.dry_run()
    return made


def delete(tx: Tx, ctx: Context) -> Answer:
    before = _entry(tx, ctx)
    condition: str | None = ctx.header_params.get("if-match")
    if condition is None:
        raise Problem("precondition_required", "Deleting an entry needs If-Match with its entity tag.")
    require_match(condition, before.etag)
    now = format_instant(tx.now_ms)
    row = settings.deletion(before, changed_by=ctx.caller.id, changed_at=now, event_id=tx.event_id)
    tx.store.config.put(row)
    tx.audit(_target(before.key), changes=settings.changes(before, None))
    return Answer(204)


def list_versions(tx: Tx, ctx: Context) -> Answer:
    key = ctx.path["key"]
    newest = tx.store.config.newest(key)
    if newest is None:
        raise gone_or_never("configuration entry")

    def fetch(after: Key | None, limit: int) -> Sequence[Row]:
        rows = tx.store.config.versions(key, after, limit)
        return [(orjson.dumps(settings.shown_version(row, secret=newest.secret)), row.version) for row in rows]

    return page(ctx, fetch)


def rollback(tx: Tx, ctx: Context) -> Answer:
    key = ctx.path["key"]
    newest = tx.store.config.newest(key)
    if newest is None:
        raise gone_or_never("configuration entry")
    before = tx.store.config.current(key)
    require_match(ctx.header_params.get("if-match"), before.etag if before else None)
    wanted = tx.store.config.version(key, ctx.body["version"])
    if wanted is None:
        raise invalid("/version", "unknown_version", "There is no such version.")
    if wanted.value is None:
        raise invalid("/version", "no_value", "This version is a deletion and has no value.")
    value = orjson.loads(wanted.value)
    # The schema in force judges the old value; pointers lead to the version, for the value is not in the request.
    try:
        settings.require_valid(key, value, newest.schema)
    except Problem:
        detail = "This version's value does not satisfy the schema in force."
        raise invalid("/version", "schema_violation", detail) from None
    row = _put(tx, ctx, before, value, secret=newest.secret, schema=newest.schema)
    return answer(settings.shown(row), etag=row.etag)


def _entry(tx: Tx, ctx: Context) -> ConfigRow:
    row = tx.store.config.current(ctx.path["key"])
    if row is None:
        raise gone_or_never("configuration entry")
    return row


def _require_condition(ctx: Context, before: ConfigRow | None) -> None:
    """A blind write is a 428: If-Match to overwrite, `If-None-Match: *` to create; one that does not hold is a 412."""
    if_match: str | None = ctx.header_params.get("if-match")
    require_match(if_match, before.etag if before else None)
    if "if-none-match" in ctx.header_params:
        if before is not None:
            headers = {"ETag": before.etag}
            raise Problem(
                "precondition_failed", "If-None-Match does not hold: there is such an entry.", headers=headers
            )
    elif if_match is None:
        needed = "If-None-Match: *" if before is None else "If-Match with its entity tag"
        raise Problem("precondition_required", f"Setting this entry needs {needed}.")


def _put(tx: Tx, ctx: Context, before: ConfigRow | None, value: Any, *, secret: bool, schema: bytes) -> ConfigRow:
    """The new version, kept and recorded."""
    row = settings.next_version(
        tx.store,
        tx.world.keys,
        ctx.path["key"],
        value,
        secret=secret,
        schema=schema,
        changed_by=ctx.caller.id,
        changed_at=format_instant(tx.now_ms),
        event_id=tx.event_id,
    )
    tx.store.config.put(row)
    tx.audit(_target(row.key), changes=settings.changes(before, row))
    return row


def _target(key: str) -> Target:
    return Target("config", key, key)


HANDLERS: Mapping[str, Handler] = {
    "config.list": list_,
    "config.get": get,
    "config.set": set_,
    "config.delete": delete,
    "config.versions.list": list_versions,
    "config.versions.rollback": rollback,
}
