"""The two grants: what they send, how a refresh token rotates, what is given back at the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from admin_api import AdminAPIError, AuthenticationError
from admin_api.exchange import Headers, Outcome, Request, Response, WireError
from admin_api.options import Limits

from .answers import answer, call, problem, token_answer
from .conftest import Wire
from .flavours import BASE, Flavour
from .granting import endpoint, fail, form_of, grant, land

REFUSED = {"www-authenticate": 'Bearer error="invalid_token"'}


async def ask(flavour: Flavour, source: Any, clock: Any) -> Any:
    """A token of a source, or why there is none."""
    return await flavour.settle(source.token(call(clock)))


def lost(code: str, effect: Any, status: int | None = None) -> Callable[[Request], Outcome]:
    """A token request without a whole answer."""
    return lambda request: WireError(code, effect, "lost", status)


async def test_each_refresh_sends_the_token_that_the_last_one_brought(flavour: Flavour) -> None:
    """AUTH-5: the successor replaces the refresh token; an answer without one leaves it as it is (RFC 6749, 6)."""
    clock = flavour.clock()
    send = flavour.sender(land("a", refresh_token="r2"), land("b"), land("c", refresh_token="r3"), land("d"))
    source = grant(flavour, send, clock, refresh_token="r1")
    for expected in "abcd":
        token = await ask(flavour, source, clock)
        assert expected == token.access.reveal()
        clock.advance(3600)
    assert ["r1", "r2", "r2", "r3"] == [form_of(request)["refresh_token"] for request in send.requests]
    assert {"refresh_token"} == {form_of(request)["grant_type"] for request in send.requests}


@pytest.mark.parametrize("refresh_token", [None, "r1"])
@pytest.mark.parametrize(
    "secret, auth, header, members",
    [
        ("s~*", "basic", "Basic YSUzQStiOnMlN0Uq", {}),
        ("s~*", "post", None, {"client_id": "a: b", "client_secret": "s~*"}),
        (None, "basic", None, {"client_id": "a: b"}),
        (None, "post", None, {"client_id": "a: b"}),
    ],
)
async def test_how_a_client_proves_itself(
    flavour: Flavour,
    refresh_token: str | None,
    secret: str | None,
    auth: str,
    header: str | None,
    members: dict[str, str],
) -> None:
    """RFC 6749, section 2.3.1: in the header, or in the form, never both ways; a public client only says who it is."""
    clock = flavour.clock()
    send = flavour.sender(land("a"))
    at = endpoint(client_id="a: b", client_secret=secret, auth=auth)
    source = grant(flavour, send, clock, at=at, refresh_token=refresh_token, scopes=("x", "y"))
    await ask(flavour, source, clock)
    (request,) = send.requests
    sent = request.headers.get("authorization")
    assert header == (None if sent is None else sent.reveal())
    form = form_of(request)
    proof = {"grant_type": "client_credentials"}
    if refresh_token is not None:
        proof = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    assert {**proof, "scope": "x y", **members} == form
    assert str(request.content.length) == request.headers["content-length"]


@pytest.mark.parametrize(
    "answered, code, final",
    [
        (lost("connect_failed", "not_sent"), "connect_failed", False),
        (lost("tls_verification_failed", "final"), "tls_verification_failed", True),
        (fail(429), "token_request_failed", False),
        (fail(400, "invalid_grant"), "invalid_grant", True),
        (fail(401, "invalid_client"), "invalid_client", True),
        (fail(404), "token_request_failed", True),
        (lost("connection_lost", "maybe_acted"), "refresh_outcome_unknown", True),
        (lost("timeout", "maybe_acted"), "refresh_outcome_unknown", True),
        (lost("connection_lost", "maybe_acted", 200), "refresh_outcome_unknown", True),
        (fail(408), "refresh_outcome_unknown", True),
        (fail(500), "refresh_outcome_unknown", True),
        (fail(503), "refresh_outcome_unknown", True),
        (lost("client_closed", "maybe_acted"), "client_closed", True),
    ],
)
async def test_a_refresh_is_repeated_only_if_it_cannot_have_acted(
    flavour: Flavour, answered: Any, code: str, final: bool
) -> None:
    """AUTH-5: *not sent* and 429 may be tried again; what may have used up the token is not, and says so."""
    clock = flavour.clock()
    failure = await ask(flavour, grant(flavour, flavour.sender(answered), clock, refresh_token="r1"), clock)
    assert (code, final) == (failure.code, failure.final)


async def test_the_token_that_may_be_used_up_is_tried_by_the_next_call(flavour: Flavour) -> None:
    """AUTH-5: within its call a lost refresh is final; a later call may meet the server's grace, and goes on."""
    clock = flavour.clock()
    send = flavour.sender(lost("timeout", "maybe_acted"), land("a", refresh_token="r2"), land("b"))
    source = grant(flavour, send, clock, refresh_token="r1")
    assert "refresh_outcome_unknown" == (await ask(flavour, source, clock)).code
    assert "a" == (await ask(flavour, source, clock)).access.reveal()
    clock.advance(3600)
    await ask(flavour, source, clock)
    assert ["r1", "r1", "r2"] == [form_of(request)["refresh_token"] for request in send.requests]


