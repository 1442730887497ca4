"""The transaction phase: in-flight table, then one transaction of idempotency, handler, audit and own answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from admin_api_mock import audit, idempotency
from admin_api_mock.audit import Change, Record, Target
from admin_api_mock.http import Answer
from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.idempotency import Keyed

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: Statuses whose answer has no body in the document: no content, not modified, and the declared 501.
UNCHECKED = frozenset({204, 304, 501})


class Tx:
    """What a handler works with: the world's store, now, and the one event that its call will record."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.world = ctx.world
        self.store = ctx.world.store
        self.now_ms = ctx.world.clock.now_ms()
        #: The token whose secret the answer holds: the kept answer is sealed, and for ten minutes only.
        self.secret_of: str | None = None
        self._record: Record | None = None
        self._event_id: str | None = None
        self._dry_run = False

    @property
    def event_id(self) -> str:
        """Id of the event to be recorded, for rows that name it."""
        if self._event_id is None:
            self._event_id = self.world.ids.new("evt")
        return self._event_id

    @property
    def recorded(self) -> Record | None:
        """What `audit` was told."""
        return self._record

    @property
    def is_dry_run(self) -> bool:
        """Whether `dry_run` was called."""
        return self._dry_run

    def audit(
        self,
        *targets: Target,
        changes: Sequence[Change] = (),
        reason: str | None = None,
        action: str | None = None,
    ) -> None:
        """Says what the event of this call tells. Every handler of an audited operation calls it exactly once.

        `action` is another operation's, for a call that in the end does what that one does (SERVER-5, uploads).
        """
        assert self._record is None, "one mutation, one event"
        action = action or self.ctx.operation.audit
        assert action is not None, "the document says that this operation is not audited"
        self._record = Record(action, "success", targets, changes, reason)

    def dry_run(self) -> None:
        """Answers as the real call would; nothing is kept and nothing recorded."""
        self._dry_run = True

    def undo(self) -> None:
        """Takes back all that the handler did; nothing was written before it (`_run`)."""
        self.secret_of = None
        self.store.start_over()


Handler: TypeAlias = Callable[[Tx, "Context"], Answer]


def transactor(handler_of: Callable[[Context], Handler]) -> Callable[[Context], Awaitable[Answer]]:
    """Keeps the registry of handlers out of this room: `transact` bound to it."""

    async def transact(ctx: Context) -> Answer:
        request = idempotency.keyed(ctx)
        if request is None:
            await ctx.world.faults.hold(ctx)
            return _run(ctx, None, handler_of(ctx))
        with ctx.world.inflight.enter(request):
            await ctx.world.faults.hold(ctx)
            return _run(ctx, request, handler_of(ctx))

    return transact


def _run(ctx: Context, request: Keyed | None, handler: Handler) -> Answer:
    tx = Tx(ctx)
    if ctx.operation.method in SAFE_METHODS:
        return _read(tx, ctx, handler)  # One event-loop step sees one state: a read needs no transaction.
    store = ctx.world.store
    with store.transaction():
        if request is not None and (replay := idempotency.stored_answer(ctx, request)):
            return replay
        answer = _attempt(tx, ctx, handler)
        _check(ctx, answer)
        if request is not None:
            idempotency.keep(ctx, request, answer, tx.secret_of)
    if "Audit-Event-Id" in answer.headers:
        store.events.announce()
    return answer


def _read(tx: Tx, ctx: Context, handler: Handler) -> Answer:
    try:
        answer = handler(tx, ctx)
    except Problem as refusal:
        answer = _refusal(ctx, refusal)
    _check(ctx, answer)
    return answer


def _attempt(tx: Tx, ctx: Context, handler: Handler) -> Answer:
    """The handler's answer with its event, or its refusal with nothing of what it did (but a 403's denied event)."""
    try:
        answer = handler(tx, ctx)
    except Problem as refusal:
        tx.undo()
        answer = _refusal(ctx, refusal)
        if refusal.status == 403 and ctx.operation.audit is not None:
            answer.headers["Audit-Event-Id"] = _append(tx, audit.denied(ctx, refusal))
        return answer
    if tx.is_dry_run:
        tx.undo()
    elif tx.recorded is not None:
        answer.headers["Audit-Event-Id"] = _append(tx, tx.recorded)
    else:
        assert ctx.operation.audit is None, f"{ctx.operation.id} recorded no event"
    return answer


def _append(tx: Tx, record: Record) -> str:
    audit.append(tx.world, audit.event(tx.ctx, tx.event_id, record), tx.now_ms)
    return tx.event_id


def _refusal(ctx: Context, refusal: Problem) -> Answer:
    return refusal.answer(ctx.request_id, ctx.request.path)


def _check(ctx: Context, answer: Answer) -> None:
    """Our own answer against the document; a mistake of ours rolls everything back (RULES SERVER)."""
    if not isinstance(answer.body, bytes) or answer.status in UNCHECKED:
        return  # Streams are validated line by line.
    media_type = answer.headers.get("Content-Type", "")
    if media_type.endswith("json"):
        ctx.world.validation.check_answer_body(ctx.operation, answer.status, answer.body)
