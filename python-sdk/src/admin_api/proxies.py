"""Which proxy the environment names for a URL (CONF-5). Pure: the environment is given.

The conventions are curl's, which most programs follow, but that a proxy never sees what may not leave this machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from .errors import ConfigurationError
from .exchange import Secret

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PORTS = {"http": 80, "https": 443}

_ENTRY = r"\[(?P<literal>[^\]]*)\](?::(?P<its_port>\d+))?|(?P<name>[^:]*)(?::(?P<port>\d+))?|(?P<bare>.*)"


def proxy_for(url: str, environ: Mapping[str, str]) -> Secret | None:
    """The URL of the proxy, which may hold credentials; None for a direct connection.

    Raises:
        ConfigurationError: It is no http or https URL.
    """
    if not any(name.lower().endswith("_proxy") for name in environ):
        return None
    parts = urlsplit(url)
    found = next(_named(f"{parts.scheme}_proxy", environ), None) or next(_named("all_proxy", environ), None)
    if found is None or exempt(parts, environ):
        return None
    del environ  # an error shows it in no frame: it may hold more than one secret (AUTH-9)
    proxy = checked_proxy(*found)
    # Only loopback may use http (AUTH-7): its requests go in the clear, so not to a proxy elsewhere.
    leaves = parts.scheme == "http" and urlsplit(proxy.reveal()).hostname not in LOOPBACK
    return None if leaves else proxy


def checked_proxy(name: str, value: Secret) -> Secret:
    """A proxy's URL, with a scheme; a value that is none is not shown, for it may hold a password.

    Raises:
        ConfigurationError: It is no http or https URL.
    """
    url = _url(value.reveal())
    if url is None:
        raise ConfigurationError(
            f"{name} must be the http or https URL of a proxy, such as http://proxy.example:3128.", code="invalid_proxy"
        )
    return url


def _url(value: str) -> Secret | None:
    url = value if "://" in value else f"http://{value}"
    if not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        sound = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    return Secret(url.rstrip("/")) if sound and bare else None


def exempt(parts: SplitResult, environ: Mapping[str, str]) -> bool:
    """Whether `NO_PROXY` wants a direct connection, whatever proxy there is."""
    listed = next((value.reveal() for _, value in _named("no_proxy", environ)), "")
    host = (parts.hostname or "").rstrip(".")
    return any(_matches(entry, host, parts.port or PORTS[parts.scheme]) for entry in re.split(r"[\s,]+", listed))


def _matches(entry: str, host: str, port: int) -> bool:
    """A host with those below it, an address, or a network (`10.0.0.0/8`); `*` is all; with a port only that."""
    found = re.fullmatch(_ENTRY, entry)
    assert found is not None  # the last alternative takes anything
    literal, its_port, name, port_of_name, bare = found.groups()
    given = literal or name or bare or ""
    if (its_port or port_of_name or str(port)) != str(port) or not given:
        return False
    if given == "*":
        return True
    address = _address(host)
    if address is None:
        domain = given.lower().removeprefix("*").removeprefix(".").rstrip(".")
        return domain != "" and (host == domain or host.endswith(f".{domain}"))
    try:
        return address in ip_network(given, strict=False)  # an address is a network of one
    except ValueError:
        return False


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _named(name: str, environ: Mapping[str, str]) -> Iterator[tuple[str, Secret]]:
    """A variable in either spelling, the lower one first; one that is empty is none."""
    for spelling in (name, name.upper()):
        # In a CGI program HTTP_PROXY is what a visitor sent as the header `Proxy`.
        if environ.get(spelling, "").strip() and not (spelling == "HTTP_PROXY" and "REQUEST_METHOD" in environ):
            yield spelling, Secret(environ[spelling].strip())
