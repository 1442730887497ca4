"""What the caller of a failed call may believe: every sentence of ERR on `outcome`, one by one."""

from __future__ import annotations

import pytest

from admin_api.exchange import Outcome, TokenFailure, WireError
from admin_api.outcome import effect_of, note, outcome_of

from .answers import call, response
from .clocks import Time

NOT_SENT = WireError("connect_failed", "not_sent", "refused")
LOST = WireError("connection_lost", "maybe_acted", "reset")
LOST_BODY = WireError("connection_lost", "maybe_acted", "reset", status=201)
LOST_ERROR_BODY = WireError("connection_lost", "maybe_acted", "reset", status=404)
TLS = WireError("tls_verification_failed", "final", "untrusted")
NO_TOKEN = TokenFailure("invalid_client", "no", True, None)
IN_FLIGHT = "in flight"

Attempt = int | str | WireError | TokenFailure


def outcome_after(attempts: list[Attempt], key: str | None) -> str:
    one = call(Time(), method="POST", key=key)
    last = None
    for attempt in attempts:
        outcome: Outcome
        if attempt == IN_FLIGHT:
            outcome = response(one, 409, headers={"retry-after": "1"})
        elif isinstance(attempt, int):
            outcome = response(one, attempt)
        else:
            assert not isinstance(attempt, str)
            outcome = attempt
        note(one, outcome)
        last = outcome
    assert last is not None
    return outcome_of(one, effect_of(last))


@pytest.mark.parametrize("key", ["k", None])
@pytest.mark.parametrize("attempts", [[NOT_SENT], [NOT_SENT, NOT_SENT], [TLS], [NO_TOKEN], [NOT_SENT, NO_TOKEN]])
def test_not_sent(attempts: list[Attempt], key: str | None) -> None:
    """ERR: `not_sent` when no attempt left the client."""
    assert "not_sent" == outcome_after(attempts, key)


@pytest.mark.parametrize("key", ["k", None])
@pytest.mark.parametrize("attempts", [[LOST_BODY], [503, LOST_BODY], [LOST, 200], [NOT_SENT, 201]])
def test_committed(attempts: list[Attempt], key: str | None) -> None:
    """ERR: `committed` when headers of a 2xx arrived, though its body was lost or cannot be decoded."""
    assert "committed" == outcome_after(attempts, key)


@pytest.mark.parametrize("key", ["k", None])
@pytest.mark.parametrize("attempt", [LOST, LOST_ERROR_BODY, 408, 500, 502, 503, 504, 599])
def test_unknown(attempt: Attempt, key: str | None) -> None:
    """ERR: `unknown` when an attempt may have acted and nothing later settled it."""
    assert "unknown" == outcome_after([attempt], key)


def test_an_in_flight_conflict_is_unknown_only_with_a_key() -> None:
    """ERR: an in-flight 409 leaves it open; without a key a 409 is a refusal, Retry-After or not."""
    assert "unknown" == outcome_after([IN_FLIGHT], "k")
    assert "refused" == outcome_after([IN_FLIGHT], None)


@pytest.mark.parametrize("key", ["k", None])
@pytest.mark.parametrize("later", [NOT_SENT, NO_TOKEN, TLS, 401, 403, 415, 429, 500, 503, LOST])
def test_what_does_not_settle(later: Attempt, key: str | None) -> None:
    """ERR: a later not sent, 401, 403, 415, 429 or 5xx says nothing of the attempt that may have acted."""
    assert "unknown" == outcome_after([503, later], key)


@pytest.mark.parametrize("settling", [404, 409, 410, 412, 422])
@pytest.mark.parametrize("earlier", [LOST, 503, 408])
def test_what_settles_with_the_same_key(settling: int, earlier: Attempt) -> None:
    """ERR: with the same key a 404, 409, 410, 412 or 422 proves that no earlier attempt acted; without one, not."""
    assert "refused" == outcome_after([earlier, settling], "k")
    assert "unknown" == outcome_after([earlier, settling], None)


@pytest.mark.parametrize("key", ["k", None])
@pytest.mark.parametrize("attempts", [[400], [401], [403], [404], [409], [412], [422], [429], [302], [NOT_SENT, 422]])
def test_refused(attempts: list[Attempt], key: str | None) -> None:
    """ERR: else `refused`: the server answered, and no attempt may have acted."""
    assert "refused" == outcome_after(attempts, key)


def test_a_refusal_that_was_followed_by_not_sent_stays_refused() -> None:
    """ERR: `not_sent` is said only if none of the attempts left the client."""
    assert "refused" == outcome_after([429, NOT_SENT], None)
