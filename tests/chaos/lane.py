"""One lane of a chapter: calls that build upon each other, drawn with their options and faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from chaos import weather
from chaos.calls import Cancel, Planned, Ref

#: What every world begins with; all lanes change it.
SEEDED_USERS: Final = tuple(f"seeded.user.{i}" for i in range(6))
SEEDED_PLUGINS: Final = tuple(f"seeded.plugin.{i}" for i in range(6))
SHARED_KEYS: Final = ("shared.a", "shared.b")

_RECIPIENT: Final = "age18uq4s6qhsgxqvwnfzsw0k9seu8e6zvmk7rt6ud69tkq03m604yrqr49kwq"
_ROLES: Final = ("auditor", "editor", "viewer")


@dataclass(slots=True)
class _Draft:
    """An operation and its arguments, before options and faults are drawn for it."""

    operation: str
    args: dict[str, Any]
    makes: str | None = None


class Lane:
    """Draws the calls of one lane, and remembers what they would bring about if all went well."""

    def __init__(self, random: Random, prefix: str, number: int) -> None:
        self._random = random
        self._prefix = prefix
        self._number = number
        self._made = 0
        #: Name → what becomes of it.
        self._users = dict.fromkeys(SEEDED_USERS, "active")
        self._plugins = set(SEEDED_PLUGINS)
        self._tokens: set[str] = set()
        self._objects: set[str] = set()
        self._keys = [f"lane{number}.a", f"lane{number}.b", *SHARED_KEYS]

    def calls(self, count: int) -> list[Planned]:
        """The calls, the first `count` of what is drawn."""
        drafts: list[_Draft] = []
        while len(drafts) < count:
            drafts += self._next()
        return [self._planned(f"{self._prefix}.{i}", draft) for i, draft in enumerate(drafts[:count])]

    def _planned(self, call_id: str, draft: _Draft) -> Planned:
        random = self._random
        faults = weather.draw(random, draft.operation)
        options: dict[str, Any] = {"headers": {"X-Request-Id": call_id}}
        if any(weather.is_slow(fault) for fault in faults):
            options["timeout_ms"] = random.choice(weather.SLOW_TIMEOUTS_MS)
        elif random.random() < 0.02:
            options["timeout_ms"] = random.choice((1, 2, 5))
        if random.random() < 0.06:
            options["deadline_ms"] = random.choice((1, 20, 150, 150, 2_000, 20_000))
        if random.random() < 0.08:
            options["max_retries"] = random.choice((0, 1, 6))
        key = random.random()
        if key < 0.12:
            options["idempotency_key"] = None
        elif key < 0.22:
            options["idempotency_key"] = f"key-{call_id}"
        cancel: Cancel | None = None
        if random.random() < 0.05:
            cancel = random.choice((0, 3, 10, 40, "asleep", "asleep"))
        nowhere = random.random() < 0.015
        return Planned(
            call_id, draft.operation, self._marked(draft, call_id), options, faults, draft.makes, cancel, nowhere
        )

    def _marked(self, draft: _Draft, call_id: str) -> dict[str, Any]:
        """Every payload that can says which call it is of."""
        args = dict(draft.args)
        match draft.operation:
            case "users.create" | "users.update":
                args["metadata"] = {"marker": call_id, **args.get("metadata", {})}
            case "plugins.register" | "plugins.update":
                args["settings"] = {"marker": call_id, **args.get("settings", {})}
            case "config.set":
                args["value"] = {"marker": call_id}
            case "tokens.create" | "storage.objects.upload":
                args["name"] = call_id
            case "users.suspend":
                args["reason"] = call_id
        return args

    def _next(self) -> list[_Draft]:
        (draw,) = self._random.choices(list(_DRAWS), list(_DRAWS.values()))
        return draw(self)

    def _name(self, kind: str) -> str:
        self._made += 1
        return f"lane{self._number}.{kind}.{self._made}"

    def _user(self, status: str) -> Ref:
        name = self._random.choice(sorted(name for name, now in self._users.items() if now == status) or SEEDED_USERS)
        return Ref("id", name, self._random.choice(SEEDED_USERS))

    def _plugin(self) -> Ref:
        return Ref("id", self._random.choice(sorted(self._plugins)), self._random.choice(SEEDED_PLUGINS))

    def _creating_a_user(self) -> list[_Draft]:
        name = self._name("user")
        self._users[name] = "active"
        # Now and then a name that is taken: a refusal of the server's own.
        username = name if self._random.random() < 0.93 else self._random.choice(SEEDED_USERS)
        args = {"username": username, "email": f"{name}@example.com", "roles": [self._random.choice(_ROLES)]}
        return [_Draft("users.create", args, name)]

    def _updating_a_user(self) -> list[_Draft]:
        user = self._user("active")
        change = self._random.choice(
            (
                {"display_name": f"N{self._random.randrange(1000)}"},
                {"metadata": {f"note{self._random.randrange(5)}": str(self._random.randrange(1000))}},
                {"metadata": {f"note{self._random.randrange(5)}": None}},
            )
        )
        return [_Draft("users.update", {"user_id": user, **change})]

    def _suspending(self) -> list[_Draft]:
        return self._turning("users.suspend", "active", "suspended")

    def _reactivating(self) -> list[_Draft]:
        return self._turning("users.reactivate", "suspended", "active")

    def _deleting_a_user(self) -> list[_Draft]:
        return self._turning("users.delete", "active", "deleted")

    def _restoring(self) -> list[_Draft]:
        return self._turning("users.restore", "deleted", "active")

    def _turning(self, operation: str, before: str, after: str) -> list[_Draft]:
        user = self._user(before)
        self._users[user.name] = after
        return [_Draft(operation, {"user_id": user})]

    def _assigning(self) -> list[_Draft]:
        return [_Draft("users.roles.assign", {"user_id": self._user("active"), "role": self._random.choice(_ROLES)})]

    def _removing(self) -> list[_Draft]:
        return [_Draft("users.roles.remove", {"user_id": self._user("active"), "role": self._random.choice(_ROLES)})]

    def _setting(self) -> list[_Draft]:
        key = self._random.choice(self._keys)
        args: dict[str, Any] = {"key": key}
        if self._random.random() < 0.94:  # else a blind write, which is a 428
            args["If-Match"] = Ref("etag", key)
        if self._random.random() < 0.1:
            args["dry_run"] = True
        if self._random.random() < 0.1:
            args["secret"] = True
        return [*self._looking_at(key), _Draft("config.set", args)]

    def _rolling_back(self) -> list[_Draft]:
        key = self._random.choice(self._keys)
        args: dict[str, Any] = {"key": key, "version": self._random.randrange(1, 4)}
        if self._random.random() < 0.5:
            args["If-Match"] = Ref("etag", key)
            return [*self._looking_at(key), _Draft("config.versions.rollback", args)]
        return [_Draft("config.versions.rollback", args)]

    def _clearing(self) -> list[_Draft]:
        key = self._random.choice(self._keys)
        return [*self._looking_at(key), _Draft("config.delete", {"key": key, "If-Match": Ref("etag", key)})]

    def _looking_at(self, key: str) -> list[_Draft]:
        """Most writers read first; who does not may have a stale entity tag."""
        return [_Draft("config.get", {"key": key})] if self._random.random() < 0.6 else []

    def _registering(self) -> list[_Draft]:
        name = self._name("plugin")
        self._plugins.add(name)
        plugin = name.replace(".", "-")
        args = {"name": plugin, "version": "1.2.3", "source": {"type": "registry", "package": plugin}}
        return [_Draft("plugins.register", args, name)]

    def _updating_a_plugin(self) -> list[_Draft]:
        change = self._random.choice(({"status": "disabled"}, {"status": "enabled"}, {"settings": {"level": 3}}))
        return [_Draft("plugins.update", {"plugin_id": self._plugin(), **change})]

    def _uninstalling(self) -> list[_Draft]:
        plugin = self._plugin()
        if len(self._plugins) > len(SEEDED_PLUGINS):
            self._plugins.discard(plugin.name)
        return [_Draft("plugins.uninstall", {"plugin_id": plugin})]

    def _creating_a_token(self) -> list[_Draft]:
        name = self._name("token")
        self._tokens.add(name)
        return [_Draft("tokens.create", {"scopes": ["users:read"]}, name)]

    def _rotating(self) -> list[_Draft]:
        if not self._tokens:
            return self._creating_a_token()
        token, new = Ref("id", self._random.choice(sorted(self._tokens))), self._name("token")
        self._tokens.add(new)
        return [_Draft("tokens.rotate", {"token_id": token}, new)]

    def _revoking(self) -> list[_Draft]:
        if not self._tokens:
            return self._creating_a_token()
        return [_Draft("tokens.revoke", {"token_id": Ref("id", self._random.choice(sorted(self._tokens)))})]

    def _uploading(self) -> list[_Draft]:
        name = self._name("object")
        self._objects.add(name)
        content = {"pattern": "weather\n", "size": self._random.choice((0, 1, 700, 9_000))}
        return [_Draft("storage.objects.upload", {"content": content, "encrypt_to": [_RECIPIENT]}, name)]

    def _deleting_an_object(self) -> list[_Draft]:
        if not self._objects:
            return self._uploading()
        name = self._random.choice(sorted(self._objects))
        self._objects.discard(name)
        return [_Draft("storage.objects.delete", {"object_id": Ref("id", name)})]

    def _reading(self) -> list[_Draft]:
        return [
            self._random.choice(
                (
                    _Draft("users.get", {"user_id": self._user("active")}),
                    _Draft("plugins.get", {"plugin_id": self._plugin()}),
                    _Draft("users.list", {"limit": 5, "include_deleted": True}),
                    _Draft("users.export", {}),
                    _Draft("audit.events.list", {"limit": 7, "action": "config.set"}),
                    _Draft("config.versions.list", {"key": self._random.choice(SHARED_KEYS)}),
                )
            )
        ]


#: How often each is drawn.
_DRAWS: Final[Mapping[Callable[[Lane], list[_Draft]], int]] = {
    Lane._creating_a_user: 16,
    Lane._updating_a_user: 14,
    Lane._suspending: 5,
    Lane._reactivating: 4,
    Lane._deleting_a_user: 5,
    Lane._restoring: 4,
    Lane._assigning: 6,
    Lane._removing: 5,
    Lane._setting: 13,
    Lane._rolling_back: 4,
    Lane._clearing: 2,
    Lane._registering: 5,
    Lane._updating_a_plugin: 5,
    Lane._uninstalling: 3,
    Lane._creating_a_token: 4,
    Lane._rotating: 4,
    Lane._revoking: 3,
    Lane._uploading: 5,
    Lane._deleting_an_object: 2,
    Lane._reading: 8,
}
