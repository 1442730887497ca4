"""Who may talk to a server whose admin token everybody knows: programs on this machine, and pages named by --cors."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from admin_api_mock.http import Request
from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.cors import Cors

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def is_loopback(host: str) -> bool:
    """True if binding to `host` is reachable from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guards:
    """Host and Origin checks, in force only while bound to loopback: elsewhere neither TOKEN nor control exists."""

    def __init__(self, host: str, origin: str, cors: Cors | None = None) -> None:
        self._cors = cors
        self.loopback = is_loopback(host)
        self._names = LOOPBACK_NAMES | {host.lower()}
        port = urlsplit(origin).port
        self._origins = frozenset(f"{urlsplit(origin).scheme}://{name}:{port}" for name in self._names)

    def check(self, request: Request) -> None:
        """421 for a Host that is not ours (DNS rebinding), 403 for a page of another origin (cross-site requests)."""
        if not self.loopback:
            return
        host = request.headers.get("host", "")
        if _without_port(host) not in self._names:
            raise Problem("forbidden_host", "This server answers to localhost, 127.0.0.1 and [::1] only.")
        origin = request.headers.get("origin")
        if origin is None or origin.lower() in self._origins:
            return
        if self._cors is None or not self._cors.allows(request):
            raise Problem("forbidden_origin", "A page of another origin may not call this server.")


def _without_port(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()
