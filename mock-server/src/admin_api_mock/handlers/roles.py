"""roles: the RBAC table, to be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from admin_api_mock.http import Answer
from admin_api_mock.pages import page

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.transaction import Handler, Tx


def list_(tx: Tx, ctx: Context) -> Answer:
    return page(ctx, tx.store.roles.page)


HANDLERS: Mapping[str, Handler] = {"roles.list": list_}
