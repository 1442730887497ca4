"""Opaque tokens: a prefix, 32 random base62 digits, and the CRC-32 of all before it in six more.

`admp_` are the personal tokens that a person copies from the Admin Console, `admr_` the refresh tokens of grants.
"""

from __future__ import annotations

import hashlib
import re
import zlib

PREFIX = "admp_"
REFRESH_PREFIX = "admr_"
#: What a person sees of a token later on.
HINT_LENGTH = 9
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_DIGITS = 32
_CHECKSUM_DIGITS = 6
PATTERN = re.compile(rf"(?:{PREFIX}|{REFRESH_PREFIX})[0-9A-Za-z]{{{_RANDOM_DIGITS + _CHECKSUM_DIGITS}}}")


def issue(randomness: bytes, prefix: str = PREFIX) -> str:
    """A token from at least 32 random bytes."""
    body = prefix + _base62(int.from_bytes(randomness), _RANDOM_DIGITS)
    return body + _checksum(body)


def is_well_formed(token: str) -> bool:
    """Whether pattern and checksum hold: a scanner can tell a token from noise without asking the server."""
    return PATTERN.fullmatch(token) is not None and token.endswith(_checksum(token[:-_CHECKSUM_DIGITS]))


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_DIGITS)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(BASE62[digit])
    return "".join(reversed(digits))
