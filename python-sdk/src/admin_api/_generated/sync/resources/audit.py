# Derived by make generate from _generated/resources/audit.py. Do not edit.
"""`client.audit`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ....operation import Op, Paging, Stream
from ....options import OMIT, Omit, RequestOptions
from ...models import audit as m
from ..resource import Resource, as_raw

if TYPE_CHECKING:
    from datetime import datetime

    from ..pagination import Pager
    from ..streaming import EventStream, ItemStream

_EVENTS_LIST: Op[m.AuditEvent] = Op(
    id="audit.events.list",
    method="GET",
    path="/api/v1/audit/events",
    returns=m.AuditEvent,
    scopes=("audit:read",),
    page=Paging(cursor="cursor", next_cursor="next_cursor", results="items"),
)

_EVENTS_GET: Op[m.AuditEvent] = Op(
    id="audit.events.get",
    method="GET",
    path="/api/v1/audit/events/{event_id}",
    returns=m.AuditEvent,
    scopes=("audit:read",),
)

_EVENTS_EXPORT: Op[m.AuditEvent] = Op(
    id="audit.events.export",
    method="GET",
    path="/api/v1/exports/audit-events",
    returns=m.AuditEvent,
    scopes=("audit:read",),
    stream=Stream(format="ndjson", terminator="$end", resume="after"),
)

_EVENTS_STREAM: Op[m.AuditEvent] = Op(
    id="audit.events.stream",
    method="GET",
    path="/api/v1/audit/stream",
    returns=m.AuditEvent,
    scopes=("audit:read",),
    stream=Stream(format="sse"),
)


class AuditResource(Resource):
    """The audit trail, complete and in order."""

    @cached_property
    def events(self) -> AuditEventsResource:
        """`audit.events`: list, get, export, stream."""
        return AuditEventsResource(self._caller)


class AuditEventsResource(Resource):
    """`audit.events`: list, get, export, stream."""

    def list(
        self,
        *,
        actor_id: str | Omit = OMIT,
        token_id: str | Omit = OMIT,
        action: str | Omit = OMIT,
        target_id: str | Omit = OMIT,
        outcome: m.AuditOutcome | str | Omit = OMIT,
        request_id: str | Omit = OMIT,
        occurred_after: datetime | str | Omit = OMIT,
        occurred_before: datetime | str | Omit = OMIT,
        sort: m.AuditSort | str | Omit = OMIT,
        limit: int | Omit = OMIT,
        cursor: str | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> Pager[m.AuditEvent]:
        """List audit events.

        Events in order of their sequence, which is the only order.

        Args:
            actor_id: Events of this actor. 1 to 64 characters.
            token_id: Events done with this token. 1 to 64 characters.
            action: Events of this action. 1 to 100 characters.
            target_id: Events on this target. 1 to 128 characters.
            outcome: Events that ended so.
            request_id: The events of this request. 1 to 128 characters.
            occurred_after: At this time or later. RFC 3339.
            occurred_before: Before this time. RFC 3339.
            sort: Order; `sequence` if left out.
            limit: Items per page, 1 to 500; 50 if left out. Outside of that: 422.
            cursor: A page's `next_cursor`; bound to the filters and the order of the list it came from. 1 to 2000
                characters.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            GoneError: 410. What the cursor or the id pointed at is no longer kept.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `audit:read`.
        """
        return self._pages(
            _EVENTS_LIST,
            query={
                "actor_id": actor_id,
                "token_id": token_id,
                "action": action,
                "target_id": target_id,
                "outcome": outcome,
                "request_id": request_id,
                "occurred_after": occurred_after,
                "occurred_before": occurred_before,
                "sort": sort,
                "limit": limit,
                "cursor": cursor,
            },
            options=options,
        )

    def get(self, event_id: str, *, options: RequestOptions | None = None) -> m.AuditEvent:
        """Get an audit event.

        One event.

        Args:
            event_id: Id of the event.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            NotFoundError: 404. There is no such thing.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `audit:read`.
        """
        return self._call(_EVENTS_GET, path={"event_id": event_id}, options=options)

    def export(
        self,
        *,
        actor_id: str | Omit = OMIT,
        token_id: str | Omit = OMIT,
        action: str | Omit = OMIT,
        target_id: str | Omit = OMIT,
        outcome: m.AuditOutcome | str | Omit = OMIT,
        request_id: str | Omit = OMIT,
        occurred_after: datetime | str | Omit = OMIT,
        occurred_before: datetime | str | Omit = OMIT,
        after: str | Omit = OMIT,
        options: RequestOptions | None = None,
    ) -> ItemStream[m.AuditEvent]:
        """Export audit events.

        All events in order of sequence, one JSON object per line; the last line is `{"$end":{"count":N}}`.

        Args:
            actor_id: Events of this actor. 1 to 64 characters.
            token_id: Events done with this token. 1 to 64 characters.
            action: Events of this action. 1 to 100 characters.
            target_id: Events on this target. 1 to 128 characters.
            outcome: Events that ended so.
            request_id: The events of this request. 1 to 128 characters.
            occurred_after: At this time or later. RFC 3339.
            occurred_before: Before this time. RFC 3339.
            after: Id of the last event received: the export goes on behind it. 1 to 64 characters.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            GoneError: 410. What the cursor or the id pointed at is no longer kept.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `audit:read`.
        """
        return self._items(
            _EVENTS_EXPORT,
            query={
                "actor_id": actor_id,
                "token_id": token_id,
                "action": action,
                "target_id": target_id,
                "outcome": outcome,
                "request_id": request_id,
                "occurred_after": occurred_after,
                "occurred_before": occurred_before,
                "after": after,
            },
            options=options,
        )

    def stream(
        self, *, last_event_id: str | Omit = OMIT, options: RequestOptions | None = None
    ) -> EventStream[m.AuditEvent]:
        """Stream audit events.

        New events as they are recorded, as server-sent events with the event id as `id`; `event: end` closes the
        stream for good. An id older than what is kept is a 410 `events_expired`, never a silent gap.

        Args:
            last_event_id: Id of the last event received: the stream goes on behind it. 1 to 64 characters.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            GoneError: 410. What the cursor or the id pointed at is no longer kept.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `audit:read`.
        """
        return self._events(_EVENTS_STREAM, headers={"Last-Event-ID": last_event_id}, options=options)

    @cached_property
    def with_raw_response(self) -> AuditEventsRaw:
        """The same calls, answering `RawResponse`."""
        return AuditEventsRaw(AuditEventsResource(self._raw()))


class AuditEventsRaw:
    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, attempts, key."""

    def __init__(self, resource: AuditEventsResource) -> None:
        self.get = as_raw(resource.get)
