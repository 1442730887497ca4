"""Warns of deprecated operations, once per process: by the document or by what a server says (LOG-3)."""

from __future__ import annotations

import inspect
import re
import warnings
from datetime import UTC, datetime

from .backoff import http_date

_PACKAGE = __name__.partition(".")[0]
_warned: dict[str, object] = {}


def warn(operation: str, sunset: str | None) -> None:
    """Warns at the line outside of this package that makes the call.

    Args:
        sunset: When it goes away: the document's date, or the header `Sunset` (RFC 8594).
    """
    mine = object()
    if _warned.setdefault(operation, mine) is not mine:  # one step, so that of many threads one warns
        return
    date = _date_of(sunset or "")
    text = f"{operation} is deprecated.{f' It goes away on {date}.' if date else ''}"
    try:
        warnings.warn(text, DeprecationWarning, stacklevel=_levels_out())
    except DeprecationWarning:  # asked for as an error: then each time
        del _warned[operation]
        raise


def _levels_out() -> int:
    """How far from `warn` the first frame of another package is. A task made of a bare call has asyncio's alone."""
    levels = 0
    frame = inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE:
        levels += 1
        frame = frame.f_back
    return levels


def _date_of(text: str) -> str | None:
    if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return text
    at = http_date(text, 0.0) if re.fullmatch("[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} .*", text) else None
    return None if at is None else datetime.fromtimestamp(at, UTC).date().isoformat()
