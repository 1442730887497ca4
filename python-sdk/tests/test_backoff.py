"""Whether and when to try again: pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from random import Random

import pytest

from admin_api._generated import policy
from admin_api.backoff import Budget, Retry, Stop, backoff, cost_of, decide, http_date, retry_after
from admin_api.exchange import Effect, Outcome, Response, TokenFailure, WireError

from .answers import call, request, response
from .clocks import Time

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
TIME = Time()


def answered(text: str, **headers: str) -> Response:
    return response(call(TIME), 503, headers={"retry-after": text, **headers})


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("0", 0.0),
        ("7", 7.0),
        ("007", 7.0),
        (" 5 ", 5.0),
        ("\t5", 5.0),
        ("999999999", 999_999_999.0),
        ("1000000000", float("inf")),
        ("0000000001", float("inf")),
        ("9" * 5000, float("inf")),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30.0),
        ("Sun Mar  1 12:00:30 2026", 30.0),
        ("Sun, 01 Mar 2026 11:59:00 GMT", 0.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("+5", None),
        ("-5", None),
        ("5.0", None),
        ("5s", None),
        ("0x5", None),
        ("1e3", None),
        ("5, 7", None),
        ("٥", None),
        ("５", None),
        ("²", None),
        ("\u00a05", None),
        ("", None),
        ("soon", None),
        ("2026-03-01T12:00:30Z", None),
        ("Sun, 1 Mar 2026 12:00:30 GMT", None),
        ("Sun, 01 Mar 2026 12:00:30 +0000", None),
        ("Sun, 01 Mar 2026 12:00:30 UTC", None),
        ("sun, 01 mar 2026 12:00:30 gmt", None),
        ("Sun, 31 Feb 2026 12:00:30 GMT", None),
        ("Sun, 01 Mar 2026 25:00:30 GMT", None),
        ("Sun, 01 Mar 0000 12:00:30 GMT", None),
    ],
)
def test_retry_after_grammar(text: str, seconds: float | None) -> None:
    """RETRY-5: 1 to 9 ASCII digits or an HTTP-date; more digits are above any ceiling; all else asks for nothing."""
    assert seconds == retry_after(answered(text), NOW.timestamp())


@pytest.mark.parametrize(
    "date, seconds",
    [
        ("Sun, 01 Mar 2026 12:00:20 GMT", 10.0),
        ("Sunday, 01-Mar-26 11:00:30 GMT", 3600.0),
        ("Sun, 01 Mar 2026 13:00:00 GMT", 0.0),
        ("yesterday", 30.0),
        ("", 30.0),
    ],
)
def test_a_date_is_measured_from_the_answers_own(date: str, seconds: float) -> None:
    """RETRY-5: a date is measured from the answer's own Date, if that is valid, else from the clock."""
    assert seconds == retry_after(answered("Sun, 01 Mar 2026 12:00:30 GMT", date=date), NOW.timestamp())


def test_no_retry_after_asks_for_nothing() -> None:
    """RETRY-5: an answer without the header asks for nothing."""
    assert retry_after(response(call(TIME), 503), NOW.timestamp()) is None


@pytest.mark.parametrize("year, expected", [("26", 2026), ("75", 2075), ("76", 2076), ("77", 1977), ("99", 1999)])
def test_a_two_digit_year_lies_within_fifty_years(year: str, expected: int) -> None:
    """RFC 9110, section 5.6.7: a year more than 50 years ahead is of the past century."""
    found = http_date(f"Sunday, 01-Mar-{year} 12:00:00 GMT", NOW.timestamp())
    assert datetime(expected, 3, 1, 12, tzinfo=UTC).timestamp() == found


@pytest.mark.parametrize("second", [0, 951_782_400, *(Random(1).randrange(32_000_000_000) for _ in range(200))])
def test_every_imf_date_is_understood(second: int) -> None:
    """RETRY-5: what the standard library writes as an HTTP-date is read as the same second."""
    moment = datetime.fromtimestamp(second, UTC)
    assert second == http_date(format_datetime(moment, usegmt=True), NOW.timestamp())


def test_no_text_breaks_the_grammar() -> None:
    """RETRY-5: whatever a server sends, the answer is a number of seconds, none of them negative, or nothing."""
    random = Random(2)
    dates = "Sun, 01 Mar 2026 12:00:30 GMT"
    for _ in range(2000):
        text = "".join(random.choice(dates + "0123456789+-.: \t٥\x00") for _ in range(random.randrange(40)))
        found = retry_after(answered(text), NOW.timestamp())
        assert found is None or found >= 0.0, text
        at = random.randrange(len(dates))
        changed = dates[:at] + random.choice("0123456789: JanGMT") + dates[at + 1 :]
        found = retry_after(answered(changed), NOW.timestamp())
        assert found is None or found >= 0.0, changed


