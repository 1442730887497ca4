"""The reference server against Prism's mock of the same document: requests per second, and time to the first answer.

Ours does the whole work (JWT, scopes, quota, validation of request and answer, state, audit, journal); Prism validates
the request and answers its document's example.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlsplit

from load import NUMBER
from processes import ROOT, cores, cpu_seconds, line_of, python, started
from report import Budget, Result, ratios, rotated

OURS, PRISM = "admin-api-mock", "prism"
COMMAND = [sys.executable, "-m", "admin_api_mock", "--port", "0"]
CONNECTIONS = 16
SECONDS, QUICK_SECONDS, WARM_UP_SECONDS = 2.0, 0.7, 2.0
START_SECONDS = 30.0
#: More than any server answers in one measurement, so that no number is used twice.
NUMBERS = 1_000_000

HEAD = "Host: localhost:{port}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n"
LIST = f"GET /api/v1/users?limit=20 HTTP/1.1\r\n{HEAD}\r\n"
CREATE = (
    f"POST /api/v1/users HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\nContent-Length: {{length}}\r\n\r\n{{body}}"
)
BODY = json.dumps(
    {"username": f"user{NUMBER.decode()}", "email": f"user{NUMBER.decode()}@example.net", "roles": ["viewer"]}
)


@dataclass(frozen=True)
class Listening:
    """A server that answers."""

    process: int
    port: int
    token: str


def load(budget: Budget, rounds: int, *, operation: str, quick: bool) -> Result:
    """Rounds of one load on each server, each pinned to the one core and the load to the other."""
    template, status = {"list": (LIST, 200), "create": (CREATE, 201)}[operation]
    server_core, load_core = cores() or (None, None)
    runs: list[dict[str, float]] = []
    names = [OURS, PRISM]
    with ExitStack() as stack:
        listening, children, requests = {}, {}, {}
        for name, server in ((OURS, ours), (PRISM, prism)):
            at = listening[name] = stack.enter_context(server(server_core))
            requests[name] = template.format(port=at.port, token=at.token, length=len(BODY), body=BODY)
            children[name] = stack.enter_context(
                started(python("load.py", str(at.port), str(CONNECTIONS), str(status)), core=load_core)
            )
        for number in range(-1, rounds):  # the first round warms up, Prism's compiler above all
            seconds = WARM_UP_SECONDS if number < 0 else QUICK_SECONDS if quick else SECONDS
            run: dict[str, float] = {}
            for name in rotated(names, number):
                asked = {"seconds": seconds, "request": requests[name], "first": (number + 1) * NUMBERS}
                spent = cpu_seconds(listening[name].process)
                found = _ask(children[name], asked)
                spent = cpu_seconds(listening[name].process) - spent
                run[name] = found["requests"] / found["seconds"]
                run[f"{name} p99 ms"] = found["p99_ms"]
                run[f"{name} µs CPU/request"] = spent / found["requests"] * 1e6
                run[f"{name} core share"] = spent / found["seconds"]
            if number >= 0:
                runs.append(run)
    return Result(
        budget, value=ratios(runs, PRISM)[OURS], peers={PRISM: 1.0}, runs=runs, runs_unit="requests/s"
    )  # fmt: skip


def start(budget: Budget, rounds: int) -> Result:
    """Seconds from the command to the first 200; the slower of with and without TLS counts."""
    runs: list[dict[str, float]] = []
    for number in range(-1, rounds):  # the first round writes the byte code and is thrown away
        run = {"no TLS": _first_answer(tls=False), "TLS": _first_answer(tls=True)}
        began = time.perf_counter()
        with prism(None):
            run[PRISM] = time.perf_counter() - began
        if number >= 0:
            runs.append(run)
    medians = {name: median(run[name] for run in runs) for name in runs[0]}
    return Result(
        budget, value=max(medians["no TLS"], medians["TLS"]), peers={PRISM: medians[PRISM]}, runs=runs,
        runs_unit="s to the first 200",
    )  # fmt: skip


@contextmanager
def ours(core: int | None) -> Generator[Listening]:
    """The reference server with an access token of its token endpoint."""
    with started([*COMMAND, "--no-tls"], core=core) as child:
        ready = json.loads(line_of(child))
        at = urlsplit(ready["token_url"])
        basic = base64.b64encode(b"demo:demo-secret").decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=START_SECONDS)
        connection.request("POST", at.path, "grant_type=client_credentials", headers)
        answer = connection.getresponse()
        granted = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"No access token: {answer.status} {granted!r}")
        assert at.port is not None
        yield Listening(child.pid, at.port, json.loads(granted)["access_token"])


@contextmanager
def prism(core: int | None) -> Generator[Listening]:
    """Prism's mock, once it answers; it asks for a bearer and takes any."""
    command = [str(ROOT / "spec/node_modules/.bin/prism"), "mock", "-v", "silent", "-h", "127.0.0.1"]
    port = _free_port()
    with started([*command, "-p", str(port), "spec/openapi.yaml"], core=core) as child:
        ends_at = time.monotonic() + START_SECONDS
        while not _answers(port):
            if child.poll() is not None or time.monotonic() > ends_at:
                raise RuntimeError("Prism did not start; is it installed (make check does)?")
            time.sleep(0.005)  # the process gives no sign of its own when silent
        yield Listening(child.pid, port, "TOKEN")


def _first_answer(*, tls: bool) -> float:
    began = time.perf_counter()
    with started(COMMAND if tls else [*COMMAND, "--no-tls"]) as child:
        ready = json.loads(line_of(child))
        at = urlsplit(ready["url"])
        host, port = at.hostname or "", at.port
        connection = (
            http.client.HTTPSConnection(
                host, port, timeout=START_SECONDS, context=ssl.create_default_context(cafile=ready["ca"])
            )
            if tls
            else http.client.HTTPConnection(host, port, timeout=START_SECONDS)
        )
        connection.request("GET", "/api/v1/me", headers={"Authorization": "Bearer TOKEN"})
        status = connection.getresponse().status
        took = time.perf_counter() - began
        connection.close()
    if status != 200:
        raise RuntimeError(f"GET /api/v1/me: {status}")
    return took


def _ask(child: subprocess.Popen[str], asked: dict[str, object]) -> dict[str, float]:
    assert child.stdin is not None
    child.stdin.write(json.dumps(asked) + "\n")
    child.stdin.flush()
    found: dict[str, float] = json.loads(line_of(child))
    return found


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", "/api/v1/me", headers={"Authorization": "Bearer TOKEN"})
        return connection.getresponse().status == 200
    except OSError:  # not listening yet
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
