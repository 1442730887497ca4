"""Exports and event streams: nothing lost, nothing twice, nothing half (STREAM)."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import pytest

from admin_api import (
    APITimeoutError,
    DecodeError,
    GoneError,
    InternalServerError,
    RequestOptions,
    StreamInterruptedError,
)

from .answers import problem, user
from .conftest import Wire
from .flavours import LOST, Chunks, Flavour
from .loopback import read_request, serving


def line(number: int) -> bytes:
    return json.dumps(user(number)).encode() + b"\n"


def end(count: int) -> bytes:
    return json.dumps({"$end": {"count": count}}).encode() + b"\n"


def export(*chunks: bytes | Exception) -> httpx.Response:
    headers = {"content-type": "application/x-ndjson", "x-request-id": "req_1"}
    return httpx.Response(200, headers=headers, stream=Chunks(*chunks))


def sse(*chunks: bytes | Exception) -> httpx.Response:
    headers = {"content-type": "text/event-stream", "x-request-id": "req_1"}
    return httpx.Response(200, headers=headers, stream=Chunks(*chunks))


def event(number: int) -> bytes:
    document: dict[str, Any] = {
        "specversion": "1.0", "id": f"evt_{number}", "source": "s", "type": "admin.users.create", "subject": None,
        "time": "2026-01-01T00:00:00Z", "datacontenttype": "application/json", "sequence": f"{number:020}",
        "recordedtime": "2026-01-01T00:00:00Z", "authtype": "user", "authid": "usr_1", "correlationid": "req_1",
        "data": {
            "action": "users.create", "outcome": "success", "reason": None, "targets": [], "changes": [],
            "actor": {"type": "user", "id": "usr_1", "name": None, "token_id": None},
            "context": {"ip": None, "user_agent": None, "request_id": "req_1"},
        },
    }  # fmt: skip
    return f"id: evt_{number}\nevent: audit\ndata: {json.dumps(document)}\n\n".encode()


async def ids(flavour: Flavour, stream: Any) -> list[str]:
    return [item.id for item in await flavour.collect(stream)]


def users(*numbers: int) -> list[str]:
    return [f"usr_{number}" for number in numbers]


def events(*numbers: int) -> list[str]:
    return [f"evt_{number}" for number in numbers]


WHOLE = line(1) + line(2) + line(3) + end(3)


async def test_an_export_to_its_end(flavour: Flavour, wire: Wire) -> None:
    """STREAM: items are typed and in order; the last line is not delivered; the connection is freed."""
    answer = export(WHOLE)
    wire.answers(answer)
    stream = flavour.client().users.export(role="admin")
    assert users(1, 2, 3) == await ids(flavour, stream)
    assert "usr_3" == stream.last_id
    request = wire.requests[0]
    assert ("role=admin", "application/x-ndjson, application/problem+json", "identity") == (
        request.url.query.decode(),
        request.headers["accept"],
        request.headers["accept-encoding"],
    )
    assert isinstance(answer.stream, Chunks)
    assert answer.stream.closed


@pytest.mark.parametrize("cut", range(0, len(WHOLE), 7))
async def test_an_export_cut_anywhere(flavour: Flavour, wire: Wire, cut: int) -> None:
    """STREAM: wherever the connection is lost, resuming with `after` loses nothing, doubles nothing, halves nothing."""
    rest = {0: (1, 2, 3), 1: (2, 3), 2: (3,), 3: ()}
    delivered = WHOLE[:cut].count(b"\n")
    wire.answers(
        export(WHOLE[:cut], LOST), export(b"".join(line(number) for number in rest[delivered]), end(3 - delivered))
    )
    clock = flavour.clock()
    stream = flavour.client(clock=clock).users.export()
    assert users(1, 2, 3) == await ids(flavour, stream)
    after = {0: None, 1: "usr_1", 2: "usr_2", 3: "usr_3"}[delivered]
    assert after == wire.requests[1].url.params.get("after")
    assert [0.5] == clock.sleeps


@pytest.mark.parametrize("tail", [b"", line(2)[:-1], line(2)[:20], b'{"$end":{"count":1}}'])
async def test_an_export_that_just_stops_is_interrupted(flavour: Flavour, wire: Wire, tail: bytes) -> None:
    """STREAM: EOF before the last line, or a last line without LF, is an interruption; the partial line is dropped."""
    wire.answers(export(line(1) + tail), export(line(2) + end(1)))
    assert users(1, 2) == await ids(flavour, flavour.client().users.export())
    assert "usr_1" == wire.requests[1].url.params["after"]


async def test_an_item_that_looks_like_the_end(flavour: Flavour, wire: Wire) -> None:
    """STREAM: the last line is an object whose one member is `$end`; an item that merely mentions it is an item."""
    odd = json.dumps({"$end": "x"} | user(1)).encode() + b"\n"
    wire.answers(export(odd + line(2) + end(2)))
    assert users(1, 2) == await ids(flavour, flavour.client().users.export())


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\r", b"\n\n", b"\n  \n"])
async def test_lines_of_any_kind(flavour: Flavour, wire: Wire, separator: bytes) -> None:
    """STREAM: LF, CR, CRLF and blank lines, in any chunks, after a BOM."""
    body = b"\xef\xbb\xbf" + WHOLE.replace(b"\n", separator)
    wire.answers(export(*(body[i : i + 11] for i in range(0, len(body), 11))))
    assert users(1, 2, 3) == await ids(flavour, flavour.client().users.export())


async def test_progress_resets_the_counter(flavour: Flavour, wire: Wire) -> None:
    """STREAM: the attempt counter returns to zero with each delivered item."""
    cuts = [export(line(number), LOST) for number in range(1, 7)]
    wire.answers(*cuts, export(end(0)))
    clock = flavour.clock()
    assert users(1, 2, 3, 4, 5, 6) == await ids(flavour, flavour.client(clock=clock, max_retries=1).users.export())
    assert [0.5] * 6 == clock.sleeps


async def test_fruitless_reconnects_come_to_an_end(flavour: Flavour, wire: Wire) -> None:
    """STREAM: more than `max_retries` fruitless reconnects in a row: StreamInterruptedError with the last id."""
    wire.answers(export(line(1), LOST), export(LOST), export(LOST), export(LOST), export(LOST))
    clock = flavour.clock()
    stream = flavour.client(clock=clock).users.export()
    with pytest.raises(StreamInterruptedError) as raised:
        await flavour.collect(stream)
    assert ("usr_1", "unknown", True, "users.export") == (
        raised.value.last_id,
        raised.value.outcome,
        raised.value.retryable,
        raised.value.operation,
    )
    assert (3, [0.5, 1.0]) == (len(wire.requests), clock.sleeps)


async def test_refused_reconnects_count_as_fruitless(flavour: Flavour, wire: Wire) -> None:
    """STREAM: a reconnect that is answered 503 again and again is fruitless too, and not retried twice over."""
    wire.answers(export(line(1), LOST), *[problem(503, "service_unavailable")] * 9)
    with pytest.raises(StreamInterruptedError) as raised:
        await flavour.collect(flavour.client().users.export())
    assert ("usr_1", 3) == (raised.value.last_id, len(wire.requests))


async def test_a_first_open_that_fails_is_its_own_error(flavour: Flavour, wire: Wire) -> None:
    """STREAM: a stream that never opened was not interrupted."""
    wire.answers(*[problem(503, "service_unavailable")] * 3)
    with pytest.raises(InternalServerError):
        await flavour.collect(flavour.client().users.export())
    assert 3 == len(wire.requests)


async def test_a_resume_point_that_is_gone_is_final(flavour: Flavour, wire: Wire) -> None:
    """STREAM: 410 on a reconnect is final: there is a gap, and it is told."""
    wire.answers(export(line(1), LOST), problem(410, "resume_point_gone"))
    with pytest.raises(GoneError):
        await flavour.collect(flavour.client().users.export())


@pytest.mark.parametrize("bad", [b"{}\n", b"not json\n", b'{"id": 7}\n', b"[]\n", line(2).replace(b"user2", b"\xff")])
async def test_an_item_that_is_broken(flavour: Flavour, wire: Wire, bad: bytes) -> None:
    """STREAM: an item that is not as the document says is a DecodeError; the connection is closed."""
    answer = export(line(1) + bad + line(2))
    wire.answers(answer)
    with pytest.raises(DecodeError):
        await flavour.collect(flavour.client().users.export())
    assert isinstance(answer.stream, Chunks)
    assert answer.stream.closed
    assert 1 == len(wire.requests)


async def test_a_line_without_end(flavour: Flavour, wire: Wire) -> None:
    """STREAM: a line over 16 MiB is a DecodeError, and memory stays bounded."""
    answer = export(*[b"x" * (1 << 20)] * 20)
    wire.answers(answer)
    with pytest.raises(DecodeError, match="longer than 16777216"):
        await flavour.collect(flavour.client().users.export())
    assert isinstance(answer.stream, Chunks)
    assert answer.stream.closed


@pytest.mark.parametrize("how", ["close", "context"])
async def test_closing_early_frees_the_connection(flavour: Flavour, wire: Wire, how: str) -> None:
    """STREAM: who stops early, by `close()` or the end of a `with`, frees the connection at once."""
    answer = export(WHOLE)
    wire.answers(answer)
    stream = flavour.client().users.export()
    assert isinstance(answer.stream, Chunks)
    iterator = aiter(stream) if flavour.is_async else iter(stream)
    if how == "close":
        await flavour.take(iterator)
        assert not answer.stream.closed
        await flavour.settle(stream.close())
    elif flavour.is_async:
        async with stream as opened:
            assert opened is stream
            await flavour.take(iterator)
    else:
        with stream as opened:
            assert opened is stream
            await flavour.take(iterator)
    assert answer.stream.closed
    assert "usr_1" == stream.last_id
    await flavour.settle(stream.close())


async def test_options_of_a_stream(flavour: Flavour, wire: Wire) -> None:
    """CONF: headers and query of the options go with every connection, `max_retries` counts its reconnects."""
    wire.answers(export(LOST), export(line(1) + end(1)))
    options = RequestOptions(headers={"X-Trace": "t"}, query={"extra": "1"}, max_retries=1)
    assert users(1) == await ids(flavour, flavour.client(max_retries=0).users.export(options=options))
    assert [("t", "1")] * 2 == [(one.headers["x-trace"], one.url.params["extra"]) for one in wire.requests]


async def test_events_until_their_end(flavour: Flavour, wire: Wire) -> None:
    """STREAM: events are typed; heartbeats are not delivered; `event: end` ends the stream."""
    wire.answers(sse(event(1), b": heartbeat\n\n", event(2), b"event: end\ndata: {}\n\n"))
    stream = flavour.client().audit.events.stream()
    assert events(1, 2) == await ids(flavour, stream)
    assert "evt_2" == stream.last_id
    assert "text/event-stream, application/problem+json" == wire.requests[0].headers["accept"]


async def test_events_resume_behind_the_last(flavour: Flavour, wire: Wire) -> None:
    """STREAM: SSE resumes with Last-Event-ID; an event that never ended is dropped and comes again."""
    wire.answers(sse(event(1), event(2)[:-1], LOST), sse(event(2)), sse(event(3), b"event: end\n\n"))
    assert events(1, 2, 3) == await ids(flavour, flavour.client().audit.events.stream())
    assert [None, "evt_1", "evt_2"] == [one.headers.get("last-event-id") for one in wire.requests]


async def test_events_begin_where_told(flavour: Flavour, wire: Wire) -> None:
    """STREAM: `last_event_id` of the caller is sent at first, then the last one delivered."""
    wire.answers(sse(LOST), sse(event(8), LOST), sse(b"event: end\n\n"))
    assert events(8) == await ids(flavour, flavour.client().audit.events.stream(last_event_id="evt_7"))
    assert ["evt_7", "evt_7", "evt_8"] == [one.headers.get("last-event-id") for one in wire.requests]


async def test_no_content_is_the_end_of_events(flavour: Flavour, wire: Wire) -> None:
    """STREAM: a 204 says that there is no more."""
    wire.answers(sse(event(1), LOST), httpx.Response(204))
    assert events(1) == await ids(flavour, flavour.client().audit.events.stream())


@pytest.mark.parametrize("retry, pause", [(b"3000", 3.0), (b"100", 0.5), (b"60000", 8.0), (b"soon", 0.5)])
async def test_retry_raises_the_floor(flavour: Flavour, wire: Wire, retry: bytes, pause: float) -> None:
    """STREAM: `retry:` raises the backoff's floor, never over its cap."""
    wire.answers(sse(b"retry: " + retry + b"\n\n" + event(1), LOST), sse(b"event: end\n\n"))
    clock = flavour.clock()
    await flavour.collect(flavour.client(clock=clock).audit.events.stream())
    assert [pause] == clock.sleeps


