"""What a forked child must make anew: locks that some thread of the parent may have held (AUTH-3)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

_renewals: WeakKeyDictionary[Any, Callable[[Any], None]] = WeakKeyDictionary()


def after_fork(owner: Any, renew: Callable[[Any], None]) -> None:
    """Calls `renew(owner)` in every child forked while the owner lives."""
    _renewals[owner] = renew


def _renew() -> None:
    for owner, renew in list(_renewals.items()):
        renew(owner)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew)
