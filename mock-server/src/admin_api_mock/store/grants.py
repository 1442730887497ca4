"""OAuth clients, the grants they were given, and the tokens of these, so that they can be renewed and revoked."""

from __future__ import annotations

from typing import NamedTuple

from admin_api_mock.principal import Principal
from admin_api_mock.store.database import Database


class Client(NamedTuple):
    """An OAuth client. `token_ttl` in seconds; None = the world's."""

    id: str
    #: None: a public client.
    secret_sha256: bytes | None
    scopes: str
    token_ttl: int | None = None
    #: Its client_credentials answers bring a refresh token, too.
    refresh_tokens: bool = False


class Grant(NamedTuple):
    """What a client was given: for itself, or for a user who logged in. Revoked once and for all."""

    id: str
    client_id: str
    user_id: str | None
    scopes: str
    revoked: bool = False


class RefreshToken(NamedTuple):
    """One refresh token of a grant; `number` counts the rotations, `rotated_ms` says when it was replaced."""

    grant_id: str
    number: int
    expires_ms: int
    rotated_ms: int | None


class GrantsTable:
    """Clients and grants by id, refresh tokens by their hash, access tokens by `jti`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Access token → revision, and whom it speaks for (oauth.py).
        self.bearers: dict[str, tuple[int, Principal]] = {}

    def add_client(self, client: Client) -> None:
        """A new client."""
        self._database.execute("INSERT INTO clients VALUES (?, ?, ?, ?, ?)", client)

    def remove_client(self, client_id: str) -> None:
        """Forgets a client; its access tokens run out by themselves."""
        self._database.execute("DELETE FROM clients WHERE id = ?", (client_id,))

    def client(self, client_id: str) -> Client | None:
        """The client of this id."""
        row = self._database.one("SELECT * FROM clients WHERE id = ?", (client_id,))
        return Client._make((*row[:-1], bool(row[-1]))) if row else None

    def add(self, grant: Grant, now_ms: int) -> None:
        """A new grant; those whose last token has expired are forgotten."""
        over = "SELECT id FROM grants WHERE expires_ms < ?"
        self._database.execute(f"DELETE FROM refresh_tokens WHERE grant_id IN ({over})", (now_ms,))  # noqa: S608 - a query of ours
        self._database.execute("DELETE FROM grants WHERE expires_ms < ?", (now_ms,))
        self._database.execute(
            "INSERT INTO grants (id, client_id, user_id, scopes, expires_ms) VALUES (?, ?, ?, ?, ?)",
            (grant.id, grant.client_id, grant.user_id, grant.scopes, now_ms),
        )

    def grant(self, grant_id: str) -> Grant | None:
        """The grant of this id."""
        row = self._database.one("SELECT id, client_id, user_id, scopes, revoked FROM grants WHERE id = ?", (grant_id,))
        return Grant._make((*row[:-1], bool(row[-1]))) if row else None

    def add_refresh_token(self, sha256: bytes, token: RefreshToken) -> None:
        """The next refresh token of a grant, which lasts at least as long."""
        self._database.execute("INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?)", (sha256, *token))
        self._database.execute(
            "UPDATE grants SET expires_ms = max(expires_ms, ?) WHERE id = ?", (token.expires_ms, token.grant_id)
        )

    def refresh_token(self, sha256: bytes) -> RefreshToken | None:
        """The refresh token whose secret has this hash."""
        row = self._database.one(
            "SELECT grant_id, number, expires_ms, rotated_ms FROM refresh_tokens WHERE sha256 = ?", (sha256,)
        )
        return RefreshToken(*row) if row else None

    def rotated(self, sha256: bytes, now_ms: int) -> None:
        """Notes that a refresh token has been replaced."""
        self._database.execute("UPDATE refresh_tokens SET rotated_ms = ? WHERE sha256 = ?", (now_ms, sha256))

    def issued(self, jti: str, client_id: str, grant_id: str | None, expires_ms: int, now_ms: int) -> None:
        """Notes a new access token, and forgets those that have expired."""
        self._database.execute("DELETE FROM access_tokens WHERE expires_ms < ?", (now_ms,))
        self._database.execute(
            "INSERT INTO access_tokens (jti, client_id, grant_id, expires_ms) VALUES (?, ?, ?, ?)",
            (jti, client_id, grant_id, expires_ms),
        )

    def is_live(self, jti: str) -> bool:
        """Whether this access token was issued here and not revoked. Its expiry is in the token."""
        return self._database.one("SELECT 1 FROM access_tokens WHERE jti = ? AND revoked = 0", (jti,)) is not None

    def revoke_access(self, *, jti: str | None = None, client_id: str | None = None) -> int:
        """Revokes one access token, a client's, or (neither given) all; returns how many."""
        self._database.bearers_revision += 1
        return self._database.execute(
            "UPDATE access_tokens SET revoked = 1 WHERE revoked = 0 AND jti = coalesce(?, jti)"
            " AND client_id = coalesce(?, client_id)",
            (jti, client_id),
        ).rowcount

    def revoke(self, grant_id: str) -> None:
        """Revokes a grant with every token of it (RFC 7009, section 2.1; RFC 9700, section 4.14.2)."""
        self._database.bearers_revision += 1
        self._database.execute("UPDATE grants SET revoked = 1 WHERE id = ?", (grant_id,))
        self._database.execute("UPDATE access_tokens SET revoked = 1 WHERE grant_id = ?", (grant_id,))

    def revoke_renewal(self, *, jti: str | None = None, client_id: str | None = None) -> int:
        """Revokes the grant of an access token, a client's grants, or all; returns how many. Access tokens stay."""
        return self._database.execute(
            "UPDATE grants SET revoked = 1 WHERE revoked = 0 AND client_id = coalesce(?, client_id)"
            " AND (? IS NULL OR id = (SELECT grant_id FROM access_tokens WHERE jti = ?))",
            (client_id, jti, jti),
        ).rowcount
