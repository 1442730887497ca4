"""The store: what tables remember in memory is what the database says, whatever was rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from admin_api_mock.store import Store
from admin_api_mock.store.config import ConfigRow


class Undone(Exception):
    """Ends a transaction."""


@contextmanager
def rolled_back(store: Store) -> Iterator[None]:
    with suppress(Undone), store.transaction():
        yield
        raise Undone


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.close()


def _event(store: Store) -> dict[str, Any]:
    sequence = store.events.next_sequence()
    actor = {"id": "demo", "token_id": None}
    data = {"action": "a.b", "outcome": "success", "actor": actor, "context": {"request_id": "req_1"}, "targets": []}
    return {"id": f"evt_{sequence}", "sequence": sequence, "data": data}


def _entry(version: int, value: bytes | None) -> ConfigRow:
    return ConfigRow("k", version, f'"{version}"', value, False, None, b"null", "demo", "2030", None)


def test_a_rolled_back_sequence_is_taken_again(store: Store) -> None:
    """The trail has no gaps: the number of an event that never was is the next one's."""
    store.events.append(_event(store), 0)
    with rolled_back(store):
        store.events.append(_event(store), 0)
    assert store.events.last_place() == 1
    with store.transaction():
        store.events.append(_event(store), 0)
        store.start_over()
        store.events.append(_event(store), 0)
    assert [store.events.last_place(), store.count("events")] == [2, 2]


def test_a_rolled_back_entry_was_never_in_force(store: Store) -> None:
    """Neither a change, a removal nor a creation outlives its transaction; those that are committed show at once."""
    store.config.put(_entry(1, b"1"))
    for value in (b"2", None):
        with rolled_back(store):
            store.config.put(_entry(2, value))
            assert (store.config.current("k") or _entry(0, None)).value == value
        assert store.config.current("k") == _entry(1, b"1")
    store.config.put(_entry(2, b"2"))
    assert store.config.current("k") == _entry(2, b"2")
    store.config.put(_entry(3, None))
    assert store.config.current("k") is None


def test_a_rolled_back_role_does_not_exist(store: Store) -> None:
    """A role asked for within the transaction that made it is gone with it."""
    with rolled_back(store):
        store.roles.insert({"name": "r", "scopes": []})
        assert store.roles.exists("r")
    assert not store.roles.exists("r")


def test_a_transaction_within_another_ends_with_it(store: Store) -> None:
    """All or nothing is the outermost block's to say."""
    with rolled_back(store), store.transaction():
        store.roles.insert({"name": "r", "scopes": []})
    assert store.count("roles") == 0
