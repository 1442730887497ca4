"""SSO mappings: identities bound to a user by issuer and subject, as asked for or by the domain of the e-mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from admin_api_mock.problems import Problem, invalid

if TYPE_CHECKING:
    from admin_api_mock.store import Store

PROVIDERS_KEY = "sso.providers"
#: What the config entry must be like, whatever schema it is given besides: provisioning reads it.
PROVIDERS_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-z][a-z0-9_-]{0,63}$"},
    "additionalProperties": {
        "type": "object",
        "properties": {
            "issuer": {"type": "string", "format": "uri", "maxLength": 500},
            "domains": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 253}},
        },
        "required": ["issuer", "domains"],
    },
}


def mappings_of(
    store: Store, given: Sequence[Mapping[str, str]] | None, email: str | None, now: str
) -> list[dict[str, Any]]:
    """The mappings of a new user. `given` None: one is made if a provider has the e-mail's domain.

    422 for an unknown provider, 409 `sso_mapping_taken` for an identity that is bound already.
    """
    providers = _providers(store)
    if given is None:
        domain = email.rpartition("@")[2].casefold() if email else None
        return [
            _mapping(name, provider, None, "pending", now)
            for name, provider in providers.items()
            if domain in [known.casefold() for known in provider["domains"]]
        ][:1]
    made: list[dict[str, Any]] = []
    for i, wanted in enumerate(given):
        name, subject = wanted["provider"], wanted["subject"]
        if name not in providers:
            raise invalid(f"/sso_mappings/{i}/provider", "unknown_provider", "There is no such provider.")
        if any((mapping["provider"], mapping["subject"]) == (name, subject) for mapping in made):
            raise invalid(f"/sso_mappings/{i}", "duplicate", "This identity is given twice.")
        require_free(store, name, subject, f"/sso_mappings/{i}")
        made.append(_mapping(name, providers[name], subject, "linked", now))
    return made


def require_free(store: Store, provider: str, subject: str, pointer: str) -> None:
    """409 `sso_mapping_taken` if this identity is bound to a user."""
    holder = store.users.holder_of_subject(provider, subject)
    if holder is not None:
        detail = "Another user is bound to this identity."
        raise Problem(
            "sso_mapping_taken",
            detail,
            existing_id=holder,
            errors=[{"pointer": pointer, "code": "taken", "detail": detail}],
        )


def _providers(store: Store) -> dict[str, Any]:
    entry = store.config.current(PROVIDERS_KEY)
    value = orjson.loads(entry.value) if entry and entry.value else {}
    return value if isinstance(value, dict) else {}


def _mapping(name: str, provider: Mapping[str, Any], subject: str | None, status: str, now: str) -> dict[str, Any]:
    return {
        "provider": name,
        "issuer": provider["issuer"],
        "subject": subject,
        "status": status,
        "provisioned_at": now,
    }
