"""age v1, by pyrage: what it gives, and what it would lose."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pyrage  # type: ignore[import-untyped]  # it has no types
import pytest

from admin_api import ConfigurationError, IntegrityError, NoMatchingKeyError
from admin_api.encryption import decrypt, encrypt, generate_identity, identity, recipient

SIZES = [0, 1, 15, 65_535, 65_536, 65_537, 131_072, 200_000]
ALICE, BOB, EVE = (generate_identity() for _ in range(3))


def encrypted(data: bytes, *to: Any) -> bytes:
    sink = io.BytesIO()
    encrypt(io.BytesIO(data), sink, [one.recipient for one in to or (ALICE,)])
    return sink.getvalue()


def decrypted(data: bytes, *by: Any) -> bytes:
    sink = io.BytesIO()
    decrypt(io.BytesIO(data), sink, list(by or (ALICE,)))
    return sink.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_what_is_encrypted_can_be_read_by_each_recipient(size: int) -> None:
    """FILE: any size, any of the recipients, and plain age reads it too."""
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    sealed = encrypted(data, ALICE, BOB)
    assert sealed.startswith(b"age-encryption.org/v1\n")
    assert data == decrypted(sealed, BOB) == decrypted(sealed, EVE, ALICE)
    assert data == pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(ALICE.reveal())])
    assert data == decrypted(pyrage.encrypt(data, [pyrage.x25519.Recipient.from_str(str(ALICE.recipient))]))


def test_somebody_else_cannot_read_it() -> None:
    """FILE: NoMatchingKeyError, which is an IntegrityError that says why."""
    with pytest.raises(NoMatchingKeyError) as raised:
        decrypted(encrypted(b"secret"), EVE)
    assert ("no_matching_key", "committed") == (raised.value.code, raised.value.outcome)
    assert raised.value.__context__ is None


@pytest.mark.parametrize("size", [0, 100, 65_536, 150_000])
def test_any_change_is_noticed(size: int) -> None:
    """FILE: a flipped bit anywhere, a cut anywhere, or bytes behind the end: IntegrityError."""
    sealed = encrypted(b"x" * size)
    places = [*range(0, len(sealed), max(1, len(sealed) // 40)), len(sealed) - 1]
    for at in places:
        changed = bytearray(sealed)
        changed[at] ^= 0x40
        with pytest.raises(IntegrityError):
            decrypted(bytes(changed))
        with pytest.raises(IntegrityError):
            decrypted(sealed[:at])
    with pytest.raises(IntegrityError):
        decrypted(sealed + b"x")


@pytest.mark.parametrize("data", [b"", b"plain", b"age-encryption.org/v1\n", b"\xff" * 100])
def test_what_is_no_age_file(data: bytes) -> None:
    """FILE: errors of the library become IntegrityError."""
    with pytest.raises(IntegrityError):
        decrypted(data)


class Sink(io.BytesIO):
    """Fails at its n-th write."""

    def __init__(self, failing: int) -> None:
        super().__init__()
        self.left = failing

    def write(self, data: Any, /) -> int:
        self.left -= 1
        if self.left == 0:
            raise OSError(28, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("size", [10, 65_536, 300_000])
@pytest.mark.parametrize("way", ["encrypt", "decrypt"])
def test_no_write_error_is_lost(size: int, way: str) -> None:
    """FILE: pyrage loses write errors; whichever write fails, first or last, the error surfaces."""
    data = b"x" * size
    sealed = encrypted(data)

    def run(sink: Sink) -> None:
        if way == "encrypt":
            encrypt(io.BytesIO(data), sink, [ALICE.recipient])
        else:
            decrypt(io.BytesIO(sealed), sink, [ALICE])

    failed = 0
    for failing in range(1, 200):
        sink = Sink(failing)
        try:
            run(sink)
        except OSError as error:
            assert "No space left" in str(error)  # noqa: PT017 (the last of the runs raises nothing)
            failed += 1
        else:
            assert sink.left > 0, f"write {failing} failed and nobody was told"
            break
    assert 1 <= failed < 199


def test_no_read_error_is_lost() -> None:
    """FILE: what the source raises is raised as it is, while encrypting and while decrypting."""

    class Source(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100_000:
                raise OSError(5, "disk on fire")
            return super().read(min(size or 50_000, 50_000))

    with pytest.raises(OSError, match="disk on fire"):
        encrypt(Source(b"x" * 200_000), io.BytesIO(), [ALICE.recipient])
    with pytest.raises(OSError, match="disk on fire"):
        decrypt(Source(encrypted(b"x" * 200_000)), io.BytesIO(), [ALICE])


def test_an_identity_shows_itself_only_when_asked() -> None:
    """AUTH-9: the secret half is in no repr, pickle or copy."""
    secret = ALICE.reveal()
    assert secret.startswith("AGE-SECRET-KEY-1")
    shown = [repr(ALICE), str(ALICE), f"{ALICE}", repr([ALICE])]
    assert [] == [text for text in shown if secret in text or secret[16:] in text]
    for copier in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            copier(ALICE)


def test_keys_from_their_texts() -> None:
    """FILE: recipients and identities come from their texts and go back to them."""
    assert ALICE.reveal() == identity(ALICE.reveal()).reveal()
    text = str(ALICE.recipient)
    assert (text, f"recipient({text!r})") == (str(recipient(text)), repr(recipient(text)))
    assert text.startswith("age1")


@pytest.mark.parametrize("text", ["", "age1", "age1qqqq", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1QQ"])
def test_a_text_that_is_no_recipient(text: str) -> None:
    """FILE: a recipient that is none is refused when it is made."""
    with pytest.raises(ConfigurationError) as raised:
        recipient(text)
    assert "invalid_recipient" == raised.value.code


def test_a_text_that_is_no_identity_is_not_shown() -> None:
    """AUTH-9: a mistyped secret key is refused and not shown, not even as a cause."""
    wrong = ALICE.reveal()[:-1] + ("Q" if ALICE.reveal()[-1] != "Q" else "P")
    with pytest.raises(ConfigurationError) as raised:
        identity(wrong)
    assert "invalid_identity" == raised.value.code
    assert wrong not in str(raised.value)
    assert raised.value.__context__ is None


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """CONF: without pyrage the error says what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(ConfigurationError, match=r"admin-api-sdk\[encryption\]") as raised:
        generate_identity()
    assert "missing_extra" == raised.value.code
