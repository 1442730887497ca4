"""Ciphertext on its way: a spool that can be read again, and delivery of all or nothing."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from base64 import b64encode
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from admin_api import ConfigurationError
from admin_api._generated import policy
from admin_api.spool import AGE_HEADER, Spool, deliver, fill

BODY = AGE_HEADER + b"-> X25519 abc\n" + bytes(range(256)) * 1000


def test_a_spool_gives_its_bytes_again_and_again() -> None:
    """RETRY-8: every attempt sends the same bytes from the first."""
    spool = Spool()
    for start in range(0, len(BODY), 10_000):
        spool.write(BODY[start : start + 10_000])
    try:
        first = b"".join(spool.chunks())
        partly = next(iter(spool.chunks()))
        again = b"".join(spool.chunks())
        assert BODY == first == again
        assert partly == BODY[:65536]
        assert len(BODY) == spool.length
        assert hashlib.sha256(BODY).hexdigest() == spool.sha256
        assert f"sha-256=:{b64encode(hashlib.sha256(BODY).digest()).decode()}:" == spool.digest
    finally:
        spool.close()


def test_progress_is_told_per_piece() -> None:
    """FILE: progress counts the bytes that left, up to the whole; a repeated attempt begins anew."""
    spool = fill(BODY, ())
    moved: list[tuple[int, int | None]] = []
    spool.on_progress = lambda done, total: moved.append((done, total))
    for _ in range(2):
        list(spool.chunks())
    spool.close()
    steps = [min(done, len(BODY)) for done in range(65536, len(BODY) + 65536, 65536)]
    assert [(step, len(BODY)) for step in steps] * 2 == moved


def test_a_large_spool_is_a_private_file_that_goes_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """FILE: above 8 MiB a spool lies in a 0600 temporary file, which is gone when it is closed."""
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = Spool()
    spool.write(b"x" * policy.FILES_SPOOL_MEMORY)
    spool.write(b"x")
    descriptor = spool.reader().fileno()
    found = os.fstat(descriptor)
    assert 0o600 == stat.S_IMODE(found.st_mode)
    assert policy.FILES_SPOOL_MEMORY + 1 == sum(map(len, spool.chunks()))
    spool.close()
    assert [] == list(tmp_path.iterdir())
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)


def test_a_restarted_spool_is_empty() -> None:
    """FILE: a download that starts over keeps nothing of what it had."""
    spool = Spool()
    spool.write(b"old")
    spool.restart()
    spool.write(b"n")
    assert (b"n", 1, hashlib.sha256(b"n").hexdigest()) == (b"".join(spool.chunks()), spool.length, spool.sha256)
    spool.close()


@pytest.mark.parametrize("kind", ["path", "pathlike", "bytes", "bytearray", "file"])
def test_sources(kind: str, tmp_path: Path) -> None:
    """FILE: a path, bytes, or a binary file, read from where it stands."""
    path = tmp_path / "object.age"
    path.write_bytes(BODY)
    with path.open("rb") as file:
        sources: dict[str, Any] = {
            "path": str(path), "pathlike": path, "bytes": BODY, "bytearray": bytearray(BODY), "file": file,
        }  # fmt: skip
        spool = fill(sources[kind], ())
    assert BODY == b"".join(spool.chunks())
    spool.close()


@pytest.mark.parametrize(
    "source, code",
    [
        (b"plain text", "not_encrypted"),
        (b"", "not_encrypted"),
        (AGE_HEADER[:-1], "not_encrypted"),
        (b"\n" + AGE_HEADER, "not_encrypted"),
        (b"age-encryption.org/v2\n", "not_encrypted"),
        ("/nowhere/at/all", "unreadable_source"),
        (7, "invalid_source"),
        (None, "invalid_source"),
        (io.StringIO("text"), "invalid_source"),
    ],
)
def test_sources_that_will_not_do(source: Any, code: str) -> None:
    """FILE: what is no age file, cannot be read or is no source is refused before any byte leaves."""
    with pytest.raises(ConfigurationError) as raised:
        fill(source, ())
    assert (code, "not_sent") == (raised.value.code, raised.value.outcome)


def test_an_error_of_the_source_is_the_callers_own() -> None:
    """FILE: what the caller's file raises is raised, not wrapped and not lost."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "disk on fire")

    with pytest.raises(OSError, match="disk on fire"):
        fill(Broken(), ())


def test_an_upload_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """FILE: above `max_single_upload` the server would answer 413, so nothing is sent."""
    monkeypatch.setattr(policy, "FILES_MAX_SINGLE_UPLOAD", len(BODY) - 1)
    with pytest.raises(ConfigurationError) as raised:
        fill(BODY, ())
    assert "upload_too_large" == raised.value.code
    monkeypatch.setattr(policy, "FILES_MAX_SINGLE_UPLOAD", len(BODY))
    fill(BODY, ()).close()


def test_delivery_replaces_at_once(tmp_path: Path) -> None:
    """FILE: the target is the old content until it is the new one, whole; the file is 0600 and nothing else is left."""
    target = tmp_path / "report.pdf"
    target.write_bytes(b"old")
    seen: list[tuple[bytes, int]] = []

    def write(file: BinaryIO) -> None:
        file.write(b"new")
        seen.append((target.read_bytes(), len(list(tmp_path.iterdir()))))

    deliver(write, target)
    assert [(b"old", 2)] == seen
    assert (b"new", ["report.pdf"]) == (target.read_bytes(), [one.name for one in tmp_path.iterdir()])
    assert 0o600 == stat.S_IMODE(target.stat().st_mode)


def test_a_failed_delivery_leaves_the_target_alone(tmp_path: Path) -> None:
    """FILE: on failure the target is untouched and the temporary file is gone."""
    target = tmp_path / "report.pdf"
    target.write_bytes(b"old")

    def write(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        deliver(write, str(target))
    assert (b"old", ["report.pdf"]) == (target.read_bytes(), [one.name for one in tmp_path.iterdir()])


def test_a_binary_file_gets_only_what_is_good() -> None:
    """FILE: a file given as target gets its bytes once all of them are known to be good."""
    target = io.BytesIO()

    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError("broken")

    def succeed(file: BinaryIO) -> None:
        file.write(b"all of it")

    with pytest.raises(OSError, match="broken"):
        deliver(fail, target)
    assert b"" == target.getvalue()
    deliver(succeed, target)
    assert b"all of it" == target.getvalue()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """FILE: a target in a missing folder is the caller's mistake, told as such."""
    with pytest.raises(OSError, match="No such file"):
        deliver(lambda file: None, tmp_path / "missing" / "x")
