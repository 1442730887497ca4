"""Where tokens are kept between processes (AUTH-10): what a store is, one in memory, and one of files.

A store knows nothing of OAuth: it keeps a secret text under a key and lets one at a time replace it; `kept` knows what
it says.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ._generated import policy
from .errors import ConfigurationError
from .exchange import Secret

_KEY = re.compile(r"[0-9a-f]{64}")
_NONCE_BYTES = 64
_NOT_OURS = frozenset({errno.ELOOP, errno.EMLINK, errno.EACCES, errno.EPERM})
_POSIX = os.name == "posix"
_OPEN_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class TokenStore(Protocol):
    """Keeps a secret per key, for several clients or processes; clients of one object also share its token in memory.

    Methods may block: asyncio clients call them in a thread.
    """

    def load(self, key: str) -> Secret | None:
        """What is kept, None if nothing is."""
        ...

    def save(self, key: str, secret: Secret | None) -> None:
        """Keeps it in place of what was, whole or not at all; None forgets."""
        ...

    def lock(self, key: str, nonce: str, stale_after: float) -> bool:
        """Takes the key's lock, or says at once that another has it; one older than so many seconds is taken over."""
        ...

    def unlock(self, key: str, nonce: str) -> None:
        """Gives the lock back if it is still this one."""
        ...


class MemoryTokenStore:
    """Keeps tokens for as long as the process lives; give one to several clients to share them."""

    def __init__(self) -> None:
        self._kept: dict[str, Secret] = {}
        self._locks: dict[str, tuple[str, float]] = {}

    def load(self, key: str) -> Secret | None:
        return self._kept.get(key)

    def save(self, key: str, secret: Secret | None) -> None:
        if secret is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = secret

    def lock(self, key: str, nonce: str, stale_after: float) -> bool:
        now = time.monotonic()
        held, since = self._locks.setdefault(key, (nonce, now))  # atomic: one thread's value stays
        if held != nonce and now - since > stale_after:
            self._locks[key] = (nonce, now)
            return True
        return held == nonce

    def unlock(self, key: str, nonce: str) -> None:
        if self._locks.get(key, ("", 0.0))[0] == nonce:
            self._locks.pop(key, None)

    def __repr__(self) -> str:
        return "MemoryTokenStore()"


