"""The rules of users: unique names, roles that exist, and an admin who stays. Handlers and seeds share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from admin_api_mock.problems import FieldError, Problem, invalid
from admin_api_mock.provisioning import mappings_of, require_free
from admin_api_mock.rbac import ADMIN
from admin_api_mock.store.users import NEVER, StoredUser, fold

if TYPE_CHECKING:
    from admin_api_mock.store import Store

#: How long a deleted user can be restored.
RESTORABLE_MS = 30 * 24 * 60 * 60 * 1000
#: The most notes a user can have, patches added up (Metadata in the document).
MAX_METADATA = 50
#: Member → column it is unique in, problem, words.
_UNIQUE: Mapping[str, tuple[str, str, str]] = {
    "username": ("username_key", "username_taken", "Another user has this name."),
    "email": ("email_key", "email_taken", "Another user has this e-mail address."),
    "external_id": ("external_id", "external_id_taken", "Another user has this external id."),
}


def create(
    store: Store,
    given: Mapping[str, Any],
    *,
    user_id: str,
    creator: str | None,
    created_ms: int,
    created_at: str,
    last_login_ms: int = NEVER,
    last_login_at: str | None = None,
) -> dict[str, Any]:
    """Adds a user from a valid UserCreate; all or nothing. 409 for a duplicate, 422 for an unknown role or provider."""
    roles = given.get("roles", [])
    require_roles(store, roles)
    doc = {
        "id": user_id,
        "username": given["username"],
        "email": given["email"],
        "display_name": given.get("display_name"),
        "external_id": given.get("external_id"),
        "roles": roles,
        "metadata": given.get("metadata", {}),
        "status": "active",
        "sso_mappings": [],
        "last_login_at": last_login_at,
        "created_at": created_at,
        "created_by": creator,
        "updated_at": created_at,
        "deleted_at": None,
        "purge_at": None,
    }
    require_unique(store, doc)
    doc["sso_mappings"] = mappings_of(store, given.get("sso_mappings"), given["email"], created_at)
    store.users.insert(doc, created_ms=created_ms, last_login_ms=last_login_ms)
    return doc


def require_roles(store: Store, roles: Sequence[str]) -> None:
    """422 `unknown_role` at the first role that does not exist: it is refused, never dropped."""
    for i, role in enumerate(roles):
        if not store.roles.exists(role):
            raise invalid(f"/roles/{i}", "unknown_role", "There is no such role.")


def require_unique(store: Store, doc: Mapping[str, Any]) -> None:
    """409 naming the first member that another user has, and that user."""
    for member, (column, code, detail) in _UNIQUE.items():
        value = doc[member]
        if value is None:
            continue
        holder = store.users.holder_of(column, value if member == "external_id" else fold(value))
        if holder is not None and holder != doc["id"]:
            error: FieldError = {"pointer": f"/{member}", "code": "taken", "detail": detail}
            raise Problem(code, detail, existing_id=holder, errors=[error])


def require_free_subjects(store: Store, doc: Mapping[str, Any]) -> None:
    """409 if an identity of a user who comes back is bound to another by now."""
    for i, mapping in enumerate(doc["sso_mappings"]):
        if mapping["subject"] is not None:
            require_free(store, mapping["provider"], mapping["subject"], f"/sso_mappings/{i}")


def active_user(store: Store, user_id: str) -> dict[str, Any] | None:
    """The user, if there is one of this id who may act."""
    stored = store.users.get(user_id)
    return stored.doc if stored is not None and stored.doc["status"] == "active" else None


def scopes_of(store: Store, doc: Mapping[str, Any]) -> frozenset[str]:
    """What a user may do: the scopes of all roles together."""
    return store.roles.scopes(doc["roles"])


def keep_an_admin(store: Store, stored: StoredUser, after: Mapping[str, Any]) -> None:
    """409 `last_admin` if this change would leave nobody who may do everything. Within the transaction."""
    if _is_active_admin(stored.doc) and not _is_active_admin(after) and not store.users.other_active_admin(stored.seq):
        raise Problem("last_admin", "This is the last active admin; make another one first.")


def _is_active_admin(doc: Mapping[str, Any]) -> bool:
    return doc["status"] == "active" and ADMIN in doc["roles"]
