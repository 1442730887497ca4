"""What the drivers must agree on beyond what a case expects: answers whole, and requests as the server saw them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from runner.match import Mismatch
from runner.run import Seen

#: Members that chance makes: compared by whether they are there. Ciphertext is never twice the same (FILE-4).
_CHANCE: Final = frozenset(
    {"idempotency_key", "idempotency-key", "authorization", "user-agent", "user_agent", "range", "traceparent"}
)
_OF_CIPHERTEXT: Final = frozenset(
    {"sha256", "size", "etag", "ciphertext_sha256", "content-digest", "content-length", "if-range", "body_sha256"}
)
#: What HTTP clients say on their own account (PARITY-6); fetch adds the last four of itself.
_OF_THE_TRANSPORT: Final = frozenset(
    {"host", "connection", "accept-encoding", "accept-language", "sec-fetch-mode", "cache-control", "pragma"}
)
#: Codes by which one runtime tells more of a failure than another (PARITY-4).
_FINER: Final = {
    **dict.fromkeys(("connect_timeout", "pool_timeout", "token_timeout"), "timeout"),
    **dict.fromkeys(("invalid_answer", "invalid_encoding", "proxy_failed"), "connection_lost"),
}
#: Each driver has a server of its own, which says where it is.
_SERVER: Final = re.compile(r"http://(?:localhost|127\.0\.0\.1):[0-9]+")
_OF_A_SPAN: Final = frozenset({"server.port"})
_OF_AN_ENTRY: Final = ("channel", "operation", "query", "status", "headers", "body_sha256")


def told(seen: Seen) -> Mapping[str, Any]:
    """Of what a case brought about, what does not depend on chance; calls at once are in no order."""
    calls = {call_id: all_done if len(all_done) == 1 else [] for call_id, all_done in seen.done.items()}
    alone = all(len(all_done) == 1 for all_done in seen.done.values())
    files = any(
        "ciphertext" in str(done) or "encryption" in str(done) for all_done in calls.values() for done in all_done
    )
    skipped = _OF_CIPHERTEXT if files else frozenset()
    return {
        "client_error": seen.client_error,
        "calls": _plain(calls, skipped),
        "journal": [
            _plain({name: entry[name] for name in _OF_AN_ENTRY}, skipped | _of_tokens(entry)) for entry in seen.journal
        ]
        if alone
        else [],
        "spans": _plain(seen.spans, _OF_A_SPAN) if alone else [],
    }


def _of_tokens(entry: Mapping[str, Any]) -> frozenset[str]:
    """What holds an access token in its body, whose signature is never twice the same (SERVER-12)."""
    return frozenset({"body_sha256", "content-length"} if entry["operation"] == "oauth.revoke" else ())


def _plain(value: Any, skipped: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _member(name, member, skipped) for name, member in value.items() if name not in _OF_THE_TRANSPORT}
    if isinstance(value, str):
        return _SERVER.sub("http://server", value)
    return [_plain(member, skipped) for member in value] if isinstance(value, list) else value


def _member(name: str, member: Any, skipped: frozenset[str]) -> Any:
    if name in _CHANCE | skipped:
        return member is not None
    return _FINER.get(member, member) if name == "code" and isinstance(member, str) else _plain(member, skipped)


def differences(first: Any, other: Any, where: str = "") -> Iterator[Mismatch]:
    """Where two drivers differ, member by member."""
    if isinstance(first, Mapping) and isinstance(other, Mapping):
        for name in sorted(first.keys() | other.keys()):
            absent = "(not there)"
            yield from differences(first.get(name, absent), other.get(name, absent), f"{where}/{name}".lstrip("/"))
    elif isinstance(first, list) and isinstance(other, list) and len(first) == len(other):
        for index, (one, two) in enumerate(zip(first, other, strict=True)):
            yield from differences(one, two, f"{where}/{index}")
    elif type(first) is not type(other) or first != other:
        yield Mismatch(where, first, other)
