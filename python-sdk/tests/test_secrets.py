"""Secrets show themselves nowhere: no repr, no pickle, no JSON, no frame of any traceback, no log (AUTH-9)."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from admin_api import (
    AdminAPIError,
    AdminClient,
    AsyncAdminClient,
    ConfigurationError,
    FileTokenStore,
    MemoryTokenStore,
    Secret,
)
from admin_api.models import IssuedToken

from .answers import answer, problem, token_answer
from .conftest import Wire
from .flavours import Flavour
from .loopback import hanging, serving

HUSH = "hunter2"
REFUSED = {"www-authenticate": 'Bearer error="invalid_token"'}


def shown_by(error: BaseException) -> str:
    """All that an error shows: texts, causes, and the reprs of all locals in its traceback, but for the test's own."""
    texts: list[str] = []
    chain: BaseException | None = error
    while chain is not None:
        told = traceback.TracebackException.from_exception(chain, capture_locals=True)
        texts += [repr(chain), str(chain), *(f"{f.name}: {f.locals}" for f in told.stack if f.filename != __file__)]
        texts += [str(vars(chain))]
        chain = chain.__cause__ or chain.__context__
    return "\n".join(texts)


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What the SDK logs at debug."""
    records: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(f"{record.getMessage()} {record.__dict__}")

    logger, handler = logging.getLogger("admin_api"), Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield records
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_a_secret_is_only_told_to_who_asks_for_it() -> None:
    """AUTH-9: no repr, no format, no JSON, no pickle, no copy, no key; it is equal to its like, and reveals itself."""
    one = Secret(HUSH)
    assert HUSH not in repr(one) + str(one) + f"{one} {one!r} {[one]} {{'a': one}}" + str(vars(type(one)))
    for use in (json.dumps, pickle.dumps, copy.copy, copy.deepcopy, hash, vars):
        with pytest.raises(TypeError) as raised:
            use(one)
        assert HUSH not in str(raised.value)
    assert (True, False, HUSH) == (one == Secret(HUSH), one == HUSH, one.reveal())


def options(kind: str) -> dict[str, Any]:
    return {
        "token": {"token": f"{HUSH}-token"},
        "function": {"token": lambda: f"{HUSH}-token"},
        "credentials": {"client_id": "app", "client_secret": f"{HUSH}-secret"},
        "post": {"client_id": "app", "client_secret": f"{HUSH}-secret", "client_auth": "post"},
        "refresh": {"client_id": "app", "refresh_token": f"{HUSH}-refresh", "token_store": MemoryTokenStore()},
    }[kind]


@pytest.mark.parametrize("kind", ["token", "credentials", "refresh"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://admin.example.com"}, {"timeout": -1}, {"client_auth": "both"},
        {"token_store": object()}, {"http_client": object()}, {"verify": "/no/such/file"},
        {"token": f"{HUSH} ", "client_id": None, "client_secret": None, "refresh_token": None},
        {"token": HUSH, "client_secret": HUSH}, {"refresh_token": HUSH, "client_id": None},
    ],
)  # fmt: skip
def test_a_client_that_cannot_be_made_shows_no_secret(flavour: Flavour, kind: str, wrong: dict[str, Any]) -> None:
    """AUTH-9: the constructor forgets what it was given before anything in it can raise."""
    with pytest.raises(ConfigurationError) as raised:
        (AsyncAdminClient if flavour.is_async else AdminClient)(**{"base_url": "https://h", **options(kind), **wrong})
    assert HUSH not in shown_by(raised.value)


@pytest.mark.parametrize("kind", ["token", "function", "credentials", "post", "refresh"])
@pytest.mark.parametrize("failing", ["api", "token endpoint", "refused"])
async def test_no_failure_shows_a_secret(
    flavour: Flavour, wire: Wire, logged: list[str], kind: str, failing: str
) -> None:
    """AUTH-9: neither error nor traceback, with locals, nor log has a token, a secret, or an answer that holds one."""
    answered = token_answer(f"{HUSH}-access", refresh_token=f"{HUSH}-next")
    refusal = httpx.Response(400, json={"error": "invalid_grant", "error_description": f"no such {HUSH}"})
    wire.tokens(refusal if failing == "token endpoint" else answered, answered)
    api = problem(401, "invalid_token", headers=REFUSED) if failing == "refused" else problem(500, "server_error")
    wire.answers(*[api] * 4)
    client = flavour.client(max_retries=1, **options(kind))
    with pytest.raises(AdminAPIError) as raised:
        await flavour.settle(client.users.get("usr_1"))
    assert HUSH not in shown_by(raised.value)
    assert HUSH not in repr(client) + str(pickle.dumps(raised.value))
    assert logged
    assert HUSH not in "\n".join(logged)


@pytest.mark.parametrize(
    "content", [f"{HUSH}".encode(), b'{"access_token": "hunter2"}', b'{"access_token": "hunter2\xff', b"{}"]
)
async def test_a_token_answer_is_never_shown(flavour: Flavour, wire: Wire, logged: list[str], content: bytes) -> None:
    """AUTH-9: of an answer that cannot be understood others get an excerpt, the token endpoint's not."""
    wire.tokens(httpx.Response(200, content=content))
    with pytest.raises(AdminAPIError) as raised:
        await flavour.settle(flavour.client(**options("credentials")).users.get("usr_1"))
    assert "invalid_token_response" == raised.value.code
    assert HUSH not in shown_by(raised.value) + "\n".join(logged)


