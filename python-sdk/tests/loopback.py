"""Real servers on loopback for what only a socket can show: dripping, hanging, TLS. Each stops what it started."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import TypeAlias

import httpx

from .answers import answer

Handler: TypeAlias = Callable[[socket.socket, threading.Event], None]
"""Serves one connection until it is done or the event says that all is over."""


@contextlib.contextmanager
def serving(handle: Handler, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on a free port, one thread per connection; gives the port."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def connection(peer: socket.socket) -> None:
            with contextlib.suppress(OSError), peer:  # a client that hangs up is what these tests are about
                if tls is not None:
                    with tls.wrap_socket(peer, server_side=True, do_handshake_on_connect=False) as wrapped:
                        _shake_hands(wrapped)
                        handle(wrapped, over)
                else:
                    handle(peer, over)

        def accept() -> None:
            while not over.is_set():
                try:
                    peer, _ = listener.accept()
                except TimeoutError:
                    continue
                peer.settimeout(20)
                thread = threading.Thread(target=connection, args=(peer,))
                threads.append(thread)
                thread.start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            over.set()
            acceptor.join(20)
            for thread in threads:
                thread.join(20)


def _shake_hands(wrapped: ssl.SSLSocket) -> None:
    """Hears out a client whose handshake failed: hung up on at once, it might see a reset and never the alert."""
    try:
        wrapped.do_handshake()
    except ssl.SSLError:
        socket.socket.shutdown(wrapped, socket.SHUT_WR)
        while socket.socket.recv(wrapped, 65536):
            pass
        raise


def read_request(peer: socket.socket) -> bytes:
    """The head of a request, with what followed it so far."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = peer.recv(65536)
        if not chunk:
            raise ConnectionError("The client hung up.")
        received += chunk
    return received


def read_whole(peer: socket.socket) -> bytes:
    """A request with its body: hung up on before that is read, a client might see a reset and never the answer."""
    received = read_request(peer)
    head, _, _ = received.partition(b"\r\n\r\n")
    announced = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(received) < len(head) + 4 + int(announced[0] if announced else 0):
        chunk = peer.recv(65536)
        if not chunk:
            raise ConnectionError("The client hung up.")
        received += chunk
    return received


def dripping(head: bytes, pause: float = 0.03) -> Handler:
    """Answers the head at once and then one byte at a time, for ever."""

    def handle(peer: socket.socket, over: threading.Event) -> None:
        read_request(peer)
        peer.sendall(head)
        while not over.wait(pause):
            peer.sendall(b" ")

    return handle


def hanging(entered: threading.Event) -> Handler:
    """Takes the request and never answers."""

    def handle(peer: socket.socket, over: threading.Event) -> None:
        read_request(peer)
        entered.set()
        over.wait(20)

    return handle


def answering(*answers: bytes) -> Handler:
    """Answers each request of a connection in turn."""

    def handle(peer: socket.socket, over: threading.Event) -> None:
        for told in answers:
            read_whole(peer)
            peer.sendall(told)

    return handle


def api_answer(found: httpx.Response | None = None) -> bytes:
    """An answer as it goes over the wire; by default that of a user."""
    told = answer() if found is None else found
    head = "".join(f"{name}: {value}\r\n" for name, value in told.headers.items())
    return f"HTTP/1.1 {told.status_code} {told.reason_phrase}\r\n{head}\r\n".encode() + told.content
