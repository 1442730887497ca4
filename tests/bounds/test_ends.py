"""RETRY-9, PARITY-7: cancellation and `close` end a call in every state, at once, and free its connection."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from bounds.conftest import Callers, Tls, believable, got_there
from bounds.faults import FAULTS, Make, at
from bounds.peers import USER, Peers, first_page_only, head, problem, scripted, whole

#: When the call is ended: it is where it stays by then, however busy the machine.
AFTER_MS: Final = 250
#: "At once", on a busy machine; what is not ended goes on for `timeout`, or for `Retry-After`.
SOON_MS: Final = 2_500
LIMITS: Final = {"timeout": 20_000, "token_timeout": 20_000, "max_retries": 2}


@dataclass(frozen=True, slots=True)
class State:
    """Where a call is, and what is told of it when the client is closed."""

    make: Make
    outcome: str
    status: int | None = None
    kind: str = "get"
    unseen: bool = False
    """Whether the peer cannot see its client leave, or a runtime keeps a connection in reserve."""


BUSY: Final = whole(problem(503), "503 Busy", content_type="application/problem+json", more="retry-after: 50\r\n")
EXPORT: Final = head(content_type="application/x-ndjson") + USER + b"\n"

STATES: Final[Mapping[str, State]] = {
    "waiting for a token": State(FAULTS["a token endpoint that says nothing"].make, "not_sent"),
    "connecting": State(FAULTS["a full backlog"].make, "not_sent", unseen=True),
    "shaking hands": State(FAULTS["a handshake that stalls"].make, "not_sent", unseen=True),
    "waiting for a tunnel": State(FAULTS["a proxy that stalls in CONNECT"].make, "not_sent", unseen=True),
    "sending its body": State(FAULTS["a server that does not read"].make, "unknown", kind="send", unseen=True),
    "waiting for an answer": State(FAULTS["a server that accepts and says nothing"].make, "unknown"),
    "reading an answer": State(FAULTS["a stall in the body"].make, "committed", 200),
    "reading an error": State(FAULTS["a stall in an error"].make, "unknown", 500),
    "waiting to try again": State(at(scripted(BUSY)), "unknown", unseen=True),
    "between pages": State(at(first_page_only), "unknown", kind="pages", unseen=True),
    "in an export": State(at(scripted(EXPORT)), "not_sent", kind="stream"),
    "in an event stream": State(
        at(scripted(head(content_type="text/event-stream") + b":\n\n")), "not_sent", kind="events"
    ),
    "waiting to open a stream again": State(at(scripted(BUSY)), "unknown", kind="stream", unseen=True),
    "in a download": State(
        at(scripted(head(content_type="application/octet-stream", length=9) + b"age-")), "not_sent", kind="download"
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_a_cancelled_call_ends_at_once(name: str, peers: Peers, tls: Tls, callers: Callers) -> None:
    """RETRY-9: with asyncio's own CancelledError, or the very reason of the signal; no half file is left."""
    state = STATES[name]
    asked = {
        "kind": state.kind,
        **state.make(peers, tls),
        "limits": LIMITS,
        "act": {"do": "cancel", "after_ms": AFTER_MS},
    }
    before = peers.open_connections()
    for flavour, told in callers.call(asked, but=frozenset({"python-sync"})).items():
        assert (True, False, []) == (told.get("cancelled"), told["early"], told["files"]), flavour
        assert told["ms"] < SOON_MS, flavour
    assert state.unseen or _settles(peers, before)


@pytest.mark.parametrize("name", STATES)
def test_a_closed_client_ends_its_calls_at_once(name: str, peers: Peers, tls: Tls, callers: Callers) -> None:
    """PARITY-7: with `client_closed` in every flavour, and a true outcome."""
    state = STATES[name]
    asked = {
        "kind": state.kind,
        **state.make(peers, tls),
        "limits": LIMITS,
        "act": {"do": "close", "after_ms": AFTER_MS},
    }
    before = peers.open_connections()
    for flavour, told in callers.call(
        asked, until=lambda told: got_there(state.outcome, state.status, told["error"])
    ).items():
        error = told["error"]
        assert ("APIConnectionError", "client_closed") == (error["name"], error["code"]), flavour
        assert error["outcome"] in believable(state.outcome, flavour), flavour
        assert state.status == error["status"], flavour
        assert (False, []) == (told["early"], told["files"]), flavour
        assert told["ms"] < SOON_MS, flavour
    assert state.unseen or _settles(peers, before)


def _settles(peers: Peers, before: int) -> bool:
    """Whether all connections made since are gone, given a moment."""
    give_up = time.monotonic() + SOON_MS / 1000
    while peers.open_connections() > before:
        if time.monotonic() > give_up:
            return False
        time.sleep(0.01)  # real: the peers run in real time
    return True
