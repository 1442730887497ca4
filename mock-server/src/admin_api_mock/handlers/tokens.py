"""tokens: personal access tokens. The secret is in the answer of create and rotate, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from admin_api_mock import tokens
from admin_api_mock.audit import Target, change, changes_between
from admin_api_mock.clock import format_instant
from admin_api_mock.http import Answer
from admin_api_mock.instants import body_instant
from admin_api_mock.pages import page
from admin_api_mock.problems import Problem, invalid
from admin_api_mock.resources import answer, created, gone_or_never, location
from admin_api_mock.store import Row, Where

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.store.keyset import Key
    from admin_api_mock.store.tokens import StoredToken
    from admin_api_mock.transaction import Handler, Tx
    from admin_api_mock.worlds import World

DEFAULT_LIFE_MS = 90 * 24 * 60 * 60 * 1000
DEFAULT_OVERLAP_SECONDS = 3600
COLLECTION = "/api/v1/tokens"
#: TokenStatus → what it means at the time bound twice.
_STATUSES: Mapping[str, str] = {
    "revoked": "revoked_ms IS NOT NULL",
    "expired": "(revoked_ms IS NULL AND expires_ms IS NOT NULL AND expires_ms <= :now)",
    "active": "(revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > :now))",
}


def list_(tx: Tx, ctx: Context) -> Answer:
    where = Where()
    if "status" in ctx.query:
        clauses = [_STATUSES[status].replace(":now", str(tx.now_ms)) for status in ctx.query["status"]]
        where.add(f"({' OR '.join(clauses)})")
    where.equal("created_by", ctx.query.get("created_by"))

    def fetch(after: Key | None, limit: int) -> Sequence[Row]:
        found = tx.store.tokens.page(where, after, limit)
        return [(orjson.dumps(_shown(stored, tx.now_ms)), stored.seq) for stored in found]

    return page(ctx, fetch)


def get(tx: Tx, ctx: Context) -> Answer:
    return answer(_shown(_token(tx, ctx), tx.now_ms))


def create(tx: Tx, ctx: Context) -> Answer:
    scopes: list[str] = ctx.body["scopes"]
    for i, scope in enumerate(scopes):
        if scope not in tx.world.document.scopes:
            raise invalid(f"/scopes/{i}", "unknown_scope", "There is no such scope.")
    _require_no_escalation(ctx, scopes)
    owner_id = ctx.caller.id if ctx.caller.type == "user" else None
    stored, secret = issue(
        tx.world,
        name=ctx.body["name"],
        description=ctx.body.get("description"),
        scopes=scopes,
        created_by=ctx.caller.id,
        owner_id=owner_id,
        expires_ms=_expiry(tx, ctx.body),
    )
    shown = _shown(stored, tx.now_ms)
    tx.secret_of = shown["id"]
    tx.audit(_target(shown), changes=[*_told(shown), change("/secret", secret=True)])
    made = created(ctx, shown | {"secret": secret})
    made.headers["Cache-Control"] = "no-store"
    return made


def rotate(tx: Tx, ctx: Context) -> Answer:
    old = _token(tx, ctx)
    given: Mapping[str, Any] = ctx.body or {}
    if old.doc["replaced_by"] is not None:
        raise Problem("already_rotated", "This token has been rotated.", replaced_by=old.doc["replaced_by"])
    if _status(old, tx.now_ms) != "active":
        raise Problem("invalid_state", "Only an active token can be rotated.")
    _require_no_escalation(ctx, old.doc["scopes"])
    new, secret = issue(
        tx.world,
        name=old.doc["name"],
        description=old.doc["description"],
        scopes=old.doc["scopes"],
        created_by=ctx.caller.id,
        owner_id=old.owner_id,
        expires_ms=_expiry(tx, given),
        replaces=old.doc["id"],
    )
    end_ms = tx.now_ms + given.get("overlap_seconds", DEFAULT_OVERLAP_SECONDS) * 1000
    end_ms = end_ms if old.expires_ms is None else min(end_ms, old.expires_ms)
    ending = old.doc | {"replaced_by": new.doc["id"], "expires_at": format_instant(end_ms)}
    tx.store.tokens.replace(old, ending, expires_ms=end_ms, revoked_ms=None)
    shown = _shown(new, tx.now_ms)
    tx.secret_of = shown["id"]
    tx.audit(
        _target(old.doc),
        _target(shown),
        changes=[*changes_between(_public(old.doc), _public(ending)), change("/secret", secret=True)],
    )
    made = answer(shown | {"secret": secret})
    made.status = 201
    made.headers |= {"Location": location(ctx, COLLECTION, shown["id"]), "Cache-Control": "no-store"}
    return made


def revoke(tx: Tx, ctx: Context) -> Answer:
    stored = _token(tx, ctx)
    before = _shown(stored, tx.now_ms)
    if stored.revoked_ms is None:
        doc = stored.doc | {"revoked_at": format_instant(tx.now_ms)}
        tx.store.tokens.replace(stored, doc, expires_ms=stored.expires_ms, revoked_ms=tx.now_ms)
    after = _shown(_token(tx, ctx), tx.now_ms)
    tx.audit(_target(after), changes=changes_between(before, after))
    return answer(after)


def issue(
    world: World,
    *,
    name: str,
    description: str | None,
    scopes: Sequence[str],
    created_by: str,
    owner_id: str | None,
    expires_ms: int | None,
    replaces: str | None = None,
    secret: str | None = None,
) -> tuple[StoredToken, str]:
    """Adds a token; gives it and its secret, which is not kept."""
    token_id = world.ids.new("tok")
    secret = secret or tokens.issue(world.keys.derive(f"token:{token_id}"))
    doc = {
        "id": token_id,
        "name": name,
        "description": description,
        "scopes": list(scopes),
        "prefix_hint": secret[: tokens.HINT_LENGTH],
        "created_by": created_by,
        "created_at": world.clock.iso(),
        "expires_at": None if expires_ms is None else format_instant(expires_ms),
        "revoked_at": None,
        "replaces": replaces,
        "replaced_by": None,
    }
    world.store.tokens.insert(doc, tokens.digest(secret), owner_id=owner_id, expires_ms=expires_ms)
    stored = world.store.tokens.get(token_id)
    assert stored is not None
    return stored, secret


def _token(tx: Tx, ctx: Context) -> StoredToken:
    stored = tx.store.tokens.get(ctx.path["token_id"])
    if stored is None:
        raise gone_or_never("token")
    return stored


def _status(stored: StoredToken, now_ms: int) -> str:
    if stored.revoked_ms is not None:
        return "revoked"
    return "expired" if stored.expires_ms is not None and stored.expires_ms <= now_ms else "active"


def _shown(stored: StoredToken, now_ms: int) -> dict[str, Any]:
    """A Token: what is stored, and what time makes of it."""
    last_used = None if stored.last_used_ms is None else format_instant(stored.last_used_ms)
    return stored.doc | {"status": _status(stored, now_ms), "last_used_at": last_used}


def _expiry(tx: Tx, given: Mapping[str, Any]) -> int | None:
    """When a new token ends: left out, 90 days; null, never; 422 for the past."""
    if "expires_at" not in given:
        return tx.now_ms + DEFAULT_LIFE_MS
    if given["expires_at"] is None:
        return None
    expires_ms = body_instant("/expires_at", given["expires_at"])
    if expires_ms <= tx.now_ms:
        raise invalid("/expires_at", "in_the_past", "It must be in the future.")
    return expires_ms


def _require_no_escalation(ctx: Context, scopes: Sequence[str]) -> None:
    """403: a token gives at most what its maker has."""
    missing = [scope for scope in scopes if scope not in ctx.caller.scopes]
    if missing:
        raise Problem(
            "scope_escalation",
            f"The caller lacks {' and '.join(missing)}, so it cannot pass it on.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'},
            missing_scopes=missing,
        )


def _told(shown: Mapping[str, Any]) -> list[Any]:
    return changes_between(None, _public(shown))


def _public(doc: Mapping[str, Any]) -> dict[str, Any]:
    """What an event tells of a token; the hint is for its holder."""
    return {name: value for name, value in doc.items() if name != "prefix_hint"}


def _target(doc: Mapping[str, Any]) -> Target:
    return Target("token", doc["id"], doc["name"])


HANDLERS: Mapping[str, Handler] = {
    "tokens.list": list_,
    "tokens.get": get,
    "tokens.create": create,
    "tokens.rotate": rotate,
    "tokens.revoke": revoke,
}
