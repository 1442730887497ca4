"""What a world begins with: the roles, then the dev seed if it is asked for, then what its creation body names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from admin_api_mock import accounts, audit, devseed, settings
from admin_api_mock.audit import Record, Target
from admin_api_mock.clients import secret_digest
from admin_api_mock.clock import format_instant
from admin_api_mock.handlers.plugins import install
from admin_api_mock.handlers.tokens import issue
from admin_api_mock.instants import body_instant
from admin_api_mock.principal import Principal
from admin_api_mock.problems import Problem, invalid
from admin_api_mock.rbac import role_documents
from admin_api_mock.store.grants import Client
from admin_api_mock.store.users import NEVER, fold

if TYPE_CHECKING:
    from admin_api_mock.worlds import World

#: Who made what was there from the start.
SYSTEM = Principal(type="system", id="system", name=None, scopes=frozenset())
USER_CREATE = "/components/schemas/UserCreate"
PLUGIN_CREATE = "/components/schemas/PluginCreate"
CONFIG_SET = "/components/schemas/ConfigSet"
#: Members of a user in a creation body that the API itself does not take.
_USER_EXTRAS = frozenset({"status", "created_at", "last_login_at"})


def populate(world: World, creation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fills an empty world, all or nothing; a world kept on disk stays as it is. 409 and 422 as the API says them."""
    store = world.store
    dev = creation.get("seed") == "dev"
    with store.transaction():
        if dev:
            devseed.set_demo_client(world)
        if store.count("roles"):
            return {}
        for role in role_documents(world.document.scopes):
            store.roles.insert(role)
        if dev:
            devseed.fill(world)
        for key, given in _entries(creation.get("config")):
            _config(world, key, given)
        return {
            "plugins": [_plugin(world, given)["id"] for given in creation.get("plugins") or ()],
            "users": [_user(world, given)["id"] for given in _counted(creation.get("users"), _nth_user)],
            "clients": [_client(world, given) for given in creation.get("clients") or ()],
            "tokens": [_token(world, given) for given in creation.get("tokens") or ()],
            "events": [_event(world, given)["id"] for given in _counted(creation.get("events"), _nth_event)],
        }


def _user(world: World, given: Mapping[str, Any]) -> dict[str, Any]:
    """{username, email, …} as users.create takes it, and `status`, `created_at`, `last_login_at`."""
    asked = {name: value for name, value in given.items() if name not in _USER_EXTRAS}
    world.validation.check("request", USER_CREATE, asked)
    created_ms = body_instant("/created_at", given["created_at"]) if "created_at" in given else world.clock.now_ms()
    login = given.get("last_login_at")
    login_ms = NEVER if login is None else body_instant("/last_login_at", login)
    doc = accounts.create(
        world.store,
        asked,
        user_id=world.ids.new("usr"),
        creator=None,
        created_ms=created_ms,
        created_at=format_instant(created_ms),
        last_login_ms=login_ms,
        last_login_at=None if login is None else format_instant(login_ms),
    )
    status = given.get("status", "active")
    if status not in ("active", "suspended"):
        raise invalid("/status", "invalid_value", "A user is created active or suspended.")
    stored = world.store.users.get(doc["id"])
    if status != "active" and stored is not None:
        doc["status"] = status
        world.store.users.replace(stored, doc)
    return doc


def _plugin(world: World, given: Mapping[str, Any]) -> dict[str, Any]:
    """As plugins.register takes it."""
    world.validation.check("request", PLUGIN_CREATE, given)
    return install(world.store, given, plugin_id=world.ids.new("plg"), now=world.clock.iso())


def _config(world: World, key: str, given: Mapping[str, Any]) -> None:
    """{value, secret?, schema?} as config.set takes it."""
    world.validation.check("request", CONFIG_SET, given)
    schema = orjson.dumps(given.get("schema"))
    settings.require_valid(key, given["value"], schema)
    row = settings.next_version(
        world.store,
        world.keys,
        key,
        given["value"],
        secret=given.get("secret", False),
        schema=schema,
        changed_by=SYSTEM.id,
        changed_at=world.clock.iso(),
        event_id=None,
    )
    world.store.config.put(row)


def _entries(given: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """{key: {value, …}} or [{key, value, …}]."""
    if isinstance(given, Mapping):
        yield from given.items()
    else:
        for entry in given or ():
            yield entry["key"], {name: value for name, value in entry.items() if name != "key"}


def _client(world: World, given: Mapping[str, Any]) -> str:
    """{id, secret?, scopes?, token_ttl?, refresh_tokens?}: an OAuth client, with all scopes if none are named."""
    scopes = _known_scopes(world, given.get("scopes"))
    client = Client(
        id=given["id"],
        secret_sha256=secret_digest(given["secret"]) if "secret" in given else None,
        scopes=" ".join(scopes),
        token_ttl=given.get("token_ttl"),
        refresh_tokens=given.get("refresh_tokens", False),
    )
    if world.store.grants.client(client.id) is not None:
        raise Problem("conflict", "A client of this id exists.")
    world.store.grants.add_client(client)
    return client.id


def _token(world: World, given: Mapping[str, Any]) -> dict[str, str]:
    """{token?, name?, scopes?, owner?}: a personal token, of the user of this name or of nobody; told once."""
    owner_id = None
    if "owner" in given and (owner_id := world.store.users.holder_of("username_key", fold(given["owner"]))) is None:
        raise invalid("/owner", "unknown_user", "There is no such user.")
    stored, secret = issue(
        world,
        name=given.get("name", "seeded"),
        description=None,
        scopes=_known_scopes(world, given.get("scopes")),
        created_by=owner_id or SYSTEM.id,
        owner_id=owner_id,
        expires_ms=None,
        secret=given.get("token"),
    )
    return {"id": stored.doc["id"], "token": secret}


def _event(world: World, given: Mapping[str, Any]) -> dict[str, Any]:
    """{action?, outcome?, reason?, targets?, changes?}: an event of the system's, now."""
    record = Record(
        action=given.get("action", "users.update"),
        outcome=given.get("outcome", "success"),
        targets=[Target(t["type"], t["id"], t.get("name")) for t in given.get("targets", ())],
        changes=given.get("changes", ()),
        reason=given.get("reason"),
    )
    now_ms = world.clock.now_ms()
    request_id = given.get("request_id", "req_seed")
    context = {"ip": None, "user_agent": None, "request_id": request_id}
    document = audit.cloud_event(world, world.ids.new("evt"), record, SYSTEM, time_ms=now_ms, context=context)
    audit.append(world, document, now_ms)
    return document


def _known_scopes(world: World, scopes: Sequence[str] | None) -> list[str]:
    if scopes is None:
        return list(world.document.scopes)
    for i, scope in enumerate(scopes):
        if scope not in world.document.scopes:
            raise invalid(f"/scopes/{i}", "unknown_scope", "There is no such scope.")
    return list(scopes)


def _counted(given: int | Sequence[Mapping[str, Any]] | None, nth: Any) -> Iterator[Mapping[str, Any]]:
    """The list as given, or as many as a number says."""
    if isinstance(given, int):
        yield from (nth(i) for i in range(given))
    else:
        yield from given or ()


def _nth_user(i: int) -> Mapping[str, Any]:
    return {"username": f"user{i:06d}", "email": f"user{i:06d}@example.com", "roles": ["viewer"]}


def _nth_event(i: int) -> Mapping[str, Any]:
    return {"action": "users.update", "targets": [{"type": "user", "id": f"usr_seed{i}"}]}
