"""The control plane: what tests steer the server with. Public names: Control, WorldHandle, MockServer, ControlError."""

from admin_api_mock.control.client import Control, ControlError, MockServer, WorldHandle

__all__ = ["Control", "ControlError", "MockServer", "WorldHandle"]
