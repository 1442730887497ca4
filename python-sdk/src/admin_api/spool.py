"""Ciphertext on its way: made once, hashed, kept in memory up to 8 MiB, then in a private temporary file (FILE)."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO, TypeAlias, cast

from ._generated import policy
from .errors import ConfigurationError

if TYPE_CHECKING:
    from .encryption import Recipient

UploadSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | BinaryIO
"""A path, bytes, or a binary file, read from where it stands."""
DownloadTarget: TypeAlias = str | os.PathLike[str] | BinaryIO
"""A path, or a binary file to write to."""
Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes moved so far and the bytes in all, None if not known; a repeated attempt begins anew."""

AGE_HEADER = b"age-encryption.org/v1\n"
PIECE = 65536


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What was downloaded."""

    size: int
    """Bytes of ciphertext."""
    sha256: str
    """Digest of the ciphertext, lower-case hex."""
    etag: str | None
    request_id: str | None


class Spool:
    """Bytes that were written once and can be read again and again; a request body."""

    def __init__(self, max_bytes: int | None = None) -> None:
        # In a file once it is large: 0600 and without a name, so gone when it is closed.
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(policy.FILES_SPOOL_MEMORY)  # noqa: SIM115 (see close)
        self._hash = hashlib.sha256()
        self._max = max_bytes
        self.length = 0
        self.on_progress: Progress | None = None

    def write(self, data: bytes, /) -> int:
        """Adds bytes.

        Raises:
            ConfigurationError: There are more than may be sent in one piece.
        """
        self.length += len(data)
        if self._max is not None and self.length > self._max:
            raise ConfigurationError(
                f"An upload may hold at most {self._max} bytes of ciphertext.", code="upload_too_large"
            )
        self._hash.update(data)
        return self._file.write(data)

    def restart(self) -> None:
        """Forgets all that was written."""
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self.length = 0

    @property
    def digest(self) -> str:
        """The SHA-256 as a digest field (RFC 9530)."""
        return f"sha-256=:{base64.b64encode(self._hash.digest()).decode()}:"

    @property
    def sha256(self) -> str:
        """The SHA-256 in lower-case hex."""
        return self._hash.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """The bytes from the first."""
        self._file.seek(0)
        sent = 0
        while chunk := self._file.read(PIECE):
            yield chunk
            sent += len(chunk)
            if self.on_progress is not None:
                self.on_progress(sent, self.length)

    def reader(self) -> BinaryIO:
        """The bytes as a file that stands at its start."""
        self._file.seek(0)
        return cast("BinaryIO", self._file)

    def close(self) -> None:
        """Throws the bytes away."""
        self._file.close()


def fill(source: UploadSource, encrypt_to: Sequence[Recipient]) -> Spool:
    """The ciphertext of a source; with no recipient the source is ciphertext already.

    Raises:
        ConfigurationError: The source cannot be read, is too large, or is no age file though it should be one.
    """
    if isinstance(source, bytes | bytearray):
        import io

        return _filled(io.BytesIO(source), encrypt_to)
    if isinstance(source, str | os.PathLike):
        try:
            file = open(source, "rb")  # noqa: SIM115 (the `with` is below, so that only opening is caught)
        except OSError as caught:
            reason = caught.strerror or type(caught).__name__
        else:
            with file:
                return _filled(file, encrypt_to)
        raise ConfigurationError(f"{os.fspath(source)!r} cannot be read: {reason}.", code="unreadable_source")
    if not hasattr(source, "read"):
        raise ConfigurationError("The source of an upload is a path, bytes or a binary file.", code="invalid_source")
    return _filled(source, encrypt_to)


def _filled(file: BinaryIO, encrypt_to: Sequence[Recipient]) -> Spool:
    spool = Spool(policy.FILES_MAX_SINGLE_UPLOAD)
    try:
        if encrypt_to:
            encrypt_to[0].encrypt(file, spool, encrypt_to)
        else:
            while chunk := file.read(PIECE):
                if not isinstance(chunk, bytes):  # pyright: ignore[reportUnnecessaryIsInstance] (a file opened as text)
                    raise ConfigurationError(
                        "The source of an upload must be opened in binary mode.", code="invalid_source"
                    )
                spool.write(chunk)
        if spool.reader().read(len(AGE_HEADER)) != AGE_HEADER:
            raise ConfigurationError(
                "The source is no age v1 file; give encrypt_to instead of already_encrypted.", code="not_encrypted"
            )
    except BaseException:
        spool.close()
        raise
    return spool


def deliver(write: Callable[[BinaryIO], None], to: DownloadTarget) -> None:
    """Lets `write` fill a temporary file (0600), and only then puts it in its place: all of it or nothing.

    A path is replaced atomically, in its own folder; a binary file gets the bytes once they are known to be good.
    """
    if not isinstance(to, str | os.PathLike):
        with tempfile.SpooledTemporaryFile(max_size=policy.FILES_SPOOL_MEMORY) as held:
            write(cast("BinaryIO", held))
            held.seek(0)
            while chunk := held.read(PIECE):
                to.write(chunk)
        return
    path = os.path.abspath(to)
    handle, temporary = tempfile.mkstemp(prefix=".admin-api-", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
