"""users and users.roles: accounts, their life from creation to restoration, their roles, and the export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from admin_api_mock import accounts
from admin_api_mock.audit import Target, changes_between
from admin_api_mock.clock import format_instant
from admin_api_mock.http import Answer
from admin_api_mock.instants import query_instant
from admin_api_mock.mergepatch import merge
from admin_api_mock.pages import page
from admin_api_mock.preconditions import require_match
from admin_api_mock.problems import FieldError, Problem, invalid
from admin_api_mock.resources import answer, content_etag, created, gone_or_never
from admin_api_mock.store import Order, Row, Where
from admin_api_mock.store.users import NEVER, StoredUser, fold
from admin_api_mock.streams import ndjson, resume_place

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.store.keyset import Key
    from admin_api_mock.transaction import Handler, Tx

#: UserSort → the column that leads; the id breaks ties (the store's last column must be unique).
_SORTS: Mapping[str, str] = {"created_at": "created_ms", "username": "username_key", "last_login_at": "last_login_ms"}


def list_(tx: Tx, ctx: Context) -> Answer:
    sort: str | None = ctx.query.get("sort")
    order = Order()
    if sort is not None:
        order = Order((_SORTS[sort.removeprefix("-")], "id"), descending=sort.startswith("-"))
    where = _filters(tx, ctx)
    return page(ctx, lambda after, limit: tx.store.users.page(where, order, after, limit))


def export(tx: Tx, ctx: Context) -> Answer:
    users = tx.store.users
    after: str | None = ctx.query.get("after")
    place = resume_place(users.place(after) if after is not None else None, after)
    where = _filters(tx, ctx)
    where.add("seq <= ?", users.last_place())  # As of now: an export ends, however fast users are made.

    def fetch(key: Key | None, limit: int) -> Sequence[Row]:
        return users.page(where, Order(), key, limit)

    return ndjson(ctx, fetch, place)


def create(tx: Tx, ctx: Context) -> Answer:
    user_id = tx.world.ids.new("usr")
    now = format_instant(tx.now_ms)
    doc = accounts.create(
        tx.store, ctx.body, user_id=user_id, creator=ctx.caller.id, created_ms=tx.now_ms, created_at=now
    )
    tx.audit(_target(doc), changes=changes_between(None, doc))
    return created(ctx, doc, etag=content_etag(doc))


def get(tx: Tx, ctx: Context) -> Answer:
    doc = _user(tx, ctx).doc
    return answer(doc, etag=content_etag(doc))


def update(tx: Tx, ctx: Context) -> Answer:
    stored = _changeable(tx, ctx)
    doc = stored.doc | {name: value for name, value in ctx.body.items() if name != "metadata"}
    if "metadata" in ctx.body:
        doc["metadata"] = merge(stored.doc["metadata"], ctx.body["metadata"])
        if len(doc["metadata"]) > accounts.MAX_METADATA:
            raise invalid("/metadata", "too_many", f"A user may have at most {accounts.MAX_METADATA} notes.")
    accounts.require_roles(tx.store, doc["roles"])
    accounts.require_unique(tx.store, doc)
    return _changed(tx, stored, doc)


def suspend(tx: Tx, ctx: Context) -> Answer:
    stored = _changeable(tx, ctx)
    return _changed(tx, stored, stored.doc | {"status": "suspended"}, reason=(ctx.body or {}).get("reason"))


def reactivate(tx: Tx, ctx: Context) -> Answer:
    stored = _changeable(tx, ctx)
    return _changed(tx, stored, stored.doc | {"status": "active"})


def delete(tx: Tx, ctx: Context) -> Answer:
    stored = _user(tx, ctx)
    if stored.doc["status"] == "deleted":
        raise gone_or_never("user")
    require_match(ctx.header_params.get("if-match"), content_etag(stored.doc))
    purge_ms = tx.now_ms + accounts.RESTORABLE_MS
    now = format_instant(tx.now_ms)
    doc = stored.doc | {"status": "deleted", "deleted_at": now, "purge_at": format_instant(purge_ms), "updated_at": now}
    accounts.keep_an_admin(tx.store, stored, doc)
    tx.store.users.replace(stored, doc, status_before_deletion=stored.doc["status"], purge_ms=purge_ms)
    tx.audit(_target(doc), changes=changes_between(stored.doc, doc))
    return answer(doc, etag=content_etag(doc))


def restore(tx: Tx, ctx: Context) -> Answer:
    stored = _user(tx, ctx)
    if stored.doc["status"] != "deleted":
        raise Problem("invalid_state", "The user is not deleted.")
    doc = stored.doc | {"status": stored.status_before_deletion, "deleted_at": None, "purge_at": None}
    accounts.require_unique(tx.store, doc)
    accounts.require_free_subjects(tx.store, doc)
    return _changed(tx, stored, doc)


def assign_role(tx: Tx, ctx: Context) -> Answer:
    stored, role = _changeable(tx, ctx), _role(tx, ctx)
    roles: list[str] = stored.doc["roles"]
    return _changed(tx, stored, stored.doc | {"roles": roles if role in roles else [*roles, role]})


def remove_role(tx: Tx, ctx: Context) -> Answer:
    stored, role = _changeable(tx, ctx), _role(tx, ctx)
    return _changed(tx, stored, stored.doc | {"roles": [kept for kept in stored.doc["roles"] if kept != role]})


def _user(tx: Tx, ctx: Context) -> StoredUser:
    """The user of the path, deleted or not; 404 once it is purged."""
    stored = tx.store.users.get(ctx.path["user_id"])
    if stored is None or (stored.purge_ms is not None and tx.now_ms >= stored.purge_ms):
        raise gone_or_never("user")
    return stored


def _changeable(tx: Tx, ctx: Context) -> StoredUser:
    """The user of the path, if it is not deleted and If-Match, if given, holds."""
    stored = _user(tx, ctx)
    if stored.doc["status"] == "deleted":
        raise Problem("invalid_state", "The user is deleted; restore it first.")
    require_match(ctx.header_params.get("if-match"), content_etag(stored.doc))
    return stored


def _changed(tx: Tx, stored: StoredUser, doc: dict[str, Any], reason: str | None = None) -> Answer:
    """Keeps the change and records it. What changes nothing writes nothing, and records just that."""
    if doc != stored.doc:
        accounts.keep_an_admin(tx.store, stored, doc)
        doc["updated_at"] = format_instant(tx.now_ms)
        tx.store.users.replace(stored, doc)
    tx.audit(_target(doc), changes=changes_between(stored.doc, doc), reason=reason)
    return answer(doc, etag=content_etag(doc))


def _role(tx: Tx, ctx: Context) -> str:
    role = ctx.path["role"]
    if not tx.store.roles.exists(role):
        raise gone_or_never("role")
    return role


def _target(doc: Mapping[str, Any]) -> Target:
    return Target("user", doc["id"], doc["username"])


def _filters(tx: Tx, ctx: Context) -> Where:
    query = ctx.query
    where = Where()
    roles: list[str] | None = query.get("role")
    if roles is not None:
        for role in roles:
            if not tx.store.roles.exists(role):
                error: FieldError = {"parameter": "role", "code": "unknown_role", "detail": "There is no such role."}
                raise Problem("validation_failed", "role: There is no such role.", errors=[error])
        where.add(f"seq IN (SELECT user_seq FROM user_roles WHERE role IN ({', '.join('?' * len(roles))}))", *roles)  # noqa: S608 - question marks only
    where.one_of("status", query.get("status"))
    where.equal("username_key", fold(query["username"]) if "username" in query else None)
    where.equal("email_key", fold(query["email"]) if "email" in query else None)
    where.equal("external_id", query.get("external_id"))
    where.within("created_ms", query_instant(query, "created_after"), query_instant(query, "created_before"))
    login_after, login_before = query_instant(query, "last_login_after"), query_instant(query, "last_login_before")
    if login_after is not None or login_before is not None:
        where.add("last_login_ms <> ?", NEVER)  # Who never signed in did so neither before nor after.
        where.within("last_login_ms", login_after, login_before)
    if "q" in query:
        part = fold(query["q"])
        where.add("(instr(username_key, ?) > 0 OR instr(coalesce(email_key, ''), ?) > 0)", part, part)
    if query.get("include_deleted"):
        where.add("(purge_ms IS NULL OR purge_ms > ?)", tx.now_ms)
    else:
        where.add("status <> 'deleted'")
    return where


HANDLERS: Mapping[str, Handler] = {
    "users.list": list_,
    "users.create": create,
    "users.get": get,
    "users.update": update,
    "users.delete": delete,
    "users.suspend": suspend,
    "users.reactivate": reactivate,
    "users.restore": restore,
    "users.roles.assign": assign_role,
    "users.roles.remove": remove_role,
    "users.export": export,
}
