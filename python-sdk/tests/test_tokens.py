"""Where tokens come from: windows, pauses, failures."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpcore
import httpx
import pytest

from admin_api import (
    APIConnectionError,
    APITimeoutError,
    AsyncAdminClient,
    AuthenticationError,
    DeadlineExceededError,
    InternalServerError,
)
from admin_api.exchange import Headers, Outcome, Request, Response, TokenFailure, WireError
from admin_api.options import Limits

from .answers import answer, call, token_answer
from .conftest import Wire
from .flavours import BASE, Flavour
from .granting import endpoint, fail, grant, land

CLIENT = {"client_id": "demo", "client_secret": "demo-secret"}


class Source:
    """A token source with a scripted endpoint, a clock and what it warned of."""

    def __init__(self, flavour: Flavour, *script: Any, scopes: tuple[str, ...] = ()) -> None:
        self.flavour = flavour
        self.clock = flavour.clock()
        self.warnings: list[str] = []
        self.send = flavour.sender(*script)
        self.source = grant(flavour, self.send, self.clock, scopes=scopes, warn=self.warnings.append)

    async def get(self) -> Any:
        return await self.flavour.settle(self.source.token(call(self.clock)))

    async def value(self) -> str:
        token = await self.get()
        return "failed" if isinstance(token, TokenFailure) else str(token.value.reveal().removeprefix("Bearer "))


@pytest.mark.parametrize(
    "lifetime, advisory, mandatory",
    [(3600, 3480, 3570), (240, 120, 210), (120, 60, 90), (60, 30, 45), (4, 2, 3), (86400, 86280, 86370)],
)
async def test_the_windows(flavour: Flavour, lifetime: int, advisory: int, mandatory: int) -> None:
    """AUTH-2: advisory from min(120 s, L/2) before the end, mandatory from min(30 s, L/4)."""
    one = Source(flavour, land("a", lifetime), land("b", lifetime))
    token = await one.get()
    began = one.clock.monotonic()
    assert (advisory, mandatory) == (token.advise_at - began, token.must_at - began)
    one.clock.advance(advisory - 0.001)
    assert "a" == await one.value()
    one.clock.advance(0.001)
    assert "b" == await one.value()
    assert 2 == len(one.send.requests)


@pytest.mark.parametrize("hours", [-24, 24])
async def test_a_wall_clock_that_is_set_renews_nothing(flavour: Flavour, hours: int) -> None:
    """AUTH-2: the windows go by the monotonic clock, whatever is done to the other."""
    one = Source(flavour, land("a", 3600), land("b", 3600))
    await one.get()
    one.clock.set_wall(3600 * hours)
    assert "a" == await one.value()
    one.clock.advance(3480)
    assert "b" == await one.value()


@pytest.mark.parametrize("expires_in", [None, "3600", 0, -1, True, [1], {}])
async def test_no_lifetime_no_refresh_ahead(flavour: Flavour, expires_in: object) -> None:
    """AUTH-2: without a usable `expires_in` a token is kept until it is refused."""
    one = Source(flavour, land("a", expires_in))
    assert "a" == await one.value()
    one.clock.advance(1e9)
    assert "a" == await one.value()


async def test_a_failed_refresh_ahead_pauses_and_goes_on(flavour: Flavour) -> None:
    """AUTH-2: in the advisory window a failure is a warning; no other try for 5 s; the old token goes on working."""
    one = Source(flavour, land("a", 3600), fail(503), fail(503), land("b", 3600))
    assert "a" == await one.value()
    one.clock.advance(3480)
    assert ["a", "a"] == [await one.value(), await one.value()]
    assert (2, 1) == (len(one.send.requests), len(one.warnings))
    one.clock.advance(4.999)
    assert "a" == await one.value()
    assert 2 == len(one.send.requests)
    one.clock.advance(0.001)
    assert "a" == await one.value()
    assert (3, 2) == (len(one.send.requests), len(one.warnings))
    one.clock.advance(5)
    assert "b" == await one.value()
    assert "demo-secret" not in "".join(one.warnings)


async def test_a_failed_refresh_in_the_mandatory_window_is_told(flavour: Flavour) -> None:
    """AUTH-2: in the mandatory window all wait, and a failure is theirs, pause or no pause."""
    one = Source(flavour, land("a", 3600), fail(503), fail(503), land("b", 3600))
    await one.value()
    one.clock.advance(3570)
    assert ["failed", "failed", "b"] == [await one.value(), await one.value(), await one.value()]
    assert [] == one.warnings


async def test_the_lifetime_counts_from_the_request(flavour: Flavour) -> None:
    """AUTH-2: a token's life began before its answer came; the time on the way is not added."""
    clock: list[Any] = []

    def late(request: Request) -> Outcome:
        clock[0].advance(100)
        return land("a", 3600)(request)

    one = Source(flavour, late)
    clock.append(one.clock)
    began = one.clock.monotonic()
    assert began + 3480 == (await one.get()).advise_at


