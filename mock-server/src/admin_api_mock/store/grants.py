"""OAuth clients, and the access tokens issued to them so that they can be revoked."""

from __future__ import annotations

from typing import NamedTuple

from admin_api_mock.principal import Principal
from admin_api_mock.store.database import Database


class Client(NamedTuple):
    """An OAuth client. `token_ttl` in seconds; None = the world's."""

    id: str
    secret_sha256: bytes
    scopes: str
    token_ttl: int | None


class GrantsTable:
    """Clients by id; access tokens by `jti`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Access token → revision, and whom it speaks for (oauth.py).
        self.bearers: dict[str, tuple[int, Principal]] = {}

    def add_client(self, client: Client) -> None:
        """A new client."""
        self._database.execute("INSERT INTO clients VALUES (?, ?, ?, ?)", client)

    def remove_client(self, client_id: str) -> None:
        """Forgets a client; its access tokens run out by themselves."""
        self._database.execute("DELETE FROM clients WHERE id = ?", (client_id,))

    def client(self, client_id: str) -> Client | None:
        """The client of this id."""
        row = self._database.one("SELECT * FROM clients WHERE id = ?", (client_id,))
        return Client(*row) if row else None

    def issued(self, jti: str, client_id: str, expires_ms: int, now_ms: int) -> None:
        """Notes a new access token, and forgets those that have expired."""
        self._database.execute("DELETE FROM access_tokens WHERE expires_ms < ?", (now_ms,))
        self._database.execute("INSERT INTO access_tokens VALUES (?, ?, ?, 0)", (jti, client_id, expires_ms))

    def is_live(self, jti: str) -> bool:
        """Whether this access token was issued here and not revoked. Its expiry is in the token."""
        return self._database.one("SELECT 1 FROM access_tokens WHERE jti = ? AND revoked = 0", (jti,)) is not None

    def revoke(self, *, jti: str | None = None, client_id: str | None = None) -> int:
        """Revokes one token, a client's, or (neither given) all; returns how many."""
        self._database.bearers_revision += 1
        return self._database.execute(
            "UPDATE access_tokens SET revoked = 1 WHERE revoked = 0 AND jti = coalesce(?, jti)"
            " AND client_id = coalesce(?, client_id)",
            (jti, client_id),
        ).rowcount