@pytest.mark.parametrize("retry", [0, 1, 2, 3, 4, 5, 100, 10_000, 10**9])
def test_jitter_stays_within_its_bounds(retry: int) -> None:
    """RETRY-4: from nothing up to min(8 s, 0.5 s · 2^n), for any n."""
    ceiling = 8.0 if retry > 10 else min(8.0, 0.5 * 2**retry)
    assert [0.0, 0.25 * ceiling, ceiling] == [backoff(retry, random) for random in (0.0, 0.25, 1.0)]


SENT = WireError("connection_lost", "maybe_acted", "lost")
NOT_SENT = WireError("connect_failed", "not_sent", "refused")
FINAL = WireError("tls_verification_failed", "final", "who are you")

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
AGAIN, STOP, NO = "again", "final", "not_allowed"


def decision(
    outcome: int | WireError | TokenFailure,
    method: str,
    *,
    key: str | None = None,
    acted_before: bool = False,
    headers: dict[str, str] | None = None,
    asked: str | None = None,
) -> str:
    one = call(TIME, method=method, key=key)
    asking = {} if asked is None else {"retry-after": asked}
    given: Outcome = response(one, outcome, headers=asking) if isinstance(outcome, int) else outcome
    found = decide(request(one, headers=headers), given, acted_before=acted_before, now=TIME.now(), random=0.5)
    return AGAIN if isinstance(found, Retry) else found.reason


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
@pytest.mark.parametrize("method", [*SAFE, "POST", "PUT", "PATCH", "DELETE"])
def test_transient_statuses_with_a_key(status: int, method: str) -> None:
    """RETRY-1, RETRY-2: with a key, or on a safe method, a transient answer is tried again."""
    assert AGAIN == decision(status, method, key=None if method in SAFE else "k")


