"""The reference server with one bug in it: `server.py NAME`, then the arguments of `admin-api-mock`.

What a bug replaces is looked up by name; where that is gone, the mutant is stale and the server does not start.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from admin_api_mock import (
    __main__,
    audit,
    idempotency,
    inflight,
    pages,
    preconditions,
    problems,
    ratelimit,
    streams,
)
from admin_api_mock.handlers import storage


def put(owner: Any, member: str, bug: Callable[[Any], Any]) -> None:
    """Replaces a member by what the bug makes of it."""
    setattr(owner, member, bug(getattr(owner, member)))


def _retry_after_missing(answer: Callable[..., Any]) -> Callable[..., Any]:
    def without(self: Any, *facts: Any) -> Any:
        found = answer(self, *facts)
        found.headers.pop("Retry-After", None)
        return found

    return without


def _without_end(orjson: Any) -> Any:
    def dumps(value: Any) -> bytes:
        text: bytes = orjson.dumps(value)
        return b"" if text.startswith(b'{"$end"') else text

    return SimpleNamespace(dumps=dumps, loads=orjson.loads)


MUTANTS: Mapping[str, Callable[[], None]] = {
    "audit-event-missing": lambda: put(audit, "append", lambda append: lambda *facts: None),
    "idempotency-ignored": lambda: put(idempotency, "stored_answer", lambda stored: lambda *facts: None),
    "fingerprint-ignored": lambda: put(idempotency, "_fingerprint", lambda fingerprint: lambda ctx: b"the same"),
    "in-flight-unnoticed": lambda: put(inflight.InFlight, "enter", lambda enter: lambda self, keyed: nullcontext()),
    "retry-after-missing": lambda: put(problems.Problem, "answer", _retry_after_missing),
    "quota-endless": lambda: put(
        ratelimit.RateLimiter, "take", lambda take: lambda self, *facts: take(self, *facts)._replace(allowed=True)
    ),
    "cursor-ignored": lambda: put(pages, "_read", lambda read: lambda *facts: None),
    "condition-ignored": lambda: put(preconditions, "matches_strongly", lambda matches: lambda *facts: True),
    "last-line-missing": lambda: put(streams, "orjson", _without_end),
    "range-ignored": lambda: put(storage, "part_of", lambda part_of: lambda *facts, **known: None),
}


def main() -> int:
    """Starts the server with the bug that the command line names."""
    name, *arguments = sys.argv[1:]
    MUTANTS[name]()
    sys.argv[1:] = arguments
    return __main__.main()


if __name__ == "__main__":
    sys.exit(main())
