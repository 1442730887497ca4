"""Where tokens are kept: the lock, the file, and what somebody else may have put in its place (AUTH-10)."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from admin_api import ConfigurationError, FileTokenStore, MemoryTokenStore, Secret
from admin_api.access import AccessToken
from admin_api.kept import GrantName, origin_of, read, written

KEY = "0" * 64
NAME = GrantName("https://localhost:8443/oauth/token", "demö", ("audit:read", "users:read"))


@pytest.fixture
def store(tmp_path: Path) -> FileTokenStore:
    return FileTokenStore(tmp_path / "kept")


@pytest.fixture(params=["memory", "file"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return MemoryTokenStore() if request.param == "memory" else FileTokenStore(tmp_path / "kept")


def file_of(store: FileTokenStore, suffix: str = "json") -> Path:
    return Path(repr(store).removeprefix("FileTokenStore('").removesuffix("')")) / f"{KEY}.{suffix}"


def test_what_is_saved_is_loaded(any_store: Any) -> None:
    """AUTH-10: a store keeps the last text per key, and forgets it when told to."""
    assert any_store.load(KEY) is None
    for text in ("one", "zwö", "x" * 100_000):
        any_store.save(KEY, Secret(text))
        assert Secret(text) == any_store.load(KEY)
    assert any_store.load("1" * 64) is None
    any_store.save(KEY, None)
    any_store.save(KEY, None)
    assert any_store.load(KEY) is None


def test_one_at_a_time(any_store: Any) -> None:
    """AUTH-10: a lock is one's until it is given back, and only its owner gives it back."""
    assert any_store.lock(KEY, "mine", 60)
    assert not any_store.lock(KEY, "yours", 60)
    any_store.unlock(KEY, "yours")
    assert not any_store.lock(KEY, "yours", 60)
    assert any_store.lock("1" * 64, "yours", 60)
    any_store.unlock(KEY, "mine")
    assert any_store.lock(KEY, "yours", 60)


def test_a_stale_lock_is_taken_over(any_store: Any) -> None:
    """AUTH-10: who held it for too long has it no more, and takes nothing from its heir."""
    assert any_store.lock(KEY, "dead", 60)
    time.sleep(0.02)
    assert any_store.lock(KEY, "heir", 0.01)
    any_store.unlock(KEY, "dead")
    assert not any_store.lock(KEY, "other", 60)
    any_store.unlock(KEY, "heir")
    assert any_store.lock(KEY, "other", 60)


def test_many_who_want_a_stale_lock_are_followed_one_by_one(store: FileTokenStore) -> None:
    """AUTH-10: the takeover gives the lock to one of many; never two hold it at once."""
    assert store.lock(KEY, "dead", 60)
    lock = file_of(store, "lock")
    os.utime(lock, (time.time() - 3600,) * 2)
    barrier, holding, most = threading.Barrier(16), [], [0]

    def contend(number: int) -> None:
        barrier.wait(20)
        while not store.lock(KEY, f"nonce{number}", 60):
            time.sleep(0.001)
        holding.append(number)
        most[0] = max(most[0], len(holding))
        time.sleep(0.001)
        holding.remove(number)
        store.unlock(KEY, f"nonce{number}")

    with ThreadPoolExecutor(16) as pool:
        for one in [pool.submit(contend, number) for number in range(16)]:
            one.result(60)
    assert 1 == most[0]
    assert [] == list(lock.parent.iterdir())


