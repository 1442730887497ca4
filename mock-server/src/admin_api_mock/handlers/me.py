"""me.get: who the caller is, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from admin_api_mock.clock import format_instant
from admin_api_mock.http import Answer

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.transaction import Handler, Tx


def get(tx: Tx, ctx: Context) -> Answer:
    caller = ctx.caller
    return Answer.json(
        200,
        {
            "type": caller.type,
            "id": caller.id,
            "name": caller.name,
            "scopes": [scope for scope in tx.world.document.scopes if scope in caller.scopes],
            "token_id": caller.token_id,
            "expires_at": None if caller.expires_ms is None else format_instant(caller.expires_ms),
        },
    )


HANDLERS: Mapping[str, Handler] = {"me.get": get}
