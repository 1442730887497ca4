"""The log layers: what is shown, and above all what is not."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import sys
from typing import Any

import httpx
import pytest

from admin_api import AdminAPIError, ConfigurationError, RequestOptions
from admin_api._generated import policy
from admin_api.layers.records import plain, shown, shown_url

from .answers import answer, page, problem, token_answer, user
from .conftest import Wire
from .flavours import LOST, Chunks, Flavour

SECRETS = ("demo-secret", "ZGVtbzpkZW1v", "acc3ss", "alice@example.com", "hunter2", "s3ssion")


class Kept(logging.Handler):
    """Keeps records."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def messages(self, level: int | None = None) -> list[str]:
        return [record.getMessage() for record in self.records if level is None or record.levelno == level]


@pytest.fixture
def kept() -> Kept:
    return Kept()


def logger_of(kept: Kept, level: int) -> logging.Logger:
    logger = logging.Logger("test", level)  # noqa: LOG001 (one that no other test shares)
    logger.addHandler(kept)
    return logger


async def test_no_secret_in_any_record(flavour: Flavour, wire: Wire, kept: Kept) -> None:
    """LOG, AUTH-9: token, credentials, bodies, unlisted headers and query values appear in no record, at no level."""
    wire.tokens(problem(503, "service_unavailable"), token_answer("acc3ss"))
    wire.answers(
        problem(503, "service_unavailable", headers={"set-cookie": "s3ssion", "retry-after": "1"}),
        LOST,
        answer(201, set_cookie="s3ssion"),
        page([1], None),
        problem(422, "validation_failed", detail="hunter2"),
    )
    client = flavour.client(
        client_id="demo", client_secret="demo-secret", max_retries=5, logger=logger_of(kept, logging.DEBUG)
    )
    await flavour.settle(
        client.users.create(
            username="alice",
            email="alice@example.com",
            roles=[],
            metadata={"password": "hunter2"},
            options=RequestOptions(headers={"X-Session": "s3ssion"}),
        )
    )
    await flavour.collect(client.users.list(email="alice@example.com", q="hunter2", role="admin"))
    with pytest.raises(AdminAPIError):
        await flavour.settle(client.users.get("usr_1"))
    text = "\n".join(kept.messages()) + repr([record.__dict__ for record in kept.records])
    assert [] == [secret for secret in SECRETS if secret in text]
    assert "oauth.token" in text
    assert "role=admin" in text
    assert "REDACTED" in text


async def test_one_record_per_call_and_per_attempt(flavour: Flavour, wire: Wire, kept: Kept) -> None:
    """LOG: at INFO one record per call and one per retry; at DEBUG one per attempt; all of it in fields too."""
    wire.answers(problem(503, "service_unavailable", headers={"retry-after": "7"}), answer())
    await flavour.settle(flavour.client(logger=logger_of(kept, logging.DEBUG)).users.get("usr_1"))
    assert [
        "users.get attempt 1 failed (503), next in 7000 ms",
        "users.get 200 after 2 attempts in 7000 ms, request id req_1",
    ] == kept.messages(logging.INFO)
    url = "http://localhost:8099/api/v1/users/usr_1"
    assert [
        f"users.get attempt 1: GET {url} 503 in 0 ms",
        f"users.get attempt 2: GET {url} 200 in 0 ms",
    ] == kept.messages(logging.DEBUG)
    of_attempt, of_retry, _, of_call = (record.__dict__["admin_api"] for record in kept.records)
    assert {
        "operation": "users.get", "attempt": 1, "status": 503, "delay_ms": 7000, "request_id": "req_1",
    } == of_retry  # fmt: skip
    assert {
        "operation": "users.get", "method": "GET", "status": 200, "attempts": 2, "duration_ms": 7000,
        "request_id": "req_1",
    } == of_call  # fmt: skip
    sent, answered = of_attempt.pop("request_headers"), of_attempt.pop("response_headers")
    assert ("REDACTED", "application/json, application/problem+json") == (sent["authorization"], sent["accept"])
    assert "7" == answered["retry-after"]
    assert {
        "operation": "users.get", "attempt": 1, "method": "GET", "url": url, "status": 503, "duration_ms": 0,
        "request_id": "req_1",
    } == of_attempt  # fmt: skip


async def test_a_failed_call_is_recorded_with_its_outcome(flavour: Flavour, wire: Wire, kept: Kept) -> None:
    """LOG: the record of a failed call names class, code, attempts, outcome and request id."""
    wire.answers(problem(404, "not_found"))
    with pytest.raises(AdminAPIError):
        await flavour.settle(flavour.client(logger=logger_of(kept, logging.INFO)).users.get("usr_1"))
    assert ["users.get NotFoundError not_found after 1 attempts in 0 ms, outcome refused, request id req_1"] == (
        kept.messages()
    )


