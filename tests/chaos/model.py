"""What the calls that took effect must have made of the state: each applied once, in the order of the audit trail."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from chaos.state import State


@dataclass(frozen=True, slots=True)
class Effect:
    """A call that took effect: what it asked for, and what the trail says it acted on."""

    operation: str
    args: Mapping[str, Any]
    #: Ids of the event's targets.
    targets: Sequence[str]
    #: Size and SHA-256 of the body, for an upload.
    content: tuple[int, str] | None = None


class Model:
    """A state, and the effects that are applied to it."""

    def __init__(self, before: State) -> None:
        self.state = copy.deepcopy(before)
        #: User id → what it was before its deletion.
        self._undeleted: dict[str, str] = {}
        #: Key → the value of each version, from 1; None for a deletion.
        self._values: dict[str, list[Any]] = {key: [entry["value"]] for key, entry in before.config.items()}
        self._secret: set[str] = set()

    def apply(self, effect: Effect) -> None:
        """One effect. A KeyError if it acts on what is not there: then the trail is not the state's."""
        _RULES[effect.operation](self, effect)

    def _create_user(self, effect: Effect) -> None:
        args = effect.args
        given = {name: args.get(name) for name in ("username", "email", "display_name", "roles", "metadata")}
        self.state.users[effect.targets[0]] = {**given, "status": "active"}

    def _update_user(self, effect: Effect) -> None:
        user = self.state.users[effect.targets[0]]
        if "display_name" in effect.args:
            user["display_name"] = effect.args["display_name"]
        merged = {**user["metadata"], **effect.args["metadata"]}  # one level deep, as RFC 7396 has it there
        user["metadata"] = {name: value for name, value in merged.items() if value is not None}

    def _suspend(self, effect: Effect) -> None:
        self.state.users[effect.targets[0]]["status"] = "suspended"

    def _reactivate(self, effect: Effect) -> None:
        self.state.users[effect.targets[0]]["status"] = "active"

    def _delete_user(self, effect: Effect) -> None:
        user = self.state.users[effect.targets[0]]
        self._undeleted[effect.targets[0]] = user["status"]
        user["status"] = "deleted"

    def _restore(self, effect: Effect) -> None:
        self.state.users[effect.targets[0]]["status"] = self._undeleted.pop(effect.targets[0])

    def _assign(self, effect: Effect) -> None:
        roles = self.state.users[effect.targets[0]]["roles"]
        if effect.args["role"] not in roles:
            roles.append(effect.args["role"])

    def _remove(self, effect: Effect) -> None:
        user = self.state.users[effect.targets[0]]
        user["roles"] = [role for role in user["roles"] if role != effect.args["role"]]

    def _register(self, effect: Effect) -> None:
        args = effect.args
        self.state.plugins[effect.targets[0]] = {
            "name": args["name"],
            "settings": dict(args["settings"]),
            "status": "enabled",
        }

    def _update_plugin(self, effect: Effect) -> None:
        plugin = self.state.plugins[effect.targets[0]]
        plugin["settings"] = {**plugin["settings"], **effect.args["settings"]}
        plugin["status"] = effect.args.get("status", plugin["status"])

    def _uninstall(self, effect: Effect) -> None:
        del self.state.plugins[effect.targets[0]]

    def _set(self, effect: Effect) -> None:
        if effect.args.get("secret"):
            self._secret.add(effect.args["key"])
        self._next_version(effect.args["key"], effect.args["value"])

    def _roll_back(self, effect: Effect) -> None:
        key = effect.args["key"]
        self._next_version(key, self._values[key][effect.args["version"] - 1])

    def _next_version(self, key: str, value: Any) -> None:
        values = self._values.setdefault(key, [])
        values.append(value)
        secret = key in self._secret
        shown = {} if secret else {"value": value}
        self.state.config[key] = {**shown, "secret": secret, "version": len(values)}

    def _clear(self, effect: Effect) -> None:
        self._values[effect.args["key"]].append(None)
        del self.state.config[effect.args["key"]]

    def _create_token(self, effect: Effect) -> None:
        self._issue(effect.targets[0], effect.args["name"], None)

    def _rotate(self, effect: Effect) -> None:
        old, new = effect.targets
        self.state.tokens[old]["replaced_by"] = new
        self._issue(new, self.state.tokens[old]["name"], old)

    def _issue(self, token_id: str, name: str, replaces: str | None) -> None:
        token = {"name": name, "replaces": replaces, "replaced_by": None, "revoked": False}
        self.state.tokens[token_id] = token

    def _revoke(self, effect: Effect) -> None:
        self.state.tokens[effect.targets[0]]["revoked"] = True

    def _upload(self, effect: Effect) -> None:
        assert effect.content is not None, "an upload took effect whose body never came whole"
        size, sha256 = effect.content
        self.state.objects[effect.targets[0]] = {"name": effect.args["name"], "size": size, "sha256": sha256}

    def _delete_object(self, effect: Effect) -> None:
        del self.state.objects[effect.targets[0]]


_Rule: TypeAlias = Callable[[Model, Effect], None]
_RULES: Final[Mapping[str, _Rule]] = {
    "users.create": Model._create_user,
    "users.update": Model._update_user,
    "users.suspend": Model._suspend,
    "users.reactivate": Model._reactivate,
    "users.delete": Model._delete_user,
    "users.restore": Model._restore,
    "users.roles.assign": Model._assign,
    "users.roles.remove": Model._remove,
    "plugins.register": Model._register,
    "plugins.update": Model._update_plugin,
    "plugins.uninstall": Model._uninstall,
    "config.set": Model._set,
    "config.versions.rollback": Model._roll_back,
    "config.delete": Model._clear,
    "tokens.create": Model._create_token,
    "tokens.rotate": Model._rotate,
    "tokens.revoke": Model._revoke,
    "storage.objects.upload": Model._upload,
    "storage.objects.delete": Model._delete_object,
}
#: All that changes something; the rest are reads.
MUTATIONS: Final = frozenset(_RULES)
