"""The tables. A row that is answered as a whole lies in `doc` as the JSON it is answered with."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS roles (seq INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, doc BLOB NOT NULL) STRICT;

-- Deleted users keep their row: it can be restored, and it marks its place for exports that resume behind it.
CREATE TABLE IF NOT EXISTS users (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    username_key TEXT NOT NULL,
    email_key TEXT,
    external_id TEXT,
    status TEXT NOT NULL,
    status_before_deletion TEXT,
    created_ms INTEGER NOT NULL,
    last_login_ms INTEGER NOT NULL DEFAULT -1,
    purge_ms INTEGER,
    version INTEGER NOT NULL,
    doc BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS users_username ON users (username_key) WHERE status <> 'deleted';
CREATE UNIQUE INDEX IF NOT EXISTS users_email ON users (email_key) WHERE status <> 'deleted' AND email_key IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS users_external_id ON users (external_id)
    WHERE status <> 'deleted' AND external_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS user_roles (role TEXT, user_seq INTEGER, PRIMARY KEY (role, user_seq)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sso_subjects (
    provider TEXT, subject TEXT, user_id TEXT NOT NULL, PRIMARY KEY (provider, subject)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT where rows go away: a number used twice would make a keyset cursor skip a row.
CREATE TABLE IF NOT EXISTS plugins (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    doc BLOB NOT NULL
) STRICT;

-- One row per version, deletions too; `config` names the version in force.
CREATE TABLE IF NOT EXISTS config_versions (
    key TEXT,
    version INTEGER,
    etag TEXT NOT NULL,
    value BLOB,
    secret INTEGER NOT NULL,
    fingerprint TEXT,
    schema BLOB NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    audit_event_id TEXT,
    PRIMARY KEY (key, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS config (key TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS events (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    time_ms INTEGER NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    token_id TEXT,
    request_id TEXT NOT NULL,
    doc BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS events_request ON events (request_id);
CREATE TABLE IF NOT EXISTS event_targets (
    target_id TEXT, sequence INTEGER, PRIMARY KEY (target_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    doc BLOB NOT NULL
) STRICT;
-- Whose a chunk is lies apart from its bytes: those of an upload become the object's without being moved. No id of a
-- chunk is used twice, so that who reads chunk by chunk never meets another object's.
CREATE TABLE IF NOT EXISTS chunks (id INTEGER PRIMARY KEY AUTOINCREMENT, content BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS content_chunks (
    owner_id TEXT, start INTEGER, stop INTEGER NOT NULL, chunk_id INTEGER NOT NULL, PRIMARY KEY (owner_id, start)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    asked BLOB NOT NULL,
    "offset" INTEGER NOT NULL,
    length INTEGER,
    expires_ms INTEGER NOT NULL,
    object_id TEXT
) STRICT, WITHOUT ROWID;

-- `owner_id` is the user a personal token acts for; NULL: the token acts for itself.
CREATE TABLE IF NOT EXISTS tokens (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    sha256 BLOB NOT NULL UNIQUE,
    owner_id TEXT,
    created_by TEXT NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER,
    last_used_ms INTEGER,
    doc BLOB NOT NULL
) STRICT;

-- `secret_sha256` NULL: a public client, which has nothing to prove itself with.
CREATE TABLE IF NOT EXISTS clients (
    id TEXT PRIMARY KEY,
    secret_sha256 BLOB,
    scopes TEXT NOT NULL,
    token_ttl INTEGER,
    refresh_tokens INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- A grant is a family: its refresh tokens, each the successor of one before, and the access tokens given with them.
CREATE TABLE IF NOT EXISTS grants (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    user_id TEXT,
    scopes TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS grants_expiry ON grants (expires_ms);
CREATE TABLE IF NOT EXISTS refresh_tokens (
    sha256 BLOB PRIMARY KEY, grant_id TEXT NOT NULL, number INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
    rotated_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refresh_tokens_grant ON refresh_tokens (grant_id);
CREATE TABLE IF NOT EXISTS access_tokens (
    jti TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    grant_id TEXT,
    expires_ms INTEGER NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS access_tokens_expiry ON access_tokens (expires_ms);

-- First answers by Idempotency-Key. A sealed body can be opened by the key alone, of which only the hash is here.
CREATE TABLE IF NOT EXISTS replies (
    place BLOB NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    stored_ms INTEGER NOT NULL,
    status INTEGER NOT NULL,
    headers BLOB NOT NULL,
    body BLOB,
    secret_of TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS replies_age ON replies (stored_ms);

-- Collections of the document that have no table of their own (handlers/generic.py).
CREATE TABLE IF NOT EXISTS rows (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    doc BLOB NOT NULL,
    UNIQUE (collection, id)
) STRICT;
"""
