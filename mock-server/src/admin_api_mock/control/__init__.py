"""The control plane: what tests steer the server with. What may be imported is in `__all__`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from admin_api_mock.control._generated.models import Channel as Channel
    from admin_api_mock.control._generated.models import Entry as Entry
    from admin_api_mock.control._generated.models import Fault as Fault
    from admin_api_mock.control._generated.models import FaultCreationOptions as FaultCreationOptions
    from admin_api_mock.control._generated.models import Match as Match
    from admin_api_mock.control._generated.models import Outcome as Outcome
    from admin_api_mock.control._generated.models import WorldCreation as WorldCreation
    from admin_api_mock.control.client import Control as Control
    from admin_api_mock.control.client import WorldHandle as WorldHandle
    from admin_api_mock.control.errors import ControlError as ControlError
    from admin_api_mock.control.server import MockServer as MockServer

_ROOMS = {
    "Control": "client",
    "ControlError": "errors",
    "MockServer": "server",
    "WorldHandle": "client",
    "Channel": "_generated.models",
    "Entry": "_generated.models",
    "Fault": "_generated.models",
    "FaultCreationOptions": "_generated.models",
    "Match": "_generated.models",
    "Outcome": "_generated.models",
    "WorldCreation": "_generated.models",
}

__all__ = sorted(_ROOMS)  # noqa: PLE0605 - a list of strings, said once


def __getattr__(name: str) -> Any:
    """Loads a room when a test asks for it: the server itself, which lives in the next one, starts without."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
