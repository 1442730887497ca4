"""Laws of refresh tokens: used once, the same successor for ten seconds, and reuse after that ends the grant."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from admin_api_mock.control import WorldHandle

from .conftest import client_of, problem
from .test_oauth import SUITE, ask, refused

GRACE_MS = 10_000
DAY_MS = 24 * 60 * 60 * 1000
ADA = {"username": "ada", "email": "ada@example.net", "roles": ["viewer", "auditor"]}


def renew(world: WorldHandle, refresh_token: str, auth: tuple[str, str] | None = SUITE, **form: str) -> httpx.Response:
    """A refresh request."""
    return ask(world, auth, grant_type="refresh_token", refresh_token=refresh_token, **form)


def first_of(world: WorldHandle, **how: object) -> str:
    """The refresh token of a new grant."""
    token: str = world.log_in("suite", **how)["refresh_token"]
    return token


def me(world: WorldHandle, answer: httpx.Response) -> httpx.Response:
    """What the access token of a token answer is good for."""
    assert answer.status_code == 200, answer.text
    with client_of(world, answer.json()["access_token"]) as bearer:
        return bearer.get("/api/v1/me")


def test_a_marked_client_gets_one_with_its_credentials(make_world: Callable[..., WorldHandle]) -> None:
    """A client of `refresh_tokens: true` need not send its secret's grant again."""
    world = make_world(clients=[{"id": "suite", "secret": "s3cret", "scopes": ["users:read"], "refresh_tokens": True}])
    told = ask(world).json()
    assert told["refresh_token"].startswith("admr_")
    assert me(world, renew(world, told["refresh_token"])).json()["id"] == "suite"


def test_each_use_gives_the_next(world: WorldHandle) -> None:
    """Rotation: every answer has a new refresh token, and access tokens given before go on."""
    tokens = [first_of(world)]
    answers = []
    for _ in range(4):
        answers.append(renew(world, tokens[-1]))
        tokens.append(answers[-1].json()["refresh_token"])
        world.advance(GRACE_MS)
    assert len(set(tokens)) == 5
    assert len({answer.json()["access_token"] for answer in answers}) == 4
    assert [me(world, answer).status_code for answer in answers] == [200] * 4
    assert answers[0].headers["cache-control"] == "no-store"


def test_a_lost_answer_is_given_again(world: WorldHandle) -> None:
    """For ten seconds the replaced token meets the same successor, with an access token that works."""
    first = first_of(world)
    once = renew(world, first)
    world.advance(GRACE_MS - 1)
    again = renew(world, first)
    assert again.json()["refresh_token"] == once.json()["refresh_token"]
    assert again.json()["access_token"] != once.json()["access_token"]
    assert (me(world, once).status_code, me(world, again).status_code) == (200, 200)
    assert renew(world, once.json()["refresh_token"]).status_code == 200
    assert renew(world, first).json()["refresh_token"] == once.json()["refresh_token"]


def test_reuse_ends_the_grant(world: WorldHandle) -> None:
    """After the grace a replaced token was copied by somebody: every token of the grant dies, and of no other."""
    first, other = first_of(world), first_of(world)
    second = renew(world, first)
    third = renew(world, second.json()["refresh_token"])
    assert me(world, third).status_code == 200
    world.advance(GRACE_MS)
    refused(renew(world, first), 400, "invalid_grant")
    for answer in (second, third):
        problem(me(world, answer), 401, "invalid_token")
        refused(renew(world, answer.json()["refresh_token"]), 400, "invalid_grant")
    assert renew(world, other).status_code == 200


def test_the_grace_holds_for_all_at_once(world: WorldHandle) -> None:
    """Eight requests with one token in the same moment: one rotation, one successor, eight access tokens."""
    first = first_of(world)
    world.fault("oauth.token", barrier=8)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: renew(world, first), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert len({answer.json()["access_token"] for answer in answers}) == 8
    world.clear_faults()
    assert renew(world, answers[0].json()["refresh_token"]).status_code == 200


def test_an_answer_lost_after_the_commit_was_a_rotation(world: WorldHandle) -> None:
    """What a client does not know it has got is there for the grace, and reuse after it."""
    first = first_of(world)
    world.fault("oauth.token", reset="after_commit", times=1)
    with pytest.raises(httpx.TransportError):
        renew(world, first)
    assert renew(world, first).status_code == 200
    world.advance(GRACE_MS)
    refused(renew(world, first), 400, "invalid_grant")


