"""One of several processes that share a token store: is ready, calls when told to, tells what came of it."""

from __future__ import annotations

import json
import sys

from admin_api import AdminAPIError, AdminClient, FileTokenStore


def say(**message: object) -> None:
    """One line on stdout."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


facts = json.loads(sys.argv[1])
client = AdminClient(
    base_url=facts["base_url"],
    client_id=facts["client_id"],
    refresh_token=facts["refresh_token"],
    token_store=FileTokenStore(facts["directory"]),
    token_timeout=facts["token_timeout_ms"] / 1000,
    max_retries=facts["max_retries"],
)
say(ready=True)
for _ in sys.stdin:
    try:
        say(name=client.me.get().name)
    except AdminAPIError as error:
        say(code=error.code, message=error.message)
