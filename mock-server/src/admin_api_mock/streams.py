"""Streams: NDJSON exports read in keyset batches, and server-sent events with heartbeats. Each line is validated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import orjson

from admin_api_mock.authenticate import authenticate
from admin_api_mock.http import EVENT_STREAM, NDJSON, Answer
from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.store.keyset import Key, Row, Where

#: Rows per read: no read takes the event loop for long, none is one long transaction.
BATCH = 500


def ndjson(
    ctx: Context,
    fetch: Callable[[Key | None, int], Sequence[Row]],
    after: int | None,
    still_there: Callable[[Key], bool] = lambda key: True,
) -> Answer:
    """An export of what `fetch(after, limit)` gives, behind `after`, ended by `{"$end":{"count":N}}` (STREAM).

    Once something behind a key is not `still_there`, it stops without that end: no gap is silent.
    """
    return Answer(200, {"Content-Type": NDJSON}, _lines(ctx, fetch, after, still_there))


def resume_place(place: int | None, after: str | None) -> int | None:
    """Where an export goes on; 410 if it is told to go on behind something that never was."""
    if after is not None and place is None:
        raise Problem("resume_point_gone", "There is nothing of this id to go on behind; begin again without it.")
    return place


def server_sent(ctx: Context, where: Where, after: int) -> Answer:
    """Audit events behind `after`, then each as it is committed."""
    headers = {"Content-Type": EVENT_STREAM, "Cache-Control": "no-store"}
    return Answer(200, headers, _events(ctx, where, after))


async def _lines(
    ctx: Context,
    fetch: Callable[[Key | None, int], Sequence[Row]],
    after: int | None,
    still_there: Callable[[Key], bool],
) -> AsyncIterator[bytes]:
    key: Key | None = None if after is None else (after,)
    count = 0
    # Else the world has gone, or a part of what was to come; the missing end tells that this is not whole.
    while ctx.world.store.events.open and (key is None or still_there(key)):
        rows = fetch(key, BATCH)
        lines = [row[0] + b"\n" for row in rows]
        for row in rows:
            _check(ctx, row[0])
        if ctx.broken_by is None and lines:
            yield b"".join(lines)  # Nobody counts lines: one write for all of them.
        else:
            for line in lines:
                yield line
        count += len(rows)
        if len(rows) < BATCH:
            yield orjson.dumps({"$end": {"count": count}}) + b"\n"
            return
        key = rows[-1][1:]


async def _events(ctx: Context, where: Where, after: int) -> AsyncIterator[bytes]:
    events = ctx.world.store.events
    heartbeat_seconds = ctx.world.settings.heartbeat_ms / 1000
    while events.open:
        if after < events.first_place() - 1:
            return  # Overtaken by what is not kept any more: whoever comes back is told so (410).
        rows = events.page(where, (after,), BATCH)
        for row in rows:
            _check(ctx, row[0])
            yield b"id: " + orjson.loads(row[0])["id"].encode() + b"\ndata: " + row[0] + b"\n\n"
            after = row[1]
        if rows:
            continue
        if not await events.more(heartbeat_seconds):
            yield b": heartbeat\n\n"
        if events.open and not _still_welcome(ctx):
            return  # No `end`: with a new token the stream can go on.
    if events.gone:
        yield b"event: end\ndata: {}\n\n"


def _check(ctx: Context, doc: bytes) -> None:
    media = next(iter(ctx.operation.success.content.values()))
    assert media.pointer is not None, "a stream has a schema for its lines"
    ctx.world.validation.check_own(f"{ctx.operation.id} line", media.pointer, orjson.loads(doc))


def _still_welcome(ctx: Context) -> bool:
    try:
        authenticate(ctx)
    except Problem:
        return False
    return True
