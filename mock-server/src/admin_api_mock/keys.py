"""The keys of one world, all derived from 32 bytes: cursor signatures, fingerprints, token secrets, ES256 signing."""

from __future__ import annotations

import hashlib
import hmac
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

#: The order of the curve P-256 (FIPS 186-5).
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ALGORITHM = "ES256"
#: How many verified access tokens are remembered, so that a signature is checked once and not per request.
_REMEMBERED = 1024


class InvalidSignature(Exception):
    """The token is not one that this world signed."""


class Keys:
    """Every secret this world has. joserfc is imported when the first token is, for the sake of the start."""

    def __init__(self, material: bytes) -> None:
        self._material = material
        self._verified: dict[str, dict[str, Any]] = {}

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose."""
        return hmac.digest(self._material, purpose.encode(), "sha256")

    @cached_property
    def cursor(self) -> bytes:
        """Signs cursors."""
        return self.derive("cursor")

    def fingerprint(self, value: bytes) -> str:
        """Keyed hash of a secret configuration value: values can be compared, none can be guessed."""
        return hmac.digest(self.derive("fingerprint"), value, "sha256").hex()[:8]

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """A compact JWS (ES256) over `claims`."""
        from joserfc import jwt

        return jwt.encode({"alg": ALGORITHM, "kid": self._kid, **header}, claims, self._signing, algorithms=[ALGORITHM])

    def verify(self, token: str, type_: str) -> dict[str, Any]:
        """The claims of a token of ours with header `typ: type_`; what they say is for the caller to check.

        Raises InvalidSignature. Algorithm and key are ours: nothing in the header is trusted (RFC 8725).
        """
        claims = self._verified.get(token)
        if claims is None:
            claims = self._claims(token, type_)
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[token] = claims
        return claims

    def jwks(self) -> dict[str, Any]:
        """The public keys (RFC 7517)."""
        public = self._signing.as_dict(private=False)
        members = {name: public[name] for name in ("kty", "crv", "x", "y")}
        return {"keys": [{**members, "use": "sig", "alg": ALGORITHM, "kid": self._kid}]}

    def _claims(self, token: str, type_: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        try:
            decoded = jwt.decode(token, self._signing, algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            raise InvalidSignature from None
        if decoded.header.get("typ") != type_:
            raise InvalidSignature
        return decoded.claims

    @cached_property
    def _signing(self) -> ECKey:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
        from joserfc.jwk import ECKey

        number = int.from_bytes(self.derive("signing")) % (_P256_ORDER - 1) + 1
        private = ec.derive_private_key(number, ec.SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return ECKey.import_key(pem)

    @cached_property
    def _kid(self) -> str:
        return hashlib.sha256(self.derive("signing")).hexdigest()[:16]
