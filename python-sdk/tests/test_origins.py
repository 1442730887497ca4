"""Credentials stay with their origin, seen from a recording server on each side (AUTH-7, AUTH-8)."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from admin_api import AdminAPIError, APIStatusError, AuthenticationError, RequestOptions

from .answers import user
from .flavours import Flavour
from .loopback import serving

SECRETS = ("cl1ent-s3cret", "r3fresh-one", "acc3ss-one")


class Recorder:
    """A server that keeps every byte it was sent, and answers from a script; at its end it says 500."""

    def __init__(self) -> None:
        self.received = b""
        self.script: list[bytes] = []
        self.url = ""

    def handle(self, peer: socket.socket, over: threading.Event) -> None:
        while not over.is_set():
            head = b""
            while b"\r\n\r\n" not in head:
                chunk = peer.recv(65536)
                if not chunk:
                    return
                head += chunk
            self.received += head
            size = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ),
                0,
            )
            missing = size - len(head.partition(b"\r\n\r\n")[2])
            while missing > 0:
                chunk = peer.recv(missing)
                self.received += chunk
                missing -= len(chunk)
            peer.sendall(self.script.pop(0) if self.script else replied(500))

    def saw(self, secret: str) -> bool:
        """Whether a secret came by here, in the clear or as the client sends it in a header."""
        import base64

        pair = base64.b64encode(f"app:{secret}".encode())
        return secret.encode() in self.received or pair in self.received


def replied(status: int, document: Any = None, **headers: str) -> bytes:
    """An answer on the wire."""
    body = b"" if document is None else json.dumps(document).encode()
    lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
def sides() -> Iterator[tuple[Recorder, Recorder, Recorder]]:
    """The API, the authorization server, and somebody else."""
    with ExitStack() as stack:
        recorders = Recorder(), Recorder(), Recorder()
        for each in recorders:
            each.url = f"http://127.0.0.1:{stack.enter_context(serving(each.handle))}"
        yield recorders


TOKEN = {"access_token": "acc3ss-one", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r3fresh-two"}


def client_of(flavour: Flavour, api: Recorder, auth: Recorder, refresh_token: str | None, client_auth: str) -> Any:
    return flavour.client(
        base_url=api.url, token_url=f"{auth.url}/realm/token", client_id="app", client_secret="cl1ent-s3cret",
        refresh_token=refresh_token, client_auth=client_auth, max_retries=0,
    )  # fmt: skip


@pytest.mark.parametrize("client_auth", ["basic", "post"])
@pytest.mark.parametrize("refresh_token", [None, "r3fresh-one"])
async def test_each_credential_goes_to_its_own_server(
    flavour: Flavour, sides: tuple[Recorder, Recorder, Recorder], refresh_token: str | None, client_auth: str
) -> None:
    """AUTH-7: the client's secret and refresh tokens go to the token endpoint's origin, access tokens to the API's."""
    api, auth, _ = sides
    auth.script = [replied(200, TOKEN), *[replied(200)] * 2]
    api.script = [replied(200, user())]
    client = client_of(flavour, api, auth, refresh_token, client_auth)
    await flavour.settle(client.users.get("usr_1"))
    assert [False, False, True] == [api.saw(secret) for secret in SECRETS]
    assert [True, refresh_token is not None, False] == [auth.saw(secret) for secret in SECRETS]
    await flavour.settle(client.close(revoke=True))
    assert [False, False, True] == [api.saw(secret) for secret in SECRETS]
    assert auth.saw("acc3ss-one")  # its own, to be ended
    assert b"POST /oauth/revoke " in auth.received


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_of_the_api_is_not_followed(
    flavour: Flavour, sides: tuple[Recorder, Recorder, Recorder], status: int
) -> None:
    """AUTH-8: the access token goes nowhere else; the error names the origin that it would have gone to."""
    api, auth, other = sides
    auth.script = [replied(200, TOKEN)]
    api.script = [replied(status, location=f"{other.url}/api/v1/users/usr_1?steal=1")]
    client = client_of(flavour, api, auth, None, "basic")
    with pytest.raises(APIStatusError) as raised:
        await flavour.settle(client.users.get("usr_1"))
    await flavour.settle(client.close())
    assert b"" == other.received
    assert (status, True, False) == (
        raised.value.status,
        "127.0.0.1" in str(raised.value),
        "steal" in str(raised.value),
    )


