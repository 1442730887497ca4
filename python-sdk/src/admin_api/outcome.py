"""What the caller of a failed call may believe of its effect, over all attempts (ERR). Pure."""

from __future__ import annotations

from typing import Literal

from .errors import CallOutcome
from .exchange import Call, Outcome, Response, TokenFailure

AttemptEffect = Literal["not_sent", "maybe_acted", "committed", "settled", "refused"]

SETTLING = frozenset({404, 409, 410, 412, 422})
"""Answers that, to the same key, prove that no earlier attempt acted: it would have been replayed instead."""

KEPT_NO_LONGER = "secret_no_longer_available"
"""Code of a 409 that tells of an earlier attempt: it was committed, but the secret of its answer is gone (SERVER-4)."""


def in_flight(response: Response) -> bool:
    """Whether a 409 says that the same call is still being worked on (RETRY-1)."""
    return response.status == 409 and response.call.keyed and "retry-after" in response.headers


def effect_of(outcome: Outcome) -> AttemptEffect:
    """What one attempt says of itself."""
    if isinstance(outcome, TokenFailure):
        return "not_sent"
    if not isinstance(outcome, Response):
        if outcome.status is not None and 200 <= outcome.status < 300:
            return "committed"
        return "maybe_acted" if outcome.effect == "maybe_acted" else "not_sent"
    if 200 <= outcome.status < 300:
        return "committed"
    if outcome.status == 408 or outcome.status >= 500 or in_flight(outcome):
        return "maybe_acted"
    return "settled" if outcome.status in SETTLING else "refused"


def note(call: Call, outcome: Outcome) -> AttemptEffect:
    """Enters an attempt into the call's record; a later one does not take back what it may have done."""
    effect = effect_of(outcome)
    call.reached = call.reached or effect != "not_sent"
    call.maybe_acted = call.maybe_acted or effect == "maybe_acted"
    call.committed = call.committed or effect == "committed"
    return effect


def outcome_of(call: Call, last: AttemptEffect) -> CallOutcome:
    """The outcome of the call, given the effect of its last attempt; all attempts must have been noted."""
    if call.committed:
        return "committed"
    if not call.reached:
        return "not_sent"
    if call.maybe_acted and not (last == "settled" and call.keyed):
        return "unknown"
    return "refused"