def test_it_is_bound_to_its_client(world: WorldHandle) -> None:
    """Another client gets nothing for it, within the grace or not, and does no harm."""
    first = first_of(world)
    refused(renew(world, first, ("reader", "r3ad")), 400, "invalid_grant")
    second = renew(world, first).json()["refresh_token"]
    world.advance(GRACE_MS)
    refused(renew(world, first, ("reader", "r3ad")), 400, "invalid_grant")
    refused(renew(world, first, ("suite", "wrong")), 401, "invalid_client")
    assert renew(world, second).status_code == 200


def test_scopes_are_narrowed_never_widened(world: WorldHandle) -> None:
    """RFC 6749, 6: the access token has what is asked for of the grant; the next refresh token has it all again."""
    first = first_of(world, scopes=["users:read", "users:create"])
    refused(renew(world, first, scope="users:read users:update"), 400, "invalid_scope")
    refused(renew(world, first, scope="users:fly"), 400, "invalid_scope")
    narrow = renew(world, first, scope="users:read").json()
    assert narrow["scope"] == "users:read"
    assert renew(world, narrow["refresh_token"]).json()["scope"] == "users:read users:create"


def test_it_expires_by_world_time(make_world: Callable[..., WorldHandle]) -> None:
    """Thirty days if the world does not say, counted anew for each one; a refusal rotates nothing."""
    world = make_world()
    token = first_of(world)
    for _ in range(3):
        world.advance(30 * DAY_MS - 1)
        token = renew(world, token).json()["refresh_token"]
    world.advance(30 * DAY_MS)
    refused(renew(world, token), 400, "invalid_grant")
    short = make_world(refresh_token_ttl=5)
    first = first_of(short)
    short.advance(4999)
    refused(renew(short, first, scope="users:fly"), 400, "invalid_scope")
    second = renew(short, first)
    short.advance(1)
    refused(renew(short, first), 400, "invalid_grant")
    assert renew(short, second.json()["refresh_token"]).status_code == 200


def test_what_is_over_is_forgotten(world: WorldHandle) -> None:
    """A new grant sweeps out those whose last token has expired, and no other."""
    first_of(world)
    world.advance(29 * DAY_MS)
    kept = first_of(world)
    assert world.state()["grants"] == 2
    world.advance(2 * DAY_MS)
    first_of(world)
    assert world.state()["grants"] == 2
    assert renew(world, kept).status_code == 200


@pytest.mark.parametrize("token", ["admr_" + "a" * 38, "admp_" + "a" * 38, "x", "a.b.c", "é", "x" * 9000])
def test_an_unknown_one_is_no_grant(world: WorldHandle, token: str) -> None:
    """Whatever it looks like."""
    refused(renew(world, token), 400, "invalid_grant")


def test_it_is_no_bearer(world: WorldHandle) -> None:
    """A refresh token is for the token endpoint alone."""
    with client_of(world, first_of(world)) as bearer:
        problem(bearer.get("/api/v1/me"), 401, "invalid_token")


def test_a_users_grant_follows_the_user(make_world: Callable[..., WorldHandle]) -> None:
    """Roles give scopes at each renewal and at each use; a suspended user gets and has nothing."""
    world = make_world(users=[ADA])
    path = f"/api/v1/users/{world.told['users'][0]}"
    granted = world.log_in("suite", user="ada")
    assert granted["scope"] == "users:read plugins:read config:read audit:read storage:read"
    with client_of(world) as api, client_of(world, granted["access_token"]) as bearer:
        assert bearer.get("/api/v1/audit/events").status_code == 200
        api.delete(f"{path}/roles/auditor")
        problem(bearer.get("/api/v1/audit/events"), 403, "insufficient_scope")
        second = renew(world, granted["refresh_token"]).json()
        assert second["scope"] == "users:read plugins:read storage:read"
        refused(renew(world, second["refresh_token"], scope="audit:read"), 400, "invalid_scope")
        api.post(f"{path}/suspend")
        problem(bearer.get("/api/v1/me"), 401, "invalid_token")
        refused(renew(world, second["refresh_token"]), 400, "invalid_grant")
        api.post(f"{path}/reactivate")
        assert bearer.get("/api/v1/me").status_code == 200
        assert renew(world, second["refresh_token"]).status_code == 200


def test_it_is_in_no_journal(make_world: Callable[..., WorldHandle]) -> None:
    """A journal that keeps bodies has fingerprints of it, in requests and in answers."""
    world = make_world(journal={"bodies": True})
    first = first_of(world)
    second = renew(world, first).json()["refresh_token"]
    [entry] = world.journal()
    assert entry["body"]["refresh_token"].startswith("sha256:")
    assert entry["answer_body"]["refresh_token"].startswith("sha256:")
    assert not any(secret in str(entry) for secret in (first, second))
