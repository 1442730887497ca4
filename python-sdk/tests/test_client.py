"""The client: what it takes, from where, and what it refuses."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest

from admin_api import APIConnectionError, APIStatusError, ConfigurationError, DecodeError, RequestOptions

from .answers import answer, page, problem, token_answer
from .conftest import Wire
from .flavours import BASE, Flavour


def bare(flavour: Flavour, **options: Any) -> Any:
    """A client with nothing given but this."""
    return flavour.of("client", "AdminClient")(**options)


@pytest.mark.parametrize(
    "options, code",
    [
        ({}, "missing_credentials"),
        ({"token": "t", "client_id": "c", "client_secret": "s"}, "conflicting_credentials"),
        ({"token": "t", "client_secret": "s"}, "conflicting_credentials"),
        ({"client_id": "c"}, "missing_credentials"),
        ({"client_secret": "s"}, "missing_credentials"),
        ({"token": ""}, "invalid_token_option"),
        ({"token": "a b"}, "invalid_token_option"),
        ({"token": "t", "timeout": 0}, "invalid_option"),
        ({"token": "t", "deadline": -1}, "invalid_option"),
        ({"token": "t", "max_retries": -1}, "invalid_option"),
        ({"token": "t", "max_retry_after": -1}, "invalid_option"),
        ({"token": "t", "token_timeout": 0}, "invalid_option"),
        ({"client_id": "c", "client_secret": "s", "scopes": "users:read"}, "invalid_scopes"),
        ({"client_id": "c", "client_secret": "s", "scopes": ["a b"]}, "invalid_scopes"),
        ({"client_id": "c", "client_secret": "s", "token_url": "http://elsewhere/t"}, "insecure_url"),
    ],
)
def test_options_that_cannot_work(flavour: Flavour, options: dict[str, Any], code: str) -> None:
    """CONF, AUTH-1: what cannot work is refused by the constructor, with a code, and shows no secret."""
    with pytest.raises(ConfigurationError) as raised:
        bare(flavour, base_url=BASE, **options)
    assert (code, "not_sent") == (raised.value.code, raised.value.outcome)


@pytest.mark.parametrize(
    "url, code",
    [
        (None, "missing_base_url"),
        ("", "missing_base_url"),
        ("api.example", "invalid_url"),
        ("ftp://api.example", "invalid_url"),
        ("https://", "invalid_url"),
        ("https://api.example:port", "invalid_url"),
        ("https://[::1", "invalid_url"),
        ("https://exämple", "invalid_url"),
        ("https://api.example/a b", "invalid_url"),
        ("https://me:hunter2@api.example", "invalid_url"),
        ("https://me@api.example", "invalid_url"),
        ("https://api.example?x=1", "invalid_url"),
        ("https://api.example#x", "invalid_url"),
        ("http://api.example", "insecure_url"),
        ("http://127.0.0.1.evil.example", "insecure_url"),
        ("http://localhost.evil.example", "insecure_url"),
        ("http://10.0.0.1", "insecure_url"),
    ],
)
def test_base_urls_that_cannot_work(flavour: Flavour, url: str | None, code: str) -> None:
    """AUTH-7: https, or http on loopback; no credentials, query or fragment."""
    with pytest.raises(ConfigurationError) as raised:
        bare(flavour, base_url=url, token="t")
    assert code == raised.value.code
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["https://api.example", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:80", "https://h/w/id/"]
)
def test_base_urls_that_work(flavour: Flavour, url: str) -> None:
    """AUTH-7: loopback may be http; a path prefix is fine."""
    bare(flavour, base_url=url, token="t")


async def test_paths_are_appended_never_resolved(flavour: Flavour, wire: Wire) -> None:
    """AUTH-7: the prefix of `base_url` stays, for the API and for its token endpoint."""
    wire.tokens(token_answer())
    wire.answers(token_answer(), answer())
    client = flavour.client(base_url=f"{BASE}/w/world1/", client_id="c", client_secret="s")
    await flavour.settle(client.users.get("usr_1"))
    assert ["/w/world1/oauth/token", "/w/world1/api/v1/users/usr_1"] == [one.url.path for one in wire.requests]


@pytest.mark.parametrize(
    "environment, options, expected",
    [
        ({"TOKEN": "env"}, {}, "Bearer env"),
        ({"TOKEN": "env"}, {"token": "given"}, "Bearer given"),
        ({"CLIENT_ID": "c", "CLIENT_SECRET": "s"}, {}, "Bearer access-1"),
        ({"CLIENT_ID": "c", "CLIENT_SECRET": "s"}, {"token": "given"}, "Bearer given"),
        ({"TOKEN": "env", "CLIENT_ID": "c", "CLIENT_SECRET": "s"}, {}, "Bearer env"),
        ({"TOKEN": "env"}, {"client_id": "c", "client_secret": "s"}, "Bearer access-1"),
    ],
)
async def test_credentials_of_the_environment(
    flavour: Flavour,
    wire: Wire,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    options: dict[str, str],
    expected: str,
) -> None:
    """CONF, AUTH-1: constructor before environment, a token before a client."""
    monkeypatch.setenv("ADMIN_API_BASE_URL", BASE)
    for name, value in environment.items():
        monkeypatch.setenv(f"ADMIN_API_{name}", value)
    wire.tokens(token_answer())
    wire.answers(answer())
    await flavour.settle(bare(flavour, **options).users.get("usr_1"))
    assert expected == wire.requests[0].headers["authorization"]


@pytest.mark.parametrize("options", [{"client_id": "c"}, {"client_secret": "s"}])
def test_both_halves_come_from_the_same_place(
    flavour: Flavour, monkeypatch: pytest.MonkeyPatch, options: dict[str, str]
) -> None:
    """AUTH-1: half a client of the constructor is not completed from the environment."""
    monkeypatch.setenv("ADMIN_API_CLIENT_ID", "env")
    monkeypatch.setenv("ADMIN_API_CLIENT_SECRET", "env")
    with pytest.raises(ConfigurationError) as raised:
        bare(flavour, base_url=BASE, **options)
    assert "missing_credentials" == raised.value.code


def test_empty_variables_count_as_unset(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONF: an empty variable is no value."""
    for name in ("TOKEN", "CLIENT_ID", "CLIENT_SECRET", "CA_BUNDLE", "LOG"):
        monkeypatch.setenv(f"ADMIN_API_{name}", "")
    with pytest.raises(ConfigurationError) as raised:
        bare(flavour, base_url=BASE)
    assert "missing_credentials" == raised.value.code


