"""Prism judges the SDKs and the server as a validating proxy in between; canaries prove that it can refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml
from judges.proxy import Prism, violations
from judges.tap import Passed, Tap
from runner.judge import judge, report
from runner.load import SPEC, Case, load
from runner.process import Driver
from runner.run import Seen, run

from admin_api_mock.control import Control, WorldHandle

HERE = Path(__file__).parent
DRIVERS = ("python-sync", "node")
DOCUMENT: dict[str, Any] = yaml.safe_load((SPEC / "openapi.yaml").read_text("utf-8"))
(CASE,) = load((HERE / "prism.yaml").read_text("utf-8"), "prism.yaml")
KNOWN: list[dict[str, Any]] = yaml.safe_load((HERE / "prism-known.yaml").read_text("utf-8"))
#: The world of the case, which the runner names after it; canaries have one of the same name.
WORLD = "judges-prism"
BINARY = "application/octet-stream"
JSON_TYPES = {"application/json", "application/merge-patch+json"}
#: No operation takes it, and none answers it.
WRONG = {"wrong": True}


class Operation(NamedTuple):
    """What a canary needs to know."""

    id: str
    method: str
    path: re.Pattern[str]
    success: int
    takes_json: bool
    takes_limit: bool


def operations() -> Iterator[Operation]:
    """Those of the SDKs whose bodies are JSON, both ways."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if operation.get("x-sdk", True) is False or "x-streaming" in operation:
                continue
            success, answer = next((int(status), told) for status, told in operation["responses"].items())
            sent = operation.get("requestBody", {}).get("content", {})
            if not sent.keys() | answer.get("content", {}).keys() <= JSON_TYPES:
                continue
            limit = {"$ref": "#/components/parameters/Limit"} in operation.get("parameters", [])
            like = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + r"(\?.*)?")
            yield Operation(operation["operationId"], method.upper(), like, success, bool(sent), limit)


OPERATIONS = {operation.id: operation for operation in operations()}


@pytest.fixture(scope="module")
def prism(control: Control) -> Iterator[Prism]:
    """Before one world, which each run of the case makes anew."""
    with Prism(f"{control.url}/w/{WORLD}") as started:
        yield started


class Run(NamedTuple):
    """What came of the case, and what passed Prism meanwhile."""

    seen: Seen
    passed: list[Passed]


@pytest.fixture(scope="module")
def runs(drivers: dict[str, Driver], prism: Prism, control: Control) -> dict[str, Run]:
    """The case on each driver."""
    return {name: run_through(prism, drivers[name], control) for name in DRIVERS}


def run_through(prism: Prism, driver: Driver, control: Control) -> Run:
    """The case with Prism in between, but for what is not JSON."""
    around = f"{control.url}/w/{WORLD}"
    with Tap(lambda headers: around if headers.get("content-type") == BINARY else prism.url) as tap:
        seen = run(Case(CASE.id, {**CASE.document, "client": {"base_url": tap.url}}), driver, control)
    return Run(seen, [exchange for exchange in tap.passed if exchange.to == prism.url])


def operation_of(exchange: Passed) -> str | None:
    """The operation whose path is like that; if several are, the most literal one."""
    like = [one for one in OPERATIONS.values() if one.method == exchange.method and one.path.fullmatch(exchange.target)]
    return min(like, key=lambda one: one.path.pattern.count("[^/]+")).id if like else None


@pytest.mark.parametrize("driver", DRIVERS)
def test_nothing_is_wrong_in_between(driver: str, runs: dict[str, Run]) -> None:
    """Prism finds nothing in any exchange of any JSON operation; the SDK gets what it expects (SUITE-4)."""
    seen, passed = runs[driver]
    wrong = judge(CASE, seen)
    assert [] == wrong, report(CASE, driver, wrong, seen)
    assert OPERATIONS.keys() == {operation_of(exchange) for exchange in passed} - {None}
    assert [] == [(one.method, one.target, found) for one in passed if (found := violations(one.answer_headers))]


@pytest.fixture(scope="module")
def world(runs: dict[str, Run], control: Control) -> Iterator[WorldHandle]:
    """The world that Prism passes to, once the runs are over."""
    with control.create_world(id=WORLD) as made:
        yield made


class Sample(NamedTuple):
    """A request that was right."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def sent(self, prism: Prism) -> httpx.Response:
        """What comes of it through Prism."""
        return httpx.request(
            self.method, prism.url + self.target, headers=self.headers, content=self.body, trust_env=False
        )


@pytest.fixture(scope="module")
def samples(runs: dict[str, Run]) -> dict[str, Sample]:
    """One of each operation."""
    dropped = {"host", "connection", "content-length", "accept-encoding"}
    return {
        operation: Sample(
            one.method,
            one.target,
            {name: value for name, value in one.headers.items() if name not in dropped},
            one.body,
        )
        for one in runs["python-sync"].passed
        if (operation := operation_of(one))
    }


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_wrong_answer_is_refused(
    operation: str, world: WorldHandle, samples: dict[str, Sample], prism: Prism
) -> None:
    """Of no operation does Prism fail open, as it silently does when it cannot compile a schema of it."""
    success = OPERATIONS[operation].success
    status = 299 if success == 204 else success  # where no body is declared, a status that is not
    world.fault(operation, respond={"status": status, "body": WRONG})
    found = violations(samples[operation].sent(prism).headers)
    assert "response" in {violation["location"][0] for violation in found}
    assert "request" not in {violation["location"][0] for violation in found}


@pytest.mark.parametrize("operation", [one.id for one in OPERATIONS.values() if one.takes_json])
def test_a_wrong_body_is_refused(operation: str, world: WorldHandle, samples: dict[str, Sample], prism: Prism) -> None:
    """Nor does it for what is sent."""
    wrong = samples[operation]._replace(body=json.dumps(WRONG).encode())
    located = [violation["location"][:2] for violation in violations(wrong.sent(prism).headers)]
    assert ["request", "body"] in located


@pytest.mark.parametrize("operation", [one.id for one in OPERATIONS.values() if one.takes_limit])
def test_a_wrong_parameter_is_refused(
    operation: str, world: WorldHandle, samples: dict[str, Sample], prism: Prism
) -> None:
    """Nor for the query."""
    target = samples[operation].target.partition("?")[0] + "?limit=many"
    wrong = samples[operation]._replace(target=target)
    located = [violation["location"] for violation in violations(wrong.sent(prism).headers)]
    assert ["request", "query", "limit"] in located


@pytest.mark.parametrize("known", KNOWN, ids=[known["reason"] for known in KNOWN])
def test_a_known_error_is_still_one(
    known: dict[str, Any], world: WorldHandle, samples: dict[str, Sample], prism: Prism
) -> None:
    """What Prism is known to overlook it does overlook, or the entry is stale."""
    if "respond" in known:
        world.fault(known["of"], respond=known["respond"])
    sample = samples[known["of"]]
    target = f"{sample.target.partition('?')[0]}?{known['query']}" if "query" in known else sample.target
    answer = sample._replace(target=target).sent(prism)
    assert [] == violations(answer.headers), "Prism refuses this now: take it out of prism-known.yaml"
