"""How long the audit trail is kept: `audit.retention_days` of the configuration, in world time; else for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from admin_api_mock.worlds import World

KEY = "audit.retention_days"
SCHEMA: Mapping[str, Any] = {"type": "integer", "minimum": 1, "maximum": 36_500}
#: A trail that nobody reads is cut this often; one that is read, at every look.
CUT_EVERY_MS = 60 * 60 * 1000
_DAY_MS = 24 * 60 * 60 * 1000


def cut(world: World) -> None:
    """Forgets the events that are older than what is kept. Every read begins with it, so that it is exact."""
    now_ms = world.clock.now_ms()
    events = world.store.events
    events.cut_ms = now_ms
    entry = world.store.config.current(KEY)
    if entry is None or entry.value is None:
        return
    with world.store.transaction():
        events.cut(now_ms - int(orjson.loads(entry.value)) * _DAY_MS)


def cut_if_due(world: World) -> None:
    """The same, at most once per CUT_EVERY_MS: what every mutation can afford."""
    if world.clock.now_ms() - world.store.events.cut_ms >= CUT_EVERY_MS:
        cut(world)
