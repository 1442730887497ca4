"""SERVER-12: what two servers of one seed answer to the same requests is the same, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from admin_api_mock.control import MockServer
from admin_api_mock.document import Document
from admin_api_mock.http import EVENT_STREAM

AGE = b"age-encryption.org/v1\n-> X25519 tests\nnot really\n--- mac\n"
LISTS = ("users", "roles", "plugins", "config", "audit/events", "tokens")
MERGE = {"Content-Type": "application/merge-patch+json"}
BASIC = {"Authorization": f"Basic {base64.b64encode(b'demo:demo-secret').decode()}"}


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


class Recorder:
    """Sends requests by raw sockets and keeps every answer as it came."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answers: list[tuple[str, bytes]] = []
        self.operations: set[str] = set()

    def raw(self, label: str, sent: bytes, *, events: int | None = None) -> bytes:
        """All that comes to the end, or until so many events have."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=10) as connection:
            connection.sendall(sent)
            came = b""
            while events is None or came.count(b"\ndata:") < events or not came.endswith(b"\n\n\r\n"):
                chunk = connection.recv(65536)
                if not chunk:
                    break
                came += chunk
        self.answers.append((label, came))
        return came

    def __call__(
        self,
        operation: str,
        method: str,
        path: str,
        body: Any = b"",
        headers: Mapping[str, str] | None = None,
        *,
        events: int | None = None,
    ) -> tuple[dict[str, str], Any]:
        """Headers and content of an answer; `body` is bytes, or JSON."""
        self.operations.add(operation)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"Host": "localhost", "Connection": "close", "Authorization": "Bearer TOKEN"}
        if not isinstance(body, bytes):
            fields["Content-Type"] = "application/json"
        if content or method in ("POST", "PUT", "PATCH"):
            fields["Content-Length"] = str(len(content))
        fields |= headers or {}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        label = f"{len(self.answers)} {operation} {method} {path}"
        came = self.raw(label, f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content, events=events)
        top, _, rest = came.partition(b"\r\n\r\n")
        told = dict(line.split(": ", 1) for line in top.decode().split("\r\n")[1:])
        told = {name.lower(): value for name, value in told.items()}
        return told, json.loads(rest) if rest and told.get("content-type") == "application/json" else rest


def users(send: Recorder) -> None:
    """Accounts from creation to restoration, with what is refused on the way."""
    given = {"username": "alice", "email": "alice@example.com", "roles": ["admin"]}
    _, alice = send("users.create", "POST", "/api/v1/users", given, {"Idempotency-Key": '"a"'})
    send("users.create", "POST", "/api/v1/users", given, {"Idempotency-Key": '"a"'})
    send("users.create", "POST", "/api/v1/users", given)
    send("users.create", "POST", "/api/v1/users", {"username": 5, "more": 1, "email": "x", "roles": ["none"]})
    send("users.create", "POST", "/api/v1/users", b"{")
    path = f"/api/v1/users/{alice['id']}"
    told, _ = send("users.get", "GET", path)
    send("users.get", "HEAD", path)
    send("users.get", "GET", "/api/v1/users/usr_none")
    send("users.update", "PATCH", path, b'{"email":null}', {**MERGE, "If-Match": told["etag"]})
    send("users.update", "PATCH", path, b'{"email":null}', {**MERGE, "If-Match": told["etag"]})
    for action in ("suspend", "reactivate", "restore"):
        send(f"users.{action}", "POST", f"{path}/{action}")
    send("users.roles.assign", "PUT", f"{path}/roles/auditor")
    send("users.roles.remove", "DELETE", f"{path}/roles/auditor")
    send("users.delete", "DELETE", path)
    send("users.restore", "POST", f"{path}/restore")
    send("users.list", "GET", "/api/v1/users?role=admin&status=active&sort=-username&limit=2")
    send("users.list", "GET", "/api/v1/users?limit=0&cursor=x&nonsense=1")
    send("users.export", "GET", "/api/v1/exports/users?role=auditor")


def config(send: Recorder) -> None:
    """Entries, versions, secrets."""
    path = "/api/v1/config/db.password"
    send("config.set", "PUT", path, {"value": "s3cret", "secret": True})
    told, _ = send("config.set", "PUT", path, {"value": "s3cret", "secret": True}, {"If-None-Match": "*"})
    send("config.set", "PUT", f"{path}?dry_run=true", {"value": "other"}, {"If-Match": told["etag"]})
    told, _ = send("config.set", "PUT", path, {"value": "other"}, {"If-Match": told["etag"]})
    send("config.get", "GET", path)
    send("config.get", "GET", path, b"", {"If-None-Match": told["etag"]})
    send("config.versions.list", "GET", f"{path}/versions")
    told, _ = send("config.versions.rollback", "POST", f"{path}/rollback", {"version": 1})
    send("config.delete", "DELETE", path, b"", {"If-Match": told["etag"]})
    send("config.delete", "DELETE", path, b"", {"If-Match": told["etag"]})


def plugins(send: Recorder) -> None:
    """Registered, in need of each other, uninstalled."""
    given = {"name": "extra", "version": "1.0.0", "source": {"type": "registry", "package": "extra"}}
    _, made = send("plugins.register", "POST", "/api/v1/plugins", given)
    send("plugins.register", "POST", "/api/v1/plugins", given)
    needy = {**given, "name": "needy", "requires": [{"plugin": "absent", "range": "^1.0.0"}]}
    send("plugins.register", "POST", "/api/v1/plugins", needy)
    send("plugins.get", "GET", f"/api/v1/plugins/{made['id']}")
    send("plugins.update", "PATCH", f"/api/v1/plugins/{made['id']}", b'{"status":"disabled"}', MERGE)
    send("plugins.uninstall", "DELETE", f"/api/v1/plugins/{made['id']}")


def storage(send: Recorder) -> None:
    """Files at once and in parts, whole and in ranges."""
    octets = {"Content-Type": "application/octet-stream", "Admin-Encryption": "age-v1", "Content-Digest": digest(AGE)}
    told, made = send("storage.objects.upload", "POST", "/storage/objects?name=a&metadata[x]=y", AGE, octets)
    send("storage.objects.upload", "POST", "/storage/objects?name=a", AGE, {**octets, "If-None-Match": "*"})
    send("storage.objects.upload", "POST", "/storage/objects?name=b", b"plain", octets)
    path = f"/storage/objects/{made['id']}"
    send("storage.objects.list", "GET", "/storage/objects?prefix=a")
    send("storage.objects.get", "GET", path)
    send("storage.objects.download", "GET", f"{path}/content")
    for wanted in ("bytes=0-9", "bytes=-5", "bytes=900-"):
        send("storage.objects.download", "GET", f"{path}/content", b"", {"Range": wanted, "If-Range": told["etag"]})
    begin = {"Upload-Complete": "?0", "Admin-Encryption": "age-v1"}
    told, _ = send("storage.uploads.create", "POST", "/storage/uploads?name=parts", b"", begin)
    upload = told["location"].partition("/storage")[1:]
    upload_path = "".join(upload)
    part = {"Content-Type": "application/partial-upload", "Upload-Complete": "?0", "Upload-Offset": "0"}
    send("storage.uploads.append", "PATCH", upload_path, AGE[:30], {**part, "Content-Digest": digest(AGE[:30])})
    send("storage.uploads.append", "PATCH", upload_path, AGE[:30], {**part, "Content-Digest": digest(AGE[:30])})
    send("storage.uploads.offset", "HEAD", upload_path)
    last = {"Upload-Complete": "?1", "Upload-Offset": "30", "Repr-Digest": digest(AGE)}
    send("storage.uploads.append", "PATCH", upload_path, AGE[30:], {**part, **last, "Content-Digest": digest(AGE[30:])})
    send("storage.uploads.cancel", "DELETE", upload_path)
    send("storage.objects.delete", "DELETE", path, b"", {"If-Match": '"stale"'})
    send("storage.objects.delete", "DELETE", path)


def tokens(send: Recorder) -> None:
    """Secrets are of the seed, too; a token of few scopes is refused, on the record."""
    given = {"name": "deploy", "scopes": ["users:read"]}
    _, made = send("tokens.create", "POST", "/api/v1/tokens", given, {"Idempotency-Key": "t"})
    send("tokens.create", "POST", "/api/v1/tokens", given, {"Idempotency-Key": "t"})
    few = {"Authorization": f"Bearer {made['secret']}"}
    send("users.create", "POST", "/api/v1/users", {"username": "eve"}, few)
    send("me.get", "GET", "/api/v1/me", b"", few)
    send("tokens.get", "GET", f"/api/v1/tokens/{made['id']}")
    send("tokens.rotate", "POST", f"/api/v1/tokens/{made['id']}/rotate", {"overlap_seconds": 60})
    send("tokens.revoke", "DELETE", f"/api/v1/tokens/{made['id']}")
    send("me.get", "GET", "/api/v1/me", b"", few)


def oauth(send: Recorder) -> None:
    """Tokens for programs, and what is published of them."""
    form = {"Content-Type": "application/x-www-form-urlencoded", **BASIC}
    _, issued = send("oauth.token", "POST", "/oauth/token", b"grant_type=client_credentials", form)
    send("oauth.token", "POST", "/oauth/token", b"grant_type=password", form)
    send("me.get", "GET", "/api/v1/me", b"", {"Authorization": f"Bearer {issued['access_token']}"})
    send("oauth.revoke", "POST", "/oauth/revoke", f"token={issued['access_token']}".encode(), form)
    send("me.get", "GET", "/api/v1/me", b"", {"Authorization": f"Bearer {issued['access_token']}"})
    send("oauth.metadata", "GET", "/.well-known/oauth-authorization-server")
    send("oauth.jwks", "GET", "/.well-known/jwks.json")


def trail(send: Recorder) -> None:
    """Every list with its second page, the export, and the events of a stream."""
    for name in LISTS:
        operation = f"{name.replace('/', '.')}.list"
        _, page = send(operation, "GET", f"/api/v1/{name}?limit=3")
        if page["next_cursor"]:
            send(operation, "GET", f"/api/v1/{name}?limit=3&cursor={page['next_cursor']}")
    _, page = send("audit.events.list", "GET", "/api/v1/audit/events?sort=-sequence&limit=4")
    send("audit.events.get", "GET", f"/api/v1/audit/events/{page['items'][0]['id']}")
    send("audit.events.export", "GET", "/api/v1/exports/audit-events")
    resumed = {"Last-Event-ID": page["items"][-1]["id"], "Accept": EVENT_STREAM}
    send("audit.events.stream", "GET", "/api/v1/audit/stream", b"", resumed, events=3)
    send("audit.events.stream", "GET", "/api/v1/audit/stream", b"", {"Last-Event-ID": "evt_none"})


def others(send: Recorder) -> None:
    """What no operation answers, and what is no request; the document; a world that is made without a name."""
    send("document.json", "GET", "/openapi.json")
    send("document.yaml", "GET", "/openapi.yaml")
    send("none", "GET", "/nothing")
    send("none", "GET", "/w/nowhere/api/v1/users")
    send("none", "DELETE", "/api/v1/users")
    send("none", "GET", "/api/v1/me", b"", {"Host": "evil.example"})
    send("none", "GET", "/api/v1/me", b"", {"Authorization": "Bearer admp_none"})
    send("none", "POST", "/__mock__/worlds", {})
    send("none", "POST", "/__mock__/worlds/root/clock", {"advance_ms": 90_000})
    send("none", "GET", "/api/v1/users?limit=1")
    send.raw("no request", b"NONSENSE\r\n\r\n")
    send.raw("endless header", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000 + b"\r\n\r\n")


def driven(port: int, seed: int) -> Recorder:
    """The answers of a new server to everything."""
    with MockServer(["--port", str(port), "--no-tls", "--seed", str(seed)]):
        send = Recorder(port)
        for part in (users, config, plugins, storage, tokens, oauth, trail, others):
            part(send)
    return send


def without_signatures(label: str, answer: bytes) -> bytes:
    """The answer as it is; an access token by what it says (ES256 signatures differ)."""
    if "oauth.token" not in label or b'"access_token":"' not in answer:
        return answer
    head, _, rest = answer.partition(b'"access_token":"')
    token, _, tail = rest.partition(b'"')
    assert 3 == len(token.split(b"."))
    return head + token.rpartition(b".")[0] + tail


@pytest.fixture
def port() -> int:
    """The same for all: an address is a part of many an answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


def test_the_same_seed_answers_the_same(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status, headers in their order and bodies, of every operation, of refusals, of streams and of the control
    plane; whatever the interpreter's hashes are. Another seed has other ids."""
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    first = driven(port, 7)
    assert set(Document.load().operations) == first.operations - {"none"}
    statuses = {int(answer.split(b" ", 2)[1]) for _, answer in first.answers}
    assert {200, 201, 204, 206, 304, 400, 401, 403, 404, 405, 409, 410, 412, 416, 421, 422, 428, 431} <= statuses
    monkeypatch.setenv("PYTHONHASHSEED", "2")
    again = driven(port, 7)
    for (label, answer), (other_label, other) in zip(first.answers, again.answers, strict=True):
        assert label == other_label
        assert without_signatures(label, answer) == without_signatures(label, other), label
    other_seed = driven(port, 8)
    ids = [json.loads(run.answers[0][1].partition(b"\r\n\r\n")[2])["id"] for run in (first, other_seed)]
    assert ids[0] != ids[1]
