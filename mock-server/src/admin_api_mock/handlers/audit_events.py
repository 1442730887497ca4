"""audit.events: the trail, listed, exported and streamed. Its order is the sequence; what is not kept is a 410."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from admin_api_mock import retention
from admin_api_mock.http import JSON, Answer
from admin_api_mock.instants import query_instant
from admin_api_mock.pages import page
from admin_api_mock.problems import Problem
from admin_api_mock.resources import gone_or_never
from admin_api_mock.store import Row, Where
from admin_api_mock.streams import ndjson, resume_place, server_sent

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.store.events import EventsTable
    from admin_api_mock.store.keyset import Key
    from admin_api_mock.transaction import Handler, Tx


def list_(tx: Tx, ctx: Context) -> Answer:
    events = _kept_events(tx)
    where = _filters(ctx)
    descending = ctx.query.get("sort") == "-sequence"

    def fetch(after: Key | None, limit: int) -> Sequence[Row]:
        # Downwards a page ends where the trail does; a cursor must only not come from below that.
        if after is not None and int(after[0]) < events.first_place() - (not descending):
            raise _expired(events)
        return events.page(where, after, limit, descending=descending)

    return page(ctx, fetch)


def get(tx: Tx, ctx: Context) -> Answer:
    doc = _kept_events(tx).get(ctx.path["event_id"])
    if doc is None:
        raise gone_or_never("event")
    return Answer(200, {"Content-Type": JSON}, doc)


def export(tx: Tx, ctx: Context) -> Answer:
    events = _kept_events(tx)
    after: str | None = ctx.query.get("after")
    place = events.place(after) if after is not None else None
    if after is not None and place is None and events.was_cut(after):
        raise _expired(events)
    place = resume_place(place, after)
    where = _filters(ctx)
    where.add("sequence <= ?", events.last_place())  # As of now: an export ends, however fast events come.

    def fetch(key: Key | None, limit: int) -> Sequence[Row]:
        return events.page(where, key, limit)

    return ndjson(ctx, fetch, place, lambda key: int(key[0]) >= events.first_place() - 1)


def stream(tx: Tx, ctx: Context) -> Answer:
    events = _kept_events(tx)
    last: str | None = ctx.header_params.get("last-event-id")
    place = events.last_place() if last is None else events.place(last)
    if place is None:
        raise _expired(events)
    return server_sent(ctx, Where(), place)


def _kept_events(tx: Tx) -> EventsTable:
    """The trail without what is too old by now."""
    retention.cut(tx.world)
    return tx.store.events


def _expired(events: EventsTable) -> Problem:
    detail = "The event to go on behind is not kept any more."
    return Problem("events_expired", detail, oldest_sequence=events.first_sequence())


def _filters(ctx: Context) -> Where:
    query = ctx.query
    where = Where()
    for name in ("actor_id", "token_id", "action", "outcome", "request_id"):
        where.equal(name, query.get(name))
    if "target_id" in query:
        where.add("sequence IN (SELECT sequence FROM event_targets WHERE target_id = ?)", query["target_id"])
    where.within("time_ms", query_instant(query, "occurred_after"), query_instant(query, "occurred_before"))
    return where


HANDLERS: Mapping[str, Handler] = {
    "audit.events.list": list_,
    "audit.events.get": get,
    "audit.events.export": export,
    "audit.events.stream": stream,
}