@pytest.mark.parametrize(
    "asked, scope, granted",
    [
        (("a", "b"), None, {"a", "b"}),
        (("a", "b"), "a", {"a"}),
        ((), "a b  c", {"a", "b", "c"}),
        ((), None, None),
        ((), "", set()),
        (("a",), 7, {"a"}),
    ],
)
async def test_granted_scopes(
    flavour: Flavour, asked: tuple[str, ...], scope: object, granted: set[str] | None
) -> None:
    """RFC 6749, section 5.1: no `scope` in the answer means those asked for."""
    one = Source(flavour, land("a", **({} if scope is None else {"scope": scope})), scopes=asked)
    assert granted == (await one.get()).scopes


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"access_token": "a"},
        {"access_token": "", "token_type": "Bearer"},
        {"access_token": 7, "token_type": "Bearer"},
        {"access_token": "a\nb", "token_type": "Bearer"},
        {"access_token": "ü", "token_type": "Bearer"},
        {"access_token": "a b", "token_type": "Bearer"},
        {"access_token": "a", "token_type": "mac"},
        {"access_token": "a", "token_type": None},
        [],
        None,
    ],
)
async def test_an_answer_without_a_usable_token(flavour: Flavour, document: object) -> None:
    """AUTH-5: a 200 that holds no bearer token is final, and nothing of it is shown."""
    one = Source(flavour, lambda request: Response(request.call, 200, Headers(), json.dumps(document).encode()))
    failure = await one.get()
    assert isinstance(failure, TokenFailure)
    assert ("invalid_token_response", True) == (failure.code, failure.final)


async def test_the_kind_of_token_ignores_case(flavour: Flavour) -> None:
    """RFC 6749, section 5.1: `token_type` is case-insensitive."""
    assert "a" == await Source(flavour, land("a", token_type="bearer")).value()


async def test_credentials_are_encoded_before_they_are_joined(flavour: Flavour) -> None:
    """RFC 6749, section 2.3.1: id and secret are form-encoded, so that a colon in the id splits nothing."""
    import base64

    source = Source(flavour, land("a"))
    made = grant(flavour, source.send, source.clock, at=endpoint(client_id="a:b c", client_secret="ü%"))
    await flavour.settle(made.token(call(source.clock)))
    header = source.send.requests[0].headers["authorization"]
    assert not isinstance(header, str)
    assert b"a%3Ab+c:%C3%BC%25" == base64.b64decode(header.reveal().removeprefix("Basic "))


@pytest.mark.parametrize(
    "status, error, final",
    [
        (401, "invalid_client", True), (400, "invalid_grant", True), (400, "invalid_scope", True),
        (503, "invalid_client", True), (400, "novel_error", True), (404, None, True),
        (500, None, False), (503, None, False), (429, None, False), (408, None, False), (502, "temporarily", False),
    ],
)  # fmt: skip
async def test_which_failures_are_final(flavour: Flavour, status: int, error: str | None, final: bool) -> None:
    """AUTH-5: OAuth errors that another try cannot mend are final whatever the status; a 5xx or 429 is not."""
    failure = await Source(flavour, fail(status, error)).get()
    assert (error or "token_request_failed", final) == (failure.code, failure.final)


async def test_a_layer_that_breaks_its_word_is_told_to_all(flavour: Flavour) -> None:
    """AUTH-3: an exception under a refresh reaches those who wait as a failure; the next call tries anew."""

    def crash(request: Request) -> Outcome:
        raise KeyError("s3cret")

    one = Source(flavour, crash, land("a"))
    failure = await one.get()
    assert ("token_request_failed", True) == (failure.code, failure.final)
    assert "s3cret" not in failure.message
    assert "a" == await one.value()


async def test_what_the_wire_says_of_a_token_request(flavour: Flavour) -> None:
    """AUTH-5: no answer is a failure with the wire's code; a certificate that is not trusted is final."""
    lost = await Source(flavour, WireError("connection_lost", "maybe_acted", "reset")).get()
    untrusted = await Source(flavour, WireError("tls_verification_failed", "final", "who")).get()
    assert [("connection_lost", False), ("tls_verification_failed", True)] == [
        (one.code, one.final) for one in (lost, untrusted)
    ]


@pytest.mark.parametrize("status, error", [(401, "invalid_client"), (400, "invalid_grant"), (400, "invalid_scope")])
async def test_a_final_refusal_is_an_authentication_error(
    flavour: Flavour, wire: Wire, status: int, error: str
) -> None:
    """AUTH-5: AuthenticationError with that code, whatever the endpoint's status; nothing was sent."""
    wire.tokens(httpx.Response(status, json={"error": error, "error_description": "demo-secret is wrong"}))
    with pytest.raises(AuthenticationError) as raised:
        await flavour.settle(flavour.client(**CLIENT).users.create(username="a", email="a@b.c", roles=[]))
    assert (error, status, "not_sent", False, 1, 0) == (
        raised.value.code,
        raised.value.status,
        raised.value.outcome,
        raised.value.retryable,
        len(wire.token_requests),
        len(wire.requests),
    )
    assert "demo-secret" not in str(raised.value)


