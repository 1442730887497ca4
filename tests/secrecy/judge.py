"""What a text must not hold: the secrets in every form that they go by, and whatever looks like one."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

#: Tokens of the reference server, which are made during a session, and secret keys of age.
LIKE_ONE: Final = {
    "a JWT": re.compile(r"eyJ[A-Za-z0-9_-]{16}"),
    "a personal token": re.compile(r"admp_[0-9A-Za-z]{38}"),
    "a refresh token": re.compile(r"admr_[0-9A-Za-z]{38}"),
    "an identity": re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{16}"),
}


def forms(secret: str) -> Iterator[str]:
    """As it is, escaped, and within base64, wherever it begins there."""
    yield from {secret, quote(secret, ""), quote_plus(secret), secret.encode().hex()}
    yield from {repr(secret)[1:-1], secret.encode("unicode_escape").decode()}
    for encoded in {secret, quote(secret, ""), quote_plus(secret)}:
        for before in range(3):
            text = base64.b64encode(b"\0" * before + encoded.encode()).decode().rstrip("=")
            inner = text[-(-before * 8 // 6) : -1]  # what the neighbours' bits do not change
            yield from {inner, inner.replace("+", "-").replace("/", "_")}


class Judge:
    """Finds secrets in texts; says which, not where it stands in them."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._forms = {form: name for name, secret in secrets.items() for form in forms(secret)}
        self._any = re.compile("|".join(map(re.escape, sorted(self._forms, key=len, reverse=True))))

    def found(self, text: str) -> set[str]:
        """The names of those that a text holds."""
        named = {self._forms[match] for match in self._any.findall(text)}
        return named | {name for name, pattern in LIKE_ONE.items() if pattern.search(text)}
