"""The control plane: what tests steer the server with. Public names: Control, WorldHandle, MockServer, ControlError."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from admin_api_mock.control.client import Control, ControlError, MockServer, WorldHandle

__all__ = ["Control", "ControlError", "MockServer", "WorldHandle"]


def __getattr__(name: str) -> Any:
    """Loads the client when a test asks for it: the server itself, which lives in the next room, starts without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from admin_api_mock.control import client

    return getattr(client, name)