async def test_copies_share_all_but_limits_and_clock(flavour: Flavour, wire: Wire) -> None:
    """CONF: `with_options` shares connections, tokens and budget; limits and clock are the copy's own."""
    wire.tokens(token_answer())
    wire.answers(answer(), answer(), *[problem(503, "service_unavailable")] * 4)
    client = flavour.client(client_id="c", client_secret="s", max_retries=2)
    clock = flavour.clock()
    copy = client.with_options(max_retries=0, clock=clock)
    assert type(client) is type(copy)
    await flavour.settle(client.users.get("usr_1"))
    await flavour.settle(copy.users.get("usr_1"))
    assert 1 == len(wire.token_requests)
    with pytest.raises(APIStatusError):
        await flavour.settle(copy.users.get("usr_1"))
    assert ([], 3) == (clock.sleeps, len(wire.requests))
    with pytest.raises(APIStatusError):
        await flavour.settle(client.users.get("usr_1"))
    assert 6 == len(wire.requests)
    with pytest.raises(ConfigurationError):
        client.with_options(timeout=0)
    await flavour.settle(client.close())
    with pytest.raises(APIConnectionError) as raised:
        await flavour.settle(copy.users.get("usr_1"))
    assert "client_closed" == raised.value.code


async def test_a_client_shows_nothing(flavour: Flavour) -> None:
    """AUTH-9: neither repr nor str of a client shows token or secret, but where it leads."""
    clients = [
        flavour.client(token="hunter2"),
        flavour.client(client_id="c", client_secret="hunter2"),
        flavour.client(token=lambda: "hunter2"),
    ]
    assert [] == [repr(one) for one in clients if "hunter2" in f"{one!r}{one}{vars(one)}"]
    name = "AsyncAdminClient" if flavour.is_async else "AdminClient"
    assert f"<{name} of {BASE}>" == repr(clients[0])


