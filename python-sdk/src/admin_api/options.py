"""Options: of a client, of one call, and what stands for an argument that is left out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, cast

from ._generated import policy
from .errors import ConfigurationError


class Omit(Enum):
    """The type of OMIT, which stands for an argument that is left out, where None is a value."""

    OMIT = "OMIT"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "OMIT"


OMIT: Final = Omit.OMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """Options of one call; what is left out comes from the client.

    Args:
        timeout: Seconds that one attempt may take, from connect to the last byte of the answer.
        deadline: Seconds that the call may take with all attempts and waits; None is no limit.
        max_retries: How many attempts may follow the first.
        idempotency_key: The key of a mutation, 1 to 255 visible ASCII characters; None sends none; else one is made.
        headers: Headers to add or, with the same name, to replace.
        query: Query parameters to add.
    """

    timeout: float | Omit = OMIT
    deadline: float | Omit | None = OMIT
    max_retries: int | Omit = OMIT
    idempotency_key: str | Omit | None = OMIT
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)  # values may be secret (AUTH-9)
    query: Mapping[str, str | int | bool | Sequence[str]] = field(
        default_factory=dict[str, str | int | bool | Sequence[str]], repr=False
    )

    def __post_init__(self) -> None:
        check_limits(timeout=self.timeout, deadline=self.deadline, max_retries=self.max_retries)
        key: object = self.idempotency_key
        visible = isinstance(key, str) and 1 <= len(key) <= 255 and all("!" <= c <= "~" for c in key)
        if key is not OMIT and key is not None and not visible:
            raise ConfigurationError(
                "idempotency_key must be 1 to 255 visible ASCII characters.", code="invalid_option"
            )
        for name, value in self.headers.items():
            check_header(name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The client's own limits, which a call's options override."""

    timeout: float = policy.LIMITS_TIMEOUT
    deadline: float | None = None
    max_retries: int = policy.LIMITS_MAX_RETRIES
    max_retry_after: float = policy.LIMITS_MAX_RETRY_AFTER
    token_timeout: float = policy.LIMITS_TOKEN_TIMEOUT

    def __post_init__(self) -> None:
        check_limits(
            timeout=self.timeout,
            deadline=self.deadline,
            max_retries=self.max_retries,
            max_retry_after=self.max_retry_after,
            token_timeout=self.token_timeout,
        )

    def override(self, **changes: Any) -> Limits:
        """These limits with the changes that are not OMIT."""
        given = {name: value for name, value in changes.items() if value is not OMIT}
        return replace(self, **given) if given else self


def check_limits(
    *,
    timeout: object = OMIT,
    deadline: object = None,
    max_retries: object = OMIT,
    max_retry_after: object = OMIT,
    token_timeout: object = OMIT,
) -> None:
    """Raises ConfigurationError for a limit that cannot be kept."""
    _check_seconds("timeout", timeout)
    _check_seconds("deadline", OMIT if deadline is None else deadline)
    _check_seconds("max_retry_after", max_retry_after)
    _check_seconds("token_timeout", token_timeout)
    whole = isinstance(max_retries, int) and not isinstance(max_retries, bool)
    if max_retries is not OMIT and not (whole and cast("int", max_retries) >= 0):
        raise ConfigurationError("max_retries must be a whole number of at least 0.", code="invalid_option")


def _check_seconds(name: str, value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not OMIT and not (number and 0 < cast("float", value) <= policy.LIMITS_LONGEST):
        raise ConfigurationError(
            f"{name} must be a number of seconds above 0, at most {policy.LIMITS_LONGEST}.", code="invalid_option"
        )


_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def check_header(name: str, value: str) -> None:
    """Raises ConfigurationError for a header that cannot be sent; the value may be secret and is not quoted."""
    if not name or not _TOKEN.issuperset(name):
        raise ConfigurationError("A header's name must be an RFC 9110 token.", code="invalid_header")
    if not isinstance(value, str) or any(c not in "\t" and not " " <= c <= "~" for c in value):  # pyright: ignore[reportUnnecessaryIsInstance] (callers without a type checker)
        raise ConfigurationError(f"The value of header {name} must be visible ASCII text.", code="invalid_header")
    if name.lower() in {"authorization", "content-length", "transfer-encoding", "host", "connection"}:
        raise ConfigurationError(f"Header {name} is set by the SDK alone.", code="invalid_header")


class _Shown(logging.Handler):
    """Shows records on standard error where nothing else would; asked for each, as logging may be configured later."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record, its fields behind its text."""
        known = logging.getLogger("admin_api")
        if known.handlers != [self] or (known.propagate and logging.getLogger().handlers):
            return
        try:
            sys.stderr.write(self.format(record) + "\n")
        except OSError:  # nobody reads it any more
            self.handleError(record)


def checked_logger(given: logging.Logger | None, level: str | None) -> logging.Logger:
    """The given logger, or `admin_api`, whose records `ADMIN_API_LOG` shows on standard error.

    Raises:
        ConfigurationError: What is given is no logger; or the level is none of `debug`, `info` and `off`.
    """
    if given is not None:
        if not hasattr(given, "isEnabledFor"):
            raise ConfigurationError("logger must be a logging.Logger.", code="invalid_option")
        return given
    logger = logging.getLogger("admin_api")
    level = (level or "off").lower()
    if level not in ("debug", "info", "off"):
        raise ConfigurationError("ADMIN_API_LOG must be debug, info or off.", code="invalid_option")
    if level != "off":
        logger.setLevel(level.upper())
        if not logger.handlers:
            handler = _Shown()
            form = "%(asctime)s %(levelname)s %(name)s: %(message)s %(admin_api)s"
            handler.setFormatter(logging.Formatter(form, defaults={"admin_api": ""}))
            logger.addHandler(handler)
    return logger
