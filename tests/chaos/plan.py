"""The plan of a chapter: which calls, with which arguments, options and faults. A pure function of seed and number.

Lanes run side by side, the calls of a lane one after the other. What only the play can tell stands in arguments as a
`Ref`: the id of what an earlier call made, the entity tag that was last seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, TypeAlias

from chaos import weather
from chaos.calls import Planned
from chaos.lane import Lane
from chaos.weather import Fault

LANES: Final = 8
CALLS_PER_LANE: Final = 32

Upset: TypeAlias = Literal["tokens", "keys", "night"]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A world, a client, and what eight lanes do with it."""

    seed: int
    number: int
    client: Mapping[str, Any]
    lanes: Sequence[Sequence[Planned]]
    token_faults: Sequence[Fault]
    access_token_ttl: int
    #: After how many calls something happens to all: tokens are revoked, the signing keys retired, a night goes by.
    upsets: Mapping[int, Upset]
    #: After how many calls the client is closed under those still on their way; None = when all are done.
    closes_after: int | None

    @property
    def calls(self) -> Mapping[str, Planned]:
        """All calls by id."""
        return {call.id: call for lane in self.lanes for call in lane}


def plan(seed: int, number: int, *, lanes: int = LANES, calls: int = CALLS_PER_LANE) -> Chapter:
    """The chapter; the same for every SDK."""
    random = Random(f"{seed}:{number}")
    closes_after = random.randrange(calls * lanes // 2, calls * lanes) if random.random() < 0.15 else None
    whens = random.sample(range(calls * lanes), 3)
    return Chapter(
        seed,
        number,
        client={
            "max_retries": random.choice((1, 2, 2, 2, 3, 5)),
            "max_retry_after_ms": random.choice((60_000, 60_000, 3_000)),
            "random": random.random(),
        },
        lanes=[Lane(random, f"{seed}.{number}.{lane}", lane).calls(calls) for lane in range(lanes)],
        token_faults=weather.of_the_token_endpoint(random),
        access_token_ttl=random.choice((60, 300, 3600)),
        upsets={when: random.choice(("tokens", "tokens", "keys", "night")) for when in whens},
        closes_after=closes_after,
    )