@pytest.mark.parametrize("refresh_token", [None, "r3fresh-one"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_of_the_token_endpoint_is_not_followed(
    flavour: Flavour, sides: tuple[Recorder, Recorder, Recorder], status: int, refresh_token: str | None
) -> None:
    """AUTH-8: neither the client's secret nor its refresh token follows a redirect; nothing reaches the API."""
    api, auth, other = sides
    auth.script = [replied(status, location=f"{other.url}/realm/token?steal=1")]
    client = client_of(flavour, api, auth, refresh_token, "post")
    with pytest.raises(AuthenticationError) as raised:
        await flavour.settle(client.users.get("usr_1"))
    await flavour.settle(client.close())
    assert (b"", b"") == (other.received, api.received)
    assert (status, "token_request_failed", "not_sent") == (
        raised.value.status, raised.value.code, raised.value.outcome,
    )  # fmt: skip
    assert f"a redirect to {other.url} that is not followed." in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["same origin", "path", "other port", "other name", "no scheme", "https", "nowhere"])
async def test_wherever_a_redirect_leads_nothing_follows(
    flavour: Flavour, sides: tuple[Recorder, Recorder, Recorder], status: int, where: str
) -> None:
    """AUTH-8: not even to the same origin: a write would be repeated, or become a GET; its key and headers stay too."""
    api, auth, other = sides
    location = {
        "same origin": f"{api.url}/steal", "path": "/steal", "other port": f"{other.url}/steal",
        "other name": f"{api.url}/steal".replace("127.0.0.1", "localhost"),
        "no scheme": f"{other.url}/steal".removeprefix("http:"), "https": "https://elsewhere.example/steal",
        "nowhere": "http://[",
    }[where]  # fmt: skip
    auth.script = [replied(200, TOKEN)]
    api.script = [replied(status, location=location)]
    client = client_of(flavour, api, auth, None, "basic")
    with pytest.raises(APIStatusError) as raised:
        await flavour.settle(client.users.delete("usr_1", options=RequestOptions(headers={"X-Of-Mine": "m1ne"})))
    await flavour.settle(client.close())
    assert (status, 1, b"") == (raised.value.status, api.received.count(b"HTTP/1.1"), other.received)
    assert b"/steal" not in api.received


async def test_what_belongs_to_a_call_goes_to_the_api_alone(
    flavour: Flavour, sides: tuple[Recorder, Recorder, Recorder]
) -> None:
    """AUTH-7: neither its key, headers and query, nor a cookie, which nobody keeps, reach the token endpoint."""
    api, auth, _ = sides
    auth.script = [replied(200, TOKEN, set_cookie="auth=c00kie; Path=/"), *[replied(200)] * 2]
    api.script = [replied(200, user(), set_cookie="api=c00kie; Path=/")] * 2
    client = client_of(flavour, api, auth, "r3fresh-one", "basic")
    options = RequestOptions(headers={"X-Of-Mine": "m1ne"}, query={"mine": "m1ne"}, idempotency_key="k3y")
    for _ in range(2):
        await flavour.settle(client.users.delete("usr_1", options=options))
    await flavour.settle(client.close(revoke=True))
    assert (2, 4) == (api.received.count(b"k3y"), api.received.count(b"m1ne"))
    assert [False] * 3 == [word in auth.received for word in (b"k3y", b"m1ne", b"idempotency-key")]
    assert [False] * 2 == [b"c00kie" in each.received for each in (api, auth)]


@pytest.mark.parametrize("refresh_token", [None, "r3fresh-one"])
@pytest.mark.parametrize("status", [301, 303, 307])
async def test_a_redirect_of_the_revocation_is_not_followed(
    flavour: Flavour, sides: tuple[Recorder, Recorder, Recorder], status: int, refresh_token: str | None
) -> None:
    """AUTH-8: what is to be ended is not carried elsewhere either."""
    api, auth, other = sides
    auth.script = [replied(200, TOKEN), *[replied(status, location=f"{other.url}/oauth/revoke")] * 2]
    api.script = [replied(200, user())]
    client = client_of(flavour, api, auth, refresh_token, "post")
    await flavour.settle(client.users.get("usr_1"))
    await flavour.settle(client.close(revoke=True))
    assert (b"", 2) == (other.received, auth.received.count(b"POST /oauth/revoke "))


@pytest.mark.parametrize(
    "path", ["{other}/steal", "//{host}/steal", "/\\{host}/steal", "@{host}/steal", ".{host}/steal"]
)
async def test_a_path_of_ones_own_leads_to_the_api_or_nowhere(
    flavour: Flavour, sides: tuple[Recorder, Recorder, Recorder], path: str
) -> None:
    """AUTH-7: paths are appended, never resolved, so none that `client.request` is given leads to another server."""
    api, auth, other = sides
    auth.script = [replied(200, TOKEN)]
    client = client_of(flavour, api, auth, None, "basic")
    with pytest.raises(AdminAPIError):  # the API has no such path
        await flavour.settle(
            client.request("GET", path.format(other=other.url, host=other.url.removeprefix("http://")))
        )
    await flavour.settle(client.close())
    assert b"" == other.received
    assert path.startswith("//") is (b"GET //127.0.0.1" in api.received)


async def test_an_answer_cannot_lead_a_token_astray(
    flavour: Flavour, sides: tuple[Recorder, Recorder, Recorder]
) -> None:
    """AUTH-7: URLs in answers (a Location, a cursor, a challenge) are data; the next request goes to the API again."""
    api, auth, other = sides
    auth.script = [replied(200, TOKEN)]
    cursor = f"{other.url}/steal"
    api.script = [
        replied(200, {"items": [], "next_cursor": cursor}, location=cursor, link=f"<{cursor}>; rel=next"),
        replied(200, {"items": [], "next_cursor": None}, www_authenticate=f'Bearer resource_metadata="{cursor}"'),
    ]
    client = client_of(flavour, api, auth, None, "basic")
    assert [] == await flavour.collect(client.users.list())
    await flavour.settle(client.close())
    assert (b"", 2) == (other.received, api.received.count(b"acc3ss-one"))


@pytest.mark.parametrize("name", ["base_url", "token_url"])
@pytest.mark.parametrize(
    "url, code",
    [
        ("http://admin.example.com", "insecure_url"), ("http://localhost.evil.example", "insecure_url"),
        ("http://127.0.0.1.evil.example", "insecure_url"), ("http://[::2]", "insecure_url"),
        ("https://user:pw@admin.example.com", "invalid_url"), ("https://admin.example.com/?a=b", "invalid_url"),
        ("https://admin.example.com/#a", "invalid_url"), ("ftp://admin.example.com", "invalid_url"),
        ("https://admin.example.com\n.evil.example", "invalid_url"), ("//admin.example.com", "invalid_url"),
    ],
)  # fmt: skip
def test_where_credentials_never_go(flavour: Flavour, name: str, url: str, code: str) -> None:
    """AUTH-7: https, or http on loopback, for both servers; a URL with credentials of its own is none of ours."""
    options = {"base_url": "https://localhost", "client_id": "a", "client_secret": "b", name: url}
    with pytest.raises(AdminAPIError) as raised:
        flavour.client(**options)
    assert code == raised.value.code


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "https://admin.example.com"]
)
def test_where_credentials_may_go(flavour: Flavour, url: str) -> None:
    """AUTH-7: loopback without TLS is for tests and sidecars."""
    flavour.client(base_url=url, token_url=f"{url}/token", client_id="a", client_secret="b")
