"""Large exports and live events: typed, in constant memory, resumed where they broke."""

from collections import Counter

from admin_api import AdminClient


def tell(what: str, detail: object = "") -> None:
    print(f"  {what:<34} {detail}")


with AdminClient() as client:
    with client.users.export() as users:
        roles = Counter(role for user in users for role in user.roles)
    tell("Exported users by role", dict(sorted(roles.items())))

    last = client.audit.events.list(sort="-sequence", limit=1).first_page().items[0]
    client.users.create(username="dave", email="dave@example.com")
    client.config.set("feature.beta", value=True, if_none_match="*")

    # From the last event known on; in production this loop runs for ever.
    with client.audit.events.stream(last_event_id=last.id) as events:
        for event in events:
            tell("Live event", f"{int(event.sequence)} {event.data.action} on {event.data.targets[0].name}")
            if event.data.action == "config.set":
                break
    tell("Go on later behind", events.last_id)
