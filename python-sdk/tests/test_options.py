"""Options are checked when they are given, not when they are used."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from admin_api import OMIT, ConfigurationError, RequestOptions
from admin_api.options import Limits, checked_logger


@pytest.mark.parametrize("name", ["timeout", "deadline"])
@pytest.mark.parametrize("value", [0, -1, 0.0, float("nan"), float("inf"), 2_147_484.0, "5", True, [1]])
def test_durations_are_positive_numbers(name: str, value: Any) -> None:
    """CONF: a duration that is no positive number is refused, by name."""
    with pytest.raises(ConfigurationError, match=name) as raised:
        RequestOptions(**{name: value})
    assert "invalid_option" == raised.value.code


@pytest.mark.parametrize("name", ["timeout", "deadline", "max_retry_after", "token_timeout"])
def test_a_clients_limit_is_refused_by_its_own_name(name: str) -> None:
    """CONF: what the client is given is checked as what a call is given, and named as it was spelled."""
    with pytest.raises(ConfigurationError, match=f"^{name} must be"):
        Limits(**{name: float("inf")})


@pytest.mark.parametrize("value", [-1, 1.0, "2", True, None, float("nan")])
def test_max_retries_is_a_whole_number(value: Any) -> None:
    """CONF: `max_retries` is an int from 0."""
    with pytest.raises(ConfigurationError, match="max_retries"):
        RequestOptions(max_retries=value)


def test_no_deadline_is_none_and_no_timeout_is_refused() -> None:
    """RETRY-6: a call may have no deadline; an attempt always has a timeout."""
    assert RequestOptions(deadline=None).deadline is None
    with pytest.raises(ConfigurationError, match="timeout"):
        RequestOptions(timeout=None)  # type: ignore[arg-type]  # that it is no type of ours is the point


@pytest.mark.parametrize("key", ["", "k" * 256, "a b", "a\n", "ü", "\x7f", 7, b"k"])
def test_keys_that_cannot_be_sent(key: Any) -> None:
    """RETRY-3: a key is 1 to 255 visible ASCII characters."""
    with pytest.raises(ConfigurationError, match="idempotency_key"):
        RequestOptions(idempotency_key=key)


@pytest.mark.parametrize("key", ["k", "k" * 255, "!~", '"\\', None, OMIT])
def test_keys_that_can_be_sent(key: Any) -> None:
    """RETRY-3: settable, and None opts out."""
    assert key == RequestOptions(idempotency_key=key).idempotency_key


@pytest.mark.parametrize(
    "name, value",
    [("", "x"), ("a b", "x"), ("a:", "x"), ("a\r\nb", "x"), ("ä", "x"), ("x", "a\r\nb: c"), ("x", "ü"), ("x", "\x00")],
)
def test_headers_that_cannot_be_sent(name: str, value: str) -> None:
    """CONF: a header that would split a request is refused, and its value, which may be secret, is not shown."""
    with pytest.raises(ConfigurationError) as raised:
        RequestOptions(headers={name: value})
    assert "invalid_header" == raised.value.code
    assert "x" == value or value not in str(raised.value)


@pytest.mark.parametrize("name", ["Authorization", "authorization", "Content-Length", "Host", "Transfer-Encoding"])
def test_headers_that_are_the_sdks_own(name: str) -> None:
    """CONF: what frames or authorises a request is set by the SDK alone."""
    with pytest.raises(ConfigurationError, match=name):
        RequestOptions(headers={name: "x"})


def test_the_clients_limits_are_overridden_one_by_one() -> None:
    """CONF: what a call leaves out comes from the client."""
    limits = Limits(timeout=1.0, deadline=2.0, max_retries=3)
    assert limits is limits.override(timeout=OMIT, deadline=OMIT)
    assert Limits(timeout=1.0, deadline=None, max_retries=0) == limits.override(deadline=None, max_retries=0)
    with pytest.raises(ConfigurationError):
        limits.override(timeout=-1)


def test_defaults() -> None:
    """CONF: the defaults of policy.yaml."""
    assert (30.0, None, 2, 60.0, 30.0) == tuple(
        getattr(Limits(), name) for name in ("timeout", "deadline", "max_retries", "max_retry_after", "token_timeout")
    )


def test_omit_is_no_value() -> None:
    """CONF: OMIT is false, prints as itself and is one of a kind."""
    assert not OMIT
    assert "OMIT" == repr(OMIT)


@pytest.mark.parametrize("level, number", [("debug", logging.DEBUG), ("INFO", logging.INFO)])
def test_the_log_level_of_the_environment(level: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """LOG: `ADMIN_API_LOG` shows records on standard error, once."""
    logger = logging.getLogger("admin_api")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    assert logger is checked_logger(None, level) is checked_logger(None, level)
    assert (number, 1) == (logger.level, len(logger.handlers))


@pytest.mark.parametrize("level", ["trace", "1", "warn"])
def test_a_log_level_that_is_none(level: str) -> None:
    """LOG: another level is refused."""
    with pytest.raises(ConfigurationError, match="ADMIN_API_LOG"):
        checked_logger(None, level)


def test_no_log_level_leaves_logging_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """LOG: a library does not touch the application's logging unasked."""
    logger = logging.getLogger("admin_api")
    monkeypatch.setattr(logger, "handlers", [])
    checked_logger(None, None)
    assert [] == logger.handlers
