"""A token store as a grant uses it: what is taken from it, what is written, and what goes wrong (AUTH-10)."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from admin_api import FileTokenStore, MemoryTokenStore, Secret
from admin_api.exchange import TokenFailure
from admin_api.options import Limits

from .answers import call
from .flavours import Flavour
from .granting import fail, form_of, grant, land


class Party:
    """Clients on one store, each with a memory of its own as in processes of their own, and a clock for all."""

    def __init__(self, flavour: Flavour, store: Any, *script: Any) -> None:
        self.flavour = flavour
        self.kept = store
        self.clock = flavour.clock()
        self.send = flavour.sender(*script)
        self.warnings: list[str] = []

    def client(self, refresh_token: str | None = "r1", **more: Any) -> Any:
        return grant(
            self.flavour, self.send, self.clock, refresh_token=refresh_token, store=Apart(self.kept),
            warn=self.warnings.append, **more,
        )  # fmt: skip

    async def token(self, client: Any) -> Any:
        return await self.flavour.settle(client.token(call(self.clock)))

    async def value(self, client: Any) -> str:
        token = await self.token(client)
        return str(token.code if isinstance(token, TokenFailure) else token.access.reveal())

    @property
    def renewing(self) -> list[str]:
        """The refresh tokens that were sent."""
        return [form_of(request)["refresh_token"] for request in self.send.requests]


class Apart:
    """The same store as another object, so that its clients share nothing in memory."""

    def __init__(self, store: Any) -> None:
        self.load, self.save, self.lock, self.unlock = store.load, store.save, store.lock, store.unlock


@pytest.fixture(params=["memory", "file"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return MemoryTokenStore() if request.param == "memory" else FileTokenStore(tmp_path / "kept")


async def test_what_one_fetched_the_others_use(flavour: Flavour, kept: Any) -> None:
    """AUTH-10: the first refreshes and writes; whoever comes later reads, though it was told an older refresh token."""
    party = Party(flavour, kept, land("a", refresh_token="r2"), land("b", refresh_token="r3"))
    one, two = party.client(), party.client()
    assert ["a", "a"] == [await party.value(one), await party.value(two)]
    party.clock.advance(3500)
    assert ["b", "b", "b"] == [await party.value(two), await party.value(one), await party.value(party.client())]
    assert ["r1", "r2"] == party.renewing


async def test_a_refused_token_is_not_taken_from_the_store_again(flavour: Flavour, kept: Any) -> None:
    """AUTH-4: of eight that get a 401 with one token the first refreshes, the others take what it wrote."""
    party = Party(flavour, kept, land("a", refresh_token="r2"), land("b", refresh_token="r3"))
    clients = [party.client() for _ in range(8)]
    tokens = [await party.token(client) for client in clients]
    for client, token in zip(clients, tokens, strict=True):
        client.refuse(token)
    assert ["b"] * 8 == [await party.value(client) for client in clients]
    assert ["r1", "r2"] == party.renewing


async def test_an_expired_token_still_brings_its_refresh_token(flavour: Flavour, kept: Any) -> None:
    """AUTH-10: after a long pause the file's access token is dead, and its refresh token the one to use."""
    party = Party(flavour, kept, land("a", refresh_token="r2"), land("b"))
    await party.token(party.client())
    party.clock.advance(1_000_000)
    assert "b" == await party.value(party.client())
    assert ["r1", "r2"] == party.renewing


async def test_a_kept_token_does_while_the_endpoint_is_down(flavour: Flavour, kept: Any) -> None:
    """AUTH-2: a new process in the advisory window goes on with the kept token if the refresh fails; nobody hammers."""
    party = Party(flavour, kept, land("a", refresh_token="r2"), fail(503), fail(503))
    await party.token(party.client())
    party.clock.advance(3500)
    late = party.client()
    assert ["a", "a"] == [await party.value(late), await party.value(late)]
    assert (2, 1) == (len(party.send.requests), len(party.warnings))
    party.clock.advance(100)
    assert "refresh_outcome_unknown" == await party.value(late)


async def test_another_log_in_is_another_grant(flavour: Flavour, kept: Any) -> None:
    """AUTH-10: what a second log-in left is never given to the first, nor overwritten by a client before it."""
    party = Party(flavour, kept, land("ada", refresh_token="a2"), land("bob", refresh_token="b2"), land("ada2"))
    ada, bob = party.client("a1"), party.client("b1")
    assert ["ada", "bob"] == [await party.value(ada), await party.value(bob)]
    party.clock.advance(3600)
    assert "ada2" == await party.value(ada)
    assert ["a1", "b1", "a2"] == party.renewing
    assert ["Another log-in has taken this one's place in the token store; it goes on in memory."] == party.warnings
    party.clock.advance(-3600)
    assert "bob" == await party.value(party.client("b1"))


async def test_a_clients_own_token_and_a_log_in_are_two(flavour: Flavour, kept: Any) -> None:
    """AUTH-10: client credentials and a refresh token of the same client share a file's name, never its token."""
    party = Party(flavour, kept, land("own", refresh_token="spare"), land("person", refresh_token="r2"))
    assert "own" == await party.value(party.client(None))
    assert "own" == await party.value(party.client(None))
    assert "person" == await party.value(party.client("r1"))
    assert "r1" == form_of(party.send.requests[-1])["refresh_token"]