async def test_as_a_context_manager(flavour: Flavour, wire: Wire) -> None:
    """CONF: the end of the block closes the client."""
    wire.answers(answer())
    client = flavour.client()
    if flavour.is_async:
        async with client as entered:
            await entered.users.get("usr_1")
    else:
        with client as entered:
            entered.users.get("usr_1")
    assert entered is client
    with pytest.raises(APIConnectionError) as raised:
        await flavour.settle(client.users.get("usr_1"))
    assert "client_closed" == raised.value.code


async def test_a_request_that_the_document_does_not_know(flavour: Flavour, wire: Wire) -> None:
    """CONF: `client.request()` goes through the same stack: token, key, retry, errors; JSON in, JSON out."""
    wire.answers(
        problem(503, "service_unavailable"), answer(200, {"a": [1]}), httpx.Response(204), answer(200, [1]),
        problem(404, "not_found"), httpx.Response(200, content=b"<html>hunter2"),
    )  # fmt: skip
    client = flavour.client()
    made = await flavour.settle(client.request("post", "/api/v1/novel", query={"a": [1, 2]}, body={"x": None}))
    assert {"a": [1]} == made
    assert await flavour.settle(client.request("DELETE", "/api/v1/novel")) is None
    assert [1] == await flavour.settle(client.request("GET", "/api/v1/novel?a=b", query={"c": "d"}))
    with pytest.raises(APIStatusError):
        await flavour.settle(client.request("GET", "/api/v1/novel"))
    with pytest.raises(DecodeError) as raised:
        await flavour.settle(client.request("GET", "/api/v1/novel"))
    assert "hunter2" not in str(raised.value)
    first, second, third, fourth = wire.requests[:4]
    assert ("POST", "a=1&a=2", b'{"x":null}', "application/json", "Bearer t0ken") == (
        first.method,
        first.url.query.decode(),
        first.content,
        first.headers["content-type"],
        first.headers["authorization"],
    )
    assert ['"key-1"', '"key-1"', '"key-2"', None] == [
        one.headers.get("idempotency-key") for one in (first, second, third, fourth)
    ]
    assert "a=b&c=d" == fourth.url.query.decode()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "api",
        "https://evil.example/",
        "/a/../b",
        "/..",
        "/..?x",
        "/a/./b",
        "/a/..#x",
        "/a#b",
        "/a b",
        "/ü",
        "/a\nb",
        "/%2e%2E/x",
        "/.%2e",
        "/a\\..\\b",
    ],
)
async def test_paths_that_are_refused(flavour: Flavour, wire: Wire, path: str) -> None:
    """CONF: a path that would leave its place, or cannot be sent as it is, is refused."""
    wire.answers(answer())
    with pytest.raises(ConfigurationError) as raised:
        await flavour.settle(flavour.client().request("GET", path))
    assert ("invalid_path", []) == (raised.value.code, wire.requests)


@pytest.mark.parametrize("method", ["", "GET /", "G\nET", "ÜBER", "M-SEARCH"])
async def test_methods_that_are_refused(flavour: Flavour, wire: Wire, method: str) -> None:
    """CONF: a method is a word."""
    wire.answers(answer())
    with pytest.raises(ConfigurationError):
        await flavour.settle(flavour.client().request(method, "/a"))
    assert [] == wire.requests


@pytest.mark.parametrize("value", ["é", "a\r\nb: c", "\x00"])
async def test_header_arguments_that_cannot_be_sent(flavour: Flavour, wire: Wire, value: str) -> None:
    """CONF: an argument that travels as a header is checked like one, before anything is sent."""
    wire.answers(answer())
    with pytest.raises(ConfigurationError) as raised:
        await flavour.settle(flavour.client().users.update("usr_1", email=None, if_match=value))
    assert ("invalid_header", []) == (raised.value.code, wire.requests)


