"""Laws of Idempotency-Key: one effect, one first answer, kept for a day; secrets sealed and for ten minutes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from admin_api_mock.control import WorldHandle
from admin_api_mock.document import Document

from .conftest import CREATION, access_token, client_of, events, make_user, patch, problem, serving, upload

ALICE = {"username": "alice", "email": "alice@example.net"}
DAY_MS = 24 * 3600 * 1000


def create(api: httpx.Client, key: str, body: Any = ALICE, **headers: str) -> httpx.Response:
    return api.post("/api/v1/users", json=body, headers={"Idempotency-Key": key, **headers})


def test_replay(api: httpx.Client) -> None:
    """A repeat with the key gets the first answer, says so, and has no second effect."""
    first, again = create(api, "k1"), create(api, '"k1"')
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    for name in ("etag", "location", "audit-event-id", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert len(events(api)) == 1


def test_another_request_with_the_key(api: httpx.Client) -> None:
    """Another payload under the same key is a 422; another operation is free to use it."""
    create(api, "k1")
    problem(create(api, "k1", {**ALICE, "display_name": "A"}), 422, "idempotency_key_reused")
    user = make_user(api, "bob")
    assert api.delete(f"/api/v1/users/{user['id']}", headers={"Idempotency-Key": "k1"}).status_code == 200


def test_keys_belong_to_the_caller(api: httpx.Client, world: WorldHandle) -> None:
    """Two callers' equal keys are two keys; a caller's refreshed token meets its own first answer."""
    create(api, "k1")
    with client_of(world, access_token(world)) as first, client_of(world, access_token(world)) as refreshed:
        bob = {"username": "bob", "email": "bob@example.net"}
        assert "idempotency-replayed" not in create(first, "k1", bob).headers
        assert create(refreshed, "k1", bob).headers["idempotency-replayed"] == "true"


def test_refusals_of_the_handler_are_kept(api: httpx.Client) -> None:
    """A 409 is kept and replayed even when its cause has gone; a 422 of validation is not kept at all."""
    user = make_user(api, "alice")
    problem(create(api, "k1"), 409, "username_taken")
    api.delete(f"/api/v1/users/{user['id']}")
    again = create(api, "k1")
    problem(again, 409, "username_taken")
    assert again.headers["idempotency-replayed"] == "true"
    problem(create(api, "k2", {"username": "alice"}), 422, "validation_failed")
    assert create(api, "k2").status_code == 201


def test_delete_and_conditional_put_replay(api: httpx.Client) -> None:
    """A DELETE repeated after a lost answer does not meet 404, nor a conditional PUT 412."""
    user = make_user(api, "alice")
    for _ in range(2):
        assert api.delete(f"/api/v1/users/{user['id']}", headers={"Idempotency-Key": "d"}).status_code == 200
    headers = {"Idempotency-Key": "p", "If-None-Match": "*"}
    for _ in range(2):
        assert api.put("/api/v1/config/a.b", json={"value": 1}, headers=headers).status_code == 201
    problem(
        api.put("/api/v1/config/a.b", json={"value": 1}, headers={"If-None-Match": "*"}), 412, "precondition_failed"
    )


def test_missing_precondition_is_not_kept(api: httpx.Client) -> None:
    """A 428 is not kept: the same key works once the condition is stated."""
    headers = {"Idempotency-Key": "p"}
    problem(api.put("/api/v1/config/a.b", json={"value": 1}, headers=headers), 428, "precondition_required")
    assert (
        api.put("/api/v1/config/a.b", json={"value": 1}, headers={**headers, "If-None-Match": "*"}).status_code == 201
    )


def test_kept_for_a_day(api: httpx.Client, world: WorldHandle) -> None:
    """The first answer is kept for 24 hours of world time, then the key is new again."""
    create(api, "k1")
    world.advance(DAY_MS - 1)
    assert create(api, "k1").headers["idempotency-replayed"] == "true"
    world.advance(1)
    problem(create(api, "k1"), 409, "username_taken")


@pytest.mark.parametrize(
    "key", ['"open', '""', "sp ace", '"a\\b"', "x" * 256, '"' + "x" * 256 + '"', "é".encode().decode("latin-1")]
)
def test_malformed_keys(api: httpx.Client, key: str) -> None:
    """A key that is no string of 1 to 255 visible ASCII characters is a 400, and nothing happens."""
    answer = api.post("/api/v1/users", json=ALICE, headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    problem(answer, 400, "idempotency_key_invalid")
    assert events(api) == []


def test_in_flight(api: httpx.Client, world: WorldHandle) -> None:
    """While the first request is still running, a repeat is a 409 with Retry-After, another payload a 422."""
    fault = world.fault("users.create", hold=True)
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(create(api, "k1")))
    first.start()
    world.wait({"operation": "users.create", "phase": "held"})
    refused = create(api, "k1")
    problem(refused, 409, "idempotency_in_flight")
    assert refused.headers["retry-after"] == "1"
    problem(create(api, "k1", {**ALICE, "display_name": "A"}), 422, "idempotency_key_reused")
    world.release(fault)
    first.join(10)
    assert answers[0].status_code == 201
    assert create(api, "k1").headers["idempotency-replayed"] == "true"


def test_lost_answer(api: httpx.Client, world: WorldHandle) -> None:
    """A commit whose answer was lost is replayed to the same key: one user, one event."""
    world.fault("users.create", reset="after_commit")
    with pytest.raises(httpx.HTTPError):
        create(api, "k1")
    assert create(api, "k1").headers["idempotency-replayed"] == "true"
    assert len(events(api)) == 1


def test_secrets_are_sealed(api: httpx.Client, world: WorldHandle) -> None:
    """A replayed tokens.create gives the secret for ten minutes, then a 409 with the token's id."""
    body = {"name": "deploy", "scopes": ["users:read"]}

    def call() -> httpx.Response:
        return api.post("/api/v1/tokens", json=body, headers={"Idempotency-Key": "t"})

    first = call()
    assert first.status_code == 201
    world.advance(10 * 60 * 1000 - 1)
    assert call().json()["secret"] == first.json()["secret"]
    world.advance(1)
    assert problem(call(), 409, "secret_no_longer_available")["token_id"] == first.json()["id"]
    create(api, "k1")  # Any keyed write forgets sealed answers that are over.
    assert problem(call(), 409, "secret_no_longer_available")["token_id"] == first.json()["id"]


