"""Contexts of TLS servers and clients: of a CA of a test's own, expired, self-signed, asking for a certificate."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


class Authority:
    """A CA of a test's own, with its bundle in a folder of the test's."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.ca = trustme.CA()
        self.bundle = folder / f"{name}.pem"
        self.ca.cert_pem.write_to_path(str(self.bundle))

    def server(
        self, host: str = "localhost", *, expired: bool = False, only: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        """The context of a server with a certificate of this CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ends = PAST + datetime.timedelta(days=1) if expired else None
        self.ca.issue_cert(host, not_before=PAST if expired else None, not_after=ends).configure_cert(context)
        if only is not None:
            context.minimum_version = context.maximum_version = only
        return context

    def asking(self, only: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """The context of a server that speaks to those alone who have a certificate of this CA too."""
        context = self.server(only=only)
        context.verify_mode = ssl.CERT_REQUIRED
        self.ca.configure_trust(context)
        return context

    def client(self, name: str | None = None) -> ssl.SSLContext:
        """The context of a client that trusts this CA, with a certificate of its own if it is given a name."""
        context = ssl.create_default_context(cafile=str(self.bundle))
        if name is not None:
            self.ca.issue_cert(name, common_name=name).configure_cert(context)
        return context


def self_signed(folder: Path) -> ssl.SSLContext:
    """The context of a server whose certificate nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(PAST)
        .not_valid_after(PAST + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "self-signed.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(pem))
    return context