@pytest.mark.parametrize("status", [408, 503])
async def test_an_unknown_refresh_is_an_authentication_error(flavour: Flavour, wire: Wire, status: int) -> None:
    """AUTH-5: AuthenticationError with that code, whatever the endpoint's status; nothing was sent, nor asked again."""
    wire.tokens(httpx.Response(status))
    client = flavour.client(client_id="app", refresh_token="r1-s3cret")
    with pytest.raises(AuthenticationError) as raised:
        await flavour.settle(client.users.create(username="a", email="a@b.c", roles=[]))
    error = raised.value
    assert ("refresh_outcome_unknown", status, "not_sent", False, 1, 1) == (
        error.code, error.status, error.outcome, error.retryable, error.attempts, len(wire.token_requests),
    )  # fmt: skip
    assert "s3cret" not in str(error)


async def test_an_unknown_refresh_after_a_refusal_leaves_it_refused(flavour: Flavour, wire: Wire) -> None:
    """AUTH-5: `outcome` follows the earlier attempts of the call."""
    wire.tokens(token_answer("a"), httpx.Response(500))
    wire.answers(problem(401, "invalid_token", headers=REFUSED))
    client = flavour.client(client_id="app", refresh_token="r1")
    with pytest.raises(AuthenticationError) as raised:
        await flavour.settle(client.users.get("usr_1"))
    assert ("refresh_outcome_unknown", 500, "refused") == (
        raised.value.code, raised.value.status, raised.value.outcome,
    )  # fmt: skip


class Stuck:
    """A token endpoint that does not answer until it is let go."""

    def __init__(self, flavour: Flavour, answered: Callable[[Request], Outcome] | None = None) -> None:
        self.flavour = flavour
        self.answered = answered or land("a")
        self.requests: list[Request] = []
        self.let_go = threading.Event()

    def __call__(self, request: Request) -> Any:
        self.requests.append(request)
        if not self.flavour.is_async:
            assert self.let_go.wait(20)
            return self.answered(request)

        async def late() -> Outcome:
            while not self.let_go.is_set():  # noqa: ASYNC110 (the event is one of threads)
                await asyncio.sleep(0.005)
            return self.answered(request)

        return late()


@pytest.mark.parametrize("refresh_token, code", [(None, "token_timeout"), ("r1", "refresh_outcome_unknown")])
async def test_a_token_that_does_not_come_in_time(flavour: Flavour, refresh_token: str | None, code: str) -> None:
    """AUTH-2, AUTH-5: a wait for a token is bounded; of a refresh token that was sent, it must not be tried again."""
    stuck, clock = Stuck(flavour), flavour.clock()
    limits = Limits(token_timeout=0.05)
    failure = await ask(flavour, grant(flavour, stuck, clock, refresh_token=refresh_token, limits=limits), clock)
    stuck.let_go.set()
    assert (code, code != "token_timeout") == (failure.code, failure.final)


