"""Telemetry keeps apart from calls (LOG-2): what it raises, what it holds, and what is loaded of it."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import Any

import pytest

from admin_api import InternalServerError
from admin_api.opentelemetry import OpenTelemetry

from .answers import answer, problem, token_answer
from .conftest import Wire
from .flavours import Flavour
from .telemetries import SERVER, Seen
from .test_logging import Kept, logger_of


class Failing:
    """A telemetry of which each hook in turn raises."""

    def __init__(self, failing: str) -> None:
        self._failing = failing

    def __getattr__(self, name: str) -> Any:
        def hook(*given: object) -> Any:
            if name == self._failing:
                raise RuntimeError("hunter2")
            return {} if name == "headers" else self

        return hook


@pytest.mark.parametrize(
    "hook", ["opened", "began", "enter", "headers", "attempted", "retried", "leave", "ended", "refreshed"]
)
async def test_a_telemetry_that_raises_fails_no_call(flavour: Flavour, wire: Wire, hook: str) -> None:
    """LOG-2: whatever hook raises, calls go on; the first time is a warning that names its kind."""
    kept = Kept()
    wire.tokens(token_answer())
    wire.answers(problem(503, "service_unavailable"), answer(), answer())
    client = flavour.client(
        client_id="demo", client_secret="demo-secret", telemetry=Failing(hook), logger=logger_of(kept, 30)
    )
    await flavour.settle(client.users.get("usr_1"))
    await flavour.settle(client.users.get("usr_1"))
    (warning,) = kept.messages()
    assert "RuntimeError" in warning
    assert "hunter2" not in warning


@pytest.mark.parametrize("given", [True, OpenTelemetry, object()])
async def test_what_is_no_telemetry_is_noticed(flavour: Flavour, wire: Wire, given: object) -> None:
    """LOG-2: what has not the hooks is a warning, and fails no call."""
    kept = Kept()
    wire.answers(answer())
    await flavour.settle(flavour.client(telemetry=given, logger=logger_of(kept, 30)).users.get("usr_1"))
    assert 1 == len(kept.messages())


async def test_headers_that_cannot_be_sent(flavour: Flavour, wire: Wire) -> None:
    """LOG-2: a header that would split the request is not sent, nor is one that is the SDK's own."""
    for header in ({"x-trace": "a\r\nb: c"}, {"authorization": "Bearer other"}):
        kept = Kept()
        telemetry = Failing("")
        telemetry.headers = lambda request, header=header: header  # type: ignore[attr-defined]  # in place of the hook
        wire.answers(answer())
        await flavour.settle(flavour.client(telemetry=telemetry, logger=logger_of(kept, 30)).users.get("usr_1"))
        sent = wire.requests[-1].headers
        assert ("Bearer t0ken", None) == (sent["authorization"], sent.get("x-trace"))
        assert 1 == len(kept.messages())


async def test_a_client_that_is_gone_is_not_held(flavour: Flavour, wire: Wire) -> None:
    """LOG-2: the gauge tells the least of a server's clients, and forgets those that are gone."""
    seen = Seen()
    wire.answers(*[problem(503, "service_unavailable")] * 3)
    spender, other = (flavour.client(telemetry=seen.telemetry) for _ in range(2))
    with pytest.raises(InternalServerError):
        await flavour.settle(spender.users.get("usr_1"))
    assert [(SERVER, 500 - 28)] == seen.metrics()["admin_api.client.retry_budget"]
    del spender
    gc.collect()
    assert [(SERVER, 500)] == seen.metrics()["admin_api.client.retry_budget"]
    del other
    gc.collect()
    assert "admin_api.client.retry_budget" not in seen.metrics()


EMPTY = """
import sys
import httpx
from admin_api import AdminClient

answered = httpx.MockTransport(lambda request: httpx.Response(200, json={"items": [], "next_cursor": None}))
options = {"base_url": "http://localhost", "token": "t", "http_client": answered}
"""


def printed(script: str) -> str:
    """What a Python of its own prints; a warning or anything on standard error is a failure."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", EMPTY + script], capture_output=True, text=True, check=False
    )
    assert "" == run.stderr
    return run.stdout


def test_global_providers_by_default() -> None:
    """LOG-2: without providers of its own it is told to the global ones, which may come later, or never."""
    assert "[]\n" == printed("""
from admin_api.opentelemetry import OpenTelemetry
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

client = AdminClient(telemetry=OpenTelemetry(), **options)
list(client.users.list())
trace.set_tracer_provider(TracerProvider())
print(list(client.users.list()))
""")


def test_nothing_of_it_is_loaded_unasked() -> None:
    """LOG-2: without the option neither OpenTelemetry nor the room that tells it anything is loaded."""
    assert "[]\n" == printed("""
list(AdminClient(**options).users.list())
print([name for name in sys.modules if "telemetry" in name])
""")


def test_without_the_extra() -> None:
    """CONF: without opentelemetry-api the error says what to install."""
    assert "missing_extra True\n" == printed("""
sys.modules["opentelemetry"] = None
from admin_api import ConfigurationError
from admin_api.opentelemetry import OpenTelemetry

try:
    OpenTelemetry()
except ConfigurationError as error:
    print(error.code, "admin-api-sdk[opentelemetry]" in str(error))
""")
