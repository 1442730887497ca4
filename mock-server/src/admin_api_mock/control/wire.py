"""One request of the control plane: a connection of its own, a bound on the whole of it, a checked answer."""

from __future__ import annotations

import http.client
import io
import json
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from admin_api_mock.control._generated.operations import Call
from admin_api_mock.control.errors import ControlError

#: Longer than any answer takes, journal waits aside.
TIMEOUT_SECONDS = 30.0
#: A journal of a thousand bodies fits; an endless answer does not.
MAX_ANSWER_BYTES = 1024 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_EXCERPT_BYTES = 200
_MEDIA_TYPES = {"json": "application/json", "text": "application/yaml", "bytes": "application/octet-stream"}


class Wire:
    """Sends calls to the server at `url`; `ca` is the path of its CA certificate if it speaks TLS."""

    def __init__(self, url: str, ca: str | Path | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"{url!r} is not the root URL of a server, such as http://localhost:8443")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.hostname
        self._port = parts.port
        self._tls = ssl.create_default_context(cafile=ca or None) if parts.scheme == "https" else None

    def send(self, call: Call, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Any:
        """The answer, read as the call says.

        Raises:
            ControlError: it is a refusal, or none of the control plane's, or did not come in time.
        """
        until = time.monotonic() + timeout_seconds
        try:
            status, media_type, content = self._exchange(call, until, timeout_seconds)
        except TimeoutError:
            detail = f"{self.url} did not answer within {timeout_seconds:g} s."
            raise ControlError(call.operation, None, {"code": "timed_out", "detail": detail}) from None
        except (OSError, http.client.IncompleteRead) as error:
            detail = f"{self.url} cannot be reached ({error}). Is admin-api-mock running there?"
            raise ControlError(call.operation, None, {"code": "unreachable", "detail": detail}) from error
        except http.client.HTTPException as error:
            detail = f"What {self.url} answers is no HTTP ({error!r})."
            raise ControlError(call.operation, None, {"code": "unknown_answer", "detail": detail}) from error
        return _read(call, status, media_type, content)

    def _exchange(self, call: Call, until: float, timeout_seconds: float) -> tuple[int, str, bytes]:
        connection = (
            http.client.HTTPSConnection(self._host, self._port, timeout=timeout_seconds, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._host, self._port, timeout=timeout_seconds)
        )
        query = urlencode({name: value for name, value in call.query.items() if value is not None})
        headers = {"Connection": "close", "Accept-Encoding": "identity"}
        body = None
        if call.body is not None:
            body = json.dumps(call.body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.request(call.method, f"{call.path}?{query}" if query else call.path, body, headers)
            # Read here and not by http.client, whose timeout is one per read: a slow drip would have no end.
            received = _Received()
            while chunk := _receive(connection, until):
                received.content += chunk
                if len(received.content) > MAX_ANSWER_BYTES:
                    raise http.client.HTTPException("an answer without an end")
        finally:
            connection.close()
        answer = http.client.HTTPResponse(received, method=call.method)  # type: ignore[arg-type]  # it asks for makefile alone
        answer.begin()
        return answer.status, (answer.getheader("Content-Type") or "").partition(";")[0], answer.read()


class _Received:
    """What came, in the place of the socket that it came from."""

    def __init__(self) -> None:
        self.content = bytearray()

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self.content)


def _receive(connection: http.client.HTTPConnection, until: float) -> bytes:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.sock.settimeout(left)
    chunk: bytes = connection.sock.recv(_CHUNK_BYTES)
    return chunk


def _read(call: Call, status: int, media_type: str, content: bytes) -> Any:
    if status >= 300 and media_type == "application/problem+json":
        problem = _json(content)
        if isinstance(problem, dict) and isinstance(problem.get("code"), str):
            raise ControlError(call.operation, status, problem)
    if not 200 <= status < 300 or media_type != _MEDIA_TYPES.get(call.answer, ""):
        excerpt = content[:_EXCERPT_BYTES].decode("utf-8", "replace")
        raise _unknown(call, status, f"The answer is {media_type or 'nothing'}, not the control plane's: {excerpt!r}")
    match call.answer:
        case "json":
            return _checked(call, status, _json(content))
        case "text":
            return content.decode("utf-8", "replace")
        case "bytes":
            return content
        case "nothing":
            return None


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _checked(call: Call, status: int, answer: Any) -> Mapping[str, Any]:
    if not isinstance(answer, dict):
        raise _unknown(call, status, "The answer is no JSON object.")
    for name, kind in call.members.items():
        if not isinstance(answer.get(name), kind):
            raise _unknown(call, status, f"The answer's member {name!r} is missing or no {kind.__name__}.")
    return answer


def _unknown(call: Call, status: int, detail: str) -> ControlError:
    return ControlError(call.operation, status, {"code": "unknown_answer", "detail": detail})
