"""World time."""

from __future__ import annotations

import asyncio

import pytest

from admin_api_mock.clock import WorldClock, format_instant, http_date, parse_instant


@pytest.mark.parametrize(
    "text,expected",
    [
        ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00.000Z"),
        ("2030-01-01t00:00:00.1z", "2030-01-01T00:00:00.100Z"),
        ("2030-01-01T00:00:00.123999Z", "2030-01-01T00:00:00.123Z"),
        ("2030-01-01T02:00:00+02:00", "2030-01-01T00:00:00.000Z"),
        ("2029-12-31T19:30:00.5-04:30", "2030-01-01T00:00:00.500Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_instants_are_read_in_every_spelling_and_written_in_one(text: str, expected: str) -> None:
    """RFC 3339 in, UTC with milliseconds out."""
    assert expected == format_instant(parse_instant(text))


@pytest.mark.parametrize("text", ["2030-01-01", "2030-01-01T00:00:00", "2030-13-01T00:00:00Z", "now", ""])
def test_what_is_no_instant_is_refused(text: str) -> None:
    """No guess is made at a missing zone."""
    with pytest.raises(ValueError, match=r".+"):
        parse_instant(text)


def test_http_dates_are_those_of_rfc_9110() -> None:
    """The RFC's own example."""
    assert "Sun, 06 Nov 1994 08:49:37 GMT" == http_date(784_111_777_000)


async def test_a_sleep_in_standing_time_ends_when_time_is_moved_there() -> None:
    """Not before, not at half the way, and not by waiting."""
    clock = WorldClock.standing(0)
    sleep = asyncio.ensure_future(clock.sleep_until(1000))
    await asyncio.sleep(0)
    clock.advance(999)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not sleep.done()
    clock.advance(1)
    await asyncio.wait_for(sleep, 5)
    assert 1000 == clock.now_ms()


async def test_each_sleep_ends_at_its_own_moment() -> None:
    """Two sleep at once: a step to between them wakes one, a step past both the other."""
    clock = WorldClock.standing(0)
    first, second = (asyncio.ensure_future(clock.sleep_until(instant)) for instant in (1000, 2000))
    await asyncio.sleep(0)
    clock.until(1500)
    await asyncio.wait_for(first, 5)
    assert not second.done()
    clock.until(5000)
    await asyncio.wait_for(second, 5)


async def test_a_sleep_in_real_time_ends_by_itself_or_by_a_step() -> None:
    """The root world follows real time and can be moved on all the same."""
    clock = WorldClock.real()
    await asyncio.wait_for(clock.sleep_until(clock.now_ms() + 5), 5)
    sleep = asyncio.ensure_future(clock.sleep_until(clock.now_ms() + 3_600_000))
    await asyncio.sleep(0)
    clock.advance(3_600_000)
    await asyncio.wait_for(sleep, 5)


async def test_the_end_of_a_world_ends_its_sleeps() -> None:
    """Nothing is left behind."""
    clock = WorldClock.standing(0)
    sleep = asyncio.ensure_future(clock.sleep_until(1000))
    await asyncio.sleep(0)
    clock.close()
    await asyncio.wait_for(sleep, 5)
