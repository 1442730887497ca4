"""Cursor pages: keyset cursors, opaque and signed, bound to the list, its path, its filters and its order."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import orjson

from admin_api_mock.http import JSON, Answer
from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.store.keyset import Key, Row

DEFAULT_LIMIT = 50
#: How long a cursor can be used, in world time.
CURSOR_LIFE_MS = 24 * 60 * 60 * 1000
_SIGNATURE_BYTES = 16
#: Not part of what a cursor is bound to: it may change from page to page.
_FREE = frozenset({"limit", "cursor"})


def page(ctx: Context, fetch: Callable[[Key | None, int], Sequence[Row]]) -> Answer:
    """The page that the request asks for. `fetch(after, limit)` gives rows behind `after`, in the list's order."""
    limit: int = ctx.query.get("limit", DEFAULT_LIMIT)
    binding = _binding(ctx)
    cursor = ctx.query.get("cursor")
    after = _read(ctx, cursor, binding) if cursor is not None else None
    found = fetch(after, limit + 1)
    next_cursor = b"null"
    if len(found) > limit:
        found = found[:limit]
        next_cursor = b'"' + _write(ctx, found[-1][1:], binding) + b'"'
    items = b",".join([row[0] for row in found])
    return Answer(200, {"Content-Type": JSON}, b'{"items":[' + items + b'],"next_cursor":' + next_cursor + b"}")


def _binding(ctx: Context) -> str:
    filters = sorted((name, value) for name, value in ctx.query.items() if name not in _FREE)
    bound = orjson.dumps([ctx.operation.id, sorted(ctx.path.items()), filters])
    return hashlib.sha256(bound).hexdigest()[:16]


def _write(ctx: Context, key: Key, binding: str) -> bytes:
    payload = orjson.dumps([binding, ctx.world.clock.now_ms(), *key])
    return base64.urlsafe_b64encode(_sign(ctx, payload) + payload).rstrip(b"=")


def _read(ctx: Context, cursor: str, binding: str) -> Key:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refusal("cursor_invalid", "The cursor is not one of this server.") from None
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _sign(ctx, payload)):
        raise _refusal("cursor_invalid", "The cursor is not one of this server.")
    bound, issued_ms, *key = orjson.loads(payload)
    if bound != binding:
        raise _refusal("cursor_mismatch", "The cursor belongs to another list, or to other filters or another order.")
    if ctx.world.clock.now_ms() - issued_ms >= CURSOR_LIFE_MS:
        raise Problem("cursor_expired", "The cursor is older than a day; begin again without it.")
    return tuple(key)


def _sign(ctx: Context, payload: bytes) -> bytes:
    return hmac.digest(ctx.world.keys.cursor, payload, "sha256")[:_SIGNATURE_BYTES]


def _refusal(code: str, detail: str) -> Problem:
    return Problem(code, detail, errors=[{"parameter": "cursor", "code": code, "detail": detail}])
