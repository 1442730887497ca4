"""The Admin API as the frame sees it: one function per seam of domain.py."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from admin_api_mock.audit import record_denied
from admin_api_mock.authenticate import authenticate, revoke_tokens
from admin_api_mock.domain import Domain
from admin_api_mock.grants import log_in
from admin_api_mock.handlers import handler_of
from admin_api_mock.ids import Ids
from admin_api_mock.inflight import InFlight
from admin_api_mock.keys import Keys
from admin_api_mock.oauth import SIGNING_GENERATIONS, rotate_keys
from admin_api_mock.seed import populate
from admin_api_mock.store import Store
from admin_api_mock.transaction import transactor

if TYPE_CHECKING:
    from admin_api_mock.worlds import World

_MATERIAL = "key material"
_KEY_BYTES = 32


def furnish(world: World) -> None:
    """Gives a world its store, keys, ids and in-flight table; what `--data` kept is there again, keys included."""
    world.store = Store(world.settings.data_dir)
    material = world.store.remembered(_MATERIAL)
    if material is None:
        # A world that is the same on every run has keys that are; any other has keys from the OS.
        material = (
            world.random.randbytes(_KEY_BYTES) if world.settings.reproducible else secrets.token_bytes(_KEY_BYTES)
        )
        world.store.remember(_MATERIAL, material)
    else:
        # The same seed would give the ids that are in the store already.
        world.random.seed(f"{world.random.random()}:{world.store.events.last_place()}")
    kept = world.store.remembered(SIGNING_GENERATIONS)
    world.keys = Keys(material, orjson.loads(kept)) if kept else Keys(material)
    world.ids = Ids(world.clock, world.random)
    world.inflight = InFlight()


def dismantle(world: World) -> None:
    """Closes a world's store. Streams end, and may go on where they were once the server is back."""
    world.store.events.end(for_good=False)
    world.store.close()


def erase(world: World) -> None:
    """Closes a world's store and removes it. Streams end for good."""
    world.store.events.end(for_good=True)
    world.store.erase()


def object_bytes(world: World, object_id: str) -> bytes | None:
    """The stored ciphertext of an object."""
    doc = world.store.objects.get(object_id)
    return None if doc is None else b"".join(world.store.contents.read(object_id, 0, doc["size"]))


def counts(world: World) -> Mapping[str, int]:
    """Row counts by collection."""
    return world.store.counts()


ADMIN = Domain(
    furnish=furnish,
    populate=populate,
    authenticate=authenticate,
    transact=transactor(handler_of),
    record_denied=record_denied,
    revoke_tokens=revoke_tokens,
    log_in=log_in,
    rotate_keys=rotate_keys,
    object_bytes=object_bytes,
    counts=counts,
    dismantle=dismantle,
    erase=erase,
)
