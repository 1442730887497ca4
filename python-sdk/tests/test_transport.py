"""The adapter to httpx: everything that can happen on the wire becomes a value."""

from __future__ import annotations

import inspect
import ssl
import threading
import time
from typing import Any

import httpx
import pytest

import admin_api.transport
from admin_api import APIConnectionError, APITimeoutError, DeadlineExceededError
from admin_api._flavour.attempt import Attempt
from admin_api.wire import wire_error, wire_errors

from .answers import answer, call, request
from .clocks import Time
from .conftest import Wire
from .flavours import BASE, Flavour
from .loopback import answering, dripping, hanging, serving


def wire_exceptions() -> list[type[Exception]]:
    """Every exception of httpx that sending can raise, from httpx itself."""
    return [
        cls
        for _, cls in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(cls, httpx.HTTPError | httpx.InvalidURL)
        and cls is not httpx.HTTPStatusError  # only raise_for_status raises it
    ]


@pytest.mark.parametrize("cls", wire_exceptions(), ids=lambda cls: cls.__name__)
def test_every_exception_of_httpx_is_mapped(cls: type[Exception]) -> None:
    """RETRY-10: no exception of httpx is left unmapped, and each by an entry made for it or for its family."""
    kind, code, effect = next(row for row in wire_errors() if issubclass(cls, row[0]))
    attempt = Attempt(1)
    attempt.sent = True
    found = wire_error(cls("text"), attempt, by_deadline=False, response=None)
    assert (code, effect) == (found.code, found.effect)
    general = {httpx.HTTPError, httpx.RequestError, httpx.TransportError, httpx.TooManyRedirects, httpx.ProtocolError}
    assert kind is not httpx.HTTPError or cls in general


