"""The embedded store: the only package that knows SQL. One Store per world, in memory unless `--data` keeps it."""

from __future__ import annotations

from pathlib import Path

from admin_api_mock.store.config import ConfigTable
from admin_api_mock.store.contents import ContentsTable
from admin_api_mock.store.database import Database
from admin_api_mock.store.events import EventsTable
from admin_api_mock.store.grants import GrantsTable
from admin_api_mock.store.keyset import Order, Row, Where
from admin_api_mock.store.objects import ObjectsTable
from admin_api_mock.store.plugins import PluginsTable
from admin_api_mock.store.replies import RepliesTable
from admin_api_mock.store.roles import RolesTable
from admin_api_mock.store.rows import RowsTable
from admin_api_mock.store.tokens import TokensTable
from admin_api_mock.store.uploads import UploadsTable
from admin_api_mock.store.users import UsersTable

__all__ = ["Order", "Row", "Store", "Where"]

FILE_NAME = "admin-api.sqlite3"
#: Tables counted for `GET /__mock__/worlds/{id}/state`: name told → table.
COUNTED = {
    "users": "users",
    "roles": "roles",
    "plugins": "plugins",
    "config": "config",
    "audit_events": "events",
    "objects": "objects",
    "uploads": "uploads",
    "tokens": "tokens",
    "clients": "clients",
    "grants": "grants",
    "access_tokens": "access_tokens",
    "idempotency_records": "replies",
}


class Store(Database):
    """Every table by name. `transaction()` comes from Database."""

    def __init__(self, data_dir: Path | None = None) -> None:
        """Opens (and makes) the store; `data_dir` None keeps it in memory."""
        super().__init__(data_dir / FILE_NAME if data_dir else None)
        self.users = UsersTable(self)
        self.roles = RolesTable(self)
        self.plugins = PluginsTable(self)
        self.config = ConfigTable(self)
        self.events = EventsTable(self)
        self.contents = ContentsTable(self)
        self.objects = ObjectsTable(self, self.contents)
        self.uploads = UploadsTable(self, self.contents)
        self.tokens = TokensTable(self)
        self.grants = GrantsTable(self)
        self.replies = RepliesTable(self)
        self.rows = RowsTable(self)

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        return {name: self.count(table) for name, table in COUNTED.items()}
