"""The rows of HTTP, held for every operation of the document: methods, HEAD, media types, sizes, quotas, headers."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from admin_api_mock.control import WorldHandle
from admin_api_mock.document import METHODS, Document, Operation

from .conftest import AGE, CREATION, client_of, problem, upload

DOCUMENT = Document.load()
OPERATIONS = list(DOCUMENT.operations.values())
WITH_BODY = [operation for operation in OPERATIONS if operation.body]
WITH_JSON = [operation for operation in WITH_BODY if any(media.is_json for media in operation.body.values())]
GETS = [operation for operation in OPERATIONS if operation.method == "GET"]
#: What lies at a path without a name of its own, by parameter: none of it exists.
ABSENT = {"key": "absent.key", "role": "admin"}
#: A value for every parameter that some operation requires.
REQUIRED = {
    "name": "a",
    "admin-encryption": "age-v1",
    "content-digest": f"sha-256=:{'A' * 43}=:",
    "upload-offset": "0",
    "upload-complete": "?0",
}
NOW = "Tue, 01 Jan 2030 00:00:00 GMT"


def named(operation: Operation) -> str:
    return operation.id


def path_of(path: str) -> str:
    """A path with values that name nothing."""
    return re.sub(r"{(\w+)}", lambda match: ABSENT.get(match[1], "absent"), path)


def target(operation: Operation, world: WorldHandle) -> tuple[str, dict[str, str], dict[str, str]]:
    """URL, query and headers of a call that passes as far as the body."""
    required = [parameter for parameter in operation.parameters if parameter.required]
    query = {each.name: REQUIRED[each.name] for each in required if each.location == "query"}
    headers = {each.name: REQUIRED[each.name] for each in required if each.location == "header"}
    return f"{world.base_url}{path_of(operation.path)}", query, headers


@pytest.mark.parametrize("path", DOCUMENT.raw["paths"])
def test_405_names_the_methods_that_there_are(world: WorldHandle, path: str) -> None:
    """Any other method is a 405 whose Allow is the document's methods, and HEAD beside GET; no token is asked for."""
    there = {method.upper() for method in DOCUMENT.raw["paths"][path] if method in METHODS}
    there |= {"HEAD"} if "GET" in there else set()
    for method in {name.upper() for name in METHODS} - there:
        answer = httpx.request(method, f"{world.base_url}{path_of(path)}", trust_env=False)
        assert answer.status_code == 405, method
        assert answer.headers["allow"] == ", ".join(sorted(there))
        if method != "HEAD":
            problem(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("operation", GETS, ids=named)
def test_head_is_get_without_a_body(make_world: Callable[..., WorldHandle], operation: Operation) -> None:
    """Where GET is, HEAD gives the same status and headers, length included, and no byte more."""
    world = make_world(seed="dev")
    with client_of(world) as api:
        path = existing(api, operation.path)
        with api.stream("GET", path) as get:
            assert get.status_code == 200, path
            if operation.streaming is None:
                assert get.headers["content-length"] == str(len(get.read()))
        head = api.head(path)
    assert (head.status_code, head.content) == (200, b"")
    # How many calls are left, and the name of each, differ from call to call.
    volatile = {"x-request-id", "ratelimit", "transfer-encoding", "connection"}
    assert _without(head.headers, volatile) == _without(get.headers, volatile)


def existing(api: httpx.Client, template: str) -> str:
    """The path of something that is there, found in the collection that it lies in."""
    collection, brace, rest = template.partition("/{")
    if not brace:
        return template
    if collection == "/storage/objects":
        upload(api, "a")
    found = api.get(collection).json()["items"][0]
    return f"{collection}/{found.get('id') or found['key']}{rest.partition('}')[2]}"


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
def test_415_names_what_is_taken(world: WorldHandle, operation: Operation) -> None:
    """A body of another media type, or of none, is a 415 that names the right one."""
    url, query, headers = target(operation, world)
    for content_type in ({"Content-Type": "text/csv"}, {"Content-Type": "nonsense"}, {}):
        answer = httpx.request(
            operation.method,
            url,
            params=query,
            content=b"x",
            headers={"Authorization": "Bearer ALL", **headers, **content_type},
            trust_env=False,
        )
        problem(answer, 415, "unsupported_media_type")
        field = {"POST": "accept-post", "PATCH": "accept-patch"}.get(operation.method, "accept")
        assert answer.headers[field] == ", ".join(operation.body)


@pytest.mark.parametrize("operation", WITH_JSON, ids=named)
@pytest.mark.parametrize("content", [b"{", b"\xff", b"{} {}", b'{"a":NaN}'])
def test_400_for_what_cannot_be_parsed(world: WorldHandle, operation: Operation, content: bytes) -> None:
    """A body that is not JSON is a 400, told apart from JSON that is not valid."""
    url, query, headers = target(operation, world)
    headers |= {"Authorization": "Bearer ALL", "Content-Type": next(iter(operation.body))}
    answer = httpx.request(operation.method, url, params=query, content=content, headers=headers, trust_env=False)
    problem(answer, 400, "malformed_json")


@contextmanager
def sent(world: WorldHandle, operation: Operation, *lines: str, body: bytes = b"") -> Iterator[Callable[[], Any]]:
    """The head of a request on a socket of its own, and as much of its body; gives a reader of the answer's head."""
    url = httpx.URL(target(operation, world)[0])
    head = [f"{operation.method} {url.raw_path.decode()} HTTP/1.1", f"Host: {url.netloc.decode()}", *lines, "", ""]
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        connection.sendall("\r\n".join(head).encode() + body)

        def answered() -> tuple[int, Mapping[str, str]]:
            got = b""
            while b"\r\n\r\n" not in got:
                chunk = connection.recv(65536)
                assert chunk, "closed without an answer"
                got += chunk
            status, *fields = got.partition(b"\r\n\r\n")[0].decode().split("\r\n")
            return int(status.split()[1]), {
                name.lower(): value for name, _, value in (line.partition(": ") for line in fields)
            }

        yield answered


@pytest.mark.parametrize("operation", WITH_BODY, ids=named)
def test_413_before_a_byte_is_read(world: WorldHandle, operation: Operation) -> None:
    """A body that says it is too large is refused by its head; the limit is the document's where it has one."""
    length = f"Content-Length: {operation.max_body_bytes + 1}"
    with sent(world, operation, "Authorization: Bearer ALL", length) as answered:
        status, headers = answered()
    assert (status, headers["connection"], headers["content-type"]) == (413, "close", "application/problem+json")
    assert ("upload-limit" in headers) == (operation.id == "storage.uploads.append")


def test_413_for_a_body_that_did_not_say(world: WorldHandle) -> None:
    """A body without a length is read up to the limit, and refused while more is to come."""
    operation = DOCUMENT.operations["storage.uploads.append"]
    size = operation.max_body_bytes + 1
    body = f"{size:x}\r\n".encode() + bytes(size)
    with sent(world, operation, "Authorization: Bearer ALL", "Transfer-Encoding: chunked", body=body) as answered:
        status, headers = answered()
    assert (status, headers["connection"]) == (413, "close")


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_429_for_every_operation(make_world: Callable[..., WorldHandle], operation: Operation) -> None:
    """A used-up quota is a 429 with the seconds to wait, per caller, until the window ends in world time."""
    other = {**CREATION["tokens"][0], "token": "OTHER", "name": "other"}
    world = make_world(rate_limit={"quota": 1, "window_seconds": 30}, tokens=[*CREATION["tokens"], other])
    url, query, headers = target(operation, world)
    world.advance(10_500)
    # One call of the token and one of the address, whichever this operation counts by.
    for path, given in (("/api/v1/me", {"Authorization": "Bearer ALL"}), ("/openapi.json", {})):
        assert httpx.get(f"{world.base_url}{path}", headers=given, trust_env=False).status_code == 200

    def call(token: str) -> httpx.Response:
        authorised = {**headers, "Authorization": f"Bearer {token}"}
        with httpx.stream(operation.method, url, params=query, headers=authorised, trust_env=False) as answer:
            if answer.status_code == 429:
                answer.read()
            return answer

    refused = call("ALL")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "20")
    assert refused.headers["ratelimit"] == '"default";r=0;t=20'
    assert refused.headers["ratelimit-policy"] == '"default";q=1;w=30'
    if operation.method != "HEAD":
        problem(refused, 429, "rate_limited")
    if any(operation.scopes):  # A public operation counts by address, and both call from the same.
        assert call("OTHER").status_code != 429
    world.advance(19_500)
    assert call("ALL").status_code != 429


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_every_answer_has_the_standing_headers(world: WorldHandle, operation: Operation) -> None:
    """Whatever the answer: Date of the world's clock, the caller's own X-Request-Id, version, quota and policy."""
    url, query, headers = target(operation, world)
    wrong = {"Content-Type": next(iter(operation.body))} if operation.body else {}
    calls: list[tuple[str, dict[str, str], bytes]] = [
        (url, {}, b""),
        (url, {"Authorization": "Bearer nobody"}, b""),
        (url, {"Authorization": "Bearer ALL", **wrong}, b"{"),
        (f"{url}/absent/absent", {"Authorization": "Bearer ALL"}, b""),
    ]
    for n, (where, given, content) in enumerate(calls):
        whole = {**headers, **given, "X-Request-Id": f"mine-{n}"}
        with httpx.stream(
            operation.method, where, params=query, content=content, headers=whole, trust_env=False
        ) as answer:
            assert answer.headers.get_list("date") == [NOW]
            assert answer.headers.get_list("x-request-id") == [f"mine-{n}"]
            assert answer.headers["admin-api-version"] == DOCUMENT.version
            assert re.fullmatch(r'"default";r=\d+;t=\d+', answer.headers["ratelimit"])
            assert re.fullmatch(r'"default";q=\d+;w=\d+', answer.headers["ratelimit-policy"])


def test_a_body_that_is_cut_is_no_request(api: httpx.Client, world: WorldHandle) -> None:
    """A client that leaves in the middle of its body has asked for nothing."""
    operation = DOCUMENT.operations["storage.objects.upload"]
    with sent(world, operation, "Authorization: Bearer ALL", f"Content-Length: {len(AGE)}", body=AGE[:5]):
        world.wait({"operation": "storage.objects.upload"})
    world.wait({"operation": "storage.objects.upload", "outcome": "cut"})
    assert api.get("/storage/objects").json()["items"] == []


def _without(headers: httpx.Headers, names: set[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}