@pytest.mark.parametrize(
    "error, expected",
    [
        (httpx.ConnectError("x"), ("connect_failed", "not_sent")),
        (httpx.ConnectTimeout("x"), ("connect_timeout", "not_sent")),
        (httpx.PoolTimeout("x"), ("pool_timeout", "not_sent")),
        (httpx.ReadTimeout("x"), ("timeout", "maybe_acted")),
        (httpx.WriteTimeout("x"), ("timeout", "maybe_acted")),
        (httpx.ReadError("x"), ("connection_lost", "maybe_acted")),
        (httpx.WriteError("x"), ("connection_lost", "maybe_acted")),
        (httpx.CloseError("x"), ("connection_lost", "maybe_acted")),
        (httpx.RemoteProtocolError("x"), ("invalid_answer", "maybe_acted")),
        (httpx.DecodingError("x"), ("invalid_encoding", "maybe_acted")),
        (httpx.UnsupportedProtocol("x"), ("unsupported_protocol", "final")),
        (httpx.LocalProtocolError("x"), ("invalid_request", "final")),
        (TimeoutError(), ("timeout", "maybe_acted")),
        (ConnectionResetError("x"), ("connection_lost", "maybe_acted")),
        (OSError("x"), ("connection_lost", "maybe_acted")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_each_failure_means(error: Exception, expected: tuple[str, str]) -> None:
    """RETRY-10: *not sent* is a promise; what is not known may have acted."""
    attempt = Attempt(1)
    attempt.sent = True
    found = wire_error(error, attempt, by_deadline=False, response=None)
    assert expected == (found.code, found.effect)


@pytest.mark.parametrize(
    "error, code",
    [
        (TimeoutError(), "connect_timeout"),
        (httpx.ReadTimeout("x"), "connect_timeout"),
        (httpx.ReadError("x"), "connect_failed"),
        (httpx.RemoteProtocolError("x"), "connect_failed"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_fails_before_the_first_byte_is_not_sent(error: Exception, code: str) -> None:
    """RETRY-10: what failed before a byte of the request left, such as what a proxy says, has sent nothing."""
    attempt = Attempt(1)
    attempt.connecting = True
    found = wire_error(error, attempt, by_deadline=False, response=None)
    assert (code, "not_sent") == (found.code, found.effect)


@pytest.mark.parametrize(
    "error", [httpx.ReadError("x"), httpx.RemoteProtocolError("x")], ids=lambda each: type(each).__name__
)
def test_what_our_own_sockets_did_not_see_may_have_acted(error: Exception) -> None:
    """RETRY-10: where something stands in for our sockets, nobody marks what left: *not sent* cannot be promised."""
    assert wire_error(error, Attempt(1), by_deadline=False, response=None).effect == "maybe_acted"


@pytest.mark.parametrize("sent, effect", [(True, "maybe_acted"), (False, "final")])
def test_a_timeout_by_the_deadline_is_one_of_the_deadline(sent: bool, effect: str) -> None:
    """RETRY-6: when the time left of the deadline was the shorter, the deadline is what ran out."""
    attempt = Attempt(1)
    attempt.sent = sent
    found = wire_error(TimeoutError(), attempt, by_deadline=True, response=None)
    assert ("deadline_exceeded", effect) == (found.code, found.effect)


def test_a_chain_of_causes_that_bites_its_tail() -> None:
    """RETRY-10: looking for the reason of an error comes to an end, however its chain is knotted."""
    error, cause = httpx.ReadError("x"), OSError("y")
    error.__cause__, cause.__context__ = cause, error
    attempt = Attempt(1)
    attempt.sent = True
    assert "connection_lost" == wire_error(error, attempt, by_deadline=False, response=None).code


def test_a_certificate_that_is_not_trusted_is_found_in_the_chain() -> None:
    """RETRY-10: TLS verification is final, however deep it hides."""
    error, between = httpx.ConnectError("x"), OSError("y")
    error.__cause__, between.__context__ = between, ssl.SSLCertVerificationError("z")
    found = wire_error(error, Attempt(1), by_deadline=False, response=None)
    assert ("tls_verification_failed", "final") == (found.code, found.effect)


def test_the_private_attribute_is_still_there() -> None:
    """RETRY-6: the one place that reaches into httpx finds what it replaces; an update that moves it fails here."""
    for flavour, transport in (("sync", httpx.HTTPTransport()), ("aio", httpx.AsyncHTTPTransport())):
        pool: Any = transport._pool
        before = pool._network_backend
        room = __import__(f"admin_api._flavour.{flavour}_sockets", fromlist=["put_under"])
        room.put_under(transport)
        assert before is not pool._network_backend
        assert before is pool._network_backend._inner


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"


@pytest.mark.parametrize("head", [HEAD, b"HTTP/1.1 200 OK\r\nx: "], ids=["body", "head"])
async def test_a_slow_drip_ends_with_the_attempt(flavour: Flavour, head: bytes) -> None:
    """RETRY-6: `timeout` bounds the attempt as a whole; bytes that trickle in buy no time."""
    with serving(dripping(head)) as port:
        client = flavour.client(base_url=f"http://127.0.0.1:{port}", timeout=0.2, max_retries=0)
        began = time.monotonic()
        with pytest.raises(APITimeoutError) as raised:
            await flavour.settle(client.users.get("usr_1"))
        elapsed = time.monotonic() - began
        await flavour.settle(client.close())
    assert 0.15 < elapsed < 1.0
    assert ("committed" if head is HEAD else "unknown") == raised.value.outcome


async def test_a_slow_drip_of_an_error_ends_too(flavour: Flavour) -> None:
    """RETRY-6: the body of an error is part of the attempt."""
    head = b"HTTP/1.1 500 no\r\ncontent-length: 100000\r\n\r\n"
    with serving(dripping(head)) as port:
        client = flavour.client(base_url=f"http://127.0.0.1:{port}", timeout=0.2, max_retries=0)
        began = time.monotonic()
        with pytest.raises(APITimeoutError) as raised:
            await flavour.settle(client.users.get("usr_1"))
        assert time.monotonic() - began < 1.0
        await flavour.settle(client.close())
    assert ("unknown", 500) == (raised.value.outcome, raised.value.status)


async def test_the_deadline_bounds_an_attempt(flavour: Flavour) -> None:
    """RETRY-6: an attempt gets what is left of the deadline, if that is less than `timeout`."""
    entered = threading.Event()
    with serving(hanging(entered)) as port:
        client = flavour.client(base_url=f"http://127.0.0.1:{port}", timeout=20.0, deadline=0.2, max_retries=0)
        began = time.monotonic()
        with pytest.raises(DeadlineExceededError) as raised:
            await flavour.settle(client.users.get("usr_1"))
        assert time.monotonic() - began < 1.0
        await flavour.settle(client.close())
    assert "unknown" == raised.value.outcome


def test_close_ends_a_call_that_waits_for_its_answer() -> None:
    """CONF, PARITY: `close()` from another thread ends a sync call at once; it is not tried again."""
    entered = threading.Event()
    errors: list[APIConnectionError] = []
    with serving(hanging(entered)) as port:
        client = Flavour("sync").client(base_url=f"http://127.0.0.1:{port}", timeout=20.0)

        def run() -> None:
            try:
                client.users.get("usr_1")
            except APIConnectionError as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        assert entered.wait(10)
        began = time.monotonic()
        client.close()
        thread.join(10)
        assert time.monotonic() - began < 2.0
    assert [("client_closed", "unknown", 1)] == [(error.code, error.outcome, error.attempts) for error in errors]


def test_close_ends_a_sleep() -> None:
    """CONF, PARITY: `close()` from another thread wakes a call that waits for its next attempt."""
    from admin_api import AdminClient

    errors: list[APIConnectionError] = []
    served = threading.Event()
    busy = b"HTTP/1.1 503 busy\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n"

    def handle(peer: Any, over: threading.Event) -> None:
        answering(busy)(peer, over)
        served.set()
        over.wait(20)

    with serving(handle) as port:
        client = AdminClient(base_url=f"http://127.0.0.1:{port}", token="t")

        def run() -> None:
            try:
                client.users.get("usr_1")
            except APIConnectionError as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        assert served.wait(10)
        began = time.monotonic()
        client.close()
        thread.join(10)
        assert time.monotonic() - began < 2.0
    assert [("client_closed", "unknown")] == [(error.code, error.outcome) for error in errors]


async def test_a_closed_client_sends_nothing(flavour: Flavour, wire: Wire) -> None:
    """CONF: a call on a closed client is an error, `not_sent`."""
    wire.answers(answer())
    client = flavour.client()
    await flavour.settle(client.close())
    with pytest.raises(APIConnectionError) as raised:
        await flavour.settle(client.users.get("usr_1"))
    assert ("client_closed", "not_sent", []) == (raised.value.code, raised.value.outcome, wire.requests)
    await flavour.settle(client.close())


async def test_a_url_too_long_to_send(flavour: Flavour, wire: Wire) -> None:
    """ERR: what httpx refuses to send is an error of ours, not of httpx."""
    wire.answers(answer())
    with pytest.raises(admin_api.AdminAPIError) as raised:
        await flavour.settle(flavour.client().users.get("x" * 70_000))
    assert ("not_sent", []) == (raised.value.outcome, wire.requests)


async def test_time_that_is_up_before_it_began(flavour: Flavour) -> None:
    """RETRY-6: past the deadline nothing is sent."""
    clock = flavour.clock()
    transport = flavour.of("transport", "Transport")((BASE,), True, None)
    late = call(clock, deadline=1.0)
    clock.advance(1.0)
    found = await flavour.settle(transport.send(request(late)))
    assert ("deadline_exceeded", "final") == (found.code, found.effect)


def test_the_table_lets_nothing_but_known_failures_through() -> None:
    """RETRY-10: only what is known never to have left is *not sent*."""
    promised = {kind.__name__ for kind, _, effect in wire_errors() if effect == "not_sent"}
    assert {"ConnectTimeout", "PoolTimeout", "ConnectError", "ProxyError"} == promised
    assert call(Time()).reached is False
