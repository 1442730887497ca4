"""Clients and transports of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

import admin_api
from admin_api import ConfigurationError

from .answers import answer, user
from .flavours import BASE, Flavour


class Recorder(httpx.MockTransport):
    """A transport of the user's own that counts and is watched for being closed."""

    def __init__(self) -> None:
        super().__init__(self.record)
        self.requests: list[httpx.Request] = []
        self.closed = 0

    def record(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(302, headers={"location": "/elsewhere"}) if "moved" in request.url.path else answer()

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("kind", ["client", "transport"])
async def test_a_client_or_transport_of_ones_own(flavour: Flavour, kind: str) -> None:
    """CONF: anything with `send` or `handle_request` will do; it follows no redirect and is not closed by us."""
    transport = Recorder()
    client_class = httpx.AsyncClient if flavour.is_async else httpx.Client
    options: dict[str, Any] = {"transport": transport, "follow_redirects": True, "headers": {"x-mine": "1"}}
    foreign = client_class(**options) if kind == "client" else transport
    client = flavour.client(http_client=foreign)
    assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
    with pytest.raises(admin_api.APIStatusError) as raised:
        await flavour.settle(client.users.get("moved"))
    assert 302 == raised.value.status
    assert ["/api/v1/users/usr_1", "/api/v1/users/moved"] == [one.url.path for one in transport.requests]
    await flavour.settle(client.close())
    assert 0 == transport.closed


async def test_a_client_of_ones_own_keeps_its_timeouts(flavour: Flavour) -> None:
    """RETRY-6: a user's own client keeps its own timeouts for its socket operations."""
    transport = Recorder()
    client_class = httpx.AsyncClient if flavour.is_async else httpx.Client
    options: dict[str, Any] = {"transport": transport, "timeout": httpx.Timeout(7.0)}
    client = flavour.client(http_client=client_class(**options), timeout=5.0)
    await flavour.settle(client.users.get("usr_1"))
    assert {"connect": 7.0, "read": 7.0, "write": 7.0, "pool": 7.0} == transport.requests[0].extensions["timeout"]


@pytest.mark.parametrize("thing", [object(), "client", 7, httpx])
def test_what_is_no_client(flavour: Flavour, thing: object) -> None:
    """CONF: anything else is a ConfigurationError."""
    with pytest.raises(ConfigurationError, match="http_client"):
        flavour.client(http_client=thing)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sync": httpx.AsyncClient, "async": httpx.Client},
        {"sync": httpx.AsyncHTTPTransport, "async": httpx.HTTPTransport},
        {"sync": httpx.Client, "async": httpx.AsyncClient},
    ],
    ids=["client", "transport", "class"],
)
def test_a_client_of_the_other_flavour(flavour: Flavour, wrong: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """CONF-2: what cannot be called in this flavour is an error at once, not a TypeError in the first call."""
    kind = wrong[flavour.name]
    thing = kind if "-class" in request.node.name else kind()
    with pytest.raises(ConfigurationError, match="http_client must have `send`") as raised:
        flavour.client(http_client=thing)
    assert "invalid_option" == raised.value.code


def test_verify_with_a_client_of_ones_own(flavour: Flavour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONF-6: `verify` would have no effect on another's client, so it is refused; the environment is let be."""
    for verify in (True, False, str(tmp_path / "ca.pem")):
        with pytest.raises(ConfigurationError, match="verify") as raised:
            flavour.client(http_client=Recorder(), verify=verify)
        assert "invalid_option" == raised.value.code
    monkeypatch.setenv("ADMIN_API_CA_BUNDLE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    flavour.client(http_client=Recorder())


async def test_how_a_client_is_asked(flavour: Flavour) -> None:
    """CONF-2: `send` is called with the request, `stream=True` and `follow_redirects=False`, and with nothing else."""
    asked: list[Any] = []

    class Sync:
        def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
            asked.append(options)
            return answer()

    class Async:
        async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
            asked.append(options)
            return answer()

    client = flavour.client(http_client=Async() if flavour.is_async else Sync())
    assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
    assert [{"stream": True, "follow_redirects": False}] == asked


async def test_what_a_client_raises(flavour: Flavour) -> None:
    """RETRY-10: failures of httpx mean the same from another's client; a defect of that client is not dressed up."""

    failing: list[Exception] = []

    def fail(request: httpx.Request) -> httpx.Response:
        raise failing[-1]

    client = flavour.client(http_client=httpx.MockTransport(fail), max_retries=0)
    for failure, code, outcome in (
        (httpx.ConnectError("x"), "connect_failed", "not_sent"),
        (httpx.ReadTimeout("x"), "timeout", "unknown"),
        (httpx.ProxyError("407 Proxy Authentication Required"), "proxy_failed", "not_sent"),
    ):
        failing.append(failure)
        with pytest.raises(admin_api.APIConnectionError) as raised:
            await flavour.settle(client.users.get("usr_1"))
        assert (code, outcome) == (raised.value.code, raised.value.outcome)
    failing.append(ZeroDivisionError("mine"))
    with pytest.raises(ZeroDivisionError, match="mine"):
        await flavour.settle(client.users.get("usr_1"))


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
async def test_respx(flavour: Flavour, using: str) -> None:
    """CONF-2: respx stands below our own transport with `using="httpcore"`, below a user's client either way."""
    client_class = httpx.AsyncClient if flavour.is_async else httpx.Client
    with respx.mock(using=using) as router:
        route = router.get(f"{BASE}/api/v1/users/usr_1").respond(json=user())
        for own in [{"http_client": client_class()}, *([{}] if using == "httpcore" else [])]:
            client = flavour.client(**own)
            assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
            await flavour.settle(client.close())
        assert (1 if using == "httpx" else 2) == route.call_count
