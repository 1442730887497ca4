"""The log layers: what is shown, and above all what is not."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from admin_api import AdminAPIError, RequestOptions
from admin_api._generated import policy
from admin_api.layers.logging import shown, shown_url

from .answers import answer, page, problem, token_answer
from .conftest import Wire
from .flavours import LOST, Flavour

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
    text = "\n".join(kept.messages()) + repr([record.args for record in kept.records])
    assert [] == [secret for secret in SECRETS if secret in text]
    assert "oauth.token" in text
    assert "role=admin" in text
    assert "REDACTED" in text


async def test_one_record_per_call_and_per_attempt(flavour: Flavour, wire: Wire, kept: Kept) -> None:
    """LOG: at INFO one record per call and one per retry; at DEBUG what went out and came back in each attempt."""
    wire.answers(problem(503, "service_unavailable", headers={"retry-after": "7"}), answer())
    await flavour.settle(flavour.client(logger=logger_of(kept, logging.DEBUG)).users.get("usr_1"))
    assert [
        "users.get attempt 1 failed (503), next in 7.000 s",
        "users.get 200 after 2 attempts in 7000 ms, request id req_1",
    ] == kept.messages(logging.INFO)
    attempts = [message.split(":")[0] for message in kept.messages(logging.DEBUG)]
    assert ["users.get attempt 1"] * 2 + ["users.get attempt 2"] * 2 == attempts


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
