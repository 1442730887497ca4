"""One token store for processes of both languages: one refresh between them, no dead process in their way (AUTH-10)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tokens.members import member

from admin_api_mock.control import Control, WorldHandle

CLIENT = "console"


@pytest.fixture
def world(control: Control) -> Iterator[WorldHandle]:
    """With a public client that a person has logged in to."""
    with control.create_world(clients=[{"id": CLIENT}]) as world:
        yield world


@pytest.fixture
def facts(world: WorldHandle, tmp_path: Path) -> dict[str, Any]:
    """What every member is told: the same first refresh token, the same store."""
    return {
        "base_url": world.base_url,
        "client_id": CLIENT,
        "refresh_token": world.log_in(CLIENT)["refresh_token"],
        "directory": str(tmp_path / "store"),
        "token_timeout_ms": 20_000,
        "max_retries": 0,
    }


def renewals(world: WorldHandle) -> list[int | None]:
    """Statuses of the token requests that the server saw."""
    return [entry.get("status") for entry in world.journal(channel="auth")]


def test_eight_processes_make_one_refresh_each_time(world: WorldHandle, facts: dict[str, Any]) -> None:
    """4 Python and 4 Node processes with one rotating token make one refresh, at first and when it is revoked."""
    with ExitStack() as stack:
        members = [stack.enter_context(member(language, facts)) for language in ["python", "node"] * 4]
        for times in (1, 2, 3):
            for each in members:
                each.call()
            assert [{"name": CLIENT}] * 8 == [each.told() for each in members]
            assert [200] * times == renewals(world)
            world.revoke_tokens(client_id=CLIENT)  # all get a 401 with the token that they share


@pytest.mark.parametrize("heir", ["python", "node"])
@pytest.mark.parametrize("holder", ["python", "node"])
def test_a_holder_that_was_killed_is_in_nobodys_way_for_long(
    world: WorldHandle, facts: dict[str, Any], holder: str, heir: str
) -> None:
    """A lock whose holder was ended by -9 is taken over once it is stale; what the dead had begun to write is gone."""
    stale_after = 2 * facts["token_timeout_ms"] / 1000
    fault = world.fault("oauth.token", hold=True)
    with member(heir, facts) as living, member(holder, facts) as dead:
        dead.call()
        world.wait({"operation": "oauth.token", "phase": "held"})
        dead.process.kill()
        dead.process.wait(10)
        world.release(fault)
        (lock,) = Path(facts["directory"]).glob("*.lock")
        lock.with_suffix(".0.tmp").write_text("half")
        made_at = time.time() - stale_after + 0.25  # so long ago that the wait is short
        os.utime(lock, (made_at, made_at))
        living.call()
        assert {"name": CLIENT} == living.told()
        assert stale_after < time.time() - made_at < stale_after + 10
    assert [lock.with_suffix(".json")] == list(lock.parent.iterdir())


@pytest.mark.parametrize("writer, reader", [("python", "node"), ("node", "python")])
def test_what_one_language_writes_the_other_reads(
    world: WorldHandle, facts: dict[str, Any], writer: str, reader: str
) -> None:
    """The file has the same name and says the same, whoever wrote it; it is its owner's alone."""
    with member(writer, facts) as first, member(reader, facts) as second:
        for each in (first, second):
            each.call()
            assert {"name": CLIENT} == each.told()
    assert [200] == renewals(world)
    (kept,) = Path(facts["directory"]).iterdir()
    assert (0o600, 0o700) == (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777)