def test_the_end_of_the_leaders_loop_is_not_followed_by_another_use_of_its_refresh_token() -> None:
    """AUTH-3, AUTH-5: whoever takes over cannot know whether the token was used up, so nobody does."""
    flavour = Flavour("async")
    stuck, clock = Stuck(flavour), flavour.clock()
    source = grant(flavour, stuck, clock, refresh_token="r1")
    entered, waiting = threading.Event(), threading.Event()

    async def lead() -> None:
        leader = asyncio.create_task(ask(flavour, source, clock))
        while not stuck.requests:  # noqa: ASYNC110 (the request is made in this very loop)
            await asyncio.sleep(0)
        entered.set()
        assert await asyncio.to_thread(waiting.wait, 20)
        leader.cancel()

    async def follow() -> Any:
        following = asyncio.create_task(ask(flavour, source, clock))
        await asyncio.sleep(0)
        waiting.set()
        return await following

    thread = threading.Thread(target=lambda: asyncio.run(lead()))
    thread.start()
    assert entered.wait(20)
    failure = asyncio.run(follow())
    thread.join(20)
    assert ("refresh_outcome_unknown", 1) == (failure.code, len(stuck.requests))


def ended(status: int = 200) -> Callable[[Request], Outcome]:
    """An answer of the revocation endpoint."""
    return lambda request: Response(request.call, status, Headers(), b"")


async def test_what_was_got_is_given_back(flavour: Flavour) -> None:
    """RFC 7009: the newest refresh token, then every access token, each with its hint and the client's proof."""
    clock = flavour.clock()
    send = flavour.sender(land("a", refresh_token="r2"), land("b", refresh_token="r3"), *[ended()] * 3)
    source = grant(flavour, send, clock, refresh_token="r1")
    await ask(flavour, source, clock)
    clock.advance(3600)
    await ask(flavour, source, clock)
    await flavour.settle(source.revoke())
    await flavour.settle(source.revoke())
    revocations = send.requests[2:]
    assert [("r3", "refresh_token"), ("b", "access_token"), ("a", "access_token")] == [
        (form_of(request)["token"], form_of(request)["token_type_hint"]) for request in revocations
    ]
    assert {f"{BASE}/oauth/revoke"} == {request.url for request in revocations}
    assert {send.requests[0].headers["authorization"].reveal()} == {
        request.headers["authorization"].reveal() for request in revocations
    }
    assert "client_closed" == (await ask(flavour, source, clock)).code


async def test_what_was_not_got_is_not_given_back(flavour: Flavour) -> None:
    """AUTH-6: a client that asked for nothing ends nothing, not even the refresh token that it was given."""
    send, clock = flavour.sender(), flavour.clock()
    await flavour.settle(grant(flavour, send, clock, refresh_token="r1").revoke())
    assert [] == send.requests


async def test_what_cannot_be_given_back_is_a_warning(flavour: Flavour) -> None:
    """AUTH-6: closing goes on whatever the endpoint says; a redirect is told by its origin and not followed."""
    clock, warnings = flavour.clock(), list[str]()
    moved = Headers([("location", "https://evil.example/?t=1")])
    send = flavour.sender(
        land("hunter2", refresh_token="hunter3"),
        lost("connection_lost", "maybe_acted"),
        lambda request: Response(request.call, 307, moved, b"hunter2"),
    )
    source = grant(flavour, send, clock, refresh_token="r1", warn=warnings.append)
    await ask(flavour, source, clock)
    await flavour.settle(source.revoke())
    assert ["A token was not revoked (refresh_token): lost", 3] == [warnings[0], len(send.requests)]
    assert (
        "A token was not revoked (access_token): the endpoint answered 307, a redirect to https://evil.example that is "
        "not followed."
    ) == warnings[1]
    assert "hunter" not in "".join(warnings)


