"""Worlds: isolated copies of the whole state, each at its own base path, so that tests run side by side (DESIGN 6)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any

from admin_api_mock.clock import WorldClock, parse_instant
from admin_api_mock.faults import Faults
from admin_api_mock.journal import Journal
from admin_api_mock.problems import Problem
from admin_api_mock.ratelimit import RateLimiter

if TYPE_CHECKING:
    from admin_api_mock.document import Document
    from admin_api_mock.domain import Domain
    from admin_api_mock.ids import Ids
    from admin_api_mock.inflight import InFlight
    from admin_api_mock.keys import Keys
    from admin_api_mock.store import Store
    from admin_api_mock.validation import Validation

ROOT = "root"
#: Where the clock of a suite world stands, and that of the root world under --seed.
DEFAULT_INSTANT = "2030-01-01T00:00:00.000Z"
#: Seconds of world time.
ACCESS_TOKEN_TTL = 3600
REFRESH_TOKEN_TTL = 30 * 24 * 3600
WORLD_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Settings:
    """What may differ between worlds. `heartbeat_ms` counts real time (RULES SUITE)."""

    heartbeat_ms: int = 15_000
    access_token_ttl: int = ACCESS_TOKEN_TTL
    #: Of each refresh token; the next one lasts as long again.
    refresh_token_ttl: int = REFRESH_TOKEN_TTL
    #: The literal TOKEN and the one-click admin exist (dev seed, bound to loopback only).
    literal_token: bool = False
    #: Where the store keeps its file; None = memory.
    data_dir: Path | None = None
    #: The world is the same on every run, its keys included (a suite world, or the root world under --seed).
    reproducible: bool = True


@dataclass(slots=True, eq=False)
class World:
    """One world. The second half is the API's own, put in place by `Domain.furnish` before any request."""

    id: str
    base_path: str
    base_url: str
    clock: WorldClock
    #: Seeded per world: ids, and whatever else must be the same on every run. Never a source of secrets' strength.
    random: Random
    #: Apart from `random`, so that a read does not change the ids of later writes.
    request_ids: Random
    settings: Settings
    document: Document
    validation: Validation
    journal: Journal
    faults: Faults
    limiter: RateLimiter
    #: The body it was created with, for reset.
    creation: Mapping[str, Any]
    ids: Ids = field(init=False)
    store: Store = field(init=False)
    inflight: InFlight = field(init=False)
    keys: Keys = field(init=False)

    def new_request_id(self) -> str:
        """An id for a request that came without one."""
        return f"req_{self.request_ids.getrandbits(80):020x}"

    @property
    def token_url(self) -> str:
        """The token endpoint, from the document's own path for it."""
        return self.base_url + self.document.token_path


