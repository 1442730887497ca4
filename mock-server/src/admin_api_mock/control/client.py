"""What tests steer a running server with: `Control` for the server, `WorldHandle` for one world of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from admin_api_mock.control._generated import models as m
from admin_api_mock.control._generated.operations import Operations
from admin_api_mock.control.errors import ControlError
from admin_api_mock.control.wire import TIMEOUT_SECONDS, Wire

#: The client, and the token, that a world is made with if neither is named.
DEFAULT_CLIENT: m.ClientCreation = {"id": "test", "secret": "test-secret"}
DEFAULT_TOKEN: m.TokenCreation = {"name": "test"}


class Control:
    """Steers a running server. `url` is its root URL, `ca` the path of its CA certificate if it speaks TLS.

    Every call here and on a `WorldHandle` raises `ControlError` when it is refused or finds no server.
    """

    def __init__(self, url: str, ca: str | Path | None = None) -> None:
        self._wire = Wire(url, ca)
        self._operations = Operations(self._wire.send)
        #: Path of its CA certificate, None without TLS; what a client verifies the server with.
        self.ca = str(ca) if ca else None

    @property
    def url(self) -> str:
        """The server's root URL."""
        return self._wire.url

    def create_world(self, **creation: Unpack[m.WorldCreation]) -> WorldHandle:
        """A new world: `id`, `seed`, `now`, `users`, `clients`, `tokens`, `config` … (see `WorldCreation`).

        If neither `clients` nor `tokens` are given, it has a client and a token with all scopes.
        """
        whole: m.WorldCreation = {**creation}
        if "clients" not in whole and "tokens" not in whole:
            whole = {**whole, "clients": [DEFAULT_CLIENT], "tokens": [DEFAULT_TOKEN]}
        return WorldHandle(self._wire, self._operations.worlds_create(whole), whole)

    def world(self, world_id: str = "root") -> WorldHandle:
        """A world that is there already."""
        return WorldHandle(self._wire, self._operations.worlds_get(world_id))

    def worlds(self) -> list[WorldHandle]:
        """All worlds."""
        return [WorldHandle(self._wire, told) for told in self._operations.worlds_list()["worlds"]]


class WorldHandle:
    """One world. As a context manager it deletes the world at the end."""

    def __init__(self, wire: Wire, told: m.WorldInfo, creation: m.WorldCreation | None = None) -> None:
        self._wire = wire
        self._operations = Operations(wire.send)
        self._creation: m.WorldCreation = creation or {}
        self._deleted = False
        self.id = told["id"]
        self.base_url = told["base_url"]
        self.token_url = told["token_url"]
        #: All that creating it told, e.g. `users`: the ids in the order given.
        self.told = told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._deleted:
            self.delete()

    @property
    def client_id(self) -> str:
        """Id of the first client that the world was created with."""
        return self._client()["id"]

    @property
    def client_secret(self) -> str:
        """Its secret."""
        secret = self._client().get("secret")
        if secret is None:
            raise self._without("a client that has a secret")
        return secret

    @property
    def token(self) -> str:
        """The first personal token that the world was created with."""
        for token in self.told.get("tokens", ()):
            return token["token"]
        raise self._without("a token")

    def reset(self) -> None:
        """Makes the world anew from the body that created it."""
        self.told = self._operations.worlds_reset(self.id)

    def delete(self) -> None:
        """Forgets the world. ControlError `not_found` if it is gone already."""
        self._operations.worlds_delete(self.id)
        self._deleted = True

    def state(self) -> m.Counts:
        """How many rows each collection has."""
        return self._operations.worlds_state(self.id)

    def now_ms(self) -> int:
        """World time in milliseconds since the epoch."""
        return self._operations.clock_get(self.id)["now_ms"]

    def advance(self, by_ms: int) -> int:
        """Moves world time by `by_ms` milliseconds; returns the new now."""
        return self._operations.clock_step(self.id, {"advance_ms": by_ms})["now_ms"]

    def until(self, instant_ms: int) -> int:
        """Moves world time to `instant_ms` unless that is past; returns the new now."""
        return self._operations.clock_step(self.id, {"until_ms": instant_ms})["now_ms"]

    def journal(self, *, after: int = 0, channel: m.Channel | None = None) -> list[m.Entry]:
        """Attempts as the server saw them, with a greater `seq` than `after`."""
        return self._operations.journal_read(self.id, after=after, channel=channel)["entries"]

    def wait(self, match: m.Match, *, count: int = 1, timeout_ms: int = 10_000) -> list[m.Entry]:
        """The matching entries, as soon as there are `count`. ControlError `wait_timed_out` after `timeout_ms`."""
        patient = Operations(partial(self._wire.send, timeout_seconds=timeout_ms / 1000 + TIMEOUT_SECONDS))
        return patient.journal_wait(self.id, {"match": match, "count": count, "timeout_ms": timeout_ms})["entries"]

    def clear_journal(self) -> None:
        """Forgets all entries."""
        self._operations.journal_clear(self.id)

    def fault(self, operation: str, **how: Unpack[m.FaultCreationOptions]) -> str:
        """Sets a fault: `respond={…}`, `reset="after_commit"`, `hold=True` …, with `skip` and `times`; gives its id."""
        return self._operations.faults_create(self.id, {"operation": operation, **how})["id"]

    def faults(self) -> list[m.Fault]:
        """The faults that are set, with what is left of them."""
        return self._operations.faults_list(self.id)["faults"]

    def release(self, fault_id: str) -> None:
        """Lets go what a fault keeps, and whoever would still come."""
        self._operations.faults_release(self.id, fault_id)

    def remove_fault(self, fault_id: str) -> None:
        """Removes one fault, letting go what it keeps."""
        self._operations.faults_delete(self.id, fault_id)

    def clear_faults(self) -> None:
        """Removes all faults."""
        self._operations.faults_clear(self.id)

    def revoke_tokens(self, *, client_id: str | None = None, token_id: str | None = None, refresh: bool = False) -> int:
        """Revokes a client's tokens, one token, or (neither given) all; `refresh`: their renewal, too. How many."""
        which: m.TokenRevocation = (
            {"client_id": client_id} if client_id else {"token_id": token_id} if token_id else {"all": True}
        )
        return self._operations.tokens_revoke(self.id, {**which, "refresh": True} if refresh else which)["revoked"]

    def log_in(self, client_id: str, **how: Unpack[m.LogInOptions]) -> m.TokenAnswer:
        """The token answer a client has after a log-in (`user="ada"`, `scopes=[…]`), with a first refresh token."""
        return self._operations.tokens_log_in(self.id, {"client_id": client_id, **how})

    def rotate_keys(self, *, retire: bool = False) -> list[str]:
        """Signs tokens with a new key; `retire` ends the old ones. Ids of the published keys, the new one first."""
        return self._operations.keys_rotate(self.id, {"retire": retire})["published"]

    def object_bytes(self, object_id: str) -> bytes:
        """The stored ciphertext of an object."""
        return self._operations.objects_get(self.id, object_id)

    def _client(self) -> m.ClientCreation:
        for client in self._creation.get("clients", ()):
            return client
        raise self._without("a client")

    def _without(self, what: str) -> ControlError:
        detail = f"The world {self.id!r} was not created here with {what}."
        return ControlError("worlds.create", None, {"code": "no_credentials", "detail": detail})
