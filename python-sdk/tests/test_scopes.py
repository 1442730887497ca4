"""What the token may do, asked before it is tried (AUTH-6)."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from admin_api import ConfigurationError, InsufficientScopeError, InternalServerError

from .answers import answer, problem, token_answer
from .conftest import Wire
from .flavours import Flavour

CLIENT: dict[str, Any] = {"client_id": "demo", "client_secret": "demo-secret"}


def me(*scopes: str) -> Any:
    """Who the caller is."""
    return answer(
        200, {"type": "token", "id": "t", "name": "t", "scopes": scopes, "token_id": None, "expires_at": None}
    )


async def test_what_the_token_answer_says_is_known(flavour: Flavour, wire: Wire) -> None:
    """AUTH-6: the scopes that were granted answer for themselves; the API is not asked."""
    wire.tokens(token_answer("a", scope="users:read audit:read"))
    client = flavour.client(**CLIENT)
    assert ("audit:read", "users:read") == await flavour.settle(client.scopes())
    assert [True, False, True, True] == [
        await flavour.settle(client.can(operation))
        for operation in ("users.list", "users.create", "audit.events.stream", "me.get")
    ]
    assert (1, 0) == (len(wire.token_requests), len(wire.requests))


async def test_what_nobody_said_is_asked_once_per_token(flavour: Flavour, wire: Wire) -> None:
    """AUTH-6: of a token of unknown scopes `me.get` is asked once; another token is another question."""
    wire.answers(me("users:read"), me("users:read", "users:create"))
    tokens = ["one"]
    client = flavour.client(token=lambda: tokens[-1])
    assert [True, False] == [await flavour.settle(client.can(each)) for each in ("users.list", "users.create")]
    tokens.append("two")
    copy = client.with_options(timeout=1.0)
    assert [True, True] == [await flavour.settle(copy.can(each)) for each in ("users.list", "users.create")]
    assert ["Bearer one", "Bearer two"] == [request.headers["authorization"] for request in wire.requests]


async def test_a_question_is_retried_like_a_call(flavour: Flavour, wire: Wire) -> None:
    """AUTH-6, RETRY-1: what fails on the way to the token is tried again, and told as the error it is."""
    import httpx

    clock = flavour.clock()
    wire.tokens(httpx.Response(503), token_answer("a", scope="users:read"), *[httpx.Response(503)] * 3)
    client = flavour.client(clock=clock, **CLIENT)
    assert ("users:read",) == await flavour.settle(client.scopes())
    assert [0.5] == clock.sleeps
    clock.advance(3600)
    with pytest.raises(InternalServerError) as raised:
        await flavour.settle(client.can("users.list"))
    assert ("me.get", 3) == (raised.value.operation, raised.value.attempts)


@pytest.mark.parametrize("operation", ["users.nope", "", "__class__", "oauth.token"])
async def test_an_operation_that_there_is_not(flavour: Flavour, wire: Wire, operation: str) -> None:
    """AUTH-6: a misspelt operation is told, not answered with no."""
    with pytest.raises(ConfigurationError) as raised:
        await flavour.settle(flavour.client().can(operation))
    assert ("unknown_operation", []) == (raised.value.code, wire.requests)


async def test_preflight_sends_nothing_that_cannot_succeed(flavour: Flavour, wire: Wire) -> None:
    """AUTH-6: with `preflight` a call whose scope is known to be missing is refused before it is sent."""
    wire.tokens(token_answer("a", scope="users:read audit:read"))
    wire.answers(answer())
    client = flavour.client(preflight=True, **CLIENT)
    with pytest.raises(InsufficientScopeError) as raised:
        await flavour.settle(client.users.create(username="a", email="a@b.c", roles=[]))
    for error in (raised.value, pickle.loads(pickle.dumps(raised.value))):  # noqa: S301 (our own)
        assert ("insufficient_scope", "users.create", None, "not_sent", False) == (
            error.code, error.operation, error.status, error.outcome, error.retryable,
        )  # fmt: skip
        assert (("users:create",), ("audit:read", "users:read")) == (error.missing_scopes, error.granted_scopes)
    await flavour.settle(client.users.get("usr_1"))
    assert 1 == len(wire.requests)


async def test_preflight_lets_pass_what_it_does_not_know(flavour: Flavour, wire: Wire) -> None:
    """AUTH-6: unknown scopes pass until they are known."""
    wire.answers(problem(403, "insufficient_scope", missing_scopes=["users:create"]), me("users:read"))
    client = flavour.client(token="t", preflight=True)
    creation = {"username": "a", "email": "a@b.c", "roles": []}
    for granted in (None, ("users:read",)):
        with pytest.raises(InsufficientScopeError) as raised:
            await flavour.settle(client.users.create(**creation))
        assert (("users:create",), granted) == (raised.value.missing_scopes, raised.value.granted_scopes)
        await flavour.settle(client.scopes())
    assert 2 == len(wire.requests)


async def test_without_preflight_the_server_decides(flavour: Flavour, wire: Wire) -> None:
    """AUTH-6: off by default."""
    wire.tokens(token_answer("a", scope="users:read"))
    wire.answers(answer(201))
    await flavour.settle(flavour.client(**CLIENT).users.create(username="a", email="a@b.c", roles=[]))
    assert 1 == len(wire.requests)
