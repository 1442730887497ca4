"""The types of the public API; never run, only type-checked: a wrong type here is a broken promise to users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_type

from admin_api import (
    OMIT,
    AdminAPIError,
    AdminClient,
    AsyncAdminClient,
    FileTokenStore,
    MemoryTokenStore,
    Page,
    RawResponse,
    RequestOptions,
    Secret,
    TokenStore,
    UnprocessableEntityError,
)
from admin_api.encryption import Identity, Recipient, generate_identity, identity, recipient
from admin_api.errors import CallOutcome, FieldError
from admin_api.files import Downloaded
from admin_api.models import AuditEvent, ConfigEntry, RegistrySource, StorageObject, User, UserStatus


def threaded(client: AdminClient) -> None:
    user = client.users.create(username="a", email="a@b.c", roles=["admin"])
    assert_type(user, User)
    assert_type(user.status, UserStatus)
    assert_type(user.email, str | None)
    for item in client.users.list(role="admin", status=[UserStatus.ACTIVE, "novel"], limit=100):
        assert_type(item, User)
    for page in client.users.list().pages():
        assert_type(page, Page[User])
        assert_type(page.next_cursor, str | None)
    assert_type(client.users.list().first_page().items, list[User])
    assert_type(client.users.update(user.id, email=None, display_name=OMIT), User)
    assert_type(client.users.with_raw_response.get(user.id), RawResponse[User])
    assert_type(client.users.with_raw_response.get(user.id).audit_event_id, str | None)
    assert_type(client.config.get("k", if_none_match='"e"'), ConfigEntry | None)
    assert_type(client.storage.objects.delete("obj_1"), None)
    client.plugins.register(name="p", version="1.0.0", source=RegistrySource(package="p"))
    with client.users.export() as users:
        users.idle_timeout = 5.0
        for one in users:
            assert_type(one, User)
        assert_type(users.last_id, str | None)
    with client.audit.events.stream(last_event_id="evt_1") as events:
        events.idle_timeout = 5.0
        for event in events:
            assert_type(event, AuditEvent)
    key = generate_identity()
    assert_type(key, Identity)
    assert_type(key.recipient, Recipient)
    stored = client.storage.objects.upload(b"x", name="n", encrypt_to=[recipient("age1"), key.recipient])
    assert_type(stored, StorageObject)
    found = client.storage.objects.download(stored.id, to="path", identity=identity("AGE-SECRET-KEY-1"))
    assert_type(found, Downloaded)
    assert_type(client.with_options(timeout=2.0, deadline=None), AdminClient)
    assert_type(client.request("GET", "/x"), Any)
    with client as entered:
        assert_type(entered, AdminClient)


async def concurrent(client: AsyncAdminClient) -> None:
    assert_type(await client.users.create(username="a", email="a@b.c", roles=["admin"]), User)
    async for item in client.users.list():
        assert_type(item, User)
    async for page in client.users.list().pages():
        assert_type(page, Page[User])
    assert_type(await client.users.list().first_page(), Page[User])
    assert_type(await client.users.with_raw_response.get("usr_1"), RawResponse[User])
    async with client.users.export() as users:
        async for one in users:
            assert_type(one, User)
    async with client.audit.events.stream() as events:
        async for event in events:
            assert_type(event, AuditEvent)
    assert_type(await client.storage.objects.upload("path", name="n", already_encrypted=True), StorageObject)
    assert_type(await client.request("GET", "/x"), Any)
    async with client as entered:
        assert_type(entered, AsyncAdminClient)


def options() -> None:
    RequestOptions(timeout=1, deadline=None, max_retries=0, idempotency_key=None, query={"a": ["b"], "c": 1, "d": True})


async def token() -> str:
    return "t"


def tokens() -> None:
    AdminClient(base_url="https://h", token=lambda: "t")
    AsyncAdminClient(base_url="https://h", token=token)


def failures(error: AdminAPIError, invalid: UnprocessableEntityError) -> None:
    assert_type(error.code, str)
    assert_type(error.outcome, CallOutcome)
    assert_type(error.problem, Mapping[str, Any] | None)
    assert_type(error.retry_after, float | None)
    assert_type(invalid.errors, list[FieldError])


def tokens_of_threads(client: AdminClient) -> None:
    stores: list[TokenStore] = [MemoryTokenStore(), FileTokenStore("/tmp/tokens")]  # noqa: S108 (never run)
    AdminClient(client_id="c", refresh_token="r", token_store=stores[0], client_auth="post", preflight=True)
    AdminClient(client_auth="digest")  # type: ignore[arg-type]  # there is no such way
    assert_type(stores[0].load("k"), Secret | None)
    assert_type(client.scopes(), tuple[str, ...])
    assert_type(client.can("users.create"), bool)
    client.close(revoke=True)


async def tokens_of_tasks(client: AsyncAdminClient) -> None:
    assert_type(await client.scopes(), tuple[str, ...])
    assert_type(await client.can("users.create"), bool)
    await client.close(revoke=True)
