"""Create a user and see what was recorded; list with a filter; register a plugin; keep an encrypted object."""

import tempfile
from pathlib import Path

from admin_api import AdminClient, ConflictError
from admin_api.encryption import generate_identity


def tell(what: str, detail: object = "") -> None:
    print(f"  {what:<34} {detail}")


with AdminClient() as client:  # ADMIN_API_BASE_URL, _CLIENT_ID, _CLIENT_SECRET, _CA_BUNDLE
    me = client.me.get()
    tell("Signed in as", f"{me.name} with {len(me.scopes)} scopes")

    # A user, created once however often the network fails; the answer names the audit event that it caused.
    created = client.users.with_raw_response.create(username="alice", email="alice@example.com", roles=["admin"])
    alice = created.data
    tell("Created user", f"{alice.username} ({alice.id})")
    tell("SSO mappings provisioned", ", ".join(f"{m.provider}: {m.status}" for m in alice.sso_mappings) or "none")

    assert created.audit_event_id is not None
    event = client.audit.events.get(created.audit_event_id)
    tell("Recorded in the audit trail", f"{event.data.action} by {event.data.actor.name}, number {int(event.sequence)}")

    try:
        client.users.create(username="alice", email="other@example.com")
    except ConflictError as error:
        tell("A duplicate is refused", f"{error.code} at {error.errors[0].pointer}, outcome {error.outcome}")

    # A list crosses its pages by itself.
    pages = list(client.users.list(status="active", limit=50).pages())
    tell("Active users", f"{sum(map(len, pages))} on {len(pages)} pages")
    tell("Admins", ", ".join(user.username for user in client.users.list(role="admin")))

    plugin = client.plugins.register(
        name="demo-metrics",
        version="1.4.2",
        source={"type": "registry", "package": "metrics"},
        settings={"interval": 15},
    )
    tell("Registered plugin", f"{plugin.name} {plugin.version}, {plugin.status}, health {plugin.health.status}")

    # An object that only the holder of the identity can read: the server sees ciphertext.
    identity = generate_identity()
    report = b"Quarterly figures, for two eyes only.\n"
    stored = client.storage.objects.upload(report, name="report.txt", encrypt_to=[identity.recipient])
    tell("Uploaded object", f"{stored.name}, {len(report)} bytes as {stored.size} of {stored.encryption}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.txt"
        client.storage.objects.download(stored.id, to=path, identity=identity, expect_sha256=stored.sha256)
        tell("Downloaded and decrypted", path.read_text().strip())
        if path.read_bytes() != report:
            raise SystemExit("What came back is not what was sent.")
