"""SERVER-8: a request that is refused early is read on for a while, so that the answer arrives and not a reset."""

from __future__ import annotations

import socket

import pytest
from conftest import Raw

from admin_api_mock.http import MAX_DRAIN_BYTES

HEAD = b"Host: localhost\r\nAuthorization: Bearer notes:read,notes:write\r\nContent-Type: application/octet-stream\r\n"
PIECE = b"a" * 0x10000


@pytest.mark.parametrize("length", [b"Content-Length: 104857600\r\n\r\n", b"X: " + b"x" * 70_000 + b"\r\n\r\n"])
def test_what_still_comes_is_read(raw: Raw, length: bytes) -> None:
    """Up to a mebibyte: who sends on before looking finds the whole answer, and then an orderly end."""
    raw.send(b"PUT /notes/n1 HTTP/1.1\r\n", HEAD, length)
    for _ in range(MAX_DRAIN_BYTES // len(PIECE) - 1):
        raw.send(PIECE)
    raw.socket.shutdown(socket.SHUT_WR)
    came, end = raw.read()
    assert came.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 431 "))
    assert came.rstrip().endswith(b"}")
    assert "closed" == end


@pytest.mark.parametrize("length", [b"Content-Length: 1048576000\r\n\r\n", b"X: " + b"x" * 70_000 + b"\r\n\r\n"])
def test_and_no_more_than_that(raw: Raw, length: bytes) -> None:
    """Whoever goes on sending is cut off."""
    raw.send(b"PUT /notes/n1 HTTP/1.1\r\n", HEAD, length)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        raw.send(PIECE * 1024)
