"""The accounts of a chapter: what each caller was told against what the server did. Pure; each law can be broken.

What a caller may believe of a failed call is its `outcome` (ERR-3): `refused` and `not_sent`, nothing happened;
`committed`, it did, once; `unknown`, either.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from chaos.model import MUTATIONS, Effect, Model
from chaos.play import Entry, Evidence, Told

#: Requests that RFC 9110 lets a client repeat without a key (RETRY-2).
_REPEATABLE: Final = frozenset({"PUT", "DELETE"})
_CONDITIONS: Final = ("if-match", "if-none-match")


class Breach(NamedTuple):
    """A law that does not hold; of one call, unless it is of the whole."""

    law: str
    call: str | None
    why: str


class _Books:
    """The evidence, sorted by call."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.events: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for event in evidence.events:
            if event["data"]["outcome"] == "success":
                self.events[event["correlationid"]].append(event)

    def made(self) -> Iterator[tuple[str, Told, list[Mapping[str, Any]], list[Entry]]]:
        """Every call that was made: its id, what its caller was told, its events, its attempts."""
        for call_id, told in self.evidence.told.items():
            if told.done is not None:
                yield call_id, told, self.events.get(call_id, []), self.evidence.attempts[call_id]


def breaches(evidence: Evidence) -> list[Breach]:
    """All laws that do not hold; none, if no write was lost or doubled and nobody was told a lie."""
    books = _Books(evidence)
    return [Breach(name, call, why) for name, law in LAWS.items() for call, why in law(books)]


def _acknowledged_is_there(books: _Books) -> Iterator[tuple[str, str]]:
    for call_id, told, events, _ in books.made():
        if told.acknowledged and _changes(told):
            data, raw = told.data, told.raw
            ids = {event["id"] for event in events}
            targets = {target["id"] for event in events for target in event["data"]["targets"]}
            if not events:
                yield call_id, "it was acknowledged, and nothing happened"
            elif raw is not None and raw["audit_event_id"] not in ids:
                yield call_id, f"it was acknowledged with the event of something else: its own are {sorted(ids)}"
            elif data is not None and data.get("id", data.get("key")) not in targets:
                yield call_id, f"it was told of another than what it acted on, {sorted(targets)}"


def _nothing_twice(books: _Books) -> Iterator[tuple[str, str]]:
    for call_id, _, events, attempts in books.made():
        if len(events) > (len(attempts) if _repeatable(attempts) else 1):
            yield call_id, f"it happened {len(events)} times"


def _outcome_is_true(books: _Books) -> Iterator[tuple[str, str]]:
    for call_id, told, events, attempts in books.made():
        outcome = (told.error or {}).get("outcome")
        if outcome in ("refused", "not_sent") and events:
            yield call_id, f"its outcome is {outcome}, and it happened"
        if outcome == "not_sent" and attempts and _changes(told):  # of a list it is the next page that was not sent
            yield call_id, f"its outcome is not_sent, and the server saw {len(attempts)} attempts"
        if outcome == "committed" and _changes(told) and not events:
            yield call_id, "its outcome is committed, and nothing happened"


def _reads_change_nothing(books: _Books) -> Iterator[tuple[str, str]]:
    for call_id, told, events, _ in books.made():
        if events and not _changes(told):
            yield call_id, f"it is no mutation, and {events[0]['data']['action']} happened"


def _every_event_is_a_calls(books: _Books) -> Iterator[tuple[None, str]]:
    for number, event in enumerate(books.evidence.events, start=1):
        told = books.evidence.told.get(event["correlationid"])
        if told is None or told.planned.operation != event["data"]["action"]:
            yield None, f"nobody asked for {event['data']['action']} (request id {event['correlationid']})"
        if number != int(event["sequence"]):
            yield None, f"event {event['sequence']} is the {number}th of the trail"


def _one_key_for_all_attempts(books: _Books) -> Iterator[tuple[str, str]]:
    owners: dict[str, str] = {}
    for call_id, told, _, attempts in books.made():
        keys = {_header(entry, "idempotency-key") for entry in attempts}
        if len(keys) > 1:
            yield call_id, f"its attempts have {len(keys)} keys"
        wanted = told.planned.options.get("idempotency_key", "")
        if told.planned.operation in MUTATIONS and attempts and wanted != "":
            given = None if wanted is None else f'"{wanted}"'
            if keys != {given}:
                yield call_id, f"its key should be {given}, and is {keys}"
        for key in keys - {None}:
            if owners.setdefault(str(key), call_id) != call_id:
                yield call_id, f"it shares its key with {owners[str(key)]}"


