"""One of several processes that share a token store: is ready, calls when told to, tells what came of it."""

from __future__ import annotations

import json
import random
import sys
import time

from admin_api import AdminAPIError, AdminClient, FileTokenStore


class ToldClock:
    """The system's, until a line says what time it is."""

    def __init__(self) -> None:
        self.now_ms: int | None = None

    def now(self) -> float:
        return time.time() if self.now_ms is None else self.now_ms / 1000

    def monotonic(self) -> float:
        return time.monotonic() if self.now_ms is None else self.now_ms / 1000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def random(self) -> float:
        return random.random()


def say(**message: object) -> None:
    """One line on stdout."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


facts = json.loads(sys.argv[1])
clock = ToldClock()
client = AdminClient(
    base_url=facts["base_url"],
    token_url=facts.get("token_url"),
    client_id=facts["client_id"],
    refresh_token=facts["refresh_token"],
    token_store=FileTokenStore(facts["directory"]),
    token_timeout=facts["token_timeout_ms"] / 1000,
    max_retries=facts["max_retries"],
    clock=clock,
)
say(ready=True)
for line in sys.stdin:
    clock.now_ms = int(line) if line.strip() else None
    try:
        say(name=client.me.get().name)
    except AdminAPIError as error:
        say(code=error.code, message=error.message)
