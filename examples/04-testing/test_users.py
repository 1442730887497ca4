"""A user's own tests. `admin_api_mock` comes with the server's pytest plugin: a fresh world for each test."""

from collections.abc import Iterator

import pytest
from nowait import NoWait

from admin_api import AdminClient, ConflictError
from admin_api_mock.control import WorldHandle


def invite(client: AdminClient, name: str) -> str:
    """The code under test: who is there already is not invited again."""
    try:
        return client.users.create(username=name, email=f"{name}@example.com").id
    except ConflictError as error:
        if error.code != "username_taken":
            raise
        return error.problem["existing_id"]


@pytest.fixture
def client(admin_api_mock: WorldHandle) -> Iterator[AdminClient]:
    with AdminClient(base_url=admin_api_mock.base_url, token=admin_api_mock.token, clock=NoWait()) as client:
        yield client


def test_an_invitation_is_sent_once(client: AdminClient, admin_api_mock: WorldHandle) -> None:
    assert invite(client, "ada") == invite(client, "ada")
    assert [201, 409] == [entry["status"] for entry in admin_api_mock.journal(channel="api")]


def test_a_lost_answer_invites_nobody_twice(client: AdminClient, admin_api_mock: WorldHandle) -> None:
    admin_api_mock.fault("users.create", reset="after_commit")
    invite(client, "ada")
    lost, repeated = admin_api_mock.journal(channel="api")
    assert ("reset", True) == (lost["outcome"], repeated["replayed"])
    assert 1 == admin_api_mock.state()["users"]


@pytest.mark.admin_api_mock(users=[{"username": "ada", "email": "ada@example.com", "roles": []}])
def test_who_is_there_is_found(client: AdminClient, admin_api_mock: WorldHandle) -> None:
    assert admin_api_mock.told["users"] == [invite(client, "ada")]