async def test_no_records_unless_asked(flavour: Flavour, wire: Wire, kept: Kept) -> None:
    """LOG: at WARNING a call that works writes nothing."""
    wire.answers(problem(503, "service_unavailable"), answer())
    await flavour.settle(flavour.client(logger=logger_of(kept, logging.WARNING)).users.get("usr_1"))
    assert [] == kept.records


def test_headers_by_allow_list() -> None:
    """LOG: what is on the list is shown, all else is REDACTED, whatever its name."""
    names = [*policy.LOGGING_HEADERS, "authorization", "cookie", "x-api-key", "novel"]
    headers: dict[str, Any] = dict.fromkeys(names, "v")
    assert {name for name, value in shown(headers).items() if value == "v"} == policy.LOGGING_HEADERS
    assert {"authorization", "cookie", "x-api-key", "novel"} == {
        name for name, value in shown(headers).items() if value == "REDACTED"
    }


@pytest.mark.parametrize(
    "url, expected",
    [
        ("https://h/p", "https://h/p"),
        ("https://h:8443/p?limit=5&q=x", "https://h:8443/p?limit=5&q=REDACTED"),
        ("https://h/p?role=a&role=b&cursor=", "https://h/p?role=a&role=b&cursor=REDACTED"),
        ("https://me:pw@h/p#f", "https://h/p"),
        ("http://[::1]:80/p", "http://[::1]:80/p"),
    ],
)
def test_queries_by_allow_list(url: str, expected: str) -> None:
    """LOG: values of the query only by list; never user, password or fragment."""
    assert expected == shown_url(url)


async def test_a_server_forges_no_record(flavour: Flavour, wire: Wire, kept: Kept) -> None:
    """LOG: whatever is in headers, request id and problem code, a record is one short line of visible ASCII."""
    line = "users.delete 204 after 1 attempts"
    forged = f"x\n{line}\r\x1b[2K\x85\u2028{line}" + "y" * 9000
    hostile = {"x-request-id": f"r\x1b[2K {line}".encode(), "etag": f'"\u2028{line}"'.encode()}
    told = problem(404, forged)
    wire.answers(httpx.Response(404, headers={**told.headers, **hostile}, content=told.content))  # type: ignore[dict-item]  # bytes, for what is no ASCII
    with pytest.raises(AdminAPIError):
        await flavour.settle(flavour.client(logger=logger_of(kept, logging.DEBUG)).users.get("usr_1"))
    assert 2 == len(kept.records)
    for record in kept.records:
        for shown_text in (record.getMessage(), *texts_in(record.__dict__["admin_api"])):
            assert re.fullmatch("[ -~]*", shown_text)
            assert len(shown_text) < 2000
    assert kept.messages()[1].startswith(
        f"users.get NotFoundError x\\u000a{line}\\u000d\\u001b[2K\\u0085\\u2028{line}y"
    )


def texts_in(value: object) -> list[str]:
    """All texts of a structure."""
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in texts_in(one)]
    return [value] if isinstance(value, str) else []


def test_what_is_not_visible_is_escaped() -> None:
    """LOG: what is not visible ASCII is written as the units of UTF-16, in both languages."""
    assert "a\\u000ab\\u007f\\u00e9\\ud83d\\ude00\\ud800 ~" == plain("a\nb\x7f\u00e9\U0001f600\ud800 ~")


LINE = json.dumps(user()).encode() + b"\n"


@pytest.mark.parametrize(
    "how, taken, ending, script",
    [
        ("read to its end", 9, "ended", (LINE, b'{"$end":{"count":1}}\n')),
        ("left", 1, "left", (LINE + LINE, LOST)),
        ("broken", 9, "interrupted", (LINE, LOST)),
        ("unreadable", 9, "decode_error", (b"[]\n",)),
    ],
)
async def test_a_stream_is_recorded_when_it_is_over(
    flavour: Flavour, wire: Wire, kept: Kept, how: str, taken: int, ending: str, script: tuple[bytes | Exception, ...]
) -> None:
    """LOG: the record of a streamed call comes when nothing more is read of it, and says how that came about."""
    headers = {"content-type": "application/x-ndjson", "x-request-id": "req_1"}
    wire.answers(httpx.Response(200, headers=headers, stream=Chunks(*script)))
    client = flavour.client(logger=logger_of(kept, logging.INFO), max_retries=0)
    export = client.users.export()
    items = export.__aiter__() if flavour.is_async else iter(export)
    try:
        for _ in range(taken):
            await flavour.take(items)
            assert [] == kept.messages()
    except (RuntimeError, StopAsyncIteration, AdminAPIError):  # the end, as a coroutine tells it, or what broke it
        pass
    await flavour.settle(export.close())
    assert [f"users.export 200 {ending} after 1 attempts in 0 ms, request id req_1"] == kept.messages()
    assert ending == kept.records[0].__dict__["admin_api"]["ending"]