async def test_a_created_token_is_never_shown(flavour: Flavour, wire: Wire) -> None:
    """AUTH-9: a member with `format: password` is in no repr, and a broken answer that may hold one in no error."""
    moment = "2026-01-01T00:00:00.000Z"
    created = {
        "id": "tok_1", "name": "ci", "description": None, "scopes": ["users:read"], "status": "active",
        "prefix_hint": "admp_ab", "created_by": "usr_1", "created_at": moment, "expires_at": None, "last_used_at": None,
        "revoked_at": None, "replaces": None, "replaced_by": None, "secret": f"admp_{HUSH}",
    }  # fmt: skip
    wire.answers(answer(201, created), answer(201, {"secret": HUSH}))
    client = flavour.client()
    made: IssuedToken = await flavour.settle(client.tokens.create(name="ci", scopes=["users:read"]))
    assert (f"admp_{HUSH}", False) == (made.secret, HUSH in repr(made) + str(made) + f"{[made]}")
    with pytest.raises(AdminAPIError) as raised:
        await flavour.settle(client.tokens.create(name="ci", scopes=["users:read"]))
    assert HUSH not in str(raised.value)


async def test_a_kept_token_is_in_its_file_alone(flavour: Flavour, wire: Wire, tmp_path: Path) -> None:
    """AUTH-9, AUTH-10: the store's object, its errors and its names have nothing of what is kept."""
    store = FileTokenStore(tmp_path / "kept")
    wire.tokens(token_answer(f"{HUSH}-access", refresh_token=f"{HUSH}-next"))
    wire.answers(answer())
    await flavour.settle(flavour.client(client_id="app", refresh_token=HUSH, token_store=store).users.get("usr_1"))
    (kept,) = (tmp_path / "kept").iterdir()
    assert HUSH in kept.read_text()
    kept.chmod(0o644)
    with pytest.raises(AdminAPIError) as raised:
        await flavour.settle(flavour.client(client_id="app", refresh_token="x", token_store=store).users.get("usr_1"))
    assert "insecure_token_store" == raised.value.code
    assert HUSH not in shown_by(raised.value) + repr(store) + kept.name


@pytest.mark.parametrize("kind", ["token", "post"])
async def test_a_cancelled_call_shows_no_secret(kind: str) -> None:
    """AUTH-9, RETRY-9: the frames of a call that is cancelled on the wire hold no token either."""
    entered = threading.Event()
    with serving(hanging(entered)) as port:
        client = AsyncAdminClient(base_url=f"http://127.0.0.1:{port}", **options(kind))
        call = asyncio.create_task(client.users.get("usr_1"))
        assert await asyncio.to_thread(entered.wait, 20)
        call.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await call
        await client.close()
    assert HUSH not in shown_by(raised.value)