def test_upload_replays(api: httpx.Client) -> None:
    """An upload repeated with its key stores one object."""
    for _ in range(2):
        assert upload(api, "a", headers={"Idempotency-Key": "u"}).status_code == 201
    assert len(api.get("/storage/objects").json()["items"]) == 1
    assert len(events(api)) == 1


SAME_KEYS = [("k", '"k"'), ('a"b', '"a\\"b"'), ("a\\b", '"a\\\\b"'), ("~!", '"~!"'), ("x" * 255, f'"{"x" * 255}"')]


@pytest.mark.parametrize("bare,quoted", SAME_KEYS, ids=["word", "quote", "backslash", "edges", "longest"])
def test_a_key_is_the_same_quoted_or_bare(api: httpx.Client, bare: str, quoted: str) -> None:
    """An sf-string and the characters that it stands for are one key (RFC 9651 section 3.3.3); case tells two apart."""
    create(api, bare)
    assert create(api, quoted).headers["idempotency-replayed"] == "true"
    if bare != bare.swapcase():
        problem(create(api, bare.swapcase()), 409, "username_taken")


Call = Callable[[httpx.Client, dict[str, str]], httpx.Response]

KEPT: Mapping[int, Call] = {
    200: lambda api, key: patch(api, f"/api/v1/users/{_only(api, 'users')}", {"display_name": "A"}, **key),
    204: lambda api, key: api.delete("/api/v1/config/a.b", headers={"If-Match": "*", **key}),
    404: lambda api, key: api.delete("/api/v1/users/usr_absent", headers=key),
    409: lambda api, key: api.delete(f"/api/v1/users/{_only(api, 'users')}", headers=key),
    412: lambda api, key: api.put("/api/v1/config/a.b", json={"value": 2}, headers={"If-Match": '"other"', **key}),
    422: lambda api, key: api.post("/api/v1/users", json={**ALICE, "roles": ["absent"]}, headers=key),
}