async def test_a_call_that_is_cancelled_is_recorded(kept: Kept) -> None:
    """LOG: a call that neither succeeds nor fails has its record too, and so has its attempt."""
    flavour = Flavour("async")

    async def hang(request: httpx.Request) -> httpx.Response:
        return await asyncio.get_running_loop().create_future()

    client = flavour.client(logger=logger_of(kept, logging.DEBUG), http_client=httpx.MockTransport(hang))
    call = asyncio.create_task(client.users.get("usr_1"))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert [
        "users.get attempt 1: GET http://localhost:8099/api/v1/users/usr_1 cancelled in 0 ms",
        "users.get cancelled after 1 attempts in 0 ms",
    ] == kept.messages()


async def test_a_layer_that_raises_is_recorded(flavour: Flavour, wire: Wire, kept: Kept) -> None:
    """LOG: what a layer of the user's own raises ends a call, and is in its record by its class alone."""

    def raising(send: Any) -> Any:
        def layer(request: Any) -> Any:
            raise KeyError("hunter2")

        return layer

    client = flavour.client(logger=logger_of(kept, logging.INFO), per_call=[raising])
    with pytest.raises(KeyError):
        await flavour.settle(client.users.get("usr_1"))
    assert ["users.get KeyError after 0 attempts in 0 ms"] == kept.messages()


async def test_a_log_fails_no_call(flavour: Flavour, wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    """LOG: a handler that raises, at whatever record, is told of as `logging` does, and the call goes on."""

    class Broken(Kept):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("disk full")

    wire.tokens(token_answer("access"))
    wire.answers(problem(503, "service_unavailable"), answer(), problem(404, "not_found"))
    client = flavour.client(
        client_id="demo", client_secret="s", verify=False, logger=logger_of(Broken(), logging.DEBUG)
    )
    assert "usr_1" == (await flavour.settle(client.users.get("usr_1"))).id
    with pytest.raises(AdminAPIError):
        await flavour.settle(client.users.get("usr_1"))
    assert "RuntimeError: disk full" in capsys.readouterr().err


async def test_fields_collide_with_no_record_factory(
    flavour: Flavour, wire: Wire, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LOG: an application whose records have a `request_id` of their own keeps it: ours stand under one name."""
    plain_factory = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = plain_factory(*args, **kwargs)
        record.request_id = "mine"
        return record

    logging.setLogRecordFactory(factory)
    try:
        wire.answers(answer())
        await flavour.settle(flavour.client(logger=logger_of(kept, logging.INFO)).users.get("usr_1"))
    finally:
        logging.setLogRecordFactory(plain_factory)
    (record,) = kept.records
    assert ("mine", "req_1") == (record.__dict__["request_id"], record.__dict__["admin_api"]["request_id"])


def test_what_is_no_logger_is_refused(flavour: Flavour) -> None:
    """CONF: a logger that cannot be asked is refused when the client is made."""
    with pytest.raises(ConfigurationError, match="logger"):
        flavour.client(logger=print)


SHOWING = """
import httpx, logging, sys
from admin_api import AdminClient
{first}
client = AdminClient(base_url="http://localhost:1", token="t", http_client=httpx.MockTransport(
    lambda request: httpx.Response(204, headers={{"x-request-id": "r1"}})))
{then}
client.request("GET", "/x")
assert {root} == len(logging.getLogger().handlers), "the root logger was touched"
"""


@pytest.mark.parametrize(
    "level, first, then, root, lines",
    [
        ("info", "", "", 0, ["GET /x 204 after 1 attempts"]),
        ("debug", "", "", 0, ["GET /x attempt 1: GET http://localhost:1/x 204", "GET /x 204 after 1 attempts"]),
        ("", "", "", 0, []),
        ("info", "logging.basicConfig(format='own %(message)s')", "", 1, ["own GET /x 204"]),
        ("info", "", "logging.basicConfig(format='own %(message)s')", 1, ["own GET /x 204"]),
        ("info", "logging.getLogger('admin_api').addHandler(logging.NullHandler())", "", 0, []),
    ],
)
def test_the_environment_alone_shows_records(level: str, first: str, then: str, root: int, lines: list[str]) -> None:
    """LOG: `ADMIN_API_LOG` shows each record once on stderr, by our own means only where the program has none."""
    program = SHOWING.format(first=first, then=then, root=root)
    command, variables = [sys.executable, "-c", program], {"ADMIN_API_LOG": level}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (done.returncode, done.stdout)
    told = done.stderr.splitlines()
    assert len(lines) == len(told), done.stderr
    assert all(line in one for line, one in zip(lines, told, strict=True)), done.stderr
    assert all("'operation': 'GET /x'" in one for one in told if "own" not in one)