async def test_a_token_endpoint_that_is_busy_is_asked_again(flavour: Flavour, wire: Wire) -> None:
    """AUTH-5: a 503 of the token endpoint is this attempt's outcome, for the retry layer; Retry-After counts."""
    clock = flavour.clock()
    wire.tokens(httpx.Response(503, headers={"retry-after": "3"}), httpcore.ReadError("reset"), token_answer("a"))
    wire.answers(answer(201))
    client = flavour.client(clock=clock, **CLIENT)
    raw = await flavour.settle(client.users.with_raw_response.create(username="a", email="a@b.c", roles=[]))
    assert ([3.0, 1.0], 3, 1) == (clock.sleeps, raw.attempts, len(wire.requests))


async def test_a_token_endpoint_that_stays_busy(flavour: Flavour, wire: Wire) -> None:
    """AUTH-5: when retries are used up the error says that no token was had, and that nothing was sent."""
    wire.tokens(*[httpx.Response(503)] * 3)
    with pytest.raises(InternalServerError) as raised:
        await flavour.settle(flavour.client(**CLIENT).users.get("usr_1"))
    assert ("token_request_failed", 503, "not_sent", True, 3) == (
        raised.value.code,
        raised.value.status,
        raised.value.outcome,
        raised.value.retryable,
        raised.value.attempts,
    )
    assert "No access token" in raised.value.message


async def test_a_token_endpoint_that_cannot_be_reached(flavour: Flavour, wire: Wire) -> None:
    """AUTH-5: with a POST and no key too, a token request that is lost leaves the call not sent."""
    wire.tokens(*[httpcore.ReadError("reset")] * 3)
    with pytest.raises(APIConnectionError) as raised:
        await flavour.settle(flavour.client(**CLIENT).users.create(username="a", email="a@b.c", roles=[]))
    assert ("connection_lost", "not_sent", True) == (raised.value.code, raised.value.outcome, raised.value.retryable)


class Stuck:
    """A `send` that never answers, until it is let go."""

    def __init__(self, flavour: Flavour) -> None:
        import threading

        self.flavour = flavour
        self.let_go = threading.Event()

    def __call__(self, request: Request) -> Any:
        if not self.flavour.is_async:
            self.let_go.wait(20)
            return WireError("connection_lost", "maybe_acted", "let go")

        async def never() -> Outcome:
            import asyncio

            while not self.let_go.is_set():  # noqa: ASYNC110 (the event is one of threads)
                await asyncio.sleep(0.01)
            return WireError("connection_lost", "maybe_acted", "let go")

        return never()


@pytest.mark.parametrize(
    "limits, code",
    [
        (Limits(token_timeout=0.05), "token_timeout"),
        (Limits(token_timeout=20.0, deadline=0.05), "deadline_exceeded"),
    ],
)
async def test_a_wait_for_a_token_is_bounded(flavour: Flavour, limits: Limits, code: str) -> None:
    """AUTH-2, RETRY-6: `token_timeout` bounds a wait for a token as a whole, and the call's deadline does too."""
    source = Source(flavour)
    stuck = Stuck(flavour)
    made = grant(flavour, stuck, source.clock, limits=limits)
    failure = await flavour.settle(made.token(call(source.clock, limits=limits)))
    stuck.let_go.set()
    assert code == failure.code


def test_what_a_timed_out_wait_becomes() -> None:
    """ERR: no token in time is an APITimeoutError, past the deadline a DeadlineExceededError."""
    from admin_api.access import timed_out
    from admin_api.layers.status import error_for

    from .answers import request

    flavour = Flavour("sync")
    one = request(call(flavour.clock()))
    late, too_late = error_for(one, timed_out(False)), error_for(one, timed_out(True))
    assert (APITimeoutError, "token_timeout", "not_sent", True) == (type(late), late.code, late.outcome, late.retryable)
    assert (DeadlineExceededError, "deadline_exceeded", "not_sent") == (type(too_late), too_late.code, too_late.outcome)


async def test_a_function_that_hangs_is_bounded() -> None:
    """AUTH-2: `token_timeout` bounds the wait for a user's own coroutine too; nothing was sent."""

    async def hang() -> str:
        await asyncio.Event().wait()
        return "never"

    async with AsyncAdminClient(base_url=BASE, token=hang, token_timeout=0.01, max_retries=0) as client:
        with pytest.raises(APITimeoutError) as raised:
            await client.me.get()
    assert ("token_timeout", "not_sent") == (raised.value.code, raised.value.outcome)