async def test_an_update_sends_what_was_given(flavour: Flavour, wire: Wire) -> None:
    """RFC 7396: None deletes a member, one left out is left alone; If-Match goes as a header."""
    wire.answers(answer())
    await flavour.settle(flavour.client().users.update("usr_1", email=None, roles=["a"], if_match='"e1"'))
    request = wire.requests[0]
    assert ("PATCH", b'{"email":null,"roles":["a"]}', "application/merge-patch+json", '"e1"') == (
        request.method,
        request.content,
        request.headers["content-type"],
        request.headers["if-match"],
    )


async def test_options_of_a_call(flavour: Flavour, wire: Wire) -> None:
    """CONF: headers and query of the options are added; a header of the same name is replaced."""
    wire.answers(page([], None))
    options = RequestOptions(headers={"USER-AGENT": "mine", "X-New": "1"}, query={"role": "b", "novel": ["1", "2"]})
    await flavour.collect(flavour.client().users.list(role="a", limit=5, options=options))
    request = wire.requests[0]
    assert ("mine", "1", "role=b&limit=5&novel=1&novel=2") == (
        request.headers["user-agent"],
        request.headers["x-new"],
        request.url.query.decode(),
    )


async def test_the_user_agent(flavour: Flavour, wire: Wire) -> None:
    """CONF: the SDK says what it is."""
    import platform
    import sys

    wire.answers(answer())
    await flavour.settle(flavour.client().users.get("usr_1"))
    expected = f"admin-api-sdk-python/1.0.0 (python {platform.python_version()}; {sys.platform})"
    assert expected == wire.requests[0].headers["user-agent"]


async def test_a_key_of_ones_own(flavour: Flavour, wire: Wire) -> None:
    """RETRY-3: the key is settable; reads carry none."""
    wire.answers(answer(201), answer())
    client = flavour.client()
    options = RequestOptions(idempotency_key='my"key')
    await flavour.settle(client.users.create(username="a", email="a@b.c", roles=[], options=options))
    await flavour.settle(client.users.get("usr_1"))
    assert [r'"my\"key"', None] == [one.headers.get("idempotency-key") for one in wire.requests]


def test_keys_are_from_the_system() -> None:
    """STACK: without `new_id` keys are uuid4, which no seed makes equal in two processes."""
    import random
    import uuid

    client = Flavour("sync").client(new_id=None)
    random.seed(1)
    first = client._caller._new_id()
    random.seed(1)
    second = client._caller._new_id()
    assert first != second
    assert [4, 4] == [uuid.UUID(one).version for one in (first, second)]


async def test_layers_of_ones_own(flavour: Flavour, wire: Wire) -> None:
    """STACK: a user's layers stand where the stack says: once per call; once per attempt, with the token in place."""
    seen: list[str] = []

    def noting(name: str) -> Any:
        def layer(send: Any) -> Any:
            def sync(request: Any) -> Any:
                seen.append(f"{name} {'authorization' in request.headers}")
                return send(request)

            async def aio(request: Any) -> Any:
                seen.append(f"{name} {'authorization' in request.headers}")
                return await send(request)

            return aio if flavour.is_async else sync

        return layer

    wire.answers(problem(503, "service_unavailable"), answer())
    client = flavour.client(per_call=[noting("call")], per_attempt=[noting("attempt")])
    await flavour.settle(client.users.get("usr_1"))
    assert ["call False", "attempt True", "attempt True"] == seen


def test_the_log_of_the_environment(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    """LOG: a wrong `ADMIN_API_LOG` is told, unless a logger is given."""
    monkeypatch.setenv("ADMIN_API_LOG", "loud")
    with pytest.raises(ConfigurationError):
        bare(flavour, base_url=BASE, token="t")
    bare(flavour, base_url=BASE, token="t", logger=logging.getLogger("mine"))
