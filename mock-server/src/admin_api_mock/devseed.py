"""The dev seed: a small installation with a past, the same at every start but for its ids."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson

from admin_api_mock import accounts, audit, settings
from admin_api_mock.audit import Change, Record, Target, change, changes_between
from admin_api_mock.authenticate import LITERAL
from admin_api_mock.clients import secret_digest
from admin_api_mock.clock import format_instant, parse_instant
from admin_api_mock.handlers.plugins import install
from admin_api_mock.handlers.tokens import issue
from admin_api_mock.ids import Ids
from admin_api_mock.principal import Principal
from admin_api_mock.provisioning import PROVIDERS_KEY
from admin_api_mock.rbac import ADMIN
from admin_api_mock.store.grants import Client
from admin_api_mock.store.users import NEVER

if TYPE_CHECKING:
    from admin_api_mock.worlds import World

#: The API documentation's, for loopback only.
CLIENT_ID, CLIENT_SECRET = "demo", "demo-secret"
_HOUR_MS = 60 * 60 * 1000
_PAST_HOURS = 400 * 24
_USERS = 300
_EVENTS = 600
#: Neither alice nor her address: the documentation's samples create her.
_FIRST = (
    "amara", "bruno", "chiara", "dmitri", "elif", "farid", "greta", "hana", "ines", "jonas", "kaya", "lars", "mei",
    "nadia",
    "omar", "petra", "quinn", "rosa", "stefan", "tomas", "uma", "viktor", "wanda", "yusuf", "zoe",
)  # fmt: skip
_LAST = ("abe", "berg", "costa", "diaz", "evans", "fischer", "garcia", "hansen", "ito", "jansen", "kim", "lopez")
_TEAMS = ("blue", "green", "red", "violet")
_PROVIDERS = {"corp": {"issuer": "https://sso.example.com", "domains": ["example.com"]}}
#: key → value, secret, schema.
_CONFIG: dict[str, tuple[Any, bool, Any]] = {
    PROVIDERS_KEY: (_PROVIDERS, False, None),
    "audit.retention_days": (730, False, {"type": "integer", "minimum": 1}),
    "branding.title": ("Admin Console", False, {"type": "string", "maxLength": 80}),
    "mail.from": ("admin@example.com", False, {"type": "string", "format": "email"}),
    "mail.smtp.host": ("smtp.example.com", False, None),
    "mail.smtp.password": ("correct horse battery staple", True, None),
    "mail.smtp.port": (587, False, {"type": "integer", "minimum": 1, "maximum": 65535}),
    "session.idle_minutes": (30, False, {"type": "integer", "minimum": 1, "maximum": 1440}),
    "storage.quota_bytes": (10_737_418_240, False, {"type": "integer", "minimum": 0}),
    "users.default_roles": (["viewer"], False, {"type": "array", "items": {"type": "string"}}),
}
_TITLE: Change = {"pointer": "/value", "from": '"Admin"', "to": '"Admin Console"'}
#: name, version, what it needs.
_PLUGINS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("metrics", "1.4.2", {}),
    ("dashboards", "2.0.1", {"metrics": ">=1.2.0 <2.0.0"}),
    ("alerts", "0.9.0", {"metrics": "^1.0.0"}),
    ("backup", "3.1.0", {}),
    ("ldap-sync", "1.0.4", {}),
    ("mailer", "2.2.0", {}),
    ("pdf-preview", "0.3.7", {}),
    ("report-export", "1.1.0", {"mailer": "*", "pdf-preview": "~0.3.0"}),
    ("scim-bridge", "0.1.0-beta.2", {"ldap-sync": ">=1.0.0"}),
    ("search", "5.0.0", {}),
    ("virus-scan", "1.8.3", {}),
    ("webhooks", "4.0.2", {}),
)


def fill(world: World) -> None:
    """Everything of the dev seed, within the caller's transaction."""
    dice = random.Random("admin-api dev seed")  # The content is the same everywhere; ids are the world's own.
    _config(world)
    users = [_user(world, dice, given, hours) for given, hours in _people(dice)]
    plugins = _plugins(world)
    _history(world, dice, users, plugins)
    if world.settings.literal_token:
        issue(
            world,
            name="The documentation's samples",
            description=f"The literal bearer {LITERAL}, on loopback only.",
            scopes=list(world.document.scopes),
            created_by=users[0]["id"],
            owner_id=users[0]["id"],
            expires_ms=None,
            secret=LITERAL,
        )


def set_demo_client(world: World) -> None:
    """The demo client is there on loopback and nowhere else, whatever `--data` has kept (TOKEN: authenticate.py)."""
    world.store.grants.remove_client(CLIENT_ID)
    if world.settings.literal_token:
        scopes = " ".join(world.document.scopes)
        world.store.grants.add_client(Client(CLIENT_ID, secret_digest(CLIENT_SECRET), scopes))