async def test_events_older_than_what_is_kept(flavour: Flavour, wire: Wire) -> None:
    """STREAM: 410 is final, and says what is the oldest; never a silent gap."""
    wire.answers(sse(event(1), LOST), problem(410, "events_expired", oldest_sequence="00000000000000000042"))
    with pytest.raises(GoneError) as raised:
        await flavour.collect(flavour.client().audit.events.stream())
    assert ("events_expired", "00000000000000000042") == (
        raised.value.code,
        (raised.value.problem or {})["oldest_sequence"],
    )


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Scripted:
    """A server of events: per connection what to send, with pauses between; keeps the heads of requests."""

    def __init__(self, *connections: list[bytes | float]) -> None:
        self.heads: list[bytes] = []
        self._connections = iter(connections)

    def __call__(self, peer: Any, over: threading.Event) -> None:
        self.heads.append(read_request(peer))
        peer.sendall(HEAD)
        for step in next(self._connections):
            if isinstance(step, float):
                over.wait(step)
            else:
                peer.sendall(chunk(step))


END = b"event: end\n\n"


async def test_the_timeout_of_an_attempt_does_not_bound_a_stream(flavour: Flavour) -> None:
    """RETRY-6: for a streamed answer `timeout` counts to the last header byte; a pause later on breaks nothing."""
    server = Scripted([event(1), 0.5, event(2), END])
    with serving(server) as port:
        client = flavour.client(base_url=f"http://127.0.0.1:{port}", timeout=0.2)
        assert events(1, 2) == await ids(flavour, client.audit.events.stream())
        await flavour.settle(client.close())
    assert 1 == len(server.heads)