@pytest.mark.parametrize("status", [300, 302, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 428, 501])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_final_statuses(status: int, method: str) -> None:
    """RETRY-1: everything else is final, with a key or without."""
    assert STOP == decision(status, method, key="k")
    assert STOP == decision(status, method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_500_is_transient_for_safe_methods_only(method: str) -> None:
    """RETRY-1: a 500 is tried again for a safe method; a mutation may have half happened, key or not."""
    assert (AGAIN if method in SAFE else STOP) == decision(500, method, key="k")


@pytest.mark.parametrize("asked, key, expected", [("1", "k", AGAIN), ("1", None, STOP), (None, "k", STOP)])
def test_a_conflict_in_flight(asked: str | None, key: str | None, expected: str) -> None:
    """RETRY-1: a 409 is tried again only if the request had a key and the answer has Retry-After."""
    assert expected == decision(409, "POST", key=key, asked=asked)


@pytest.mark.parametrize(
    "method, outcome, expected",
    [
        ("POST", 429, AGAIN),
        ("PATCH", 429, AGAIN),
        ("POST", NOT_SENT, AGAIN),
        ("PATCH", NOT_SENT, AGAIN),
        ("POST", 503, NO),
        ("POST", 408, NO),
        ("POST", SENT, NO),
        ("PATCH", 503, NO),
        ("PATCH", SENT, NO),
        ("PUT", 503, AGAIN),
        ("PUT", SENT, AGAIN),
        ("DELETE", 503, AGAIN),
        ("DELETE", SENT, AGAIN),
    ],
)
def test_without_a_key(method: str, outcome: int | WireError, expected: str) -> None:
    """RETRY-2: without a key PUT and DELETE are repeated, others only when the server cannot have acted."""
    assert expected == decision(outcome, method)


@pytest.mark.parametrize("header", ["if-match", "if-none-match", "if-unmodified-since"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_conditional_write_without_a_key(header: str, method: str) -> None:
    """RETRY-2: a conditional write without a key is never repeated once it may have acted."""
    conditional = {header: '"e1"'}
    assert NO == decision(503, method, headers=conditional)
    assert NO == decision(SENT, method, headers=conditional)
    assert AGAIN == decision(NOT_SENT, method, headers=conditional)
    assert AGAIN == decision(429, method, headers=conditional)
    assert AGAIN == decision(503, method, headers=conditional, key="k")


@pytest.mark.parametrize("outcome", [NOT_SENT, 429])
def test_an_earlier_attempt_that_may_have_acted_is_not_forgotten(outcome: int | WireError) -> None:
    """RETRY-2: what the last attempt proves says nothing of an earlier one."""
    assert NO == decision(outcome, "POST", acted_before=True)
    assert NO == decision(outcome, "PUT", acted_before=True, headers={"if-match": '"e1"'})
    assert AGAIN == decision(outcome, "PUT", acted_before=True)
    assert AGAIN == decision(outcome, "POST", acted_before=True, key="k")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_final_wire_error(method: str) -> None:
    """RETRY-10: a certificate that is not trusted will not be next time."""
    assert STOP == decision(FINAL, method, key="k")


@pytest.mark.parametrize("effect", ["not_sent", "maybe_acted", "final"])
def test_a_closed_client_stays_closed(effect: Effect) -> None:
    """RETRY-1: nothing is tried again on a client that was closed."""
    assert STOP == decision(WireError("client_closed", effect, "closed"), "GET")


@pytest.mark.parametrize("final, expected", [(True, STOP), (False, AGAIN)])
def test_a_failed_token_request(final: bool, expected: str) -> None:
    """AUTH-5: a failed token request is this attempt's outcome; the POST itself was not sent, so it needs no key."""
    assert expected == decision(TokenFailure("x", "x", final, None), "POST")


def test_the_token_endpoints_retry_after_counts() -> None:
    """RETRY-5: Retry-After of the token endpoint's answer is honoured too."""
    one = call(TIME)
    failure = TokenFailure("x", "x", False, response(call(TIME), 503, headers={"retry-after": "9"}))
    assert Retry(9.0) == decide(request(one), failure, acted_before=False, now=TIME.now(), random=0.0)


def test_x_retries_disabled() -> None:
    """RETRY-1: an operation may forbid retries."""
    one = call(TIME, retries=False)
    assert Stop("not_allowed") == decide(
        request(one), response(one, 503), acted_before=False, now=TIME.now(), random=0.0
    )


@pytest.mark.parametrize(
    "attempts, max_retries, expected",
    [(1, 2, Retry(0.5)), (2, 2, Retry(1.0)), (3, 2, Stop("attempts")), (1, 0, Stop("attempts"))],
)
def test_attempts_are_counted(attempts: int, max_retries: int, expected: Retry | Stop) -> None:
    """RETRY-1: at most `max_retries` after the first attempt."""
    one = call(TIME, attempts=attempts, max_retries=max_retries)
    assert expected == decide(request(one), response(one, 503), acted_before=False, now=TIME.now(), random=1.0)


@pytest.mark.parametrize(
    "asked, expected",
    [
        ("0", Retry(0.5)),
        ("3", Retry(3.0)),
        ("60", Retry(60.0)),
        ("61", Stop("retry_after_too_long")),
        ("9999999999", Stop("retry_after_too_long")),
        ("garbage", Retry(0.5)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Retry(0.5)),
    ],
)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_the_delay_is_the_longer_of_the_two(asked: str, expected: Retry | Stop, status: int) -> None:
    """RETRY-5: delay = max(backoff, asked), honoured on every transient status; never sooner than asked."""
    one = call(TIME)
    answer = response(one, status, headers={"retry-after": asked})
    assert expected == decide(request(one), answer, acted_before=False, now=TIME.now(), random=1.0)


@pytest.mark.parametrize("deadline, expected", [(0.5, Stop("deadline")), (0.51, Retry(0.5)), (None, Retry(0.5))])
def test_a_sleep_must_end_before_the_deadline(deadline: float | None, expected: Retry | Stop) -> None:
    """RETRY-6: a sleep that cannot end in time is not begun."""
    one = call(TIME, deadline=deadline)
    assert expected == decide(request(one), response(one, 503), acted_before=False, now=TIME.now(), random=1.0)


def test_an_attempt_that_the_deadline_ended_is_the_last() -> None:
    """RETRY-9: even if the clock says that a hair of the deadline is left."""
    late = WireError("deadline_exceeded", "maybe_acted", "late")
    one = call(TIME, deadline=9.0)
    assert Stop("deadline") == decide(request(one), late, acted_before=False, now=TIME.now(), random=0.0)


@pytest.mark.parametrize("outcome, cost", [(503, 14), (408, 14), (429, 5), (409, 5), (SENT, 14), (NOT_SENT, 14)])
def test_what_a_retry_costs(outcome: int | WireError, cost: int) -> None:
    """RETRY-7: 14, after 429 and 409 5."""
    given: Outcome = response(call(TIME), outcome) if isinstance(outcome, int) else outcome
    assert cost == cost_of(given)


def test_the_budget_never_goes_below_zero_nor_above_its_size() -> None:
    """RETRY-7: a bucket of 500: what is not there is not spent, what does not fit is not given back."""
    budget = Budget()
    assert 35 == sum(budget.spend(policy.BUDGET_COST) for _ in range(100))
    assert 10 == budget.left
    assert not budget.spend(11)
    assert 10 == budget.left
    budget.refund(1000)
    assert 500 == budget.left
