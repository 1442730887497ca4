"""Fixtures: both flavours, a scripted wire below the SDK's own transport, an environment of the tests' own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import httpx
import pytest
import respx

from .flavours import BASE, Flavour

Scripted: TypeAlias = httpx.Response | Exception | type[Exception] | Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting and no proxy of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(("ADMIN_API_", "SSL_CERT_")) or name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)


@pytest.fixture(params=["sync", "async"])
def flavour(request: pytest.FixtureRequest) -> Flavour:
    return Flavour(request.param)


class Wire:
    """The server as a test scripts it, met below the SDK's own transport; every request is kept."""

    def __init__(self, router: respx.MockRouter) -> None:
        self._router = router
        self.token_route = router.post(f"{BASE}/oauth/token").mock(side_effect=[])
        self._route = router.route(host="localhost").mock(side_effect=[])

    def answers(self, *script: Scripted) -> None:
        """What the API answers, in this order."""
        following = iter(script)

        def next_answer(request: httpx.Request) -> httpx.Response:
            request.read()
            step = next(following)
            if isinstance(step, httpx.Response):
                return step
            if isinstance(step, Exception | type):
                raise step
            return step(request)

        self._route.mock(side_effect=next_answer)

    def tokens(self, *script: Any) -> None:
        """What the token endpoint answers, in this order."""
        self.token_route.mock(side_effect=list(script))

    @property
    def requests(self) -> list[httpx.Request]:
        """The requests to the API, token requests not among them."""
        return [call.request for call in self._route.calls]

    @property
    def token_requests(self) -> list[httpx.Request]:
        return [call.request for call in self.token_route.calls]


@pytest.fixture
def wire() -> Iterator[Wire]:
    with respx.mock(using="httpcore", assert_all_called=False) as router:
        yield Wire(router)