@pytest.mark.parametrize("status", KEPT)
def test_what_a_handler_settles_is_kept(api: httpx.Client, world: WorldHandle, status: int) -> None:
    """Successes and final refusals come again byte for byte, with their own event and without another effect."""
    make_user(api, "root", roles=["admin"])
    api.put("/api/v1/config/a.b", json={"value": 1}, headers={"If-None-Match": "*"})
    before = len(events(api))
    first, again = (KEPT[status](api, {"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (status, status, first.content)
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert first.headers.get("audit-event-id") == again.headers.get("audit-event-id")
    assert len(events(api)) - before == (status < 300)
    assert world.state()["idempotency_records"] == 1
    assert world.state()["users"] == 1


def _only(api: httpx.Client, collection: str) -> str:
    [item] = api.get(f"/api/v1/{collection}").json()["items"]
    found: str = item["id"]
    return found


JSON = {"Content-Type": "application/json"}
NOT_KEPT: Mapping[int, Mapping[str, Any]] = {
    400: {"content": b"{", "headers": JSON},
    401: {"json": ALICE, "headers": {"Authorization": "Bearer nobody"}},
    403: {"json": ALICE, "headers": {"Authorization": "Bearer READER"}},
    415: {"content": b"a", "headers": {"Content-Type": "text/csv"}},
    422: {"json": {"username": "alice"}},
    503: {"json": ALICE},
}


@pytest.mark.parametrize("status", NOT_KEPT)
def test_what_settles_nothing_is_not_kept(make_world: Callable[..., WorldHandle], status: int) -> None:
    """A refusal that came before the handler leaves the key free: the call made right succeeds with it."""
    reader = {"token": "READER", "name": "reader", "scopes": ["users:read"]}
    world = make_world(tokens=[*CREATION["tokens"], reader])
    with client_of(world) as api:
        if status == 503:
            world.fault("users.create", respond={"status": 503, "problem": {"code": "service_unavailable"}})
        call = {**NOT_KEPT[status], "headers": {**NOT_KEPT[status].get("headers", {}), "Idempotency-Key": "k"}}
        assert api.post("/api/v1/users", **call).status_code == status
        made = create(api, "k")
    assert (made.status_code, made.headers.get("idempotency-replayed")) == (201, None)


def test_a_429_is_not_kept(make_world: Callable[..., WorldHandle]) -> None:
    """The call that was too much succeeds with its key in the next window."""
    world = make_world(rate_limit={"quota": 1, "window_seconds": 10})
    with client_of(world) as api:
        api.get("/api/v1/me")
        problem(create(api, "k"), 429, "rate_limited")
        world.advance(10_000)
        assert (create(api, "k").status_code, world.state()["users"]) == (201, 1)


def test_a_handlers_403_is_not_kept(api: httpx.Client, world: WorldHandle) -> None:
    """Each attempt is judged anew and records a denied event of its own, which its answer names."""
    with client_of(world, access_token(world, scope="tokens:manage")) as caller:
        body = {"name": "more", "scopes": ["users:read"]}
        refused = [caller.post("/api/v1/tokens", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    for answer in refused:
        problem(answer, 403, "scope_escalation")
        assert "idempotency-replayed" not in answer.headers
    denied = [event["id"] for event in events(api, outcome="denied")]
    assert denied == [answer.headers["audit-event-id"] for answer in refused]
    assert world.state()["idempotency_records"] == 0


def _user(api: httpx.Client, name: str) -> str:
    return f"/api/v1/users/{make_user(api, name)['id']}"


def _merge(api: httpx.Client, path: str, **headers: str) -> httpx.Response:
    return api.patch(path, content=b'{"display_name":"A"}', headers={"Content-Type": MERGE, **headers})


MERGE = "application/merge-patch+json"
#: Part of the fingerprint → two calls that differ in it alone, prepared together.
DIFFERENT: Mapping[str, Callable[[httpx.Client], tuple[Callable[[], httpx.Response], ...]]] = {
    "path": lambda api: tuple(partial(api.delete, _user(api, name), headers=KEY) for name in ("a", "b")),
    "query": lambda api: tuple(partial(upload, api, name, headers=KEY) for name in ("a", "b")),
    "body": lambda api: tuple(partial(create, api, "k", {**ALICE, "username": name}) for name in ("a", "b")),
    "if-none-match": lambda api: (partial(upload, api, "a", headers=KEY), partial(upload, api, "a", headers=NEW)),
    "if-match": lambda api: _merges(api, {}, {"If-Match": "*"}),
    "content-type": lambda api: _merges(api, {}, {"Content-Type": f"{MERGE}; charset=utf-8"}),
}
KEY = {"Idempotency-Key": "k"}
NEW = {"If-None-Match": "*", **KEY}


def _merges(api: httpx.Client, *headers: Mapping[str, str]) -> tuple[Callable[[], httpx.Response], ...]:
    path = _user(api, "a")
    return tuple(partial(_merge, api, path, **{**KEY, **each}) for each in headers)


@pytest.mark.parametrize("part", DIFFERENT)
def test_each_part_of_the_fingerprint(api: httpx.Client, part: str) -> None:
    """A request that differs in any one part is another request: 422, which does not take the first answer's place."""
    first, other = DIFFERENT[part](api)
    assert first().status_code < 300
    problem(other(), 422, "idempotency_key_reused")
    assert first().headers["idempotency-replayed"] == "true"


def test_every_mutation_takes_a_key() -> None:
    """All that change anything, but for OAuth's own operations and what goes on within one upload."""
    mutations = [each for each in Document.load().operations.values() if each.method not in ("GET", "HEAD")]
    without = {operation.id for operation in mutations if not operation.idempotent}
    assert without == {"oauth.token", "oauth.revoke", "storage.uploads.append", "storage.uploads.cancel"}
    for operation in mutations:
        named = any(parameter.name == "idempotency-key" for parameter in operation.parameters)
        assert named == operation.idempotent, operation.id


def test_secrets_do_not_lie_on_the_disk(tmp_path: Path) -> None:
    """A kept secret can be opened by the key alone, and neither of the two is anywhere in the store's files."""
    with serving(Document.load(), data_dir=tmp_path) as control, client_of(control.world(), "TOKEN") as api:
        body = {"name": "deploy", "scopes": ["users:read"]}
        answers = [
            api.post("/api/v1/tokens", json=body, headers={"Idempotency-Key": "key-of-this-call"}) for _ in range(2)
        ]
        secret = answers[0].json()["secret"]
        assert answers[1].json()["secret"] == secret
        stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert answers[0].json()["id"].encode() in stored
    assert secret.encode() not in stored
    assert b"key-of-this-call" not in stored


def test_what_is_in_flight_hinders_nobody_else(api: httpx.Client, world: WorldHandle) -> None:
    """The key is held for its caller and operation alone, and no lock of the store with it."""
    fault = world.fault("users.create", hold=True)
    first = threading.Thread(target=create, args=(api, "k"))
    first.start()
    world.wait({"operation": "users.create", "phase": "held"})
    with client_of(world, access_token(world)) as other, client_of(world) as same:
        assert create(other, "k", {"username": "bob", "email": "bob@example.net"}).status_code == 201
        assert upload(same, "a", headers={"Idempotency-Key": "k"}).status_code == 201
    world.release(fault)
    first.join(10)
    assert not first.is_alive()
    assert world.state()["users"] == 2


def test_a_mutation_outlives_its_client(api: httpx.Client, world: WorldHandle) -> None:
    """Who hangs up once the request is in flight does not undo it: the same key meets its answer."""
    fault = world.fault("users.create", hold=True)
    request = api.build_request("POST", "/api/v1/users", json=ALICE, headers={"Idempotency-Key": "k"})
    with socket.create_connection((request.url.host, request.url.port or 80), timeout=10) as connection:
        head = [f"POST {request.url.raw_path.decode()} HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in request.headers.items()]
        connection.sendall("\r\n".join([*head, "", ""]).encode() + request.content)
        world.wait({"operation": "users.create", "phase": "held"})
    world.release(fault)
    world.wait({"operation": "users.create", "outcome": "cut"})
    assert create(api, "k").headers["idempotency-replayed"] == "true"
    assert world.state()["users"] == 1


def test_a_failing_own_answer_keeps_nothing() -> None:
    """An answer that the document does not allow is a 500 with nothing kept: no user, no event, no record."""
    text = Document.load().text
    narrowed = text.replace("enum: [active, suspended, deleted]", "enum: [suspended, deleted]")
    assert narrowed != text
    with serving(Document(narrowed)) as control:
        world = control.create_world(**CREATION)
        with client_of(world) as api:
            for _ in range(2):  # The second is in nobody's way: the first has left the in-flight table too.
                problem(create(api, "k1"), 500, "internal_error")
            assert events(api) == []
        assert world.state()["users"] == 0
        assert world.state()["idempotency_records"] == 0
