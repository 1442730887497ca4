"""Laws of tokens: personal ones (checksum, escalation, rotation) and access tokens by client credentials."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

import httpx
import pytest

from admin_api_mock import tokens
from admin_api_mock.control import WorldHandle

from .conftest import access_token, client_of, events, problem

HOUR_MS = 3600 * 1000


def create(api: httpx.Client, *scopes: str, **members: object) -> httpx.Response:
    return api.post("/api/v1/tokens", json={"name": "deploy", "scopes": list(scopes) or ["users:read"], **members})


def test_the_secret_is_shown_once(api: httpx.Client, world: WorldHandle) -> None:
    """A token works, and its secret is in the answer that made it and nowhere else."""
    made = create(api)
    secret = made.json()["secret"]
    assert re.fullmatch(r"admp_[0-9A-Za-z]{38}", secret)
    assert tokens.is_well_formed(secret)
    assert made.headers["cache-control"] == "no-store"
    with client_of(world, secret) as bearer:
        assert bearer.get("/api/v1/users").status_code == 200
        assert problem(bearer.get("/api/v1/plugins"), 403, "insufficient_scope")["missing_scopes"] == ["plugins:read"]
        me = bearer.get("/api/v1/me").json()
        assert (me["type"], me["token_id"], me["scopes"]) == ("api_key", made.json()["id"], ["users:read"])
    texts = [api.get("/api/v1/tokens").text, api.get(f"/api/v1/tokens/{made.json()['id']}").text]
    assert not any(secret in text for text in [*texts, api.get("/api/v1/audit/events").text])
    assert made.json()["prefix_hint"] == secret[:9]


def test_the_checksum_finds_any_slip() -> None:
    """One character changed, and a token is not well formed any more."""
    token = tokens.issue(bytes(range(32)))
    assert tokens.is_well_formed(token)
    for i in range(len(tokens.PREFIX), len(token)):
        assert not tokens.is_well_formed(token[:i] + ("a" if token[i] != "a" else "b") + token[i + 1 :])


def test_no_escalation(api: httpx.Client, world: WorldHandle) -> None:
    """A token cannot give more than its maker has: 403 with the scopes missing, and a denied event that it names."""
    secret = create(api, "tokens:manage").json()["secret"]
    with client_of(world, secret) as limited:
        refused = create(limited, "users:read", "tokens:manage")
        assert problem(refused, 403, "scope_escalation")["missing_scopes"] == ["users:read"]
        assert 'scope="users:read tokens:manage"' in refused.headers["www-authenticate"]
        assert create(limited, "tokens:manage").status_code == 201
    [denied] = events(api, outcome="denied")
    assert denied["id"] == refused.headers["audit-event-id"]
    assert (denied["data"]["action"], denied["data"]["reason"]) == ("tokens.create", "scope_escalation")


def test_expiry(api: httpx.Client, world: WorldHandle) -> None:
    """Left out: 90 days. null: never. The past: 422. An expired token is a 401 and stays listed."""
    assert create(api).json()["expires_at"] == "2030-04-01T00:00:00.000Z"
    assert create(api, expires_at=None).json()["expires_at"] is None
    past = problem(create(api, expires_at="2029-12-31T23:59:59Z"), 422, "validation_failed")
    assert past["errors"][0]["pointer"] == "/expires_at"
    assert problem(create(api, "users:fly"), 422, "validation_failed")["errors"][0]["code"] == "unknown_scope"
    short = create(api, expires_at="2030-01-01T01:00:00+01:00")
    problem(short, 422, "validation_failed")
    short = create(api, expires_at="2030-01-01T00:00:01Z")
    world.advance(1000)
    with client_of(world, short.json()["secret"]) as bearer:
        problem(bearer.get("/api/v1/me"), 401, "invalid_token")
    assert [item["id"] for item in api.get("/api/v1/tokens?status=expired").json()["items"]] == [short.json()["id"]]


def test_rotation_overlaps(api: httpx.Client, world: WorldHandle) -> None:
    """After a rotation both tokens work for the overlap, then the new one; a second one is a 409, no revocation."""
    old = create(api).json()
    rotated = api.post(f"/api/v1/tokens/{old['id']}/rotate", json={"overlap_seconds": 60})
    new = rotated.json()
    assert rotated.status_code == 201
    assert new["replaces"] == old["id"]
    assert rotated.headers["location"].endswith(new["id"])
    again = problem(api.post(f"/api/v1/tokens/{old['id']}/rotate"), 409, "already_rotated")
    assert again["replaced_by"] == new["id"]
    with client_of(world, old["secret"]) as first, client_of(world, new["secret"]) as second:
        assert first.get("/api/v1/users").status_code == second.get("/api/v1/users").status_code == 200
        world.advance(60_000)
        problem(first.get("/api/v1/users"), 401, "invalid_token")
        assert second.get("/api/v1/users").status_code == 200
    assert api.get(f"/api/v1/tokens/{old['id']}").json()["replaced_by"] == new["id"]


def test_revocation(api: httpx.Client, world: WorldHandle) -> None:
    """A revoked token stops at once and stays listed; revoking it again changes nothing."""
    made = create(api).json()
    path = f"/api/v1/tokens/{made['id']}"
    first = api.delete(path).json()
    assert (first["status"], first["revoked_at"]) == ("revoked", "2030-01-01T00:00:00.000Z")
    world.advance(5000)
    assert api.delete(path).json() == first
    with client_of(world, made["secret"]) as bearer:
        problem(bearer.get("/api/v1/me"), 401, "invalid_token")
    problem(api.post(f"{path}/rotate"), 409, "invalid_state")


def test_last_use_is_coarse(api: httpx.Client, world: WorldHandle) -> None:
    """last_used_at is null before the first use, and at most fifteen minutes late."""
    made = create(api).json()
    assert made["last_used_at"] is None
    path = f"/api/v1/tokens/{made['id']}"
    with client_of(world, made["secret"]) as bearer:
        for by_ms, expected in ((0, "2030-01-01T00:00:00.000Z"), (14 * 60_000, "2030-01-01T00:00:00.000Z"),
                                (60_000, "2030-01-01T00:15:00.000Z")):  # fmt: skip
            world.advance(by_ms)
            bearer.get("/api/v1/users")
            assert api.get(path).json()["last_used_at"] == expected


@pytest.mark.parametrize("field", [None, "Basic YTpi", "Bearer", "Bearer nonsense", "Bearer admp_" + "a" * 38,
                                   "Bearer TOKEN", "Bearer a.b.c"])  # fmt: skip
def test_bad_bearers(world: WorldHandle, field: str | None) -> None:
    """Anything but a live bearer token is a 401 with a challenge; TOKEN is of the dev seed only."""
    headers = {} if field is None else {"Authorization": field}
    answer = httpx.get(f"{world.base_url}/api/v1/me", headers=headers, trust_env=False)
    problem(answer, 401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith("Bearer realm=")


# --- access tokens


def ask(world: WorldHandle, auth: tuple[str, str] | None = ("suite", "s3cret"), **form: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", **form}
    return httpx.post(world.token_url, data=form, auth=auth, trust_env=False)


def test_client_credentials(world: WorldHandle) -> None:
    """A client gets a JWT (RFC 9068) of world time, by Basic or by form, with all its scopes or those it asks for."""
    answer = ask(world)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    told = answer.json()
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 3600)
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in told["access_token"].split(".")[:2])
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert (claims["iss"], claims["aud"], claims["client_id"], claims["iat"]) == (
        world.base_url,
        world.base_url,
        "suite",
        1893456000,
    )
    assert (
        ask(world, None, client_id="suite", client_secret="s3cret", scope="users:read").json()["scope"] == "users:read"
    )
    [key] = httpx.get(f"{world.base_url}/.well-known/jwks.json", trust_env=False).json()["keys"]
    assert key["kid"] == header["kid"]
    assert "d" not in key
    with client_of(world, told["access_token"]) as bearer:
        me = bearer.get("/api/v1/me").json()
        assert (me["type"], me["id"], me["expires_at"]) == ("service_account", "suite", "2030-01-01T01:00:00.000Z")
        world.advance(HOUR_MS - 1)
        assert bearer.get("/api/v1/me").status_code == 200
        world.advance(1)
        problem(bearer.get("/api/v1/me"), 401, "invalid_token")


@pytest.mark.parametrize(
    "auth,form,status,error",
    [
        (("suite", "wrong"), {}, 401, "invalid_client"),
        (("nobody", "s3cret"), {}, 401, "invalid_client"),
        (None, {}, 401, "invalid_client"),
        (("suite", "s3cret"), {"client_secret": "s3cret"}, 400, "invalid_request"),
        (("suite", "s3cret"), {"grant_type": ""}, 400, "invalid_request"),
        (("suite", "s3cret"), {"grant_type": "refresh_token", "refresh_token": "x"}, 400, "unsupported_grant_type"),
        (("suite", "s3cret"), {"scope": "users:fly"}, 400, "invalid_scope"),
        (("reader", "r3ad"), {"scope": "users:read users:create"}, 400, "invalid_scope"),
    ],
)
def test_refused_token_requests(
    world: WorldHandle, auth: tuple[str, str] | None, form: dict[str, str], status: int, error: str
) -> None:
    """Refusals are RFC 6749's own: its codes, JSON, never cached, a challenge with the 401."""
    answer = ask(world, auth, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_basic_is_form_encoded(make_world: Callable[..., WorldHandle]) -> None:
    """Id and secret are form-encoded before they are joined (RFC 6749, 2.3.1)."""
    world = make_world(clients=[{"id": "a:b c", "secret": "p%+ä", "scopes": ["users:read"]}])
    encoded = base64.b64encode(b"a%3Ab+c:p%25%2B%C3%A4").decode()
    answer = httpx.post(
        world.token_url,
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {encoded}"},
        trust_env=False,
    )
    assert answer.status_code == 200


def test_revoking_access_tokens(world: WorldHandle) -> None:
    """RFC 7009: a client ends its own token; an unknown one is no error; another's is none of its business."""
    mine, others = access_token(world), access_token(world, "reader", "r3ad")
    for token in (mine, others, "unknown"):
        answer = httpx.post(
            f"{world.base_url}/oauth/revoke", data={"token": token}, auth=("suite", "s3cret"), trust_env=False
        )
        assert answer.status_code == 200
    with client_of(world, mine) as first, client_of(world, others) as second:
        problem(first.get("/api/v1/me"), 401, "invalid_token")
        assert second.get("/api/v1/me").status_code == 200
    assert world.revoke_tokens(client_id="reader") == 1
    with client_of(world, others) as second:
        problem(second.get("/api/v1/me"), 401, "invalid_token")


def test_a_token_is_of_its_world(make_world: Callable[..., WorldHandle]) -> None:
    """A token of one world is none in another."""
    one, other = make_world(), make_world()
    with client_of(other, access_token(one)) as bearer:
        problem(bearer.get("/api/v1/me"), 401, "invalid_token")


def test_metadata_is_consistent(world: WorldHandle) -> None:
    """RFC 8414 metadata lie at both places and name what is there, and nothing that is not."""
    told = httpx.get(f"{world.base_url}/.well-known/oauth-authorization-server", trust_env=False).json()
    root = world.base_url.partition("/w/")[0]
    inserted = httpx.get(f"{root}/.well-known/oauth-authorization-server/w/{world.id}", trust_env=False).json()
    assert told == inserted
    assert (told["issuer"], told["token_endpoint"]) == (world.base_url, world.token_url)
    assert told["grant_types_supported"] == ["client_credentials"]
