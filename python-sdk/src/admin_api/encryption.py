"""age v1 encryption of objects (FILE): recipients and identities carry the cipher, so nothing else needs it.

What age gives: only the holders of the identities can read an object, and any change to it is noticed. What it does
not give: proof of who wrote it, and protection from a swap of one object for another; `expect_sha256` on download is
for that.

Needs the extra `admin-api-sdk[encryption]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, BinaryIO, NoReturn, Protocol

from .errors import ConfigurationError, IntegrityError, NoMatchingKeyError

__all__ = ["Identity", "Recipient", "generate_identity", "identity", "recipient"]

_CHUNK = 65536
_TAG = 16


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object: ...


class Recipient:
    """Somebody who can read what is encrypted: the public half of an identity."""

    __slots__ = ("key", "text")

    def __init__(self, text: str, key: Any) -> None:
        self.text = text
        """`age1…`"""
        self.key = key
        """The cipher's own object."""

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"recipient({self.text!r})"

    def encrypt(self, source: BinaryIO, sink: Sink, recipients: Sequence[Recipient]) -> None:
        """Encrypts a source to all the recipients."""
        encrypt(source, sink, recipients)


class Identity:
    """A secret key; shows itself only when asked to."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key
        """The cipher's own object; shows nothing of itself but to `str`."""

    def reveal(self) -> str:
        """`AGE-SECRET-KEY-1…`, to be kept safe."""
        return str(self.key)

    @property
    def recipient(self) -> Recipient:
        """The public half, to encrypt to."""
        public = self.key.to_public()
        return Recipient(str(public), public)

    def __repr__(self) -> str:
        return f"Identity(REDACTED, recipient={self.recipient.text!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("An Identity is not pickled.")

    def decrypt(self, source: BinaryIO, sink: Sink, identities: Sequence[Identity]) -> None:
        """Decrypts a source with whichever of the identities fits."""
        decrypt(source, sink, identities)


def recipient(text: str) -> Recipient:
    """A recipient from its text, `age1…` (X25519).

    Raises:
        ConfigurationError: It is none.
    """
    pyrage = _pyrage()
    try:
        return Recipient(text, pyrage.x25519.Recipient.from_str(text))
    except Exception as caught:  # noqa: BLE001 (pyrage raises its own bare exceptions)
        reason = type(caught).__name__
    del text  # so that an identity given by mistake is shown nowhere (AUTH-9)
    raise ConfigurationError(f"That is no age recipient, age1… ({reason}).", code="invalid_recipient")


def identity(secret: str) -> Identity:
    """An identity from its secret, `AGE-SECRET-KEY-1…` (X25519).

    Raises:
        ConfigurationError: It is none; the message does not show it.
    """
    pyrage = _pyrage()
    try:
        return Identity(pyrage.x25519.Identity.from_str(secret))
    except Exception as caught:  # noqa: BLE001 (pyrage raises its own bare exceptions)
        reason = type(caught).__name__
    del secret  # so that it is in no frame of the traceback (AUTH-9)
    raise ConfigurationError(f"That is no age identity ({reason}).", code="invalid_identity")


def generate_identity() -> Identity:
    """A new identity; keep `reveal()` safe and give `recipient` away."""
    return Identity(_pyrage().x25519.Identity.generate())


def encrypt(source: BinaryIO, sink: Sink, recipients: Sequence[Recipient]) -> None:
    """Encrypts what the source gives. pyrage loses the error of a last write, so what was written is counted."""
    reader, writer = _Reader(source), _Writer(sink)
    failure: Exception | None = None
    try:
        _pyrage().encrypt_io(reader, writer, [one.key for one in recipients])
    except Exception as caught:  # noqa: BLE001 (pyrage raises its own bare exceptions)
        failure = caught
    _raise(reader.error or writer.error)
    expected = writer.header + _TAG + reader.count + _TAG * max(1, -(-reader.count // _CHUNK))
    if failure is not None or writer.count != expected:
        raise IntegrityError("Encryption failed; nothing was sent.", code="encryption_failed")


def decrypt(source: BinaryIO, sink: Sink, identities: Sequence[Identity]) -> None:
    """Decrypts what the source gives. The sink may have got bytes before an error is found: use it only afterwards.

    Raises:
        NoMatchingKeyError: It is encrypted to somebody else.
        IntegrityError: It was changed, cut short, or never was age.
    """
    reader, writer = _Reader(source), _Writer(sink)
    pyrage = _pyrage()
    failure: Exception | None = None
    try:
        pyrage.decrypt_io(reader, writer, [one.key for one in identities])
    except Exception as caught:  # noqa: BLE001 (pyrage raises its own bare exceptions, OSError among them)
        failure = caught
    _raise(reader.error or writer.error)
    if failure is None:
        return
    if isinstance(failure, pyrage.DecryptError) and "match" in str(failure).lower():
        raise NoMatchingKeyError("The object is not encrypted to any of these identities.", outcome="committed")
    raise IntegrityError("The object was changed since it was encrypted, or is no age file.", outcome="committed")


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error


class _Reader:
    """A source that counts, and keeps its own error from being taken for one of the cipher."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.count = 0
        self.error: Exception | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._source.read(size)
        except Exception as caught:
            self.error = caught
            raise
        self.count += len(data)
        return data


class _Writer:
    """A sink that counts, and keeps its own error, which pyrage may lose."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._head = b""
        self.count = 0
        self.header = 0
        """Length of the age header: up to the end of the line that begins with `---`."""
        self.error: Exception | None = None

    def write(self, data: bytes, /) -> int:
        if not self.header:
            self._head += data
            mac = self._head.find(b"\n--- ")
            end = self._head.find(b"\n", mac + 1) if mac >= 0 else -1
            if end >= 0:
                self.header, self._head = end + 1, b""
        try:
            self._sink.write(data)
        except Exception as caught:
            self.error = self.error or caught
            raise
        self.count += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def _pyrage() -> Any:
    try:
        return import_module("pyrage")  # without types of its own
    except ImportError:
        missing = "Encryption needs pyrage: pip install 'admin-api-sdk[encryption]'."
    raise ConfigurationError(missing, code="missing_extra")
