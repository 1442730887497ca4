"""TLS against real servers: whom we trust, whom a server trusts, and what a handshake that fails means."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from admin_api import APIConnectionError, ConfigurationError, RequestOptions

from .certificates import Authority, self_signed
from .flavours import Flavour
from .loopback import answering, api_answer, serving

TLS12 = ssl.TLSVersion.TLSv1_2
TLS13 = ssl.TLSVersion.TLSv1_3


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def reached(flavour: Flavour, port: int, host: str = "localhost", **options: Any) -> str:
    """The id that a call gets from a server."""
    client = flavour.client(base_url=f"https://{host}:{port}", timeout=5.0, **options)
    try:
        found: str = (await flavour.settle(client.users.get("usr_1"))).id
    finally:
        await flavour.settle(client.close())
    return found


async def refused(flavour: Flavour, port: int, **options: Any) -> APIConnectionError:
    """How a call fails."""
    with pytest.raises(APIConnectionError) as raised:
        await reached(flavour, port, **options)
    return raised.value


UNTRUSTED: dict[str, Callable[[Authority, Path], ssl.SSLContext]] = {
    "another CA's": lambda _, folder: Authority(folder, "other").server(),
    "expired": lambda authority, _: authority.server(expired=True),
    "for another host": lambda authority, _: authority.server("elsewhere.example"),
    "self-signed": lambda _, folder: self_signed(folder),
}


@pytest.mark.parametrize("which", UNTRUSTED)
async def test_a_certificate_that_is_not_trusted_is_final(
    flavour: Flavour, which: str, authority: Authority, tmp_path: Path
) -> None:
    """RETRY-10: TLS verification fails once and for all, before anything is sent."""
    with serving(answering(api_answer()), tls=UNTRUSTED[which](authority, tmp_path)) as port:
        error = await refused(flavour, port, verify=str(authority.bundle))
    assert ("tls_verification_failed", "not_sent", False, 1) == (
        error.code,
        error.outcome,
        error.retryable,
        error.attempts,
    )


@pytest.mark.parametrize("how", ["path", "pathlike", "context", "ADMIN_API_CA_BUNDLE", "SSL_CERT_FILE"])
async def test_a_ca_of_ones_own(
    flavour: Flavour, how: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONF-6: a CA bundle by path or by environment, or a TLS context."""
    given = {"path": str(authority.bundle), "pathlike": authority.bundle, "context": authority.client()}
    if how.isupper():
        monkeypatch.setenv(how, str(authority.bundle))
    options = {"verify": given[how]} if how in given else {}
    with serving(answering(api_answer(), api_answer()), tls=authority.server()) as port:
        client = flavour.client(base_url=f"https://localhost:{port}", timeout=5.0, **options)
        monkeypatch.undo()  # what counts is the moment the client was made
        for _ in range(2):
            assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
        await flavour.settle(client.close())


@pytest.mark.parametrize("stronger", ["verify", "ADMIN_API_CA_BUNDLE"])
async def test_the_sdks_own_bundle_comes_first(
    flavour: Flavour, stronger: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONF-1: constructor > environment of the SDK > environment of all programs."""
    other = str(Authority(tmp_path, "other").bundle)
    monkeypatch.setenv("SSL_CERT_FILE", other)
    monkeypatch.setenv("ADMIN_API_CA_BUNDLE", other if stronger == "verify" else str(authority.bundle))
    options = {"verify": str(authority.bundle)} if stronger == "verify" else {}
    with serving(answering(api_answer()), tls=authority.server()) as port:
        assert "usr_1" == await reached(flavour, port, **options)


@pytest.mark.parametrize("name", ["missing.pem", "empty.pem", "garbage.pem", "."])
@pytest.mark.parametrize("how", ["verify", "ADMIN_API_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_ca_bundle_that_cannot_be_read(
    flavour: Flavour, name: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONF-6: a CA bundle that is configured and cannot be used is an error at once, not at the first request."""
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "garbage.pem").write_text("garbage")
    path = str(tmp_path / name)
    if how != "verify":
        monkeypatch.setenv(how, path)
    with pytest.raises(ConfigurationError, match=path) as raised:
        flavour.client(**({"verify": path} if how == "verify" else {}))
    assert "invalid_ca_bundle" == raised.value.code


