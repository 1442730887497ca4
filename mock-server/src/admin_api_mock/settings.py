"""The rules of configuration entries: versions, entity tags, schemas, secrets. Handlers and seeds share them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
from jsonschema_rs import Draft202012Validator, ReferencingError, ValidationError

from admin_api_mock import retention
from admin_api_mock.audit import Change, change
from admin_api_mock.problems import FieldError, Problem, invalid
from admin_api_mock.provisioning import PROVIDERS_KEY, PROVIDERS_SCHEMA
from admin_api_mock.store.config import ConfigRow
from admin_api_mock.violations import errors_of

if TYPE_CHECKING:
    from admin_api_mock.keys import Keys
    from admin_api_mock.store import Store

#: Entries that the server itself reads: their value must be usable whatever schema they are given.
_OWN_SCHEMAS: Mapping[str, Mapping[str, Any]] = {PROVIDERS_KEY: PROVIDERS_SCHEMA, retention.KEY: retention.SCHEMA}
NO_SCHEMA = b"null"


def next_version(
    store: Store,
    keys: Keys,
    key: str,
    value: Any,
    *,
    secret: bool,
    schema: bytes,
    changed_by: str,
    changed_at: str,
    event_id: str | None,
) -> ConfigRow:
    """The next version of an entry with this value; versions go on counting after a deletion."""
    encoded = orjson.dumps(value)
    return ConfigRow(
        key=key,
        version=_next_number(store, key),
        etag=_etag(_next_number(store, key), encoded + schema),
        value=encoded,
        secret=secret,
        fingerprint=keys.fingerprint(encoded) if secret else None,
        schema=schema,
        changed_by=changed_by,
        changed_at=changed_at,
        audit_event_id=event_id,
    )


def deletion(current: ConfigRow, *, changed_by: str, changed_at: str, event_id: str) -> ConfigRow:
    """The version that ends an entry."""
    version = current.version + 1
    return current._replace(
        version=version,
        etag=_etag(version, b""),
        value=None,
        fingerprint=None,
        changed_by=changed_by,
        changed_at=changed_at,
        audit_event_id=event_id,
    )


def require_valid(key: str, value: Any, schema: bytes, pointer: str = "/value") -> None:
    """422 with pointers into the value unless it satisfies the entry's schema; 422 at /schema if that is none."""
    errors: list[FieldError] = []
    for rules in (orjson.loads(schema), _OWN_SCHEMAS.get(key)):
        if rules is not None:
            errors += errors_of(_compile(rules), value)
    if errors:
        for error in errors:
            error["pointer"] = pointer + error.get("pointer", "")
        raise Problem("validation_failed", "The value does not satisfy the entry's schema.", errors=errors)


def shown(row: ConfigRow) -> dict[str, Any]:
    """A ConfigEntry: without its value if that is a secret."""
    entry: dict[str, Any] = {"key": row.key}
    if not row.secret and row.value is not None:
        entry["value"] = orjson.loads(row.value)
    return entry | {
        "secret": row.secret,
        "value_set": row.value is not None,
        "fingerprint": row.fingerprint,
        "schema": orjson.loads(row.schema),
        "version": row.version,
        "etag": row.etag,
        "updated_by": row.changed_by,
        "updated_at": row.changed_at,
    }


def shown_version(row: ConfigRow, *, secret: bool) -> dict[str, Any]:
    """A ConfigVersion. What is a secret now was one in every version."""
    version: dict[str, Any] = {"version": row.version, "etag": row.etag}
    if not secret and row.value is not None:
        version["value"] = orjson.loads(row.value)
    return version | {
        "secret": secret,
        "value_set": row.value is not None,
        "changed_by": row.changed_by,
        "changed_at": row.changed_at,
        "audit_event_id": row.audit_event_id,
    }


def changes(before: ConfigRow | None, after: ConfigRow | None) -> list[Change]:
    """What an event tells of a change: values as JSON text, those of secrets left out."""
    found = []
    secret = any(row.secret for row in (before, after) if row is not None)
    old, new = _value(before), _value(after)
    if old != new:
        pointer = "/value"
        found.append(change(pointer, secret=True) if secret else change(pointer, old, new))
    for name in ("schema", "secret"):
        old, new = _member(before, name), _member(after, name)
        if old != new:
            found.append(change(f"/{name}", old, new))
    return found


def _value(row: ConfigRow | None) -> Any:
    return None if row is None or row.value is None else orjson.loads(row.value)


def _member(row: ConfigRow | None, name: str) -> Any:
    if row is None:
        return None
    return orjson.loads(row.schema) if name == "schema" else row.secret or None


def _next_number(store: Store, key: str) -> int:
    newest = store.config.newest(key)
    return 1 if newest is None else newest.version + 1


def _etag(version: int, representation: bytes) -> str:
    return f'"{version}-{hashlib.sha256(representation).hexdigest()[:8]}"'


def _compile(rules: Mapping[str, Any]) -> Draft202012Validator:
    try:
        # No retriever: a schema of a caller's must not make this server fetch anything.
        return Draft202012Validator(dict(rules), validate_formats=True, retriever=_refuse)
    except (ValidationError, ReferencingError, ValueError):
        raise invalid("/schema", "invalid_schema", "It is not a JSON Schema (2020-12).") from None


def _refuse(uri: str) -> Any:
    raise ValueError("only references within the schema itself are followed")
