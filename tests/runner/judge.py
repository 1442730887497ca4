"""What a case expects against what was seen, and the whole exchange beside it when they differ."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from runner.load import Case
from runner.match import MISSING, Mismatch, UnknownReference, mismatches, resolve
from runner.run import Seen
from runner.world import DEFAULT_CLIENT

#: The head of a JWT, as every access token of the reference server begins.
_ACCESS_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]{16}")
#: Shorter ones stand in ordinary words.
_SHORTEST_SECRET: Final = 6


def judge(case: Case, seen: Seen) -> list[Mismatch]:
    """All that is not as the case says, in the order of its steps, then sleeps, journal, state and objects."""
    return list(_judge(case, seen))


def _judge(case: Case, seen: Seen) -> Iterator[Mismatch]:
    expect, bindings = case.expect, seen.bindings
    if seen.stopped:
        yield Mismatch("steps", "to be carried out to their end", seen.stopped)
    expected_client = expect.get("client", {}).get("error")
    if expected_client is None and seen.client_error is not None:
        yield Mismatch("client", "to be made", seen.client_error)
    elif expected_client is not None:
        yield from mismatches(expected_client, seen.client_error or MISSING, bindings, "client/error")
    for step in case.steps:
        if "call" not in step:
            continue
        for number, done in enumerate(seen.done.get(step["id"], ())):
            where = step["id"] if "concurrency" not in step else f"{step['id']}[{number}]"
            yield from _of_call(step["expect"], done, seen, where)
    yield from mismatches(expect.get("sleeps", []), seen.sleeps, bindings, "sleeps")
    for channel, expected in (expect.get("journal") or {}).items():
        entries = [entry for entry in seen.journal if entry["channel"] == channel]
        yield from mismatches(_entries(expected), entries, bindings, f"journal/{channel}")
    for name, messages in (("log", seen.log), ("slots", seen.slots), ("spans", seen.spans)):
        if name in expect:
            yield from mismatches(expect[name], messages, bindings, name)
    yield from _secrets_seen(case, seen)
    yield from mismatches(expect.get("state") or {}, dict(seen.state), bindings, "state")
    for index, stored in enumerate(expect.get("objects") or ()):
        yield from _of_object(stored, seen, f"objects/{index}")


def _of_call(expected: Mapping[str, Any], done: Mapping[str, Any], seen: Seen, where: str) -> Iterator[Mismatch]:
    for member in ("result", "error", "cancelled"):
        if member in done and member not in expected:
            yield Mismatch(where, dict(expected), {member: done[member]})
            return
    yield from mismatches(dict(expected), dict(done), seen.bindings, where)


def _secrets_seen(case: Case, seen: Seen) -> Iterator[Mismatch]:
    """Credentials, and what the case wants unseen, in errors and records (AUTH-9). Says where, not what."""
    try:
        named: list[str] = [resolve(secret, seen.bindings) for secret in case.expect.get("unseen") or ()]
    except UnknownReference as error:
        yield Mismatch("unseen", case.expect["unseen"], str(error))
        return
    secrets = {*named, *secrets_of(case), *(token["token"] for token in seen.bindings["world"].get("tokens", ()))}
    logged = [record["text"] + json.dumps(record["fields"]) for record in seen.log]
    shows = {"shown": seen.shown, "log": logged, "spans": list(map(json.dumps, seen.spans))}
    for where, texts in shows.items():
        for number, text in enumerate(texts):
            if any(secret in text for secret in secrets) or _ACCESS_TOKEN.search(text):
                yield Mismatch(f"{where}/{number}", "no secret", f"{len(text)} characters with one")


def secrets_of(case: Case) -> set[str]:
    """The credentials that a case names."""
    clients = [*(case.world.get("clients") or ()), DEFAULT_CLIENT]
    given = [case.client.get("client_secret"), case.client.get("token"), *(case.client.get("token_function") or ())]
    return {
        *(str(client["secret"]) for client in clients if "secret" in client),
        *(secret for secret in given if isinstance(secret, str) and len(secret) >= _SHORTEST_SECRET),
    }


def _of_object(stored: Mapping[str, Any], seen: Seen, where: str) -> Iterator[Mismatch]:
    """The stored ciphertext, opened by age's own library and not by the SDK."""
    import pyrage  # type: ignore[import-untyped]  # it has no types

    try:
        object_id = resolve(stored["id"], seen.bindings)
    except UnknownReference as error:
        yield Mismatch(where, stored["id"], str(error))
        return
    plaintext = io.BytesIO()
    try:
        pyrage.decrypt_io(
            io.BytesIO(seen.objects[object_id]), plaintext, [pyrage.x25519.Identity.from_str(stored["identity"])]
        )
    except (pyrage.DecryptError, OSError) as error:
        yield Mismatch(where, "ciphertext that the identity opens", f"{type(error).__name__}: {error}")
        return
    expected = pattern_bytes(stored["content"])
    if plaintext.getvalue() != expected:
        yield Mismatch(where, f"{len(expected)} bytes as uploaded", f"{len(plaintext.getvalue())} other bytes")


