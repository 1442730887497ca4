# Derived by make generate from layers/retry.py. Do not edit.
"""Tries again what may succeed and cannot do harm (RETRY); what to do is decided in `backoff`, here it is done."""

from __future__ import annotations

from collections.abc import Callable

from ....backoff import Budget, Decision, Retry, RetryRecord, Stop, cost_of, decide
from ....exchange import Layer, Outcome, Request, Response, Send
from ....outcome import note
from ... import policy

SUCCESS = Stop("success")


def retry(budget: Budget, on_retry: Callable[[RetryRecord], None]) -> Layer:
    """The layer. `tenacity` turns the wheel from the first retry on; a call that succeeds at once never meets it."""

    def layer(send: Send) -> Send:
        def retrying(request: Request) -> Outcome:
            outcome, decision = attempt(send, request, budget)
            if isinstance(decision, Stop):
                return outcome
            return repeat(send, request, budget, on_retry, outcome, decision)

        return retrying

    return layer


def attempt(send: Send, request: Request, budget: Budget) -> tuple[Outcome, Decision]:
    """One attempt, entered into the call's record, and what to do about it."""
    call = request.call
    call.attempts += 1
    outcome = send(request)
    if isinstance(outcome, Response) and outcome.status < 300:
        budget.refund(call.spent or policy.BUDGET_REFUND)
        return outcome, SUCCESS
    acted_before = call.maybe_acted
    note(call, outcome)
    decision = decide(request, outcome, acted_before=acted_before, now=call.clock.now(), random=call.clock.random())
    if isinstance(decision, Retry):
        call.spent = cost_of(outcome)
        if not budget.spend(call.spent):
            decision = Stop("retry_budget_exhausted")
    call.stop = decision.reason if isinstance(decision, Stop) else None
    return outcome, decision


def repeat(
    send: Send,
    request: Request,
    budget: Budget,
    on_retry: Callable[[RetryRecord], None],
    outcome: Outcome,
    decision: Decision,
) -> Outcome:
    """Waits and tries again until the decision is to stop (RETRY-11)."""
    from tenacity import RetryCallState, Retrying

    call = request.call

    def once() -> tuple[Outcome, Decision]:
        assert isinstance(decision, Retry)
        retrying = record(call.operation, call.attempts, decision.delay, outcome)
        on_retry(retrying)
        if call.telemetry is not None:
            call.telemetry.retried(retrying)
        call.clock.sleep(decision.delay)
        return attempt(send, request, budget)

    last: list[RetryCallState] = []

    def again(state: RetryCallState) -> bool:
        nonlocal outcome, decision
        last[:] = [state]
        if state.outcome is None or state.outcome.failed:
            return False
        outcome, decision = state.outcome.result()
        return isinstance(decision, Retry)

    wheel = Retrying(retry=again, sleep=_at_once)
    try:
        wheel(once)
        return outcome
    finally:
        # tenacity's states hold each other, and what was raised, whose frames hold them and the caller's: let go of all
        wheel.iter_state.reset()
        while last:
            last.pop().outcome = None


def _at_once(seconds: float) -> None:
    """Our own clock has waited already."""


def record(operation: str, number: int, delay: float, outcome: Outcome) -> RetryRecord:
    """The record of a retry."""
    if isinstance(outcome, Response):
        return RetryRecord(operation, number, delay, outcome.status, None, outcome.request_id)
    return RetryRecord(operation, number, delay, None, outcome.code, None)
