"""Tokens are asked for once, kept where other processes find them, and given back at the end."""

import os
import tempfile

from admin_api import AdminClient, FileTokenStore, InsufficientScopeError


def tell(what: str, detail: object = "") -> None:
    print(f"  {what:<34} {detail}")


with tempfile.TemporaryDirectory() as directory:  # yours would stay: it is for the next run, and for other processes
    store = FileTokenStore(directory)
    service = {
        "client_id": os.environ["ADMIN_API_CLIENT_ID"],
        "client_secret": os.environ["ADMIN_API_CLIENT_SECRET"],
        "scopes": ["users:read", "audit:read"],
        "token_store": store,
    }
    with AdminClient(**service, preflight=True) as client:
        tell("What the token may do", ", ".join(client.scopes()))
        tell("May it create users?", client.can("users.create"))

        # With preflight, what the token cannot do is refused before it is sent.
        try:
            client.users.create(username="dora", email="dora@example.com")
        except InsufficientScopeError as error:
            tell(type(error).__name__, f"missing {', '.join(error.missing_scopes)}, outcome {error.outcome}")

    # Another process, or the next run: the same directory, and no token request.
    with AdminClient(**service) as client:
        tell("With the token of the store", client.me.get().name)

    client = AdminClient(**service | {"token_store": None})
    client.me.get()
    client.close(revoke=True)
    tell("Its own token was given back")