async def test_a_close_that_revokes_waits_for_a_token_on_its_way(flavour: Flavour) -> None:
    """AUTH-6: what is being fetched while the client closes would live on; it is awaited and ended."""
    clock, begun = flavour.clock(), threading.Event()
    stuck = Stuck(flavour)
    source = grant(flavour, stuck, clock)
    thread = threading.Thread(
        target=lambda: asyncio.run(ask(flavour, source, clock)) if flavour.is_async else source.token(call(clock))
    )
    thread.start()
    while not stuck.requests:
        begun.wait(0.001)
    threading.Timer(0.05, stuck.let_go.set).start()
    await flavour.settle(source.revoke())
    thread.join(20)
    assert ["oauth.token", "oauth.revoke"] == [request.call.operation for request in stuck.requests]


@pytest.mark.parametrize(
    "token_url, revocation_url",
    [
        (f"{BASE}/oauth/token", f"{BASE}/oauth/revoke"),
        (f"{BASE}/w/x/oauth/token", f"{BASE}/w/x/oauth/revoke"),
        ("https://id.example:9443/realms/a/token", "https://id.example:9443/oauth/revoke"),
    ],
)
def test_where_tokens_are_ended(token_url: str, revocation_url: str) -> None:
    """AUTH-7: at the document's path beside the token endpoint's, always at its origin."""
    assert revocation_url == endpoint(url=token_url).revocation_url


async def test_clients_of_one_store_object_share_the_token(flavour: Flavour) -> None:
    """AUTH-10: a store object given to several clients makes them one: one token, one flight, one 401."""
    from admin_api import MemoryTokenStore

    clock, store = flavour.clock(), MemoryTokenStore()
    send = flavour.sender(land("a"), land("b"), land("c"))
    one, two = (grant(flavour, send, clock, store=store) for _ in range(2))
    other = grant(flavour, send, clock, store=store, refresh_token="r1")  # another grant of the same client
    token = await ask(flavour, one, clock)
    assert token is await ask(flavour, two, clock)
    assert "b" == (await ask(flavour, other, clock)).access.reveal()
    two.refuse(token)
    assert "c" == (await ask(flavour, one, clock)).access.reveal()


async def test_a_closed_leader_of_a_shared_flight_is_followed(flavour: Flavour) -> None:
    """AUTH-3: whose client was closed under a refresh hands it over to the other clients of the store."""
    from admin_api import MemoryTokenStore

    clock, store = flavour.clock(), MemoryTokenStore()
    closing, going_on = Stuck(flavour, lost("client_closed", "final")), flavour.sender(land("b"))
    leader = grant(flavour, closing, clock, store=store)
    follower = grant(flavour, going_on, clock, store=store)
    found: list[Any] = []

    def lead() -> None:
        found.append(asyncio.run(ask(flavour, leader, clock)) if flavour.is_async else leader.token(call(clock)))

    thread = threading.Thread(target=lead)
    thread.start()
    while not closing.requests:
        threading.Event().wait(0.001)
    threading.Timer(0.05, closing.let_go.set).start()
    assert "b" == (await ask(flavour, follower, clock)).access.reveal()
    thread.join(20)
    assert ["client_closed"] == [failure.code for failure in found]


async def test_a_client_closes_with_its_tokens(flavour: Flavour, wire: Wire) -> None:
    """AUTH-6: `close(revoke=True)` ends the tokens before the connections, for all copies of the client."""
    wire.tokens(token_answer("a"))
    wire.answers(answer(), httpx.Response(200))
    client = flavour.client(client_id="app", client_secret="s")
    copy = client.with_options(timeout=1.0)
    await flavour.settle(copy.users.get("usr_1"))
    await flavour.settle(client.close(revoke=True))
    assert (f"{BASE}/oauth/revoke", b"token=a&token_type_hint=access_token") == (
        str(wire.requests[-1].url),
        wire.requests[-1].content,
    )
    with pytest.raises(AdminAPIError) as raised:
        await flavour.settle(copy.users.get("usr_1"))
    assert "client_closed" == raised.value.code


@pytest.mark.parametrize("options", [{"token": "t"}, {"token": lambda: "t"}])
async def test_tokens_that_were_given_are_not_ended(flavour: Flavour, wire: Wire, options: dict[str, Any]) -> None:
    """AUTH-6: what the client did not get from the token endpoint is not its to end."""
    await flavour.settle(flavour.client(**options).close(revoke=True))
    assert [] == wire.requests
