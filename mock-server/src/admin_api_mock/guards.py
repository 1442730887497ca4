"""Who may talk to a server whose admin token everybody knows: programs on this machine, and pages named by --cors."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from admin_api_mock.http import Request
from admin_api_mock.problems import Problem

if TYPE_CHECKING:
    from admin_api_mock.cors import Cors

CONTROL = "/__mock__/"
#: Sec-Fetch-Site of what no page of another site caused: one's own page, and a user who typed the address.
_OWN_SITES = frozenset({"same-origin", "none"})
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
        """421 for a Host that is not ours (DNS rebinding), 403 for a page of another origin (cross-site requests).

        What a page has a browser fetch without asking, such as an image, comes without Origin: it gets nothing of the
        API, which wants a token, and browsers say of it where it comes from (Fetch Metadata).
        """
        if not self.loopback:
            return
        host = request.headers.get("host", "")
        if _without_port(host) not in self._names:
            raise Problem("forbidden_host", "This server answers to localhost, 127.0.0.1 and [::1] only.")
        headers = request.headers
        origin = headers.get("origin")
        foreign = origin is not None and origin.lower() not in self._origins
        if foreign and (self._cors is None or not self._cors.allows(request)):
            raise Problem("forbidden_origin", "A page of another origin may not call this server.")
        site = headers.get("sec-fetch-site")
        if site is not None and site not in _OWN_SITES and request.raw_path.startswith(CONTROL):
            raise Problem("forbidden_origin", "The control plane is not for pages of other sites.")


def _without_port(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()
