"""The load: so many keep-alive connections, each with one request under way, for so many seconds.

    load.py PORT CONNECTIONS STATUS

Every line on standard input is a measurement, `{"seconds", "request", "first"}`; its answer, `{"requests", "seconds",
"p50_ms", "p99_ms"}`, follows on standard output. Raw bytes and uvloop: the load must cost less than what it loads.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

#: Stands in a request for a number that no other request has.
NUMBER = b"0000000000"
#: A server that answers no more ends the measurement, with an error, so much later than it should have.
GRACE_SECONDS = 30
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Load:
    """One measurement: what to send, and what came of it."""

    def __init__(self, request: bytes, first: int, status: int, until: float) -> None:
        self._pieces = request.split(NUMBER)
        self._next = first
        self.status = status
        self.until = until
        self.latencies: list[float] = []
        self.error: str | None = None

    def request(self) -> bytes:
        """The next request."""
        if len(self._pieces) == 1:
            return self._pieces[0]
        self._next += 1
        return b"%010d".join(self._pieces) % ((self._next,) * (len(self._pieces) - 1))


class Connection(asyncio.Protocol):
    """One connection: sends a request as soon as the answer before it is whole."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._expect_answer()

    def _expect_answer(self) -> None:
        self._received = bytearray()
        self._size: int | None = None
        self._began = time.perf_counter()
        self._transport.write(self._load.request())

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._size is None:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._received, 0, end)
            if length is None:
                self._fail("an answer without Content-Length")
                return
            self._size = end + 4 + int(length[1])
        if len(self._received) < self._size:
            return
        if int(self._received[9:12]) != self._load.status:
            self._fail(bytes(self._received[:2000]).decode("utf-8", "replace"))
            return
        now = time.perf_counter()
        self._load.latencies.append(now - self._began)
        if now < self._load.until and self._load.error is None:
            self._expect_answer()
        else:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._fail(f"the server closed the connection: {exc}")

    def _fail(self, reason: str) -> None:
        self._load.error = reason
        self._end()

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        self._transport.close()


async def measure(port: int, connections: int, status: int, seconds: float, request: bytes, first: int) -> Load:
    """Runs one measurement, on connections of its own."""
    loop = asyncio.get_running_loop()
    load = Load(request, first, status, time.perf_counter() + seconds)
    async with asyncio.timeout(seconds + GRACE_SECONDS):
        made = [await loop.create_connection(lambda: Connection(load), "127.0.0.1", port) for _ in range(connections)]
        await asyncio.gather(*(protocol.done for _, protocol in made))
    return load


def main(port: str, connections: str, status: str) -> None:
    """Measures until standard input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        began = time.perf_counter()
        load = uvloop.run(
            measure(
                int(port), int(connections), int(status), asked["seconds"], asked["request"].encode(), asked["first"]
            )
        )
        took = time.perf_counter() - began
        if load.error is not None:
            sys.exit(f"load: {load.error}")
        ordered = sorted(load.latencies)
        found = {
            "requests": len(ordered),
            "seconds": took,
            "p50_ms": ordered[len(ordered) // 2] * 1e3,
            "p99_ms": ordered[len(ordered) * 99 // 100] * 1e3,
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
