"""What may go wrong so that a call has to be ended by the clock, and what is to be believed of it afterwards."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from bounds.conftest import Tls
from bounds.peers import (
    Peer,
    Peers,
    dripping,
    dripping_handshake,
    flooding,
    head,
    problem,
    request_head,
    scripted,
    silent,
    slow_reader,
    unread,
    whole,
)

Make: TypeAlias = Callable[[Peers, Tls], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, as the options of a client and the call to make."""

    make: Make
    outcome: str
    """What became of the call: `not_sent`, `unknown` or `committed`."""
    status: int | None = None
    """Of the answer that began."""
    once: bool = False
    """Whether another attempt would end otherwise."""


def at(peer: Peer, **more: Any) -> Make:
    """A server like that."""
    return lambda peers, _: {"base_url": f"http://127.0.0.1:{peers.start(peer, **more)}"}


def by_tls(peer: Peer) -> Make:
    """A server like that, once hands are shaken."""

    def make(peers: Peers, tls: Tls) -> dict[str, Any]:
        return {"base_url": f"https://localhost:{peers.start(peer, tls=tls.context)}", "ca": tls.bundle}

    return make


def in_handshake(peer: Callable[[Tls], Peer]) -> Make:
    """A server that is like that instead of shaking hands."""

    def make(peers: Peers, tls: Tls) -> dict[str, Any]:
        return {"base_url": f"https://localhost:{peers.start(peer(tls))}", "ca": tls.bundle}

    return make


def through(peer: Peer) -> Make:
    """A proxy that is like that when asked for a tunnel."""

    def make(peers: Peers, tls: Tls) -> dict[str, Any]:
        proxy = f"http://127.0.0.1:{peers.start(peer)}"
        return {"base_url": "https://localhost:8443", "proxy": proxy, "ca": tls.bundle}

    return make


def with_tokens(endpoint: Peer, api: Peer = silent) -> Make:
    """A token endpoint like that, and an API."""

    def make(peers: Peers, _: Tls) -> dict[str, Any]:
        return {
            "base_url": f"http://127.0.0.1:{peers.start(api)}",
            "token_url": f"http://127.0.0.1:{peers.start(endpoint)}/token",
            "client_id": "client",
            "client_secret": "secret",
        }

    return make


def sending(make: Make) -> Make:
    """The same, met by a call with a body that no buffer holds."""
    return lambda peers, tls: {**make(peers, tls), "kind": "send"}


def tokens(*values: str) -> Peer:
    """A token endpoint that gives one after the other, over and over, to each connection."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for value in itertools.cycle(values):
            await request_head(reader)
            writer.write(whole(b'{"access_token":"%s","token_type":"bearer"}' % value.encode()))

    return peer


REFUSED: Final = whole(problem(401), "401 Unauthorized", more='www-authenticate: Bearer error="invalid_token"\r\n')
_ENDLESS: Final = 1_000_000

FAULTS: Final[Mapping[str, Fault]] = {
    "a server that accepts and says nothing": Fault(at(silent), "unknown"),
    "a stall in the head": Fault(at(scripted(head()[:20])), "unknown"),
    "a stall in the body": Fault(at(scripted(head(length=_ENDLESS) + b"{")), "committed", 200),
    "a stall in an error": Fault(at(scripted(head("500 Broken", length=_ENDLESS))), "unknown", 500),
    "a head that drips": Fault(at(dripping(b"HTTP/1.1 200 OK\r\nx: ", b"y")), "unknown"),
    "a body that drips": Fault(at(dripping(head(length=_ENDLESS))), "committed", 200),
    "an error that drips": Fault(at(dripping(head("500 Broken", length=_ENDLESS))), "unknown", 500),
    "interim answers without end": Fault(
        at(flooding(b"", b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n")), "unknown"
    ),
    "a full backlog": Fault(lambda peers, _: {"base_url": f"http://127.0.0.1:{peers.deaf()}"}, "not_sent"),
    "a handshake that stalls": Fault(in_handshake(lambda _: silent), "not_sent"),
    "a handshake that drips": Fault(in_handshake(lambda tls: dripping_handshake(tls.context)), "not_sent"),
    "a body that drips through TLS": Fault(by_tls(dripping(head(length=_ENDLESS))), "committed", 200),
    "a proxy that stalls in CONNECT": Fault(through(silent), "not_sent"),
    "a proxy that drips in CONNECT": Fault(through(dripping(b"HTTP/1.1 200 OK\r\nx: ", b"y")), "not_sent"),
    "a server that does not read": Fault(sending(at(unread, small_buffer=True)), "unknown"),
    "a server that reads slowly": Fault(sending(at(slow_reader, small_buffer=True)), "unknown"),
    "a token endpoint that says nothing": Fault(with_tokens(silent), "not_sent"),
    "a token endpoint that drips": Fault(with_tokens(dripping(head(length=_ENDLESS))), "not_sent"),
    "a stall after a refused token": Fault(
        with_tokens(tokens("first", "second"), scripted(REFUSED)), "unknown", once=True
    ),
}