def _all_attempts_are_the_same(books: _Books) -> Iterator[tuple[str, str]]:
    for call_id, told, _, attempts in books.made():
        if told.planned.operation not in MUTATIONS:
            continue  # a list asks for its next page, an export for the rest
        bodies = {(entry["body_size"], entry["body_sha256"]) for entry in attempts if _whole(books.evidence, entry)}
        heads = {
            (
                entry["method"],
                entry["path"],
                str(entry["query"]),
                *(_header(entry, name) for name in sorted(_CONDITIONS)),
            )
            for entry in attempts
        }
        if len(bodies) > 1 or len(heads) > 1:
            yield call_id, f"its attempts differ: {heads} {bodies}"


def _attempts_are_counted(books: _Books) -> Iterator[tuple[str, str]]:
    for call_id, told, _, attempts in books.made():
        counted = (told.error or told.raw or {}).get("attempts")
        if counted is None:
            continue  # a list, a stream or a cancelled call
        if told.planned.operation in MUTATIONS:
            resent = any(entry["status"] == 401 for entry in attempts)  # belongs to its attempt (ERR-2)
            if len(attempts) > counted + resent:
                yield call_id, f"it counted {counted} attempts, the server {len(attempts)}"
        retries = told.planned.options.get("max_retries", books.evidence.chapter.client["max_retries"])
        if counted > retries + 1:
            yield call_id, f"it made {counted} attempts with max_retries={retries}"


def _state_is_what_was_done(books: _Books) -> Iterator[tuple[str | None, str]]:
    model = Model(books.evidence.before)
    for event in books.evidence.events:
        if event["data"]["outcome"] != "success" or event["correlationid"] not in books.evidence.told:
            continue
        told = books.evidence.told[event["correlationid"]]
        targets = [target["id"] for target in event["data"]["targets"]]
        content = _content(books.evidence, event["correlationid"])
        try:
            model.apply(Effect(told.planned.operation, told.args, targets, content))
        except KeyError as missing:
            yield event["correlationid"], f"it acted on {missing}, which is not there by then"
    for collection in dataclasses.fields(model.state):
        expected = getattr(model.state, collection.name)
        found = getattr(books.evidence.after, collection.name)
        for row in sorted(expected.keys() | found.keys()):
            if expected.get(row) != found.get(row):
                yield None, f"{collection.name} {row} should be {expected.get(row)}, and is {found.get(row)}"


#: Name → law; each gives what breaks it.
LAWS: Final[Mapping[str, Callable[[_Books], Iterator[tuple[str | None, str]]]]] = {
    "what is acknowledged is there": _acknowledged_is_there,
    "nothing happens twice": _nothing_twice,
    "each outcome is true": _outcome_is_true,
    "reads and dry runs change nothing": _reads_change_nothing,
    "every event is a call's": _every_event_is_a_calls,
    "one key for all attempts, and for no other call": _one_key_for_all_attempts,
    "all attempts are the same request": _all_attempts_are_the_same,
    "attempts are counted, and bounded": _attempts_are_counted,
    "the state is what was done": _state_is_what_was_done,
}


def _changes(told: Told) -> bool:
    return told.planned.operation in MUTATIONS and not told.args.get("dry_run")


def _header(entry: Entry, name: str) -> str | None:
    return next((value for given, value in entry["headers"] if given.lower() == name), None)


def _repeatable(attempts: Sequence[Entry]) -> bool:
    """Whether each attempt may have acted: no key, and none is needed."""
    return all(
        entry["method"] in _REPEATABLE
        and _header(entry, "idempotency-key") is None
        and all(_header(entry, name) is None for name in _CONDITIONS)
        for entry in attempts
    )


def _whole(evidence: Evidence, entry: Entry) -> bool:
    """Whether the server read the body to its end."""
    return entry["body_sha256"] is not None and not any(
        "reset_after_body_bytes" in evidence.faults[fault] for fault in entry["faults"]
    )


def _content(evidence: Evidence, call_id: str) -> tuple[int, str] | None:
    for entry in evidence.attempts[call_id]:
        if _whole(evidence, entry):
            return entry["body_size"], entry["body_sha256"]
    return None
