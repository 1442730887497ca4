"""RETRY-6: no call outlasts its bound, whatever the peer does; and what it raises then is true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from bounds.conftest import Callers, Tls, believable, got_there
from bounds.faults import FAULTS
from bounds.peers import Peers, problem, scripted, whole

#: What a busy machine may add to a call. Peers misbehave until the client leaves: what is not bounded does not end.
SLACK_MS: Final = 5_000

SETTINGS: Final[Mapping[str, Mapping[str, int]]] = {
    "once": {"timeout": 180, "token_timeout": 180, "max_retries": 0},
    "retried": {"timeout": 90, "token_timeout": 90, "max_retries": 2},
    "deadline": {"timeout": 20_000, "token_timeout": 20_000, "deadline": 180, "max_retries": 2},
}


def bound_ms(limits: Mapping[str, int]) -> int:
    """The formula of RETRY-6, for clocks without jitter; an answer may ask for `max_retry_after`."""
    retries = limits["max_retries"]
    waits = retries * limits.get("max_retry_after", 0)
    longest = (retries + 2) * (limits["timeout"] + limits["token_timeout"]) + waits
    return min(longest, limits.get("deadline", longest))


@pytest.mark.parametrize(
    "fault, setting",
    [(name, how) for name, fault in FAULTS.items() for how in SETTINGS if not (fault.once and how == "retried")],
)
def test_a_call_ends_within_its_bound(fault: str, setting: str, peers: Peers, tls: Tls, callers: Callers) -> None:
    """RETRY-6, ERR: every fault, under every setting, ends in time, with the right class, code and outcome."""
    limits, wrong = SETTINGS[setting], FAULTS[fault]
    asked = {"kind": "get", **wrong.make(peers, tls), "limits": limits}
    for name, told in callers.call(
        asked, until=lambda told: got_there(wrong.outcome, wrong.status, told["error"])
    ).items():
        assert told["ms"] <= bound_ms(limits) + SLACK_MS, name
        error = told["error"]
        assert error["outcome"] in believable(wrong.outcome, name), name
        if "token endpoint" not in fault:  # of that, the answer that had begun may be told
            assert (wrong.status, wrong.status and "req_1") == (error["status"], error["request_id"]), name
        if setting == "deadline":
            assert ("DeadlineExceededError", "deadline_exceeded", 1) == _named(error), name
            assert told["ms"] >= 0.9 * limits["deadline"], name
        else:
            code = _code(fault, error["outcome"], name)
            assert ("APITimeoutError", code, limits["max_retries"] + 1) == _named(error), name
            assert told["ms"] >= 0.9 * limits["timeout"] * (limits["max_retries"] + 1), name


def _code(fault: str, outcome: str, name: str) -> str:
    if fault.startswith("a token endpoint"):
        return "token_timeout"
    return "connect_timeout" if outcome == "not_sent" and name != "node" else "timeout"


def _named(error: Mapping[str, Any]) -> tuple[str, str, int]:
    # a token request is bounded as long as the wait for it: either may be the first to see its time up
    code = "token_timeout" if error["outcome"] == "not_sent" and error["code"] == "timeout" else error["code"]
    return error["name"], code, error["attempts"]


def test_waiting_for_what_an_answer_asks_is_within_the_bound(peers: Peers, callers: Callers) -> None:
    """RETRY-5, RETRY-6: `Retry-After` is waited for, up to `max_retry_after`, and no longer."""
    busy = whole(problem(503), "503 Busy", content_type="application/problem+json", more="retry-after: 1\r\n")
    limits = {"timeout": 200, "token_timeout": 200, "max_retries": 1, "max_retry_after": 1_000}
    asked = {"kind": "get", "base_url": f"http://127.0.0.1:{peers.start(scripted(busy, busy))}", "limits": limits}
    for name, told in callers.call(asked).items():
        assert 990 <= told["ms"] <= bound_ms(limits) + SLACK_MS, name
        assert ("InternalServerError", 2) == (told["error"]["name"], told["error"]["attempts"]), name


def test_what_asks_for_too_long_a_wait_is_not_waited_for(peers: Peers, callers: Callers) -> None:
    """RETRY-5: above `max_retry_after` the call fails at once, and says how long was asked for."""
    busy = whole(problem(503), "503 Busy", content_type="application/problem+json", more="retry-after: 60\r\n")
    limits = {"timeout": 200, "token_timeout": 200, "max_retries": 2, "max_retry_after": 59_999}
    asked = {"kind": "get", "base_url": f"http://127.0.0.1:{peers.start(scripted(busy))}", "limits": limits}
    for name, told in callers.call(asked).items():
        seconds = told["error"]["retry_after"] / (1000 if name == "node" else 1)
        assert (1, 60.0) == (told["error"]["attempts"], seconds), name
        assert told["ms"] <= SLACK_MS, name
