"""Answers that a fault breaks on their way: cut, stalled, dripped or malformed. All is committed by then."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING

from admin_api_mock.faults import Reset
from admin_api_mock.http import BODILESS, EVENT_STREAM, Answer
from admin_api_mock.malformed import FRAMINGS, OF_THE_HEAD, REWRITINGS

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.faults import Fault

LAST_CHUNK = b"0\r\n\r\n"
#: Heartbeats and the retry field of an event stream are no events.
_NO_EVENT = (b":", b"retry:")


async def send_broken(ctx: Context, answer: Answer, fault: Fault) -> tuple[str, bool]:
    """Sends an answer as the fault has it; its outcome, and whether the connection is to be closed now.

    Nothing that takes time is awaited behind the last byte: who has seen it finds the outcome. Raises Reset where the
    connection is to be reset.
    """
    if fault.kind == "malformed":
        return "malformed", await _send_malformed(ctx, answer, fault.spec["malformed"])
    with fault.busy() if fault.kind == "drip" else nullcontext():  # A stall counts whom it keeps by itself.
        await _send_in_parts(ctx, answer, fault)
    return ("response" if isinstance(answer.body, bytes) else "stream"), False


async def _send_in_parts(ctx: Context, answer: Answer, fault: Fault) -> None:
    wire, drip = ctx.request.wire, fault.spec.get("drip")
    # An answer that says how long it is goes as it is, though it may come in parts.
    chunked = not isinstance(answer.body, bytes) and "Content-Length" not in answer.headers
    head = wire.head(answer, b"Transfer-Encoding: chunked\r\n") if chunked else wire.head(answer)
    size = drip["bytes"] if drip and drip["part"] == "headers" else len(head)
    for piece in _dripped(head, size):
        await (_act(ctx, fault) if piece is None else wire.write(piece))
    has_body = _has_body(ctx, answer)
    events = answer.headers.get("Content-Type") == EVENT_STREAM
    async with aclosing(_items(answer, wanted=has_body)) as items, aclosing(_parts(items, fault, events)) as parts:
        async for part in parts:
            if part is None:
                await _act(ctx, fault)
            elif part:
                await wire.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
    if chunked and has_body:
        await wire.write(LAST_CHUNK)


async def _act(ctx: Context, fault: Fault) -> None:
    """What the fault does at its place in the answer."""
    if fault.kind == "drip":
        await ctx.world.faults.pause(fault, fault.spec["drip"]["every_ms"])
    elif fault.kind in ("stall_after", "stall_after_answer_bytes"):
        await ctx.world.faults.keep(fault, ctx)
    else:
        raise Reset


async def _parts(items: AsyncIterator[bytes], fault: Fault, events: bool) -> AsyncGenerator[bytes | None, None]:
    """The body in parts; None where the fault acts. A body that ends before its place is whole."""
    spec = fault.spec
    at_byte = spec.get("reset_after_answer_bytes", spec.get("stall_after_answer_bytes"))
    at_item = spec.get("cut_after", spec.get("stall_after"))
    drip = spec["drip"]["bytes"] if fault.kind == "drip" and spec["drip"]["part"] == "body" else None
    if at_byte == 0:
        yield None
    sent = counted = 0
    async for item in items:
        place: int | None = None
        if at_byte is not None and sent < at_byte <= sent + len(item):
            place = at_byte - sent
        elif at_item is not None and not (events and item.startswith(_NO_EVENT)):
            place = len(item) // 2 if counted == at_item else None
            counted += 1
        if drip is not None:
            if sent:
                yield None
            for piece in _dripped(item, drip):
                yield piece
        elif place is not None:
            yield item[:place]
            yield None
            yield item[place:]
        else:
            yield item
        sent += len(item)


def _dripped(data: bytes, size: int) -> Iterator[bytes | None]:
    """Pieces of a size, and None between two of them."""
    for start in range(0, len(data), size):
        if start:
            yield None
        yield data[start : start + size]


async def _items(answer: Answer, *, wanted: bool) -> AsyncGenerator[bytes, None]:
    """The body's lines, events or parts, one if it is whole; the source of a stream is closed in every case."""
    if isinstance(answer.body, bytes):
        if wanted:
            yield answer.body
        return
    try:
        if wanted:
            async for item in answer.body:
                yield item
    finally:
        close = getattr(answer.body, "aclose", None)
        if close is not None:
            await close()


async def _send_malformed(ctx: Context, answer: Answer, kind: str) -> bool:
    """Sends an answer that is wrong in this way; whether the connection is to be closed."""
    body = answer.body
    if not isinstance(body, bytes):
        async with aclosing(_items(answer, wanted=_has_body(ctx, answer) and kind not in OF_THE_HEAD)) as items:
            body = await anext(items, b"")
    wire, rewrite = ctx.request.wire, REWRITINGS.get(kind)
    if rewrite is None:
        answer.headers.pop("Content-Length", None)
        frame = FRAMINGS[kind](wire.head(answer), body)
        await wire.write(frame.head + (frame.body if _has_body(ctx, answer) else b"") + frame.excess)
        return frame.closes
    ctx.answer = wrong = rewrite(answer, body)
    assert isinstance(wrong.body, bytes), "what is rewritten is no stream"
    if wrong.status not in BODILESS:
        wrong.headers["Content-Length"] = str(len(wrong.body))
    await wire.write(wire.head(wrong) + (wrong.body if _has_body(ctx, wrong) else b""))
    return False


def _has_body(ctx: Context, answer: Answer) -> bool:
    return ctx.request.method != "HEAD" and answer.status not in BODILESS
