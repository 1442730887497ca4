"""The auth layer: a token for each attempt, one resend for a refused one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from admin_api import APIConnectionError, AuthenticationError, ConfigurationError, PermissionDeniedError

from .answers import answer, problem, token_answer
from .conftest import Wire
from .flavours import BASE, LOST, Flavour
from .granting import grant, land

REFUSED = {"www-authenticate": 'Bearer realm="admin", error="invalid_token", error_description="expired"'}
CLIENT = {"client_id": "demo", "client_secret": "demo-secret"}


def sent(wire: Wire) -> list[str]:
    return [request.headers["authorization"] for request in wire.requests]


async def test_a_fixed_token_is_sent(flavour: Flavour, wire: Wire) -> None:
    """AUTH-1: an explicit token goes with each request as it is."""
    wire.answers(answer(), answer())
    client = flavour.client(token="t0ken")
    await flavour.settle(client.users.get("usr_1"))
    await flavour.settle(client.users.get("usr_1"))
    assert ["Bearer t0ken", "Bearer t0ken"] == sent(wire)


async def test_a_refused_fixed_token_is_final(flavour: Flavour, wire: Wire) -> None:
    """AUTH-4: there is no other token to be had, so nothing is resent."""
    wire.answers(problem(401, "invalid_token", headers=REFUSED), answer())
    with pytest.raises(AuthenticationError) as raised:
        await flavour.settle(flavour.client().users.get("usr_1"))
    assert (1, "refused", False, 1) == (
        len(wire.requests),
        raised.value.outcome,
        raised.value.retryable,
        raised.value.attempts,
    )


async def test_a_function_is_asked_for_each_attempt(flavour: Flavour, wire: Wire) -> None:
    """AUTH-1: a callable is asked for each attempt, so that it may keep its own cache."""
    numbers = itertools.count(1)
    wire.answers(problem(503, "service_unavailable"), answer())
    await flavour.settle(flavour.client(token=lambda: f"t{next(numbers)}").users.get("usr_1"))
    assert ["Bearer t1", "Bearer t2"] == sent(wire)


async def test_an_async_function_is_awaited(wire: Wire) -> None:
    """AUTH-1: the asyncio client takes a coroutine function too."""

    async def token() -> str:
        return "later"

    wire.answers(answer())
    await Flavour("async").client(token=token).users.get("usr_1")
    assert ["Bearer later"] == sent(wire)


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "ü", None, 7])
async def test_a_function_that_gives_no_token(flavour: Flavour, wire: Wire, token: Any) -> None:
    """AUTH-9: what cannot stand in a header is refused before anything is sent, and not shown."""
    wire.answers(answer())
    with pytest.raises(ConfigurationError) as raised:
        await flavour.settle(flavour.client(token=lambda: token).users.get("usr_1"))
    assert [] == wire.requests
    assert not token or repr(token) not in str(raised.value)


async def test_a_refused_token_is_replaced_and_the_request_resent_once(flavour: Flavour, wire: Wire) -> None:
    """AUTH-4: invalidate, refresh once, resend once; no retry, no sleep, the same key, one attempt."""
    clock = flavour.clock()
    wire.tokens(token_answer("old"), token_answer("new"))
    wire.answers(problem(401, "invalid_token", headers=REFUSED), answer(201), answer(201))
    client = flavour.client(clock=clock, max_retries=0, **CLIENT)
    raw = await flavour.settle(client.users.with_raw_response.create(username="a", email="a@b.c", roles=[]))
    await flavour.settle(client.users.create(username="b", email="b@b.c", roles=[]))
    assert ["Bearer old", "Bearer new", "Bearer new"] == sent(wire)
    keys = [request.headers["idempotency-key"] for request in wire.requests]
    assert keys[0] == keys[1] != keys[2]
    assert wire.requests[0].content == wire.requests[1].content
    assert (1, [], 2) == (raw.attempts, clock.sleeps, len(wire.token_requests))


async def test_a_second_refusal_is_final(flavour: Flavour, wire: Wire) -> None:
    """AUTH-4: the resend happens once per call."""
    wire.tokens(token_answer("a"), token_answer("b"), token_answer("c"))
    wire.answers(*[problem(401, "invalid_token", headers=REFUSED)] * 3)
    with pytest.raises(AuthenticationError) as raised:
        await flavour.settle(flavour.client(**CLIENT).users.get("usr_1"))
    assert ["Bearer a", "Bearer b"] == sent(wire)
    assert ("invalid_token", "refused", 2) == (raised.value.code, raised.value.outcome, len(wire.token_requests))


async def test_the_resend_is_once_per_call_not_per_attempt(flavour: Flavour, wire: Wire) -> None:
    """AUTH-4: after a resend and a retry, another refused token is final."""
    wire.tokens(token_answer("a"), token_answer("b"), token_answer("c"))
    refused = problem(401, "invalid_token", headers=REFUSED)
    wire.answers(refused, problem(503, "service_unavailable"), refused, answer())
    with pytest.raises(AuthenticationError):
        await flavour.settle(flavour.client(**CLIENT).users.get("usr_1"))
    assert ["Bearer a", "Bearer b", "Bearer b"] == sent(wire)


@pytest.mark.parametrize(
    "status, headers",
    [(403, REFUSED), (401, {}), (401, {"www-authenticate": "Bearer"}), (401, {"www-authenticate": 'Bearer error="x"'})],
)
async def test_only_an_invalid_token_is_replaced(
    flavour: Flavour, wire: Wire, status: int, headers: dict[str, str]
) -> None:
    """AUTH-4: never on 403, and on 401 only if the server says `invalid_token`."""
    wire.tokens(token_answer("a"), token_answer("b"))
    wire.answers(problem(status, "c", headers=headers), answer())
    with pytest.raises((AuthenticationError, PermissionDeniedError)):
        await flavour.settle(flavour.client(**CLIENT).users.get("usr_1"))
    assert (1, 1) == (len(wire.requests), len(wire.token_requests))


async def test_a_late_refusal_of_a_replaced_token_causes_no_refresh(flavour: Flavour) -> None:
    """AUTH-4: compare-and-invalidate: only the very token that was refused is thrown away."""
    source = credentials_of(flavour, token_answers=["a", "b", "c"])
    first = await flavour.settle(source.token(source_call(flavour)))
    assert source.refuse(first)
    second = await flavour.settle(source.token(source_call(flavour)))
    assert source.refuse(first)
    third = await flavour.settle(source.token(source_call(flavour)))
    assert second is third
    assert ["Bearer a", "Bearer b"] == [first.value.reveal(), second.value.reveal()]


async def test_what_left_before_the_resend_is_not_forgotten(flavour: Flavour, wire: Wire) -> None:
    """ERR: a resend that is lost leaves the outcome unknown; a token that cannot be had leaves it refused."""
    wire.tokens(token_answer("a"), token_answer("b"))
    wire.answers(problem(401, "invalid_token", headers=REFUSED), LOST)
    with pytest.raises(APIConnectionError) as lost:
        await flavour.settle(
            flavour.client(max_retries=0, **CLIENT).users.create(username="a", email="a@b.c", roles=[])
        )
    assert "unknown" == lost.value.outcome


async def test_no_new_token_after_a_refusal(flavour: Flavour, wire: Wire) -> None:
    """AUTH-5: `outcome` follows the earlier attempts of the call: it was refused, though no token could be had."""
    import httpx

    wire.tokens(token_answer("a"), httpx.Response(401, json={"error": "invalid_client"}))
    wire.answers(problem(401, "invalid_token", headers=REFUSED))
    with pytest.raises(AuthenticationError) as raised:
        await flavour.settle(flavour.client(**CLIENT).users.get("usr_1"))
    assert ("invalid_client", "refused") == (raised.value.code, raised.value.outcome)


async def test_tokens_go_to_their_own_origins(flavour: Flavour, wire: Wire) -> None:
    """AUTH-7: client credentials go to the token endpoint only, access tokens to the API only."""
    wire.tokens(token_answer("acc"))
    wire.answers(answer())
    await flavour.settle(flavour.client(scopes=["users:read", "users:create"], **CLIENT).users.get("usr_1"))
    request = wire.token_requests[0]
    assert ("Basic ZGVtbzpkZW1vLXNlY3JldA==", f"{BASE}/oauth/token") == (
        request.headers["authorization"],
        str(request.url),
    )
    assert b"grant_type=client_credentials&scope=users%3Aread+users%3Acreate" == request.content
    assert "idempotency-key" not in request.headers
    assert ["Bearer acc"] == sent(wire)


def credentials_of(flavour: Flavour, token_answers: list[str]) -> Any:
    """A source whose token endpoint gives these tokens."""
    return grant(flavour, flavour.sender(*map(land, token_answers)), flavour.clock())


def source_call(flavour: Flavour) -> Any:
    from .answers import call

    return call(flavour.clock())
