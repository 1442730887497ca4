"""Test your own code against bad weather: a server of your own, faults on command, the journal of what was sent."""

from nowait import NoWait

from admin_api import AdminClient, ConflictError
from admin_api_mock.control import MockServer


def tell(what: str, detail: object = "") -> None:
    print(f"  {what:<34} {detail}")


clock = NoWait()

with (
    MockServer() as server,
    server.create_world() as world,
    AdminClient(base_url=world.base_url, token=world.token, clock=clock) as client,
):
    # The answer of the first attempt is lost after the server has committed; the second attempt is told to wait.
    world.fault("users.create", reset="after_commit")
    world.fault("users.create", skip=1, respond={"status": 503, "headers": {"Retry-After": "7"}})
    user = client.users.create(username="erin", email="erin@example.com")
    tell("Created through two faults", user.username)
    tell("Waited, without waiting", f"{clock.sleeps} s")

    attempts = [entry for entry in world.journal(channel="api") if entry["operation"] == "users.create"]
    keys = {value for entry in attempts for name, value in entry["headers"] if name == "idempotency-key"}
    tell("What the server saw", [f"{entry['outcome']} {entry['status']}" for entry in attempts])
    tell("One key on all attempts", len(keys) == 1)
    tell("Users in the world", world.state()["users"])

    try:
        client.users.create(username="erin", email="erin@example.org")
    except ConflictError as error:
        tell("The error of production", f"{error.code}, outcome {error.outcome}")
