"""The typed client of the control plane, on the standard library alone, and the command as a context manager."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

Entry: TypeAlias = dict[str, Any]
Channel: TypeAlias = Literal["api", "auth"]

#: Longer than any answer takes, journal waits aside.
TIMEOUT_SECONDS = 30.0
START_SECONDS = 20.0


class ControlError(Exception):
    """The control plane refused. `status`, `code` and `problem` say why."""

    def __init__(self, method: str, path: str, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code: str | None = problem.get("code")
        self.problem = dict(problem)
        super().__init__(f"{method} {path}: {status} {self.code}: {problem.get('detail')} {problem.get('errors', '')}")


class Control:
    """Steers a running server. `url` is its root URL, `ca` the path of its CA certificate if it speaks TLS."""

    def __init__(self, url: str, ca: str | Path | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._port = parts.port
        self._tls = ssl.create_default_context(cafile=ca) if parts.scheme == "https" else None

    def create_world(self, **creation: Any) -> WorldHandle:
        """A new world; `creation` is the body of `POST /__mock__/worlds` (id, seed, now, users, clients, tokens, …)."""
        return WorldHandle(self, self._json("POST", "/__mock__/worlds", creation))

    def world(self, world_id: str = "root") -> WorldHandle:
        """A world that is there already."""
        return WorldHandle(self, self._json("GET", f"/__mock__/worlds/{quote(world_id, safe='')}"))

    def worlds(self) -> list[WorldHandle]:
        """All worlds."""
        return [WorldHandle(self, told) for told in self._json("GET", "/__mock__/worlds")["worlds"]]

    def _json(self, method: str, path: str, body: Any = None, *, timeout: float = TIMEOUT_SECONDS) -> Any:
        content = self._bytes(method, path, body, timeout=timeout)
        return json.loads(content) if content else None

    def _bytes(self, method: str, path: str, body: Any = None, *, timeout: float = TIMEOUT_SECONDS) -> bytes:
        connection = (
            http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        )
        try:
            encoded = None if body is None else json.dumps(body).encode()
            connection.request(method, path, encoded, {"Content-Type": "application/json"} if encoded else {})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise ControlError(method, path, answer.status, json.loads(content))
        return content


class WorldHandle:
    """One world. As a context manager it deletes the world at the end."""

    def __init__(self, control: Control, told: Mapping[str, Any]) -> None:
        self._control = control
        self.id: str = told["id"]
        self.base_url: str = told["base_url"]
        self.token_url: str = told["token_url"]
        #: All that creating it told, e.g. `users`: the ids in the order given.
        self.told: dict[str, Any] = dict(told)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delete()

    def reset(self) -> None:
        """Makes the world anew from the body that created it."""
        self.told = self._call("POST", "/reset", {})

    def delete(self) -> None:
        """Forgets the world."""
        self._call("DELETE", "")

    def state(self) -> dict[str, int]:
        """How many rows each collection has."""
        counts: dict[str, int] = self._call("GET", "/state")
        return counts

    def now_ms(self) -> int:
        """World time in milliseconds since the epoch."""
        now_ms: int = self._call("GET", "/clock")["now_ms"]
        return now_ms

    def advance(self, by_ms: int) -> int:
        """Moves world time by `by_ms` milliseconds; returns the new now."""
        now_ms: int = self._call("POST", "/clock", {"advance_ms": by_ms})["now_ms"]
        return now_ms

    def until(self, instant_ms: int) -> int:
        """Moves world time to `instant_ms` unless that is past; returns the new now."""
        now_ms: int = self._call("POST", "/clock", {"until_ms": instant_ms})["now_ms"]
        return now_ms

    def journal(self, *, after: int = 0, channel: Channel | None = None) -> list[Entry]:
        """Attempts as the server saw them, with a greater `seq` than `after`."""
        query = urlencode({"after": after} | ({"channel": channel} if channel else {}))
        entries: list[Entry] = self._call("GET", f"/journal?{query}")["entries"]
        return entries

    def wait(self, match: Mapping[str, Any], *, count: int = 1, timeout_ms: int = 10_000) -> list[Entry]:
        """The matching entries, as soon as there are `count`. ControlError `wait_timed_out` after `timeout_ms`."""
        body = {"match": dict(match), "count": count, "timeout_ms": timeout_ms}
        timeout = timeout_ms / 1000 + TIMEOUT_SECONDS
        entries: list[Entry] = self._call("POST", "/journal/wait", body, timeout=timeout)["entries"]
        return entries

    def clear_journal(self) -> None:
        """Forgets all entries."""
        self._call("DELETE", "/journal")

    def fault(self, operation: str, **how: Any) -> str:
        """Sets a fault (`respond={…}`, `reset="after_commit"`, `cut_after=2`, `skip=1`, `times=2`, …); gives its id."""
        fault_id: str = self._call("POST", "/faults", {"operation": operation, **how})["id"]
        return fault_id

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are set, with what is left of them."""
        found: list[dict[str, Any]] = self._call("GET", "/faults")["faults"]
        return found

    def release(self, fault_id: str) -> None:
        """Lets go what a `hold` or `barrier` keeps."""
        self._call("POST", f"/faults/{fault_id}/release", {})

    def clear_faults(self) -> None:
        """Removes all faults."""
        self._call("DELETE", "/faults")

    def revoke_tokens(self, *, client_id: str | None = None, token_id: str | None = None) -> int:
        """Revokes a client's tokens, one token, or (neither given) all; returns how many."""
        named = {"client_id": client_id} if client_id else {"token_id": token_id} if token_id else {"all": True}
        revoked: int = self._call("POST", "/tokens/revoke", named)["revoked"]
        return revoked

    def object_bytes(self, object_id: str) -> bytes:
        """The stored ciphertext of an object."""
        return self._control._bytes("GET", f"{self._path}/objects/{quote(object_id, safe='')}")

    @property
    def _path(self) -> str:
        return f"/__mock__/worlds/{self.id}"

    def _call(self, method: str, path: str, body: Any = None, *, timeout: float = TIMEOUT_SECONDS) -> Any:
        return self._control._json(method, self._path + path, body, timeout=timeout)


@dataclass(frozen=True, slots=True)
class Ready:
    """The server's first line."""

    url: str
    ca: str | None
    token_url: str
    pid: int


class MockServer:
    """The command as a subprocess: started on entry, ended by its pid on exit.

    `arguments` are those of `admin-api-mock`; by default plain HTTP on a free port. Raises RuntimeError, with what the
    command said, if it does not come up.
    """

    def __init__(self, arguments: Sequence[str] = ("--port", "0", "--no-tls")) -> None:
        self._arguments = list(arguments)
        self._process: subprocess.Popen[str] | None = None
        self.ready: Ready

    @property
    def url(self) -> str:
        """The root URL."""
        return self.ready.url

    @property
    def control(self) -> Control:
        """The control plane."""
        return Control(self.ready.url, self.ready.ca)

    def start(self) -> Self:
        """Starts the command and waits for its ready line."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self._process = process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [sys.executable, "-m", "admin_api_mock", *self._arguments],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"admin-api-mock did not start: exit code {process.wait(START_SECONDS)}")
        self.ready = Ready(**json.loads(line))
        return self

    def stop(self) -> int:
        """Ends the command; its exit code."""
        process = self._process
        if process is None:
            return 0
        self._process = None
        process.terminate()
        try:
            code = process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        assert process.stdout is not None
        process.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
