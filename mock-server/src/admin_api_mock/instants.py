"""Instants that callers send: RFC 3339 in any offset, told as a 422 where they name no day there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admin_api_mock.clock import format_instant, parse_instant
from admin_api_mock.problems import FieldError, Problem, invalid

_DETAIL = "It must be an instant of the years 1 to 9999."


def query_instant(query: Mapping[str, Any], name: str) -> int | None:
    """Milliseconds of a query parameter; None if it was not given."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return parse_instant(text)
    except (ValueError, OverflowError):
        error: FieldError = {"parameter": name, "code": "format", "detail": _DETAIL}
        raise Problem("validation_failed", f"{name}: {_DETAIL}", errors=[error]) from None


def body_instant(pointer: str, text: str) -> int:
    """Milliseconds of a body member; it can be shown again, too."""
    try:
        instant_ms = parse_instant(text)
        format_instant(instant_ms)
    except (ValueError, OverflowError, OSError):
        raise invalid(pointer, "format", _DETAIL) from None
    return instant_ms
