"""The measured clients, one per process: so many calls for each line on standard input, their CPU seconds on output.

    subjects.py FLAVOUR SUBJECT SHAPE URL

GC, logging and options are what a user has who sets nothing.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from canned import PAGE_ITEMS, USER_ID

if TYPE_CHECKING:
    from admin_api import Telemetry

Call = Callable[[], object]
AsyncCall = Callable[[], Awaitable[object]]

#: Opens the connection again if it expired while others were measured, and warms what the processor caches.
WARM_UP_CALLS = 20
HEADERS = {"Authorization": "Bearer TOKEN", "Accept": "application/json"}
USERS = "/api/v1/users"


def _httpx(shape: str, url: str) -> Call:
    import httpx

    client = httpx.Client()
    at = f"{url}{USERS}/{USER_ID}" if shape == "get" else f"{url}{USERS}?limit={PAGE_ITEMS}"
    return lambda: client.get(at, headers=HEADERS).json()


def _requests(shape: str, url: str) -> Call:
    import requests

    session = requests.Session()
    at = f"{url}{USERS}/{USER_ID}" if shape == "get" else f"{url}{USERS}?limit={PAGE_ITEMS}"
    return lambda: session.get(at, headers=HEADERS, timeout=30).json()


def _admin_api(shape: str, url: str, telemetry: Telemetry | None = None) -> Call:
    from admin_api import AdminClient

    users = AdminClient(base_url=url, token="TOKEN", telemetry=telemetry).users
    if shape == "get":
        return lambda: users.get(USER_ID)
    return lambda: users.list(limit=PAGE_ITEMS).first_page()


def _measured(shape: str, url: str) -> Call:
    """With OpenTelemetry on, and nobody it exports to."""
    from admin_api.opentelemetry import OpenTelemetry

    return _admin_api(shape, url, OpenTelemetry())


def _openai(shape: str, url: str) -> Call:
    from openai import OpenAI

    models = OpenAI(api_key="TOKEN", base_url=f"{url}/openai").models
    return (lambda: models.retrieve("model-1")) if shape == "get" else models.list


def _anthropic(shape: str, url: str) -> Call:
    from anthropic import Anthropic

    models = Anthropic(api_key="TOKEN", base_url=f"{url}/anthropic").models
    return (lambda: models.retrieve("model-1")) if shape == "get" else (lambda: models.list(limit=PAGE_ITEMS))


def _async_httpx(shape: str, url: str) -> AsyncCall:
    import httpx

    client = httpx.AsyncClient()
    at = f"{url}{USERS}/{USER_ID}" if shape == "get" else f"{url}{USERS}?limit={PAGE_ITEMS}"

    async def call() -> object:
        return (await client.get(at, headers=HEADERS)).json()

    return call


def _async_admin_api(shape: str, url: str, telemetry: Telemetry | None = None) -> AsyncCall:
    from admin_api import AsyncAdminClient

    users = AsyncAdminClient(base_url=url, token="TOKEN", telemetry=telemetry).users
    if shape == "get":
        return lambda: users.get(USER_ID)
    return lambda: users.list(limit=PAGE_ITEMS).first_page()


def _async_measured(shape: str, url: str) -> AsyncCall:
    """With OpenTelemetry on, and nobody it exports to."""
    from admin_api.opentelemetry import OpenTelemetry

    return _async_admin_api(shape, url, OpenTelemetry())


def _async_openai(shape: str, url: str) -> AsyncCall:
    from openai import AsyncOpenAI

    models = AsyncOpenAI(api_key="TOKEN", base_url=f"{url}/openai").models

    async def page() -> object:
        return await models.list()

    return (lambda: models.retrieve("model-1")) if shape == "get" else page


def _async_anthropic(shape: str, url: str) -> AsyncCall:
    from anthropic import AsyncAnthropic

    models = AsyncAnthropic(api_key="TOKEN", base_url=f"{url}/anthropic").models

    async def page() -> object:
        return await models.list(limit=PAGE_ITEMS)

    return (lambda: models.retrieve("model-1")) if shape == "get" else page


SYNC: dict[str, Callable[[str, str], Call]] = {
    "admin_api": _admin_api,
    "httpx": _httpx,
    "with telemetry": _measured,
    "openai": _openai,
    "anthropic": _anthropic,
    "requests": _requests,
}
ASYNC: dict[str, Callable[[str, str], AsyncCall]] = {
    "admin_api": _async_admin_api,
    "httpx": _async_httpx,
    "with telemetry": _async_measured,
    "openai": _async_openai,
    "anthropic": _async_anthropic,
}


def check(answer: object, shape: str) -> None:
    """A client that did not understand the answer must not win by it."""
    if shape == "get":
        found = answer["id"] if isinstance(answer, dict) else getattr(answer, "id", None)
        assert found in (USER_ID, "model-1"), answer
        return
    members = answer if isinstance(answer, dict) else vars(answer) if hasattr(answer, "__dict__") else {}
    items = members.get("items") or members.get("data") or getattr(answer, "items", None)
    assert isinstance(items, list), answer
    assert len(items) == PAGE_ITEMS, answer


def run(call: Call, shape: str) -> None:
    """Measures so many calls per line."""
    check(call(), shape)
    print("ready", flush=True)
    for line in sys.stdin:
        calls = int(line)
        for _ in range(WARM_UP_CALLS):
            call()
        began = time.process_time()
        for _ in range(calls):
            call()
        print(json.dumps((time.process_time() - began) / calls), flush=True)


async def run_async(call: AsyncCall, shape: str) -> None:
    """The same, one call after the other in one loop."""
    check(await call(), shape)
    print("ready", flush=True)
    # Blocking the loop between measurements is harmless: nothing else lives in it.
    while line := sys.stdin.readline():
        calls = int(line)
        for _ in range(WARM_UP_CALLS):
            await call()
        began = time.process_time()
        for _ in range(calls):
            await call()
        print(json.dumps((time.process_time() - began) / calls), flush=True)


async def main_async(subject: str, shape: str, url: str) -> None:
    """Clients of asyncio are made where they are used."""
    await run_async(ASYNC[subject](shape, url), shape)


def main(flavour: str, subject: str, shape: str, url: str) -> None:
    """Measures until standard input ends."""
    if flavour == "async":
        asyncio.run(main_async(subject, shape, url))
    else:
        run(SYNC[subject](shape, url), shape)


if __name__ == "__main__":
    main(*sys.argv[1:])
