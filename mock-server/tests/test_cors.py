"""Which pages may call, and what they may read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from admin_api_mock.control import MockServer
from admin_api_mock.cors import Cors, origin
from admin_api_mock.document import Document
from admin_api_mock.http import Request

PAGE = "http://localhost:3000"
OTHER = "https://app.example"
KNOWN = {"Authorization": "Bearer TOKEN"}
ASKS = {
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,if-match",
}


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(["--port", "0", "--no-tls", "--cors", PAGE, "--cors", OTHER]) as server:
        yield server


@pytest.fixture
def url(server: MockServer) -> str:
    return server.url


def cors_of(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


@pytest.mark.parametrize("page", [PAGE, OTHER])
def test_a_preflight_is_answered_before_authentication(url: str, page: str) -> None:
    """Browsers ask without credentials; the answer names the document's methods and header parameters."""
    answer = httpx.options(f"{url}/api/v1/users/usr_1", headers=ASKS | {"Origin": page})
    assert (204, b"", page, "Origin") == (
        answer.status_code,
        answer.content,
        answer.headers["Access-Control-Allow-Origin"],
        answer.headers["Vary"],
    )
    assert {"get", "head", "post", "put", "patch", "delete"} == names(answer.headers["Access-Control-Allow-Methods"])
    assert names(answer.headers["Access-Control-Allow-Headers"]) >= {
        "authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "last-event-id",
        "admin-encryption", "content-digest", "range", "if-range", "traceparent", "x-request-id",
    }  # fmt: skip


def test_a_preflight_leaves_no_trace(server: MockServer) -> None:
    """No journal entry and no fault is spent: a test sees the API's requests alone."""
    with server.control.create_world() as world:
        world.fault("*", respond={"status": 503})
        assert 204 == httpx.options(f"{world.base_url}/api/v1/users", headers=ASKS | {"Origin": PAGE}).status_code
        assert [] == world.journal()
        assert [1] == [fault["times"] for fault in world.faults()]


def test_every_documented_header_is_exposed_on_every_answer(url: str) -> None:
    """A page reads what the document promises, and Date, on successes, refusals and unknown paths alike."""
    documented = {
        name.lower()
        for operation in Document.load().operations.values()
        for response in operation.responses.values()
        for name in response.headers
    }
    page = {"Origin": PAGE}
    answers = [
        httpx.get(f"{url}/api/v1/me", headers=KNOWN | page),
        httpx.get(f"{url}/api/v1/me", headers=page),
        httpx.get(f"{url}/nowhere", headers=page),
        httpx.post(f"{url}/oauth/token", headers=page),
    ]
    assert [200, 401, 404] == [answer.status_code for answer in answers[:3]]
    for answer in answers:
        assert PAGE == answer.headers["Access-Control-Allow-Origin"]
        assert documented | {"date", "retry-after", "etag", "audit-event-id"} <= names(
            answer.headers["Access-Control-Expose-Headers"]
        )
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("page", ["http://localhost:3001", "https://localhost:3000", "null", f"{PAGE}.evil.example"])
def test_other_pages_get_no_cors_header(url: str, page: str) -> None:
    """Refused as ever, and their browsers may not read why."""
    for answer in (
        httpx.options(f"{url}/api/v1/me", headers=ASKS | {"Origin": page}),
        httpx.get(f"{url}/api/v1/me", headers=KNOWN | {"Origin": page}),
    ):
        assert (403, "forbidden_origin", {}) == (answer.status_code, answer.json()["code"], cors_of(answer))
        assert "Origin" == answer.headers["Vary"]


def test_a_named_page_never_reaches_the_control_plane(url: str) -> None:
    """It steers the whole server: neither asked for nor called by a page, whatever its origin."""
    for answer in (
        httpx.options(f"{url}/__mock__/worlds", headers=ASKS | {"Origin": PAGE}),
        httpx.get(f"{url}/__mock__/worlds", headers={"Origin": PAGE}),
    ):
        assert (403, {}) == (answer.status_code, cors_of(answer))


def test_a_named_page_does_not_open_foreign_hosts(url: str) -> None:
    """DNS rebinding stays refused."""
    answer = httpx.get(f"{url}/api/v1/me", headers=KNOWN | {"Origin": PAGE, "Host": "evil.example"})
    assert 421 == answer.status_code


def test_a_program_is_served_as_before(url: str) -> None:
    """Who sends no Origin is no page; caches are told that answers differ by origin."""
    answer = httpx.get(f"{url}/api/v1/me", headers=KNOWN)
    assert (200, {}, "Origin") == (answer.status_code, cors_of(answer), answer.headers["Vary"])


def test_without_the_option_no_page_may_call() -> None:
    """None by default: not a header, not a preflight."""
    with MockServer() as server:
        asked = httpx.options(f"{server.url}/api/v1/me", headers=ASKS | {"Origin": PAGE})
        called = httpx.get(f"{server.url}/api/v1/me", headers=KNOWN)
    assert (403, {}) == (asked.status_code, cors_of(asked))
    assert (200, {}, False) == (called.status_code, cors_of(called), "Vary" in called.headers)


def test_options_without_a_question_is_no_preflight(url: str) -> None:
    """A bare OPTIONS is a method like any other."""
    assert 405 == httpx.options(f"{url}/api/v1/me", headers={"Origin": PAGE}).status_code


def test_bound_elsewhere_only_named_pages_are_let_in() -> None:
    """The guards sleep there; the browser's own rule does not."""

    async def nothing() -> dict[str, str]:
        return {}

    def asked(page: str) -> Request:
        headers = [(b"origin", page.encode()), (b"access-control-request-method", b"GET")]
        scope = {"method": "OPTIONS", "raw_path": b"/api/v1/me", "query_string": b"", "headers": headers}
        return Request(scope, nothing)

    cors = Cors(Document.load(), [PAGE])
    answer = cors.preflight(asked(PAGE))
    assert answer is not None
    assert 204 == answer.status
    assert cors.preflight(asked(OTHER)) is None
    assert {"Vary": "Origin"} == cors.headers(asked(OTHER))


@pytest.mark.parametrize(
    "given,written",
    [
        ("https://App.Example", "https://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(given: str, written: str) -> None:
    """RFC 6454 section 6.2: lower case, no default port."""
    assert written == origin(given)


@pytest.mark.parametrize(
    "text",
    ["*", "null", "", "localhost:3000", "http://", "http://a/", "http://a?", "http://u@a", "ftp://a", "http://a:x"],
)
def test_what_is_no_origin_is_refused_on_the_command_line(text: str) -> None:
    """Exit code 2 before anything listens; `*` too, for the token is known to everybody."""
    with pytest.raises(ValueError):  # noqa: PT011 - the text is all it says; the command line says the rest
        origin(text)


def test_the_command_says_what_is_no_origin() -> None:
    """In argparse's words."""
    ended = subprocess.run(
        [sys.executable, "-m", "admin_api_mock", "--cors", "*"], capture_output=True, check=False, text=True, timeout=20
    )
    assert 2 == ended.returncode
    assert "argument --cors: invalid origin value: '*'" in ended.stderr