async def test_silence_breaks_a_stream_of_events(flavour: Flavour) -> None:
    """STREAM: *liveness*: a connection without a byte for so long counts as lost, and the stream resumes."""
    server = Scripted([event(1), 5.0], [event(2), END])
    with serving(server) as port:
        client = flavour.client(base_url=f"http://127.0.0.1:{port}")
        stream = client.audit.events.stream()
        stream.liveness = 0.15
        assert events(1, 2) == await ids(flavour, stream)
        await flavour.settle(client.close())
    assert b"last-event-id: evt_1\r\n" in server.heads[1].lower()


async def test_a_heartbeat_is_a_sign_of_life(flavour: Flavour) -> None:
    """STREAM: liveness counts any byte, heartbeats too."""
    beats: list[bytes | float] = [b":\n\n", 0.1] * 5
    server = Scripted([event(1), *beats, event(2), END])
    with serving(server) as port:
        client = flavour.client(base_url=f"http://127.0.0.1:{port}")
        stream = client.audit.events.stream()
        stream.liveness = 0.3
        assert events(1, 2) == await ids(flavour, stream)
        await flavour.settle(client.close())
    assert 1 == len(server.heads)


async def test_silence_of_an_export_is_a_timeout(flavour: Flavour) -> None:
    """STREAM: `idle_timeout` without an item raises APITimeoutError."""
    server = Scripted([line(1), 5.0])
    with serving(server) as port:
        client = flavour.client(base_url=f"http://127.0.0.1:{port}")
        stream = client.users.export()
        stream.idle_timeout = 0.15
        with pytest.raises(APITimeoutError) as raised:
            await flavour.collect(stream)
        await flavour.settle(client.close())
    assert ("idle_timeout", "usr_1") == (raised.value.code, stream.last_id)


async def test_idle_counts_events_not_heartbeats() -> None:
    """STREAM: `idle_timeout` counts events: heartbeats prove the line, not that there is something to read."""
    import time

    from admin_api import AdminClient

    beats: list[bytes | float] = [b":\n\n", 0.05] * 60
    server = Scripted([event(1), *beats])
    with serving(server) as port, AdminClient(base_url=f"http://127.0.0.1:{port}", token="t") as client:
        stream = client.audit.events.stream()
        stream.idle_timeout = 0.2
        began = time.monotonic()
        with pytest.raises(APITimeoutError) as raised:
            list(stream)
        assert time.monotonic() - began < 2.0
    assert "idle_timeout" == raised.value.code