async def test_a_broken_text_is_a_fresh_start(flavour: Flavour, kept: Any) -> None:
    """AUTH-10: what cannot be read is replaced."""
    party = Party(flavour, kept, land("a", refresh_token="r2"))
    client = party.client()
    kept.save(client._keeping._key, Secret('{"v":1,"access_tok'))
    assert "a" == await party.value(client)
    assert "r2" == json.loads(kept.load(client._keeping._key).reveal())["refresh_token"]


class Failing(MemoryTokenStore):
    """A store one of whose methods raises."""

    def __init__(self, method: str, error: Exception) -> None:
        super().__init__()
        self.failing = True

        def fails(*facts: Any) -> Any:
            if self.failing:
                raise error
            return getattr(MemoryTokenStore, method)(self, *facts)

        setattr(self, method, fails)


@pytest.mark.parametrize("method", ["lock", "load"])
async def test_a_store_that_fails_is_told(flavour: Flavour, method: str) -> None:
    """AUTH-10: without its store a grant asks for nothing, it could use up what others hold; the next call tries."""
    store = Failing(method, OSError(5, "Input/output error: s3cret"))
    party = Party(flavour, store, land("a"))
    client = party.client()
    failure = await party.token(client)
    assert ("token_store_failed", False, []) == (failure.code, failure.final, party.send.requests)
    assert "The token store failed: EIO." == failure.message
    store.failing = False
    assert "a" == await party.value(client)


async def test_what_a_store_raises_shows_nothing(flavour: Flavour) -> None:
    """AUTH-9: of an exception of somebody's store only the kind is told."""
    party = Party(flavour, Failing("load", KeyError("s3cret")))
    failure = await party.token(party.client())
    assert "The token store failed: KeyError." == failure.message


async def test_what_cannot_be_written_goes_on_in_memory(flavour: Flavour) -> None:
    """AUTH-10: a token is not thrown away for want of a disk, nor replaced by the older one in the store."""
    store = Failing("save", OSError(28, "No space left on device"))
    store.failing = False
    party = Party(flavour, store, land("a", refresh_token="r2"), land("b", refresh_token="r3"), land("c"))
    client = party.client()
    await party.token(client)
    party.clock.advance(3600)
    store.failing = True
    assert "b" == await party.value(client)
    told = "The token could not be written to the token store, it goes on in memory: The token store failed: "
    assert [told + "ENOSPC."] == party.warnings
    party.clock.advance(3600)
    store.failing = False
    assert "c" == await party.value(client)
    assert ["r1", "r2", "r3"] == party.renewing
    assert "c" == await party.value(party.client())


async def test_a_lock_that_is_not_given_back_is_a_warning(flavour: Flavour) -> None:
    """AUTH-10: the token was had and kept; the lock goes stale."""
    party = Party(flavour, Failing("unlock", OSError(5, "Input/output error")), land("a"))
    assert "a" == await party.value(party.client())
    assert ["The token store's lock was not given back: The token store failed: EIO."] == party.warnings


async def test_a_lock_that_others_hold_bounds_the_wait(flavour: Flavour, kept: Any) -> None:
    """AUTH-2: `token_timeout` bounds the wait for the lock too; nothing was asked for, so it may be tried again."""
    party = Party(flavour, kept, land("a"))
    client = party.client(limits=Limits(token_timeout=0.05))
    assert kept.lock(client._keeping._key, "held", 60)
    failure = await party.token(client)
    assert ("token_timeout", False, []) == (failure.code, failure.final, party.send.requests)


@pytest.mark.parametrize("refresh_token, token_timeout, asked", [("r1", 0.4, 0), (None, 20.0, 1), ("r1", 20.0, 1)])
async def test_a_rotating_request_has_time_or_is_not_begun(
    flavour: Flavour, refresh_token: str | None, token_timeout: float, asked: int
) -> None:
    """AUTH-5: who got the lock late does not send a refresh token whose answer it could not wait for."""
    party = Party(flavour, MemoryTokenStore(), land("a"))
    client = party.client(refresh_token, limits=Limits(token_timeout=token_timeout))
    key = client._keeping._key
    assert party.kept.lock(key, "held", 60)
    timer = threading.Timer(0.27, party.kept.unlock, (key, "held"))
    timer.start()
    await party.token(client)
    timer.join()
    assert asked == len(party.send.requests)


async def test_what_was_revoked_leaves_the_store(flavour: Flavour, kept: Any) -> None:
    """AUTH-6: after `close(revoke=True)` no other process takes up the dead token; another's is left alone."""
    from .test_grants import ended

    party = Party(flavour, kept, land("a", refresh_token="r2"), *[ended()] * 2, land("b"), land("c"), ended())
    client = party.client()
    await party.token(client)
    key = client._keeping._key
    await flavour.settle(client.revoke())
    assert kept.load(key) is None
    before, after = party.client("s1"), party.client("t1")
    await party.token(before)
    await party.token(after)
    text = kept.load(key)
    await flavour.settle(before.revoke())
    assert (text, []) == (kept.load(key), party.warnings)
