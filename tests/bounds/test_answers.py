"""ERR: whatever a server answers, the caller gets an error of the SDK's own that says what is known, and is bounded."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from bounds.conftest import Callers
from bounds.peers import USER, Peer, Peers, bomb, ending, flooding, head, problem, whole

#: What a message may hold beside an excerpt: the operation, advice, the request id.
EXCERPT: Final = 500
AROUND: Final = 160
#: What a bounded answer may cost: the bound of 64 MiB, as parts and as a whole, and what one read unpacks to.
GROWTH_MB: Final = 260

PROBLEM: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of an answer. A code by flavour where a runtime tells less (PARITY-4)."""

    peer: Peer
    name: str
    code: str | Mapping[str, str]
    outcome: str
    status: int | None
    request_id: str | None = "req_1"
    kind: str = "create"


def broken(**by_flavour: str) -> Mapping[str, str]:
    """A code that Python names; fetch tells no more than that the connection was lost."""
    return {"node": "connection_lost", **by_flavour}


INVALID: Final = broken(python="invalid_answer")


def decode(peer: Peer, *, kind: str = "create", request_id: str | None = "req_1") -> Told:
    return Told(peer, "DecodeError", "decode_error", "committed", 200, request_id, kind)


def lost(peer: Peer, *, status: int | None = None, code: str | Mapping[str, str] = INVALID) -> Told:
    outcome, request_id = ("unknown", None) if status is None else ("committed", "req_1")
    return Told(peer, "APIConnectionError", code, outcome, status, request_id)


def refused(body: bytes, code: str, *, content_type: str = PROBLEM) -> Told:
    answer = whole(body, "422 Unprocessable Content", content_type=content_type)
    return Told(ending(answer), "UnprocessableEntityError", code, "refused", 422)


def unpacked(
    packed: bytes, *, encoding: str = "gzip", status: str = "200 OK", content_type: str = "application/json"
) -> Peer:
    return ending(head(status, content_type=content_type, more=f"content-encoding: {encoding}\r\n") + packed)


DEEP: Final = 100_000

