"""The RBAC table: which role grants which scopes. The scopes themselves, and what they allow, are the document's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

ADMIN = "admin"


class RoleDefinition(NamedTuple):
    """A role that every world begins with; `scopes` None = all there are."""

    description: str
    scopes: tuple[str, ...] | None


ROLES: Mapping[str, RoleDefinition] = {
    ADMIN: RoleDefinition("May do everything.", None),
    "editor": RoleDefinition(
        "Creates and changes users and stores objects.",
        ("users:read", "users:create", "users:update", "plugins:read", "config:read", "storage:read", "storage:write"),
    ),
    "auditor": RoleDefinition(
        "Reads the audit trail, and what it speaks of.", ("users:read", "audit:read", "config:read", "plugins:read")
    ),
    "viewer": RoleDefinition("Looks at users, plugins and objects.", ("users:read", "plugins:read", "storage:read")),
}


def role_documents(scopes: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The roles as the API shows them; `scopes` gives every scope's description."""
    for name, (description, granted) in ROLES.items():
        names = list(scopes) if granted is None else [scope for scope in granted if scope in scopes]
        yield {
            "name": name,
            "description": description,
            "scopes": [{"name": scope, "description": scopes[scope]} for scope in names],
        }
