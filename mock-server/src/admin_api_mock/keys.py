"""The keys of one world, all derived from 32 bytes: cursor signatures, fingerprints, token secrets, ES256 signing."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

#: The order of the curve P-256 (FIPS 186-5).
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ALGORITHM = "ES256"
#: How many signing keys are published at once (Jwks in the document).
MAX_PUBLISHED = 20
#: How many verified access tokens are remembered, so that a signature is checked once and not per request.
_REMEMBERED = 1024


class InvalidSignature(Exception):
    """The token is not one that this world signed with a key that is still published."""


class Keys:
    """Every secret this world has. joserfc is imported when the first token is, for the sake of the start."""

    def __init__(self, material: bytes, generations: Sequence[int] = (0,)) -> None:
        self._material = material
        self._generations = list(generations)
        self._ring: dict[int, ECKey] = {}
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

    @property
    def generations(self) -> Sequence[int]:
        """Which signing keys are published, oldest first: all verify, the last one signs."""
        return tuple(self._generations)

    def rotate(self, *, retire: bool) -> None:
        """Signs with a new key. The old ones stay published, or (`retire`) end with all that they signed."""
        newest = self._generations[-1] + 1
        self._generations = [newest] if retire else [*self._generations, newest][-MAX_PUBLISHED:]
        self._verified.clear()

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """A compact JWS (ES256) over `claims`."""
        from joserfc import jwt

        key = self._key(self._generations[-1])
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid, **header}, claims, key, algorithms=[ALGORITHM])

    def verify(self, token: str, type_: str) -> dict[str, Any]:
        """The claims of a token of ours with header `typ: type_`; what they say is for the caller to check.

        Raises InvalidSignature. Algorithm and keys are ours; of the header, `kid` only chooses among them (RFC 8725).
        """
        claims = self._verified.get(token)
        if claims is None:
            claims = self._claims(token, type_)
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[token] = claims
        return claims

    def jwks(self) -> dict[str, Any]:
        """The public keys (RFC 7517), the one that signs first."""
        keys = []
        for generation in reversed(self._generations):
            key = self._key(generation)
            public = key.as_dict(private=False)
            members = {name: public[name] for name in ("kty", "crv", "x", "y")}
            keys.append({**members, "use": "sig", "alg": ALGORITHM, "kid": key.kid})
        return {"keys": keys}

    def _claims(self, token: str, type_: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        published = KeySet([self._key(generation) for generation in self._generations])
        try:
            decoded = jwt.decode(token, published, algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            raise InvalidSignature from None
        if decoded.header.get("typ") != type_:
            raise InvalidSignature
        return decoded.claims

    def _key(self, generation: int) -> ECKey:
        """The signing key of a generation; its id is its thumbprint (RFC 7638)."""
        found = self._ring.get(generation)
        if found is None:
            found = self._ring[generation] = self._made(generation)
        return found

    def _made(self, generation: int) -> ECKey:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
        from joserfc.jwk import ECKey

        number = int.from_bytes(self.derive(f"signing:{generation}")) % (_P256_ORDER - 1) + 1
        private = ec.derive_private_key(number, ec.SECP256R1())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key = ECKey.import_key(pem)
        return ECKey.import_key(pem, {"kid": key.thumbprint()})
