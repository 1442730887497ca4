"""The audit trail: CloudEvents 1.0, numbered without gaps inside the transaction that they record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import orjson

from admin_api_mock import retention
from admin_api_mock.clock import format_instant
from admin_api_mock.document import escape
from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.principal import Principal
    from admin_api_mock.worlds import World

SCHEMA_POINTER = "/components/schemas/AuditEvent"
#: What the document allows of each; what is longer is cut, for an event must always be recordable.
MAX_CHANGES, MAX_POINTER, MAX_VALUE = 500, 500, 100_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{1,64}")
#: Members that change with every change, and say nothing of it.
BOOKKEEPING = frozenset({"id", "etag", "created_at", "created_by", "updated_at", "updated_by"})

Change = TypedDict("Change", {"pointer": str, "from": str, "to": str, "redacted": bool}, total=False)


class Target(NamedTuple):
    """What was acted on."""

    type: str
    id: str
    name: str | None


class Record(NamedTuple):
    """What an event says, beside who and when."""

    action: str
    outcome: str = "success"
    targets: Sequence[Target] = ()
    changes: Sequence[Change] = ()
    reason: str | None = None


def changes_between(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Change]:
    """Members that differ, objects member by member. None stands for nothing: a creation or a removal."""
    return _differences("", before or {}, after or {}, BOOKKEEPING)[:MAX_CHANGES]


def change(pointer: str, before: Any = None, after: Any = None, *, secret: bool = False) -> Change:
    """One change; None = there is no value. A secret's values are left out."""
    if secret:
        return {"pointer": pointer, "redacted": True}
    found: Change = {"pointer": pointer}
    if before is not None and len(text := orjson.dumps(before).decode()) <= MAX_VALUE:
        found["from"] = text
    if after is not None and len(text := orjson.dumps(after).decode()) <= MAX_VALUE:
        found["to"] = text
    return found


def event(ctx: Context, event_id: str, record: Record) -> dict[str, Any]:
    """The event of a request that has got as far as having a caller."""
    caller = ctx.caller
    return cloud_event(
        ctx.world,
        event_id,
        record,
        caller,
        time_ms=ctx.world.clock.now_ms(),
        context={
            "ip": ctx.request.client if ctx.request.client and _ADDRESS.fullmatch(ctx.request.client) else None,
            "user_agent": _clean(ctx.request.header("user-agent"), 500),
            "request_id": ctx.request_id,
        },
    )


def cloud_event(
    world: World, event_id: str, record: Record, actor: Principal, *, time_ms: int, context: Mapping[str, Any]
) -> dict[str, Any]:
    """The next event of the trail; the caller appends it in the same transaction."""
    time = format_instant(time_ms)
    targets = [
        {"type": target.type, "id": _clean(target.id, 128), "name": _clean(target.name, 255)}
        for target in record.targets
    ]
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": world.base_url,
        "type": f"admin.{record.action}",
        "subject": targets[0]["id"] if targets else None,
        "time": time,
        "datacontenttype": "application/json",
        "sequence": world.store.events.next_sequence(),
        "recordedtime": time,
        "authtype": actor.type,
        "authid": actor.id,
        "correlationid": context["request_id"],
        "data": {
            "action": record.action,
            "outcome": record.outcome,
            "reason": _clean(record.reason, 500),
            "actor": {"type": actor.type, "id": actor.id, "name": actor.name, "token_id": actor.token_id},
            "targets": targets,
            "context": dict(context),
            "changes": list(record.changes),
        },
    }


def append(world: World, document: Mapping[str, Any], time_ms: int) -> None:
    """Adds an event to the trail, once it has been found to be as the document says."""
    retention.cut_if_due(world)
    world.validation.check_own("audit event", SCHEMA_POINTER, document)
    world.store.events.append(document, time_ms)


def denied(ctx: Context, problem: Problem) -> Record:
    """What a 403 records: what was attempted, on what, and which scope was missing."""
    assert ctx.operation.audit is not None
    return Record(ctx.operation.audit, "denied", _targets_of(ctx.path.items()), reason=problem.code)


def record_denied(ctx: Context, problem: Problem) -> str:
    """Commits the denied event of a refusal that came before any transaction; returns its id."""
    world = ctx.world
    event_id = world.ids.new("evt")
    with world.store.transaction():
        append(world, event(ctx, event_id, denied(ctx, problem)), world.clock.now_ms())
    world.store.events.announce()
    return event_id


def _targets_of(path: Iterable[tuple[str, str]]) -> list[Target]:
    """Path values as targets: `user_id` names a user, `key` a config entry."""
    return [Target({"key": "config"}.get(name, name.removesuffix("_id")), value, None) for name, value in path]


def _differences(
    pointer: str, before: Mapping[str, Any], after: Mapping[str, Any], left_out: frozenset[str] = frozenset()
) -> list[Change]:
    found: list[Change] = []
    for name in [*before, *(name for name in after if name not in before)] if before else after:
        old, new = before.get(name), after.get(name)
        if old == new or name in left_out or (not old and not new and _is_empty(old) and _is_empty(new)):
            continue
        inner = f"{pointer}/{escape(name)}"
        if len(inner) > MAX_POINTER or not (inner.isprintable() or _CONTROL.search(inner) is None):
            return [change(pointer or "/", dict(before), dict(after))]  # Told one level up: no pointer can say it.
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += _differences(inner, old, new)
        else:
            found.append(change(inner, None if _is_empty(old) else old, None if _is_empty(new) else new))
    return found


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or value == {}


def _clean(text: str | None, limit: int) -> str | None:
    return None if text is None else _CONTROL.sub("\ufffd", text)[:limit]
