"""Proxies of the environment, against a proxy of our own that can refuse, and against tinyproxy.

Which proxy is whose is told by vectors: `tests/vectors/proxies.yaml`.
"""

from __future__ import annotations

import pickle
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import pytest

from admin_api import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    RequestOptions,
)
from admin_api._generated import policy

from .certificates import Authority
from .flavours import Flavour
from .loopback import answering, api_answer, hanging, serving
from .proxying import OPENED, proxying, refusal, tinyproxy

PASSWORD = "p@ss w0rd"
CREDENTIALS = "ann:p%40ss%20w0rd"
BASIC = "Basic YW5uOnBAc3MgdzByZA=="


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def keyless() -> dict[str, Any]:
    """A mutation that may not be repeated once it may have acted."""
    return {"username": "a", "email": "a@example.com", "options": RequestOptions(idempotency_key=None)}


async def test_https_goes_through_a_tunnel(
    flavour: Flavour, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONF-5: the proxy is asked for one tunnel, and what goes through it is kept alive and verified as without it."""
    with (
        serving(answering(api_answer(), api_answer()), tls=authority.server()) as port,
        proxying() as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        client = flavour.client(base_url=f"https://localhost:{port}", timeout=5.0, verify=str(authority.bundle))
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # too late
        for _ in range(2):
            assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
        await flavour.settle(client.close())
    assert ([f"CONNECT localhost:{port}"], [None]) == (proxy.asked, proxy.authorizations)


async def test_http_goes_through_a_proxy_on_this_machine_only(
    flavour: Flavour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AUTH-7: http is for loopback, so what would go in the clear to a proxy elsewhere goes straight."""
    with serving(answering(api_answer())) as port, proxying() as proxy:
        for url in (proxy.url, "http://proxy.example:3128"):
            monkeypatch.setenv("HTTP_PROXY", url)
            client = flavour.client(base_url=f"http://127.0.0.1:{port}", timeout=5.0)
            assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
            await flavour.settle(client.close())
    assert [f"GET http://127.0.0.1:{port}/api/v1/users/usr_1"] == proxy.asked


async def test_credentials_of_the_proxy(
    flavour: Flavour, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONF-5: credentials in the proxy's URL are for the proxy alone."""
    with (
        serving(answering(api_answer()), tls=authority.server()) as port,
        proxying() as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", f"//{CREDENTIALS}@"))
        client = flavour.client(base_url=f"https://localhost:{port}", timeout=5.0, verify=str(authority.bundle))
        assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
        await flavour.settle(client.close())
    assert [BASIC] == proxy.authorizations


@pytest.mark.parametrize(
    "status", ["407 Proxy Authentication Required", "403 Forbidden", "400 Bad Request", "302 Found"]
)
async def test_a_proxy_that_refuses_is_final(
    flavour: Flavour, status: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """RETRY-10, AUTH-9: a refused CONNECT has sent nothing and stays refused; its error shows no credential."""
    with proxying(refusal(status)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", f"//{CREDENTIALS}@"))
        client = flavour.client(base_url="https://localhost:8443", timeout=5.0)
        with caplog.at_level("DEBUG"), pytest.raises(APIConnectionError) as raised:
            await flavour.settle(client.users.create(**keyless()))
        shown = [str(raised.value), repr(raised.value), repr(client), pickle.dumps(raised.value).decode("latin-1")]
        await flavour.settle(client.close())
    error = raised.value
    assert ("proxy_failed", "not_sent", False, 1) == (error.code, error.outcome, error.retryable, error.attempts)
    assert status in str(error)
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown += [*told.format(), *(record.getMessage() for record in caplog.records if record.name == "admin_api")]
    for secret in (PASSWORD, CREDENTIALS, BASIC.removeprefix("Basic ")):
        assert [] == [text for text in shown if secret in text]


@pytest.mark.parametrize(
    "first",
    [
        refusal("502 Bad Gateway"),
        refusal("503 Service Unavailable"),
        refusal("429 Too Many Requests"),
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200",
        OPENED,
    ],
    ids=["502", "503", "429", "hangs up", "garbage", "half a line", "opens and hangs up"],
)
async def test_a_proxy_that_fails_has_sent_nothing(
    flavour: Flavour, first: bytes, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RETRY-10: until the tunnel stands nothing was sent, so even what must not happen twice is tried again."""
    created = answering(api_answer())
    with serving(created, tls=authority.server()) as port, proxying(first) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        client = flavour.client(base_url=f"https://localhost:{port}", timeout=5.0, verify=str(authority.bundle))
        raw = await flavour.settle(client.users.with_raw_response.create(**keyless()))
        await flavour.settle(client.close())
    assert (2, [f"CONNECT localhost:{port}"] * 2) == (raw.attempts, proxy.asked)


async def test_a_proxy_that_is_not_there(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    """RETRY-10: nobody listens where the proxy should be: not sent."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    client = flavour.client(base_url="https://localhost:8443", timeout=5.0, max_retries=0)
    with pytest.raises(APIConnectionError) as raised:
        await flavour.settle(client.users.create(**keyless()))
    await flavour.settle(client.close())
    assert ("connect_failed", "not_sent") == (raised.value.code, raised.value.outcome)


async def test_a_proxy_that_stalls(flavour: Flavour, monkeypatch: pytest.MonkeyPatch) -> None:
    """RETRY-6, RETRY-10: the attempt ends in its time, and nothing was sent."""
    with serving(hanging(threading.Event())) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        client = flavour.client(base_url="https://localhost:8443", timeout=0.1, max_retries=0)
        began = time.monotonic()
        with pytest.raises(APITimeoutError) as raised:
            await flavour.settle(client.users.create(**keyless()))
        assert time.monotonic() - began < 2.0
        await flavour.settle(client.close())
    assert ("connect_timeout", "not_sent") == (raised.value.code, raised.value.outcome)


@pytest.mark.parametrize("trusted", [True, False])
async def test_tls_to_the_proxy(
    flavour: Flavour, trusted: bool, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONF-6: the proxy's own certificate is verified with the same trust as the server's."""
    of_proxy = authority if trusted else Authority(tmp_path, "other")
    with (
        serving(answering(api_answer()), tls=authority.server()) as port,
        proxying(tls=of_proxy.server()) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        client = flavour.client(base_url=f"https://localhost:{port}", timeout=5.0, verify=str(authority.bundle))
        if trusted:
            assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
        else:
            with pytest.raises(APIConnectionError) as raised:
                await flavour.settle(client.users.get("usr_1"))
            assert ("tls_verification_failed", 1) == (raised.value.code, raised.value.attempts)
        await flavour.settle(client.close())
    assert ([f"CONNECT localhost:{port}"] if trusted else []) == proxy.asked


async def test_tunnels_that_fail_leave_the_pool(
    flavour: Flavour, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RETRY-9: what fails behind a tunnel takes no place in the pool, so a server that is mended is met again."""
    monkeypatch.setattr(policy, "POOL_MAX_CONNECTIONS", 2)
    codes: list[str | None] = []
    with (
        serving(answering(api_answer()), tls=Authority(tmp_path, "other").server()) as untrusted,
        proxying() as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        client = flavour.client(
            base_url=f"https://localhost:{untrusted}", timeout=5.0, max_retries=0, verify=str(authority.bundle)
        )
        for _ in range(5):
            with pytest.raises(APIConnectionError) as raised:
                await flavour.settle(client.users.get("usr_1"))
            codes.append(raised.value.code)
        await flavour.settle(client.close())
    assert ["tls_verification_failed"] * 5 == codes


@pytest.mark.parametrize("value", ["socks5://ann:s3cret@127.0.0.1:1080", "http://ann:s3cret@", "http://h:99999"])
def test_what_is_no_proxy(flavour: Flavour, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONF-5: a proxy that cannot be used is an error at once; it names the variable and shows no credential."""
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(ConfigurationError, match="ALL_PROXY") as raised:
        flavour.client(base_url="https://localhost:8443")
    assert "invalid_proxy" == raised.value.code
    told = traceback.TracebackException.from_exception(raised.value)
    assert "s3cret" not in "".join([str(raised.value), repr(raised.value), *told.format()])


async def test_through_tinyproxy(
    flavour: Flavour, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONF-5: https through a tunnel and http in absolute form, by a proxy that others wrote."""
    with (
        tinyproxy(tmp_path) as proxy,
        serving(answering(api_answer(), api_answer()), tls=authority.server()) as secure,
        serving(answering(api_answer(), api_answer())) as plain,
    ):
        monkeypatch.setenv("ALL_PROXY", proxy.url())
        for base in (f"https://localhost:{secure}", f"http://127.0.0.1:{plain}"):
            client = flavour.client(base_url=base, timeout=10.0, verify=str(authority.bundle))
            for _ in range(2):
                assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
            await flavour.settle(client.close())
        assert f"CONNECT localhost:{secure}" in proxy.log
        assert f"GET http://127.0.0.1:{plain}/api/v1/users/usr_1" in proxy.log


@pytest.mark.parametrize("right", [True, False])
async def test_credentials_for_tinyproxy(
    flavour: Flavour, right: bool, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONF-5: a proxy that asks for credentials gets those of its URL; without the right ones the call is final."""
    with (
        tinyproxy(tmp_path, "ann:s3cret") as proxy,
        serving(answering(api_answer()), tls=authority.server()) as port,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url("ann:s3cret" if right else "ann:wr0ng"))
        client = flavour.client(base_url=f"https://localhost:{port}", timeout=10.0, verify=str(authority.bundle))
        if right:
            assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
        else:
            with pytest.raises(APIConnectionError) as raised:
                await flavour.settle(client.users.get("usr_1"))
            error = raised.value
            assert ("proxy_failed", "not_sent", 1) == (error.code, error.outcome, error.attempts)
            assert "wr0ng" not in str(error)
        await flavour.settle(client.close())


async def test_tinyproxy_that_finds_nobody(flavour: Flavour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RETRY-10: what a proxy cannot reach was not sent, and may be there the next time."""
    with tinyproxy(tmp_path) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url())
        client = flavour.client(base_url="https://127.0.0.1:1", timeout=10.0)
        with pytest.raises(APIConnectionError) as raised:
            await flavour.settle(client.users.create(**keyless()))
        assert ("not_sent", 3) == (raised.value.outcome, raised.value.attempts)  # it answers 500, or hangs up before
        await flavour.settle(client.close())
