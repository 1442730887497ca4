"""Whether and when to try again (RETRY): pure functions of what came back, the policy, the time and a random number."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TypeAlias

from ._flavour.fork import after_fork
from ._generated import policy
from .exchange import Outcome, Request, Response, TokenFailure, WireError
from .outcome import in_flight

_SECONDS = re.compile(r"[0-9]+", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@cache
def _dates() -> tuple[re.Pattern[str], ...]:
    """The forms of an HTTP-date (RFC 9110, section 5.6.7): IMF-fixdate, RFC 850, asctime."""
    month = "|".join(_MONTHS)
    time = r"(?P<h>[0-2][0-9]):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9]|60)"
    return (
        re.compile(
            rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?P<day>[0-3][0-9]) (?P<mon>{month}) (?P<year>[0-9]{{4}}) {time} GMT"
        ),
        re.compile(
            r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, "
            rf"(?P<day>[0-3][0-9])-(?P<mon>{month})-(?P<year>[0-9]{{2}}) {time} GMT"
        ),
        re.compile(
            rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<mon>{month}) (?P<day>[ 0-3][0-9]) {time} (?P<year>[0-9]{{4}})"
        ),
    )


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `delay` seconds."""

    delay: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not try again."""

    reason: str
    """`final`, `not_allowed`, `attempts`, `retry_after_too_long`, `deadline`, `retry_budget_exhausted`."""


Decision: TypeAlias = Retry | Stop


@dataclass(frozen=True, slots=True)
class RetryRecord:
    """A retry that is about to be waited for; logging and telemetry consume it."""

    operation: str
    attempt: int
    """Number of the attempt that failed, from 1."""
    delay: float
    """Seconds until the next."""
    status: int | None
    """Status of the answer, None if there was none."""
    code: str | None
    """Code of the wire error or token failure, None if there was an answer."""
    request_id: str | None


class Budget:
    """Retries that a client may spend in a row, shared by its copies (RETRY-7)."""

    def __init__(self) -> None:
        self._renew_lock()
        after_fork(self, Budget._renew_lock)
        self._left: int = policy.BUDGET_SIZE

    def _renew_lock(self) -> None:
        """A lock that some thread held at the fork would stay locked for ever in the child (CONF)."""
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        return self._left

    def spend(self, cost: int) -> bool:
        """Takes the cost of a retry; False, and nothing taken, if too little is left."""
        with self._lock:
            if self._left < cost:
                return False
            self._left -= cost
            return True

    def refund(self, amount: int) -> None:
        """Gives back after a success."""
        if self._left < policy.BUDGET_SIZE:  # the common case takes no lock
            with self._lock:
                self._left = min(policy.BUDGET_SIZE, self._left + amount)


def http_date(text: str, now: float) -> float | None:
    """Seconds since the epoch of an HTTP-date in any of its three forms, None if it is none.

    The day's name is not compared. A year of two digits is the latest that makes a date of at most 50 years ahead.
    """
    match = next((found for form in _dates() if (found := form.fullmatch(text))), None)
    if match is None:
        return None
    month = _MONTHS.index(str(match["mon"])) + 1
    day, hour, minute, second = (int(match[name]) for name in ("day", "h", "m", "s"))
    year = int(match["year"])
    if len(match["year"]) == 2:
        today = datetime.fromtimestamp(now, UTC)
        year += (today.year + 50 - year) // 100 * 100
        if (year - 50, month, day, hour, minute, second) > today.timetuple()[:6]:
            year -= 100
    try:
        return datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() + second
    except ValueError:
        return None


def retry_after(response: Response, now: float) -> float | None:
    """Seconds that the answer asks to wait, None if it asks for nothing that can be understood (RETRY-5).

    A date is measured from the answer's own Date, if that is valid, so that the two clocks need not agree.
    """
    text = response.headers.get("retry-after", "").strip(" \t")
    if _SECONDS.fullmatch(text):
        return float(text) if len(text) <= 9 else float("inf")
    asked = http_date(text, now)
    if asked is None:
        return None
    date = http_date(response.headers.get("date", "").strip(" \t"), now)
    return max(0.0, asked - (now if date is None else date))


def backoff(retry: int, random: float) -> float:
    """Seconds before a retry, `retry` counted from 0, with full jitter from `random` in [0, 1] (RETRY-4)."""
    return random * min(policy.RETRY_CAP, policy.RETRY_BASE * 2.0 ** min(retry, 62))


def transient(outcome: Outcome, method: str) -> bool:
    """Whether the failure may pass (RETRY-1)."""
    if isinstance(outcome, TokenFailure):
        return not outcome.final
    if isinstance(outcome, Response):
        return (
            outcome.status in policy.RETRY_STATUSES
            or (outcome.status in policy.RETRY_SAFE_STATUSES and method in policy.RETRY_SAFE_METHODS)
            or in_flight(outcome)
        )
    return outcome.effect != "final" and outcome.code != "client_closed"  # a closed client stays closed


def allowed(request: Request, outcome: Outcome, acted_before: bool) -> bool:
    """Whether a repeat can neither lose nor double a write (RETRY-2, RETRY-8)."""
    if request.method in policy.RETRY_SAFE_METHODS or request.call.keyed:
        return True
    maybe_acted = acted_before
    if isinstance(outcome, Response):
        maybe_acted = maybe_acted or outcome.status != 429
    elif not isinstance(outcome, TokenFailure):
        maybe_acted = maybe_acted or outcome.effect == "maybe_acted"
    if not maybe_acted:
        return True
    return request.method in policy.RETRY_IDEMPOTENT_METHODS and not request.conditional


def cost_of(outcome: Outcome) -> int:
    """What a retry costs of the budget (RETRY-7)."""
    throttled = isinstance(outcome, Response) and outcome.status in policy.RETRY_THROTTLING_STATUSES
    return policy.BUDGET_THROTTLING_COST if throttled else policy.BUDGET_COST


def _is_late(outcome: Outcome) -> bool:
    """Whether the deadline ran out, whatever the clock makes of what is left by a hair."""
    return isinstance(outcome, WireError) and outcome.code == "deadline_exceeded"


def decide(request: Request, outcome: Outcome, *, acted_before: bool, now: float, random: float) -> Decision:
    """Whether to try again, and after how long.

    Args:
        request: What was sent; its call knows attempts, limits and deadline.
        outcome: What came of the last attempt.
        acted_before: Whether an earlier attempt of the call may have acted.
        now: Wall clock, seconds since the epoch.
        random: A number in [0, 1], for jitter.
    """
    call = request.call
    if not transient(outcome, request.method):
        return Stop("final")
    if not call.retries or not allowed(request, outcome, acted_before):
        return Stop("not_allowed")
    if call.attempts > call.limits.max_retries:
        return Stop("attempts")
    answer = outcome.answer if isinstance(outcome, TokenFailure) else outcome
    asked = retry_after(answer, now) if isinstance(answer, Response) else None
    if asked is not None and asked > call.limits.max_retry_after:
        return Stop("retry_after_too_long")
    delay = max(backoff(call.attempts - 1, random), asked or 0.0)
    left = call.left()
    if left is not None and (delay >= left or _is_late(outcome)):
        return Stop("deadline")
    return Retry(delay)