@pytest.mark.parametrize("thing", [7, b"ca.pem", ["ca.pem"], object()], ids=lambda thing: type(thing).__name__)
def test_what_verify_cannot_be(flavour: Flavour, thing: object) -> None:
    """CONF-6: anything but a path, a TLS context or a bool is a ConfigurationError."""
    with pytest.raises(ConfigurationError, match="verify") as raised:
        flavour.client(verify=thing)
    assert "invalid_option" == raised.value.code


async def test_verify_false_has_to_be_said_and_is_warned_of(
    flavour: Flavour, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """CONF-6: nothing is verified only for a client that was told so, which warns once; others warn of nothing."""
    with serving(answering(api_answer(), api_answer()), tls=authority.server()) as port:
        with caplog.at_level(logging.WARNING, "admin_api"):
            assert "usr_1" == await reached(flavour, port, verify=False)
        assert ["verify=False"] == [record.getMessage().partition(":")[0] for record in caplog.records]
        caplog.clear()
        await refused(flavour, port)
    assert [] == [record for record in caplog.records if "verify" in record.getMessage()]


@pytest.mark.parametrize("version", [TLS12, TLS13])
async def test_a_client_certificate(flavour: Flavour, version: ssl.TLSVersion, authority: Authority) -> None:
    """CONF-6: a TLS context brings a client certificate to a server that asks for one (mTLS)."""
    shown: list[Any] = []

    def handle(peer: socket.socket, over: threading.Event) -> None:
        assert isinstance(peer, ssl.SSLSocket)
        shown.append(dict(pair for pairs in (peer.getpeercert() or {})["subject"] for pair in pairs))  # type: ignore[misc]  # RDNs of one pair each
        answering(api_answer())(peer, over)

    with serving(handle, tls=authority.asking(version)) as port:
        assert "usr_1" == await reached(flavour, port, verify=authority.client("billing"))
    assert "billing" == shown[0]["commonName"]


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("certificate", ["none", "of another CA"])
async def test_a_server_that_refuses_our_certificate_is_final(
    flavour: Flavour, version: ssl.TLSVersion, certificate: str, authority: Authority, tmp_path: Path
) -> None:
    """RETRY-10: a handshake that the server refuses by an alert is refused the next time too; it took no request."""
    context = authority.client()
    if certificate != "none":
        Authority(tmp_path, "other").ca.issue_cert("billing").configure_cert(context)
    with serving(answering(api_answer()), tls=authority.asking(version)) as port:
        error = await refused(flavour, port, verify=context)
    assert ("tls_refused", "not_sent", False, 1) == (error.code, error.outcome, error.retryable, error.attempts)


async def test_versions_of_tls(flavour: Flavour, authority: Authority) -> None:
    """RETRY-10: a server of TLS 1.2 alone will do; a context that wants more is refused for good."""
    with serving(answering(api_answer()), tls=authority.server(only=TLS12)) as port:
        assert "usr_1" == await reached(flavour, port, verify=authority.client())
        context = authority.client()
        context.minimum_version = TLS13
        error = await refused(flavour, port, verify=context)
    assert ("tls_refused", "not_sent", 1) == (error.code, error.outcome, error.attempts)


def _plain(peer: socket.socket, over: threading.Event) -> None:
    peer.recv(1)
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")


def _hung_up(peer: socket.socket, over: threading.Event) -> None:
    peer.recv(1)


@pytest.mark.parametrize("handle", [_plain, _hung_up], ids=["speaks no TLS", "hangs up"])
async def test_a_handshake_that_fails_has_sent_nothing(flavour: Flavour, handle: Any) -> None:
    """RETRY-10: before the handshake is done no request left, so even what must not happen twice is tried again."""
    with serving(handle) as port:
        client = flavour.client(base_url=f"https://localhost:{port}", timeout=5.0, verify=False)
        options = {"options": RequestOptions(idempotency_key=None)}
        with pytest.raises(APIConnectionError) as raised:
            await flavour.settle(client.users.create(username="a", email="a@example.com", **options))
        await flavour.settle(client.close())
    assert ("connect_failed", "not_sent", True, 3) == (
        raised.value.code,
        raised.value.outcome,
        raised.value.retryable,
        raised.value.attempts,
    )