def pattern_bytes(content: Mapping[str, Any]) -> bytes:
    """The bytes that `{pattern, size}` stands for."""
    pattern: bytes = content["pattern"].encode()
    size: int = content["size"]
    return (pattern * (size // len(pattern) + 1))[:size]


def _entries(expected: Any) -> Any:
    """Expected entries with header names in lower case and `forbid_headers` as what must not exist."""
    if isinstance(expected, list):
        return [_entries(one) for one in expected]
    if not isinstance(expected, Mapping):
        return expected
    entry = {
        name: _entries(member) if name.startswith("$") or name == "of" else member for name, member in expected.items()
    }
    for name in ("headers", "answer_headers"):
        if isinstance(entry.get(name), Mapping):
            entry[name] = {key if key.startswith("$") else key.lower(): value for key, value in entry[name].items()}
    forbidden = entry.pop("forbid_headers", ())
    if forbidden:
        entry["headers"] = {**entry.get("headers", {}), **{name.lower(): {"$exists": False} for name in forbidden}}
    return entry


def report(case: Case, driver: str, wrong: list[Mismatch], seen: Seen) -> str:
    """What differs, then the exchange as it was seen beside what the case expects."""
    lines = [f"{case.id} on {driver} ({case.document['rule']}: {case.document['why']})", ""]
    lines += [f"  ✗ {mismatch}" for mismatch in wrong]
    lines += ["", "journal:"]
    lines += [_line(entry) for entry in seen.journal] or ["  (nothing)"]
    lines += ["", f"sleeps: {seen.sleeps}"]
    lines += [f"log: {record['level']} {record['text']}" for record in seen.log]
    lines += [f"slot: {passage}" for passage in seen.slots]
    lines += [f"span: {span}" for span in seen.spans]
    lines += ["", "calls:"]
    for call_id, all_done in seen.done.items():
        for done in all_done[:3]:
            told = {name: value for name, value in done.items() if name not in ("type", "call")}
            lines.append(f"  {call_id}: {json.dumps(told, default=str)[:2000]}")
        if len(all_done) > 3:
            lines.append(f"  {call_id}: … and {len(all_done) - 3} more")
    lines += ["", "expected:", json.dumps(case.expect, indent=2)]
    return "\n".join(lines)


def _line(entry: Mapping[str, Any]) -> str:
    shown = {
        name: value
        for name, value in entry["headers"].items()
        if name
        in ("authorization", "idempotency-key", "if-match", "if-none-match", "range", "last-event-id", "content-digest")
    }
    query = f" {entry['query']}" if entry["query"] else ""
    replayed = " replayed" if entry["replayed"] else ""
    return (
        f"  +{entry['elapsed_ms']} ms  {entry['channel']:4} {entry['operation']}{query} → "
        f"{entry['status']} {entry['outcome']}{replayed}  {shown}"
    )
