"""THE list of phases a request goes through, first to last. The first that gives an answer ends the way in."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from admin_api_mock.faults import Reset
from admin_api_mock.http import JSON, Answer, BodyTooLarge
from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.control.routes import ControlPlane
    from admin_api_mock.cors import Cors
    from admin_api_mock.document import Document
    from admin_api_mock.domain import Domain
    from admin_api_mock.guards import Guards
    from admin_api_mock.routing import Router
    from admin_api_mock.validation import Validation
    from admin_api_mock.worlds import Worlds


@dataclass(frozen=True, slots=True)
class Frame:
    """What the phases work with: everything that is not of one request."""

    document: Document
    router: Router
    validation: Validation
    worlds: Worlds
    guards: Guards
    #: None = no page of another origin may call.
    cors: Cors | None
    control: ControlPlane
    domain: Domain


SANE_REQUEST_ID = re.compile(r"[\x21-\x7E]{1,128}")


async def guard(frame: Frame, ctx: Context) -> Answer | None:
    frame.guards.check(ctx.request)
    return None


async def preflight(frame: Frame, ctx: Context) -> Answer | None:
    return frame.cors.preflight(ctx.request) if frame.cors else None


async def control(frame: Frame, ctx: Context) -> Answer | None:
    if not ctx.request.path.startswith("/__mock__/"):
        return None
    if not frame.guards.loopback:
        raise Problem("not_found", "There is nothing at this path.")
    return await frame.control.answer(ctx.request)


async def world(frame: Frame, ctx: Context) -> Answer | None:
    found = frame.worlds.find(ctx.request.raw_path)
    if found is None:
        raise Problem("not_found", "There is no such world.")
    ctx.world, ctx.request.path = found
    if not ctx.request_id:
        ctx.request_id = ctx.world.new_request_id()
    return None


async def journal(frame: Frame, ctx: Context) -> Answer | None:
    ctx.entry = ctx.world.journal.arrived(ctx.request)
    return None


async def route(frame: Frame, ctx: Context) -> Answer | None:
    operation, ctx.path = frame.router.match(ctx.request.method, ctx.request.path)
    ctx.operation = operation
    ctx.entry.operation = operation.id
    ctx.entry.channel = operation.channel
    return None


async def body(frame: Frame, ctx: Context) -> Answer | None:
    stop_after = ctx.world.faults.body_bytes(ctx)
    limit = ctx.operation.max_body_bytes
    try:
        await ctx.request.read(limit, stop_after=stop_after)
    except BodyTooLarge:
        documented = ctx.operation.responses.get("413")
        headers = documented.fixed_headers if documented else None
        raise Problem("payload_too_large", f"A body may have {limit} bytes.", headers=headers) from None
    ctx.world.journal.read(ctx.entry, ctx.request)
    if stop_after is not None:
        raise Reset
    return None


async def fault_before(frame: Frame, ctx: Context) -> Answer | None:
    return await ctx.world.faults.before(ctx) if ctx.world.faults else None


async def authenticate(frame: Frame, ctx: Context) -> Answer | None:
    if ctx.operation.scopes:
        ctx.principal = frame.domain.authenticate(ctx)
    return None


async def count(frame: Frame, ctx: Context) -> Answer | None:
    subject = ctx.principal.id if ctx.principal else ctx.request.client or ""
    ctx.standing = ctx.world.limiter.take(subject, ctx.world.clock.now_ms())
    if not ctx.standing.allowed:
        retry_after = {"Retry-After": str(ctx.standing.reset_seconds)}
        raise Problem("rate_limited", "The quota of this window is used up.", headers=retry_after)
    return None


async def authorise(frame: Frame, ctx: Context) -> Answer | None:
    if ctx.principal is None or any(scopes <= ctx.principal.scopes for scopes in ctx.operation.scopes):
        return None
    needed = sorted(ctx.operation.scopes[0])
    missing = [scope for scope in needed if scope not in ctx.principal.scopes]
    refusal = Problem(
        "insufficient_scope",
        f"This needs {' and '.join(missing)}.",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{" ".join(needed)}"'},
        missing_scopes=missing,
    )
    if ctx.operation.audit is not None:
        refusal.headers["Audit-Event-Id"] = frame.domain.record_denied(ctx, refusal)
    raise refusal


async def validate(frame: Frame, ctx: Context) -> Answer | None:
    ctx.query, ctx.header_params = frame.validation.parameters(ctx.operation, ctx.path, ctx.request)
    ctx.body = frame.validation.body(ctx.operation, ctx.request)
    return None


async def document(frame: Frame, ctx: Context) -> Answer | None:
    if ctx.operation.id == "document.json":
        ctx.answer = Answer(200, {"Content-Type": JSON}, frame.document.json_for(ctx.world.base_url))
    elif ctx.operation.id == "document.yaml":
        ctx.answer = Answer(200, {"Content-Type": "application/yaml"}, frame.document.yaml_for(ctx.world.base_url))
    else:
        return None
    await ctx.world.faults.hold(ctx)
    return None


async def transact(frame: Frame, ctx: Context) -> Answer | None:
    if ctx.answer is None:  # Else it is the document.
        ctx.answer = await frame.domain.transact(ctx)
    return None


async def fault_after(frame: Frame, ctx: Context) -> Answer | None:
    if ctx.world.faults:
        ctx.broken_by = await ctx.world.faults.after(ctx)
    return ctx.answer


Run: TypeAlias = "Callable[[Frame, Context], Awaitable[Answer | None]]"


class Phase(NamedTuple):
    """A step on the way in."""

    name: str
    run: Run
    why: str


PHASES: tuple[Phase, ...] = (
    Phase("guard", guard, "A known token must not be in reach of other machines or of web pages."),
    Phase("preflight", preflight, "A browser asks without credentials, and before it sends what is asked about."),
    Phase("control", control, "Tests steer the server beside the API, in no world, unseen by journal and faults."),
    Phase("world", world, "Everything below happens in one isolated copy of the state, with its own time."),
    Phase("journal", journal, "An attempt is on record from its arrival on, whatever becomes of it."),
    Phase("route", route, "Faults, scopes and schemas are the operation's."),
    Phase("body", body, "Read before anything can answer, so that the journal has every attempt's digest."),
    Phase(
        "fault_before", fault_before, "A fault stands in for the network and for the server as a whole: it comes first."
    ),
    Phase("authenticate", authenticate, "Nothing is said of a resource to one who is not known."),
    Phase("count", count, "Quotas are the caller's."),
    Phase("authorise", authorise, "Scopes come before validation: a 422 tells of the schema, a 403 needs none of it."),
    Phase("validate", validate, "Nothing that the document does not allow reaches a handler."),
    Phase("document", document, "The document itself needs neither state nor transaction."),
    Phase("transact", transact, "In flight, held, then one transaction: record, handle, audit, check the own answer."),
    Phase("fault_after", fault_after, "All is committed: nothing may change the answer, but it may fail to arrive."),
)
