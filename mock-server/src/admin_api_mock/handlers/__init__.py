"""What each operation does. A handler is found by operationId; a plain collection needs none of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from admin_api_mock.handlers import (
    audit_events,
    config,
    generic,
    me,
    oauth,
    plugins,
    roles,
    storage,
    tokens,
    uploads,
    users,
)
from admin_api_mock.problems import not_implemented

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.transaction import Handler

HANDLERS: Mapping[str, Handler] = {
    **users.HANDLERS,
    **roles.HANDLERS,
    **plugins.HANDLERS,
    **config.HANDLERS,
    **audit_events.HANDLERS,
    **storage.HANDLERS,
    **uploads.HANDLERS,
    **tokens.HANDLERS,
    **me.HANDLERS,
    **oauth.HANDLERS,
}


def handler_of(ctx: Context) -> Handler:
    """The operation's own handler, or one made from the shape of its collection; else a declared 501."""
    handler = HANDLERS.get(ctx.operation.id) or generic.handler_of(ctx.world.document, ctx.operation)
    if handler is None:
        raise not_implemented(f"The operation {ctx.operation.id}")
    return handler
