"""A world of the reference server for clients that nobody here wrote. It stands at real time: they go by that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from admin_api_mock.control import Control, MockServer, WorldHandle

CLIENT = {"id": "plain", "secret": "plain-secret", "scopes": ["users:read", "users:create"]}
#: Characters that HTTP Basic carries only if both sides form-encode them (RFC 6749, section 2.3.1); Authlib does not.
ENCODED = {**CLIENT, "id": "judge: one", "secret": "p%+ss wörd&"}
RENEWING = {"id": "renewing", "secret": "renewing-secret", "scopes": ["users:read"], "refresh_tokens": True}
PUBLIC = {"id": "public", "scopes": ["users:read"]}


@pytest.fixture(scope="session")
def control() -> Iterator[Control]:
    """The control plane of a server that speaks plain HTTP on loopback."""
    with MockServer() as server:
        yield server.control


@pytest.fixture
def world(control: Control) -> Iterator[WorldHandle]:
    """A world with its clients: two, one whose answers bring refresh tokens, and a public one."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    with control.create_world(now=now, clients=[CLIENT, ENCODED, RENEWING, PUBLIC]) as made:
        yield made