ANSWERS: Final[Mapping[str, Told]] = {
    "JSON that is HTML": decode(ending(whole(b"<!doctype html>" + b"x" * 2_000))),
    "nothing": decode(ending(whole(b""))),
    "half a body": lost(ending(head(length=1_000) + USER), status=200),
    "half a chunk": lost(ending(head(more="transfer-encoding: chunked\r\n") + b"ff\r\n{"), status=200),
    "a chunk without a size": lost(ending(head(more="transfer-encoding: chunked\r\n") + b"zz\r\n{}"), status=200),
    "a success without end": Told(flooding(head(), b" " * 2**18), "DecodeError", "answer_too_large", "committed", 200),
    "an error without end": Told(
        flooding(head("500 Broken", content_type="text/plain"), b"x" * 2**16),
        "InternalServerError",
        "server_error",
        "unknown",
        500,
    ),
    "headers without end": lost(flooding(b"HTTP/1.1 200 OK\r\n", b"x: " + b"y" * 1_000 + b"\r\n")),
    "a header without end": lost(flooding(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 1_000)),
    "two lengths": lost(ending(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ")),
    "a length below zero": lost(ending(b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n{}")),
    "a NUL in a header": lost(ending(b"HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n")),
    "another protocol": lost(ending(b"SSH-2.0-OpenSSH_9.9\r\n")),
    "an upgrade": lost(ending(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")),
    "no answer": lost(ending(b"")),
    "gzip, a thousandfold": Told(unpacked(bomb(80)), "DecodeError", "answer_too_large", "committed", 200),
    "gzip in gzip, a millionfold": Told(
        unpacked(bomb(400, layers=2), encoding="gzip, gzip"),
        "APIConnectionError",
        "invalid_encoding",
        "committed",
        200,
    ),
    "an error of gzip, a thousandfold": Told(
        unpacked(bomb(80), status="500 Broken"), "InternalServerError", "server_error", "unknown", 500
    ),
    "an export of gzip, a thousandfold": decode(unpacked(bomb(80), content_type="application/x-ndjson"), kind="stream"),
    "gzip that is none": lost(
        ending(whole(b"{}", more="content-encoding: gzip\r\n")), status=200, code=broken(python="invalid_encoding")
    ),
    "half of gzip": decode(ending(whole(gzip.compress(USER * 20)[:-30], more="content-encoding: gzip\r\n"))),
    "UTF-16": decode(ending(whole(USER.decode().encode("utf-16"), content_type="application/json; charset=utf-16"))),
    "Latin-1": decode(
        ending(whole(USER.replace(b"alice", b"\xe9lice"), content_type="application/json; charset=latin-1"))
    ),
    "brackets without end": decode(ending(whole(b"[" * DEEP))),
    "brackets without end, untyped": decode(ending(whole(b"[" * DEEP)), kind="untyped"),
    "brackets without end, in an export": decode(
        ending(head(content_type="application/x-ndjson") + b'{"$end":' + b"[" * DEEP + b"\n"), kind="stream"
    ),
    "a problem of brackets without end": refused(b"[" * DEEP, "unprocessable"),
    "a problem of braces without end": refused(b'{"a":' * DEEP, "unprocessable"),
    "a problem in UTF-16": refused(problem(422, code="x").decode().encode("utf-16"), "unprocessable"),
    "a problem that is HTML": refused(b"<html>" + b"x" * 2_000, "unprocessable"),
    "a problem that is plain text": refused(problem(422, code="x"), "unprocessable", content_type="text/plain"),
    "a problem with long words": refused(problem(422, code="odd", detail="d" * 100_000), "odd"),
    "a problem with a long title": refused(problem(422, title="t" * 100_000), "unprocessable"),
    "a problem with odd members": refused(b'{"code":5,"detail":[],"title":{},"errors":7}', "unprocessable"),
    "a problem with half a character": refused(b'{"code":"odd","detail":"\\ud800"}', "odd"),
    "a redirect to nowhere": Told(
        ending(whole(b"", "302 Found", more="location: https://[::1\r\n")),
        "APIStatusError",
        "http_error",
        "refused",
        302,
    ),
    "a status beyond all": Told(ending(whole(b"", "799 Odd")), "InternalServerError", "server_error", "unknown", 799),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_told_of_an_answer(name: str, peers: Peers, callers: Callers) -> None:
    """ERR-1 to ERR-4: typed, with status and request id, a true outcome, an excerpt at most; nothing grows for ever."""
    expected = ANSWERS[name]
    asked = {"kind": expected.kind, "base_url": f"http://127.0.0.1:{peers.start(expected.peer)}"}
    limits = {"timeout": 30_000, "max_retries": 0}
    for flavour, told in callers.call({**asked, "limits": limits}).items():
        error = told["error"]
        language = flavour.partition("-")[0]
        named = (expected.name, expected.code if isinstance(expected.code, str) else expected.code[language])
        if flavour == "node" and named[1] == "invalid_encoding":
            named = ("DecodeError", "answer_too_large")  # fetch unpacks layer by layer, and what comes out is counted
        assert named == (error["name"], error["code"]), flavour
        assert (expected.outcome, 1) == (error["outcome"], error["attempts"]), flavour
        assert (expected.status, expected.request_id) == (error["status"], error["request_id"]), flavour
        assert len(error["message"]) <= EXCERPT + AROUND, flavour
        assert error["message"].startswith(f"{error['operation']}: "), flavour
        assert told["grown_mb"] < GROWTH_MB, flavour


def test_json_that_is_no_json_is_told_with_its_beginning(peers: Peers, callers: Callers) -> None:
    """ERR-2: what came instead is shown, as far as it helps."""
    page = json.dumps("<h1>Bad gateway</h1>").encode()
    asked = {"kind": "get", "base_url": f"http://127.0.0.1:{peers.start(ending(whole(page)))}"}
    for flavour, told in callers.call({**asked, "limits": {"timeout": 30_000, "max_retries": 0}}).items():
        assert "Bad gateway" in told["error"]["message"], flavour