def test_a_lock_that_lives_is_put_back(store: FileTokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-10: whoever moves a lock aside that another has taken over meanwhile links it back, and has not got it."""
    assert store.lock(KEY, "dead", 60)
    lock = file_of(store, "lock")
    os.utime(lock, (time.time() - 3600,) * 2)
    rename = Path.rename

    def beaten(path: Path, target: Path) -> Path:
        path.unlink()
        path.write_text("heir")  # another was faster
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", beaten)
    assert not store.lock(KEY, "late", 60)
    assert ("heir", [lock]) == (lock.read_text(), list(lock.parent.iterdir()))


def test_a_takeover_whose_taker_died_is_no_end(store: FileTokenStore) -> None:
    """AUTH-10: the guard of a takeover goes stale like the lock; while it is fresh nobody else takes over."""
    assert store.lock(KEY, "dead", 60)
    guard = file_of(store, "takeover")
    guard.write_text("taker")
    os.utime(file_of(store, "lock"), (time.time() - 3600,) * 2)
    assert not store.lock(KEY, "heir", 60)
    assert guard.exists()
    os.utime(guard, (time.time() - 3600,) * 2)
    assert [False, True] == [store.lock(KEY, "heir", 60), store.lock(KEY, "heir", 60)]
    assert [file_of(store, "lock")] == list(guard.parent.iterdir())


@pytest.mark.parametrize("made_at", [-3600, 3600])
def test_a_clock_that_was_set_makes_no_lock_eternal(store: FileTokenStore, made_at: int) -> None:
    """AUTH-10: a lock of long ago is stale, and so is one of the far future: the wall clock was set back since."""
    assert store.lock(KEY, "dead", 60)
    os.utime(file_of(store, "lock"), (time.time() + made_at,) * 2)
    assert store.lock(KEY, "heir", 60)


def test_files_are_for_their_owner_alone(store: FileTokenStore) -> None:
    """AUTH-10: directory 0700, file 0600, replaced whole; nothing is left lying about."""
    assert store.lock(KEY, "n", 60)
    store.save(KEY, Secret("one"))
    first = file_of(store).stat()
    store.save(KEY, Secret("two"))
    second = file_of(store).stat()
    store.unlock(KEY, "n")
    assert first.st_ino != second.st_ino
    assert (0o600, 0o700) == (second.st_mode & 0o777, file_of(store).parent.stat().st_mode & 0o777)
    assert [file_of(store)] == list(file_of(store).parent.iterdir())


def test_a_save_that_fails_leaves_what_was(store: FileTokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """AUTH-10: a full disk costs the new text, not the old one; no secret is in a frame of the error."""
    store.save(KEY, Secret("old"))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as raised:
        store.save(KEY, Secret("s3cret"))
    assert Secret("old") == store.load(KEY)
    assert [file_of(store)] == list(file_of(store).parent.iterdir())
    frames, trace = [], raised.tb
    while trace is not None:
        frames.append({name: repr(value) for name, value in trace.tb_frame.f_locals.items()})
        trace = trace.tb_next
    ours = [frame for frame in frames if "content" in frame or "secret" in frame]
    assert ours
    assert "s3cret" not in str(ours)


def link(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("{}")
    path.symlink_to(other)


def others_read(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0o644)


@pytest.mark.parametrize("make", [link, others_read, Path.mkdir, os.mkfifo], ids=["link", "0644", "directory", "pipe"])
def test_a_file_that_is_not_ours_alone_is_refused(store: FileTokenStore, make: Callable[[Path], None]) -> None:
    """AUTH-10: a link, a pipe, a directory or a file that others may read is told; nobody follows or waits."""
    make(file_of(store))
    with pytest.raises(ConfigurationError) as raised:
        store.load(KEY)
    assert "insecure_token_store" == raised.value.code


@pytest.mark.parametrize("make", [link, Path.mkdir, os.mkfifo], ids=["link", "directory", "pipe"])
def test_a_lock_that_is_no_file_is_refused(store: FileTokenStore, make: Callable[[Path], None]) -> None:
    """AUTH-10: what stands in a lock's place and is none is told, and not followed."""
    make(file_of(store, "lock"))
    with pytest.raises(ConfigurationError) as raised:
        store.lock(KEY, "n", 60)
    assert "insecure_token_store" == raised.value.code


def test_a_huge_file_is_none(store: FileTokenStore) -> None:
    """AUTH-10: what no store has written is not read to its end."""
    path = file_of(store)
    path.touch(0o600)
    os.truncate(path, 1 << 40)  # a hole: it takes no room
    assert store.load(KEY) is None


def test_bytes_that_are_no_text_are_loaded_as_what_they_are_not(store: FileTokenStore) -> None:
    """AUTH-10: a broken file crashes nobody; that it holds no token is seen by its reader."""
    path = file_of(store)
    path.touch(0o600)
    path.write_bytes(b"\xff\xfe{")
    text = store.load(KEY)
    assert text is not None
    assert read(text, NAME, now=0.0, monotonic=0.0) is None


def test_a_directory_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    """AUTH-10: a directory that others can read, or that is none, is told when the store is made."""
    tmp_path.chmod(stat.S_IRWXU | stat.S_IXGRP)
    with pytest.raises(ConfigurationError, match="go-rwx") as raised:
        FileTokenStore(tmp_path)
    assert "insecure_token_store" == raised.value.code
    tmp_path.chmod(0o700)
    (tmp_path / "file").touch(0o600)
    with pytest.raises(ConfigurationError) as raised:
        FileTokenStore(tmp_path / "file" / "below")
    assert "invalid_token_store" == raised.value.code


@pytest.mark.parametrize("key", ["", "../" + "0" * 61, "A" * 64, "0" * 63])
def test_a_key_is_no_path(store: FileTokenStore, key: str) -> None:
    """AUTH-10: only a SHA-256 in hex names a file."""
    for use in (store.load, lambda name: store.save(name, Secret("x")), lambda name: store.lock(name, "n", 60)):
        with pytest.raises(ConfigurationError) as raised:
            use(key)
        assert "invalid_token_store" == raised.value.code


TOKEN = AccessToken("acc", scopes=frozenset({"b", "a"}), since=100.0, expires_in=3600.0)


def test_the_text_and_its_name() -> None:
    """AUTH-10: the very file that every language writes, and where."""
    text = written(TOKEN, NAME, "o" * 64, Secret("ref"), ends_at=1_700_003_600.75)
    assert {
        "v": 1,
        "token_url": "https://localhost:8443/oauth/token",
        "client_id": "demö",
        "scopes": ["audit:read", "users:read"],
        "origin": "o" * 64,
        "access_token": "acc",
        "scope": "a b",
        "expires_in": 3600,
        "expires_at": 1_700_003_600,
        "refresh_token": "ref",
    } == json.loads(text.reveal())
    assert "f5b4704aa8f08e1bb728b3d34f7b28f6b17860cd81baa23cb0f51cd4dac397d1" == NAME.key
    assert "82f3e9c695dc6b8d1b11818d5701919e286de8d47f7c3eb3100c485f79e57828" == origin_of(Secret("r1"))
    assert origin_of(None) is None


@pytest.mark.parametrize(
    "ends_at, left",
    [(1000.0 + 3600, 3600), (1000.0 + 60, 60), (1000.0 - 5, -5), (1000.0 + 999_999, 3600)],
)
def test_a_kept_token_lives_no_longer_than_its_whole_life(ends_at: float, left: float) -> None:
    """AUTH-10: the end is by the wall clock, which may have been set since; never later than `expires_in` from now."""
    kept = read(written(TOKEN, NAME, None, None, ends_at=ends_at), NAME, now=1000.0, monotonic=50.0)
    assert kept is not None
    assert (50 + left, 50 + left - 120, frozenset({"a", "b"})) == (
        kept.token.ends_at, kept.token.advise_at, kept.token.scopes,
    )  # fmt: skip


def test_a_token_without_an_end_has_none_when_it_comes_back() -> None:
    """AUTH-2: no `expires_in`, no refresh ahead, after a restart neither."""
    kept = read(written(AccessToken("acc"), NAME, None, None, ends_at=None), NAME, now=1.0, monotonic=1.0)
    assert kept is not None
    assert (None, None, None, None) == (kept.token.ends_at, kept.token.advise_at, kept.token.scopes, kept.origin)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2}, {"v": True}, {"v": None}, {"token_url": "https://evil.example/oauth/token"}, {"client_id": "other"},
        {"scopes": ["users:read"]}, {"scopes": None}, {"access_token": None}, {"access_token": ""},
        {"access_token": "a\nb"}, {"access_token": 7}, {"refresh_token": "r\n"}, {"refresh_token": 7}, {"origin": 7},
        {"scope": []}, {"expires_in": "3600"}, {"expires_in": None}, {"expires_in": 0}, {"expires_in": -1},
        {"expires_in": True}, {"expires_at": None}, {"expires_at": "soon"}, {"expires_in": float("inf")},
        {"expires_at": float("nan")}, {"expires_at": 1e300},
    ],
)  # fmt: skip
def test_a_text_that_is_not_ours_is_none(change: dict[str, Any]) -> None:
    """AUTH-10: another grant's file, another format's or a forged one is not used; there is nothing, then."""
    document = json.loads(written(TOKEN, NAME, None, Secret("ref"), ends_at=5000.0).reveal())
    assert read(Secret(json.dumps(document)), NAME, now=0.0, monotonic=0.0) is not None
    assert read(Secret(json.dumps(document | change)), NAME, now=0.0, monotonic=0.0) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "7", "[" * 100_000, "{}", "\x00"])
def test_a_text_that_is_no_json_object_is_none(text: str) -> None:
    """AUTH-10: truncated, foreign, nested beyond all measure: a fresh start."""
    assert read(Secret(text), NAME, now=0.0, monotonic=0.0) is None
