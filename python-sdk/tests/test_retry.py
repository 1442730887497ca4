"""The retry layer, through the whole client and alone."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpcore
import pytest

from admin_api import APIConnectionError, ConflictError, InternalServerError, RateLimitError, RequestOptions
from admin_api.backoff import Budget
from admin_api.exchange import WireError

from .answers import answer, call, page, problem, request, response
from .conftest import Wire
from .flavours import Flavour


async def test_waits_as_asked_and_tries_again(flavour: Flavour, wire: Wire) -> None:
    """RETRY-5: a 503 with Retry-After is tried again, not sooner than asked."""
    clock = flavour.clock()
    wire.answers(problem(503, "service_unavailable", headers={"retry-after": "7"}), answer())
    client = flavour.client(clock=clock)
    user = await flavour.settle(client.users.get("usr_1"))
    assert "usr_1" == user.id
    assert [7.0] == clock.sleeps


async def test_full_jitter_between_attempts(flavour: Flavour, wire: Wire) -> None:
    """RETRY-4: without Retry-After the delays are random · min(8, 0.5 · 2^n)."""
    clock = flavour.clock(random=0.5)
    wire.answers(*[problem(503, "service_unavailable")] * 5, answer())
    await flavour.settle(flavour.client(clock=clock, max_retries=5).users.get("usr_1"))
    assert [0.25, 0.5, 1.0, 2.0, 4.0] == clock.sleeps


async def test_the_same_key_on_every_attempt(flavour: Flavour, wire: Wire) -> None:
    """RETRY-3: the key is made once per call and is the same on every attempt; another call has another."""
    wire.answers(problem(503, "service_unavailable"), LOST_CONNECTION, answer(201), answer(201))
    client = flavour.client()
    raw = await flavour.settle(client.users.with_raw_response.create(username="a", email="a@b.c", roles=[]))
    await flavour.settle(client.users.create(username="b", email="b@b.c", roles=[]))
    assert ['"key-1"', '"key-1"', '"key-1"', '"key-2"'] == [r.headers["idempotency-key"] for r in wire.requests]
    assert ("key-1", 3) == (raw.idempotency_key, raw.attempts)
    bodies = [r.content for r in wire.requests[:3]]
    assert 1 == len(set(bodies))
    assert bodies[0]


LOST_CONNECTION = httpcore.ReadError("reset")


async def test_a_post_without_a_key_is_not_repeated_once_it_may_have_acted(flavour: Flavour, wire: Wire) -> None:
    """RETRY-2: without a key a POST whose answer was lost is not sent again; the error says the outcome is unknown."""
    wire.answers(LOST_CONNECTION, answer(201))
    with pytest.raises(APIConnectionError) as raised:
        await flavour.settle(
            flavour.client().users.create(
                username="a", email="a@b.c", roles=[], options=RequestOptions(idempotency_key=None)
            )
        )
    assert 1 == len(wire.requests)
    assert "idempotency-key" not in wire.requests[0].headers
    assert ("unknown", False, 1, None) == (
        raised.value.outcome,
        raised.value.retryable,
        raised.value.attempts,
        raised.value.idempotency_key,
    )


async def test_a_post_without_a_key_is_repeated_if_it_was_never_sent(flavour: Flavour, wire: Wire) -> None:
    """RETRY-2, RETRY-10: what never left the client may be sent again, key or not."""
    wire.answers(httpcore.ConnectError("refused"), answer(201))
    await flavour.settle(
        flavour.client().users.create(
            username="a", email="a@b.c", roles=[], options=RequestOptions(idempotency_key=None)
        )
    )
    assert 2 == len(wire.requests)


async def test_gives_up_after_max_retries(flavour: Flavour, wire: Wire) -> None:
    """RETRY-1: at most `max_retries` attempts follow the first."""
    wire.answers(*[problem(502, "bad_gateway")] * 4)
    with pytest.raises(InternalServerError) as raised:
        await flavour.settle(flavour.client().users.get("usr_1"))
    assert 3 == len(wire.requests) == raised.value.attempts
    assert raised.value.retryable


async def test_a_call_may_override_max_retries(flavour: Flavour, wire: Wire) -> None:
    """RETRY-1: options of the call come before those of the client."""
    wire.answers(*[problem(502, "bad_gateway")] * 4)
    with pytest.raises(InternalServerError):
        await flavour.settle(flavour.client().users.get("usr_1", options=RequestOptions(max_retries=0)))
    assert 1 == len(wire.requests)


async def test_retry_after_above_the_ceiling_fails_at_once(flavour: Flavour, wire: Wire) -> None:
    """RETRY-5: never sooner than asked, so above `max_retry_after` there is no retry; the error says how long."""
    clock = flavour.clock()
    wire.answers(problem(429, "rate_limited", headers={"retry-after": "61"}), answer())
    with pytest.raises(RateLimitError) as raised:
        await flavour.settle(flavour.client(clock=clock).users.get("usr_1"))
    assert ([], 61.0, True) == (clock.sleeps, raised.value.retry_after, raised.value.retryable)


async def test_a_sleep_past_the_deadline_is_not_begun(flavour: Flavour, wire: Wire) -> None:
    """RETRY-6: a sleep that cannot end before the deadline is not begun."""
    clock = flavour.clock()
    wire.answers(problem(503, "service_unavailable", headers={"retry-after": "10"}), answer())
    with pytest.raises(InternalServerError):
        await flavour.settle(flavour.client(clock=clock, deadline=10.0).users.get("usr_1"))
    assert [] == clock.sleeps


async def test_each_page_is_an_answer_of_its_own(flavour: Flavour, wire: Wire) -> None:
    """RETRY-6: the deadline and the attempts are counted per page."""
    clock = flavour.clock()
    broken = problem(503, "service_unavailable", headers={"retry-after": "6"})
    wire.answers(broken, page([1], "c1"), broken, page([2], "c2"), broken, page([3], None))
    users = await flavour.collect(flavour.client(clock=clock, deadline=10.0, max_retries=1).users.list())
    assert ["usr_1", "usr_2", "usr_3"] == [user.id for user in users]
    assert [6.0, 6.0, 6.0] == clock.sleeps


async def test_in_flight_conflict_waits(flavour: Flavour, wire: Wire) -> None:
    """RETRY-1: a 409 with Retry-After to a request with a key means that the call is still worked on."""
    clock = flavour.clock(random=0.0)
    wire.answers(problem(409, "idempotency_in_flight", headers={"retry-after": "1"}), answer(201))
    await flavour.settle(flavour.client(clock=clock).users.create(username="a", email="a@b.c", roles=[]))
    assert [1.0] == clock.sleeps


async def test_other_conflicts_are_final(flavour: Flavour, wire: Wire) -> None:
    """RETRY-1: every 409 that asks for no wait is final."""
    wire.answers(problem(409, "username_taken", existing_id="usr_9"), answer(201))
    with pytest.raises(ConflictError) as raised:
        await flavour.settle(flavour.client().users.create(username="a", email="a@b.c", roles=[]))
    assert 1 == len(wire.requests)
    assert ("username_taken", "refused", "usr_9") == (
        raised.value.code,
        raised.value.outcome,
        (raised.value.problem or {})["existing_id"],
    )


async def test_an_empty_budget_ends_retries(flavour: Flavour) -> None:
    """RETRY-7: when the budget is spent there is no retry, and the error says so."""
    room = flavour.room("layers.retry")
    status = flavour.room("layers.status")
    clock = flavour.clock()
    budget = Budget()
    while budget.spend(14):
        pass
    one = request(call(clock, attempts=0))
    send = flavour.sender(response(one.call, 503))
    with pytest.raises(InternalServerError) as raised:
        await flavour.settle(status.status()(room.retry(budget, lambda record: None)(send))(one))
    assert ("retry_budget_exhausted", [], 1) == (raised.value.code, clock.sleeps, len(send.requests))


@pytest.mark.parametrize("status, left", [(503, 486), (429, 495), (408, 486)])
async def test_a_success_after_a_retry_gives_back_its_cost(flavour: Flavour, status: int, left: int) -> None:
    """RETRY-7: a retry costs 14, after a 429 5; the success that follows gives back the last cost."""
    room = flavour.room("layers.retry")
    budget = Budget()
    seen: list[int] = []
    one = request(call(flavour.clock(), attempts=0))

    def succeed(_: Any) -> Any:
        seen.append(budget.left)
        return response(one.call, 200)

    send = flavour.sender(response(one.call, status), succeed)
    await flavour.settle(room.retry(budget, lambda record: None)(send)(one))
    assert ([left], 500) == (seen, budget.left)


async def test_a_first_try_success_gives_one(flavour: Flavour) -> None:
    """RETRY-7: a success at the first try gives 1."""
    budget = Budget()
    budget.spend(100)
    one = request(call(flavour.clock(), attempts=0))
    send = flavour.sender(response(one.call, 200))
    await flavour.settle(flavour.room("layers.retry").retry(budget, lambda record: None)(send)(one))
    assert 401 == budget.left


async def test_every_retry_is_recorded_before_its_sleep(flavour: Flavour) -> None:
    """LOG: retry emits one frozen record per retry and knows nothing of logging."""
    room = flavour.room("layers.retry")
    records: list[Any] = []
    clock = flavour.clock()
    clock.on_sleep = lambda: records.append("slept")
    one = request(call(clock, attempts=0))
    send = flavour.sender(
        response(one.call, 503, headers={"x-request-id": "r1"}),
        WireError("connection_lost", "maybe_acted", "gone"),
        response(one.call, 200),
    )
    await flavour.settle(room.retry(Budget(), records.append)(send)(one))
    assert [
        room.RetryRecord("users.get", 1, 0.5, 503, None, "r1"),
        "slept",
        room.RetryRecord("users.get", 2, 1.0, None, "connection_lost", None),
        "slept",
    ] == records


async def test_an_exception_of_a_layer_below_is_not_wrapped(flavour: Flavour) -> None:
    """RETRY-9: what is no outcome, a cancellation for one, passes through the retry loop as it is."""
    room = flavour.room("layers.retry")
    one = request(call(flavour.clock(), attempts=0))

    def fail(_: Any) -> Any:
        raise KeyError("from below")

    send = flavour.sender(response(one.call, 503), fail)
    with pytest.raises(KeyError, match="from below"):
        await flavour.settle(room.retry(Budget(), lambda record: None)(send)(one))


def test_a_first_try_success_does_not_import_tenacity() -> None:
    """RETRY-11: tenacity turns the wheel from the first retry on; who never retries never pays for it."""
    script = """
import sys, httpx
from admin_api import AdminClient
body = {body!r}
answers = iter([httpx.Response(200, json=body), httpx.Response(503), httpx.Response(200, json=body)])
class NoWait:
    now = monotonic = random = staticmethod(lambda: 1.0)
    sleep = staticmethod(lambda seconds: None)
client = AdminClient(base_url="http://localhost:1", token="t", clock=NoWait(),
                     http_client=httpx.MockTransport(lambda request: next(answers)))
client.users.get("usr_1")
assert "tenacity" not in sys.modules
client.users.get("usr_1")
assert "tenacity" in sys.modules
"""
    from .answers import user

    done = subprocess.run(
        [sys.executable, "-c", script.format(body=user())], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
