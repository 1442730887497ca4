"""A breach as a story: what was asked for, what the caller was told, what the server saw; and how to see it again."""

from __future__ import annotations

import json
from typing import Any

from chaos.accounts import Breach
from chaos.play import Entry, Evidence


def tell(breach: Breach, evidence: Evidence) -> str:
    """The breach, and all there is to know of its call."""
    chapter = evidence.chapter
    again = f'make chaos DRIVER={evidence.driver} ARGS="--seed {chapter.seed} --chapter {chapter.number}"'
    lines = [f"✗ {breach.law}: {breach.why}", f"  again: {again}"]
    if breach.call is None:
        return "\n".join(lines)
    told = evidence.told[breach.call]
    planned = told.planned
    lines += [
        f"  call {planned.id}: {planned.operation} {_json(told.args)}",
        f"  options {_json(planned.options)}, client {_json(chapter.client)}",
        f"  faults {_json(planned.faults)}" + (f", cancelled: {planned.cancel}" if planned.cancel is not None else ""),
        f"  told {_json({k: v for k, v in (told.done or {}).items() if k in ('result', 'error', 'cancelled')})}",
        f"  slept {told.sleeps} ms",
    ]
    lines += [f"  attempt {_attempt(entry, evidence)}" for entry in evidence.attempts[breach.call]]
    lines += [
        f"  event {event['id']} {event['data']['action']} {_json(event['data']['targets'])}"
        for event in evidence.events
        if event["correlationid"] == breach.call
    ]
    return "\n".join(lines)


def _attempt(entry: Entry, evidence: Evidence) -> str:
    key = next((value for name, value in entry["headers"] if name == "idempotency-key"), None)
    faults = _json([evidence.faults[fault] for fault in entry["faults"]])
    replayed = ", replayed" if entry["replayed"] else ""
    return (
        f"{entry['at_ms']} ms: {entry['status']} {entry['outcome']} in {entry['phase']}{replayed}, key {key}, {faults}"
    )


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 1500 else f"{text[:1500]}…"
