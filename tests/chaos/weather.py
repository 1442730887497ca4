"""What goes wrong with one call: faults of every kind, drawn from a Random, as the control plane takes them.

No answer here tells a lie that no server or gateway could tell: one that settles a write (ERR-3: 404, 409, 410, 412,
422) comes from the server's own hand, for with the key of a committed write it would have been the replay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final, TypeAlias

Fault: TypeAlias = Mapping[str, Any]

#: How many faults wait for a call, and how often; each breaks one attempt.
_HOW_MANY: Final = {0: 55, 1: 22, 2: 13, 3: 7, 4: 3}
#: Faults that end only by a client's time running out, or by real time: few, for they cost what they last.
_SLOW_SHARE: Final = 0.12
#: What an attempt may take where one of those waits for it.
SLOW_TIMEOUTS_MS: Final = (100, 140, 180)

_RETRY_AFTER: Final = (None, None, "0", "1", "7", "Tue, 01 Jan 2030 00:00:05 GMT", "75", "soon")
_MALFORMED: Final = (
    "status_line", "header", "header_size", "chunk_size", "chunk_end", "content_length_short", "content_length_long",
    "duplicate_content_length", "transfer_encoding_and_length", "gzip", "json", "utf8", "content_type", "html", "empty",
)  # fmt: skip


def draw(random: Random, operation: str) -> list[Fault]:
    """The faults that wait for one call; most often none."""
    (number,) = random.choices(list(_HOW_MANY), list(_HOW_MANY.values()))
    if number < 2:
        return [_one(random, operation) for _ in range(number)]
    # The first attempt meets one of those that skip none; what skips one or two waits for its repeats.
    return [{"skip": random.choice((0, 0, 1, 1, 2)), **_one(random, operation)} for _ in range(number)]


def is_slow(fault: Fault) -> bool:
    """Whether a client should not wait for its end as long as it would for a server that is alive."""
    return not fault.keys().isdisjoint({"latency_ms", "hold_ms", "stall", "stall_after_answer_bytes", "drip"})


def kind_of(fault: Fault) -> str:
    """What is broken, in a word; of a scripted answer with its status, of a malformed one with what is wrong in it."""
    ((kind, how),) = ((kind, how) for kind, how in fault.items() if kind not in ("skip", "headers"))
    detail = how["status"] if kind == "respond" else how if isinstance(how, str) else None
    return kind if detail is None else f"{kind} {detail}"


def of_the_token_endpoint(random: Random) -> list[Fault]:
    """The faults that wait for token requests, whichever calls have to make them."""
    return [
        {"skip": random.randrange(4), **random.choice((_gateway(random), {"reset": "before"}, {"malformed": "empty"}))}
        for _ in range(random.randrange(4))
    ]


def _one(random: Random, operation: str) -> Fault:
    if operation == "users.export" and random.random() < 0.5:
        return {"cut_after": random.randrange(8)}
    return random.choice(_SLOW if random.random() < _SLOW_SHARE else _FAST)(random)


def _gateway(random: Random) -> Fault:
    """What a proxy, a balancer or an overloaded server says: nothing was done."""
    status = random.choice((408, 425, 429, 429, 500, 502, 503, 503, 504))
    after = random.choice(_RETRY_AFTER)
    headers = {} if after is None else {"Retry-After": after}
    if random.random() < 0.3:
        page = {"headers": {**headers, "Content-Type": "text/html"}, "body": "<h1>Out of order</h1>"}
        return {"respond": {"status": status, **page}}
    return {"respond": {"status": status, "headers": headers, "problem": {}}}


def _refusal(random: Random) -> Fault:
    """Refusals that settle nothing: a token that is no good any more, a gateway that lets nobody through."""
    if random.random() < 0.5:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return {"respond": {"status": 401, "headers": challenge, "problem": {"code": "invalid_token"}}}
    return {"respond": {"status": 403, "headers": {"Content-Type": "text/html"}, "body": "<h1>Not from there</h1>"}}


def _in_flight(random: Random) -> Fault:
    problem = {"code": "idempotency_in_flight"}
    return {"respond": {"status": 409, "headers": {"Retry-After": random.choice("12")}, "problem": problem}}


def _drip(random: Random) -> Fault:
    size = random.choice((16, 400))  # the one outlasts the client's patience, the other does not
    return {"drip": {"part": random.choice(("headers", "body")), "bytes": size, "every_ms": 10}}


_FAST: Final[tuple[Callable[[Random], Fault], ...]] = (
    _gateway,
    _gateway,
    _gateway,
    _refusal,
    _in_flight,
    lambda random: {"reset": "before"},
    lambda random: {"reset": "after_commit"},
    lambda random: {"reset": "after_commit"},
    lambda random: {"reset_after_body_bytes": random.randrange(60)},
    lambda random: {"reset_after_answer_bytes": random.randrange(300)},
    lambda random: {"malformed": random.choice(_MALFORMED)},
    lambda random: {"malformed": random.choice(_MALFORMED)},
)
_SLOW: Final[tuple[Callable[[Random], Fault], ...]] = (
    lambda random: {"latency_ms": random.randrange(1, 4000)},
    lambda random: {"hold_ms": random.randrange(1, 6000)},
    lambda random: {"stall": random.choice(("before", "after_commit"))},
    lambda random: {"stall_after_answer_bytes": random.randrange(100)},
    _drip,
)
