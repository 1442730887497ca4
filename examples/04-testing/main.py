"""Test your own code against bad weather: a world of your own, faults on command, and the journal of what was sent."""

import os

from admin_api import AdminClient
from admin_api_mock.control import Control


def tell(what: str, detail: object = "") -> None:
    print(f"  {what:<34} {detail}")


class NoWait:
    """A clock that does not wait, so that a test of retries takes no time."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    def random(self) -> float:
        return 1.0


control = Control(os.environ["ADMIN_API_BASE_URL"], os.environ["ADMIN_API_CA_BUNDLE"])
client = {"id": "test", "secret": "test-secret", "scopes": ["users:read", "users:create"]}
clock = NoWait()

with (
    control.create_world(clients=[client]) as world,
    AdminClient(base_url=world.base_url, client_id="test", client_secret="test-secret", clock=clock) as api,
):
    # The answer of the first attempt is lost after the server has committed; the second attempt is told to wait.
    world.fault("users.create", reset="after_commit")
    world.fault("users.create", skip=1, respond={"status": 503, "headers": {"Retry-After": "7"}})
    user = api.users.create(username="erin", email="erin@example.com")
    tell("Created through two faults", user.username)
    tell("Waited, without waiting", f"{clock.sleeps} s")

    attempts = [entry for entry in world.journal(channel="api") if entry["operation"] == "users.create"]
    keys = {value for entry in attempts for name, value in entry["headers"] if name.lower() == "idempotency-key"}
    tell("What the server saw", [f"{entry['outcome']} {entry['status']}" for entry in attempts])
    tell("One key on all attempts", len(keys) == 1)
    tell("Users in the world", world.state()["users"])
