"""A certificate authority for this one run: its certificate is for clients to trust, its private key is thrown away."""

from __future__ import annotations

import ssl
from pathlib import Path

#: Every name the server can be reached by on this machine.
NAMES = ("localhost", "127.0.0.1", "::1")


def issue(directory: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    """A server context for `host` and the loopback names, and the path of `ca.pem` in `directory`."""
    import trustme  # Imported here: without TLS nobody waits for it.

    authority = trustme.CA(organization_name="admin-api-mock")
    leaf = authority.issue_cert(*dict.fromkeys((*NAMES, host)), organization_name="admin-api-mock")
    ca_path = directory / "ca.pem"
    directory.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(ca_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    leaf.configure_cert(context)
    return context, ca_path