class FileTokenStore:
    """Keeps tokens in a directory of their own, one file per key, for all processes of one user.

    Args:
        directory: Made with mode 0700 if it is not there. Of one person or service: who can read it can act as them.

    Raises:
        ConfigurationError: The directory cannot be made, is somebody else's, or is open to others.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._directory = Path(directory)
        reason: str | None = None
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            facts = self._directory.stat()
        except OSError as caught:
            reason = caught.strerror or type(caught).__name__
        else:
            if not _private(facts):
                raise insecure(self._directory)
        if reason is not None:
            message = f"The token store {str(directory)!r} cannot be made: {reason}."
            raise ConfigurationError(message, code="invalid_token_store")

    def load(self, key: str) -> Secret | None:
        opened = _opened(self._path(key, "json"))
        if opened is None:
            return None
        try:
            facts = os.fstat(opened)
            if not stat.S_ISREG(facts.st_mode) or not _private(facts):
                raise insecure(self._path(key, "json"))
            content = _content(opened, policy.AUTH_STORE_MAX_BYTES + 1)
        finally:
            os.close(opened)
        return Secret(content.decode("utf-8", "replace")) if len(content) <= policy.AUTH_STORE_MAX_BYTES else None

    def save(self, key: str, secret: Secret | None) -> None:
        path = self._path(key, "json")
        if secret is None:
            path.unlink(missing_ok=True)
            return
        spare = self._path(key, f"{secrets.token_hex(8)}.tmp")
        try:
            _create(spare, secret, durable=True)
            spare.replace(path)
        except BaseException:
            spare.unlink(missing_ok=True)
            raise
        if _POSIX:  # so that the rename outlives a power cut
            opened = os.open(self._directory, os.O_RDONLY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)

    def lock(self, key: str, nonce: str, stale_after: float) -> bool:
        path = self._path(key, "lock")
        if _taken(path, nonce):
            return True
        seen = _seen(path)
        if seen is None:
            return _taken(path, nonce)  # it was given back just now
        if not seen.older_than(stale_after):
            return False
        guard = self._path(key, "takeover")  # one at a time: two would move each other's new lock aside
        if not _taken(guard, nonce):
            other = _seen(guard)
            if other is not None and other.older_than(stale_after):  # it died in the midst; the next look may take over
                guard.unlink(missing_ok=True)
            return False
        try:
            return self._taken_over(key, nonce, stale_after)
        finally:
            guard.unlink(missing_ok=True)

    def _taken_over(self, key: str, nonce: str, stale_after: float) -> bool:
        path, aside = self._path(key, "lock"), self._path(key, f"{nonce}.aside")
        seen = _seen(path)
        if seen is None:
            return _taken(path, nonce)
        if not seen.older_than(stale_after):
            return False  # somebody took it over before us
        try:
            path.rename(aside)
        except FileNotFoundError:
            return _taken(path, nonce)  # its holder was only slow, and has given it back
        moved = _seen(aside)
        if moved is not None and (moved.nonce != seen.nonce or not moved.older_than(stale_after)):
            _linked_back(aside, path)  # its holder was only slow, and another has it now
            return False
        aside.unlink(missing_ok=True)
        for left in self._directory.glob(f"{key}.*.tmp"):  # what the dead had begun to write
            left.unlink(missing_ok=True)
        return _taken(path, nonce)

    def unlock(self, key: str, nonce: str) -> None:
        path = self._path(key, "lock")
        seen = _seen(path)
        if seen is not None and seen.nonce == nonce:
            path.unlink(missing_ok=True)

    def _path(self, key: str, suffix: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ConfigurationError("A token store's key is a SHA-256 in hex.", code="invalid_token_store")
        return self._directory / f"{key}.{suffix}"

    def __repr__(self) -> str:
        return f"FileTokenStore({str(self._directory)!r})"


def insecure(path: Path) -> ConfigurationError:
    """The error of a directory or file that others can read or write, or that is not what it seems."""
    return ConfigurationError(
        f"The token store's {str(path)!r} must be yours alone (chmod go-rwx), no link and nothing but a plain file or "
        "directory.",
        code="insecure_token_store",
    )


def _private(facts: os.stat_result) -> bool:
    return not _POSIX or (facts.st_uid == os.geteuid() and facts.st_mode & 0o077 == 0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A lock as it was found."""

    nonce: str
    made_at: float

    def older_than(self, seconds: float) -> bool:
        """By the wall clock, the one that processes share; a lock of the future is of before it was set back."""
        return abs(time.time() - self.made_at) > seconds


def _seen(path: Path) -> _Seen | None:
    opened = _opened(path)
    if opened is None:
        return None
    try:
        facts = os.fstat(opened)
        if not stat.S_ISREG(facts.st_mode):
            raise insecure(path)
        return _Seen(_content(opened, _NONCE_BYTES).decode("ascii", "replace"), facts.st_mtime)
    finally:
        os.close(opened)


def _taken(path: Path, nonce: str) -> bool:
    try:
        _create(path, Secret(nonce), durable=False)
    except FileExistsError:
        return False
    return True


def _linked_back(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path)
    except FileExistsError:  # a third has taken it meanwhile: the moved one has lost it, and finds that out
        pass
    finally:
        aside.unlink(missing_ok=True)


def _create(path: Path, content: Secret, *, durable: bool) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN_PLAIN, 0o600), "wb") as file:
        file.write(content.reveal().encode())
        if durable:
            file.flush()
            os.fsync(file.fileno())


def _opened(path: Path) -> int | None:
    """A descriptor to read from, None if there is no such file; a link is not followed, and a pipe not waited for."""
    try:
        return os.open(path, os.O_RDONLY | _OPEN_PLAIN)
    except FileNotFoundError:
        return None
    except OSError as caught:
        if caught.errno not in _NOT_OURS:
            raise
    raise insecure(path)


def _content(opened: int, limit: int) -> bytes:
    content = b""
    while len(content) < limit and (more := os.read(opened, limit - len(content))):
        content += more
    return content