class Worlds:
    """The registry: creates, finds, resets and removes worlds."""

    def __init__(
        self,
        document: Document,
        validation: Validation,
        domain: Domain,
        *,
        origin: str,
        loopback: bool,
        seed: int | None,
        data_dir: Path | None,
    ) -> None:
        self._document = document
        self._validation = validation
        self._domain = domain
        self._loopback = loopback
        self._seed = seed
        self._data_dir = data_dir
        self._worlds: dict[str, World] = {}
        #: Names the worlds that come without a name.
        self._names: Random = SystemRandom() if seed is None else Random(f"{seed}:worlds")
        self.origin = origin
        self.create({"id": ROOT, "seed": "dev"})

    @property
    def root(self) -> World:
        """The root world, another one after each reset."""
        return self._worlds[ROOT]

    def __iter__(self) -> Iterator[World]:
        return iter(self._worlds.values())

    def get(self, world_id: str) -> World:
        """The world, or a 404."""
        world = self._worlds.get(world_id)
        if world is None:
            raise Problem("not_found", "There is no such world.")
        return world

    def find(self, path: str) -> tuple[World, str] | None:
        """The world that a raw path belongs to, and the path within it; None if it names a world that is not there."""
        if path.startswith("/w/"):
            world_id, slash, rest = path[3:].partition("/")
            world = self._worlds.get(world_id)
            return (world, slash + rest) if world and world.id != ROOT else None
        # RFC 8414 section 3.1 puts the well-known part in front of the issuer's path.
        head, well_known, tail = path.partition("/.well-known/oauth-authorization-server")
        if well_known and not head and tail.startswith("/w/"):
            world = self._worlds.get(tail[3:])
            return (world, well_known) if world and world.id != ROOT else None
        return self.root, path

    def create(self, creation: Mapping[str, Any]) -> tuple[World, Mapping[str, Any]]:
        """A new, populated world, and what populating it made. An id that is in use is a 409."""
        world_id = creation.get("id") or f"world-{self._names.getrandbits(48):012x}"
        if not WORLD_ID.fullmatch(world_id):
            raise Problem(
                "validation_failed", errors=[{"pointer": "/id", "code": "pattern", "detail": WORLD_ID.pattern}]
            )
        if world_id in self._worlds:
            raise Problem("conflict", "A world with this id exists.")
        world = self._build(world_id, creation)
        self._domain.furnish(world)
        try:
            made = self._domain.populate(world, creation)
        except BaseException:
            self._domain.dismantle(world)  # A world is whole or not there.
            raise
        self._worlds[world_id] = world
        return world, made

    def reset(self, world_id: str) -> tuple[World, Mapping[str, Any]]:
        """The world as it was created: state, clock, journal, faults. Requests under way end in the old one."""
        old = self.get(world_id)
        self._remove(old, self._domain.erase)
        return self.create({**old.creation, "id": world_id})

    def delete(self, world_id: str) -> None:
        """Forgets a world. The root world stays."""
        world = self.get(world_id)
        if world.id == ROOT:
            raise Problem("conflict", "The root world cannot be deleted, only reset.")
        self._remove(world, self._domain.erase)

    def close(self) -> None:
        """Ends every world; held requests and journal waits end with them."""
        for world in list(self):
            self._remove(world, self._domain.dismantle)

    def _remove(self, world: World, end: Callable[[World], None]) -> None:
        del self._worlds[world.id]
        world.faults.close()
        world.journal.close()
        world.clock.close()
        end(world)

    def _build(self, world_id: str, creation: Mapping[str, Any]) -> World:
        root = world_id == ROOT
        kept: Mapping[str, Any] = creation.get("journal") or {}
        base_path = "" if root else f"/w/{world_id}"
        follows_real_time = root and self._seed is None and "now" not in creation
        instant = parse_instant(creation.get("now", DEFAULT_INSTANT))
        clock = WorldClock.real() if follows_real_time else WorldClock.standing(instant)
        # Without --seed the root world is a new place at every start; suite worlds are the same place by name.
        seed: str = secrets.token_hex(16) if follows_real_time else f"{self._seed or 0}:{world_id}"
        dev = creation.get("seed", "empty") == "dev"
        settings = Settings(
            heartbeat_ms=creation.get("heartbeat_ms", 15_000),
            access_token_ttl=creation.get("access_token_ttl", ACCESS_TOKEN_TTL),
            refresh_token_ttl=creation.get("refresh_token_ttl", REFRESH_TOKEN_TTL),
            literal_token=dev and self._loopback,
            data_dir=self._data_dir if root else None,
            reproducible=not follows_real_time,
        )
        journal = Journal(clock, limit=kept.get("limit", 1000), bodies=kept.get("bodies", False))
        return World(
            id=world_id,
            base_path=base_path,
            base_url=self.origin + base_path,
            clock=clock,
            random=Random(seed),
            request_ids=Random(f"{seed}:requests"),
            settings=settings,
            document=self._document,
            validation=self._validation,
            journal=journal,
            faults=Faults(clock, journal),
            limiter=RateLimiter.of(creation.get("rate_limit")),
            creation=creation,
        )