def _config(world: World) -> None:
    for key, (value, secret, schema) in _CONFIG.items():
        encoded = orjson.dumps(schema)
        settings.require_valid(key, value, encoded)
        row = settings.next_version(
            world.store,
            world.keys,
            key,
            value,
            secret=secret,
            schema=encoded,
            changed_by="system",
            changed_at=world.clock.iso(),
            event_id=None,
        )
        world.store.config.put(row)


def _people(dice: random.Random) -> Iterator[tuple[dict[str, Any], int]]:
    """UserCreate bodies, oldest first, and how many hours ago each was made. The admin is the first."""
    yield {"username": ADMIN, "email": "admin@example.com", "roles": [ADMIN], "display_name": "Admin"}, _PAST_HOURS
    names = [(first, last) for last in _LAST for first in _FIRST][: _USERS - 1]
    dice.shuffle(names)
    for i, (first, last) in enumerate(names):
        roles = dice.choices((["viewer"], ["editor"], ["auditor"], ["viewer", "auditor"], [ADMIN]), (70, 20, 6, 3, 1))[
            0
        ]
        person = {
            "username": f"{first}.{last}",
            "email": f"{first}.{last}@example.{'com' if i % 3 else 'org'}",
            "roles": roles,
            "display_name": f"{first.title()} {last.title()}",
            "metadata": {"team": dice.choice(_TEAMS)},
        }
        if i % 4 == 0:
            person["external_id"] = f"hr-{1000 + i}"
        yield person, _PAST_HOURS - 24 - i * (_PAST_HOURS - 72) // _USERS


def _user(world: World, dice: random.Random, given: dict[str, Any], hours_ago: int) -> dict[str, Any]:
    now_ms = world.clock.now_ms()
    created_ms = now_ms - hours_ago * _HOUR_MS
    login_ms = now_ms - dice.randrange(1, hours_ago) * _HOUR_MS if dice.random() < 0.8 else NEVER
    doc = accounts.create(
        world.store,
        given,
        user_id=world.ids.new("usr", at_ms=created_ms),
        creator="system",
        created_ms=created_ms,
        created_at=format_instant(created_ms),
        last_login_ms=login_ms,
        last_login_at=None if login_ms == NEVER else format_instant(login_ms),
    )
    stored = world.store.users.get(doc["id"])
    if stored is not None and doc["username"] != ADMIN and dice.random() < 0.05:
        doc["status"] = "suspended"
        world.store.users.replace(stored, doc)
    return doc


def _plugins(world: World) -> list[dict[str, Any]]:
    found = []
    for name, version, needs in _PLUGINS:
        given = {
            "name": name,
            "version": version,
            "source": {"type": "registry", "package": name},
            "requires": [{"plugin": needed, "range": wanted} for needed, wanted in needs.items()],
        }
        found.append(install(world.store, given, plugin_id=world.ids.new("plg"), now=world.clock.iso()))
    return found


def _history(world: World, dice: random.Random, users: list[dict[str, Any]], plugins: list[dict[str, Any]]) -> None:
    """Events in order of their time: each user's creation, and as many changes between them."""
    now_ms = world.clock.now_ms()
    told: list[tuple[int, Record]] = []
    for user in users:
        record = Record("users.create", targets=[_of("user", user)], changes=changes_between(None, user))
        told.append((parse_instant(user["created_at"]), record))
    while len(told) < _EVENTS:
        told.append((now_ms - dice.randrange(1, 60 * 24) * _HOUR_MS, _change(dice, users, plugins)))
    told.sort(key=lambda entry: entry[0])
    admin = Principal(type="user", id=users[0]["id"], name=ADMIN, scopes=frozenset())
    ids = Ids(world.clock, world.random)
    for i, (time_ms, record) in enumerate(told):
        context = {"ip": "127.0.0.1", "user_agent": "admin-console/3.2", "request_id": f"req_seed{i:04d}"}
        event_id = ids.new("evt", at_ms=time_ms)
        audit.append(
            world, audit.cloud_event(world, event_id, record, admin, time_ms=time_ms, context=context), time_ms
        )


def _change(dice: random.Random, users: list[dict[str, Any]], plugins: list[dict[str, Any]]) -> Record:
    user, plugin = dice.choice(users), dice.choice(plugins)
    team: list[Change] = [change("/metadata/team", dice.choice(_TEAMS), dice.choice(_TEAMS))]
    return dice.choices(
        (
            Record("users.update", targets=[_of("user", user)], changes=team),
            Record("plugins.update", targets=[_of("plugin", plugin)], changes=[change("/settings/interval", 15, 30)]),
            Record("config.set", targets=[Target("config", "branding.title", "branding.title")], changes=[_TITLE]),
            Record("users.delete", "denied", [_of("user", user)], reason="insufficient_scope"),
        ),
        (60, 15, 15, 10),
    )[0]


def _of(kind: str, doc: dict[str, Any]) -> Target:
    return Target(kind, doc["id"], doc.get("username") or doc.get("name"))
