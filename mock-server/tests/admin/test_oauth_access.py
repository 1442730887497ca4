"""Laws of access tokens (RFC 9068), of who may sign them, and of how a bearer token is sent (RFC 6750)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from admin_api_mock.app import App
from admin_api_mock.control import WorldHandle
from admin_api_mock.document import Document

from .conftest import access_token, client_of, problem, serving
from .test_oauth import ask

HOUR_MS = 3600 * 1000
ISSUED_AT = 1_893_456_000


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims."""
    header, claims, _ = token.split(".")
    found = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
    return found[0], found[1]


def encoded(part: object) -> str:
    """A part of a JWS."""
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def keys_of(world: WorldHandle) -> list[dict[str, str]]:
    """The published keys."""
    found: list[dict[str, str]] = httpx.get(f"{world.base_url}/.well-known/jwks.json", trust_env=False).json()["keys"]
    return found


def status_of(world: WorldHandle, token: str) -> int:
    """Whether a token works."""
    with client_of(world, token) as bearer:
        return bearer.get("/api/v1/me").status_code


def test_an_access_token_says_what_rfc_9068_asks(world: WorldHandle) -> None:
    """Header typ, alg and kid; claims of the world's time and address; nothing that is not needed."""
    told = ask(world, scope="users:read plugins:read").json()
    header, claims = decoded(told["access_token"])
    assert header == {"typ": "at+jwt", "alg": "ES256", "kid": keys_of(world)[0]["kid"]}
    assert claims.pop("jti").startswith("atk_")
    assert claims == {
        "iss": world.base_url,
        "aud": world.base_url,
        "sub": "suite",
        "client_id": "suite",
        "scope": "users:read plugins:read",
        "iat": ISSUED_AT,
        "exp": ISSUED_AT + 3600,
    }


def test_a_users_token_names_user_and_client(make_world: Callable[..., WorldHandle]) -> None:
    """`sub` is who acts, `client_id` through what."""
    world = make_world(users=[{"username": "ada", "email": "ada@example.net", "roles": ["viewer"]}])
    _, claims = decoded(world.log_in("suite", user="ada")["access_token"])
    assert (claims["sub"], claims["client_id"]) == (world.told["users"][0], "suite")


def test_it_expires_by_world_time(make_world: Callable[..., WorldHandle]) -> None:
    """To the millisecond, never before its expires_in; a client may have a lifetime of its own."""
    world = make_world(
        now="2030-01-01T00:00:00.400Z",
        clients=[{"id": "suite", "secret": "s3cret"}, {"id": "brief", "secret": "b", "token_ttl": 60}],
    )
    with client_of(world, access_token(world)) as bearer:
        assert bearer.get("/api/v1/me").json()["expires_at"] == "2030-01-01T01:00:01.000Z"
        world.advance(HOUR_MS + 599)
        assert bearer.get("/api/v1/me").status_code == 200
        world.advance(1)
        problem(bearer.get("/api/v1/me"), 401, "invalid_token")
    assert ask(world, ("brief", "b")).json()["expires_in"] == 60


def test_a_key_is_named_by_its_thumbprint(world: WorldHandle) -> None:
    """RFC 7638: over the required members in their order; no private part is shown."""
    [key] = keys_of(world)
    members = {name: key[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    assert key == members | {"kid": encoded(digest), "use": "sig", "alg": "ES256"}


def test_rotated_keys_stay_published(world: WorldHandle) -> None:
    """Tokens of the old key go on until it is retired; then they are invalid, and those of the new one are not."""
    old = access_token(world)
    published = world.rotate_keys()
    assert [key["kid"] for key in keys_of(world)] == published
    new = access_token(world)
    assert [decoded(token)[0]["kid"] for token in (new, old)] == published
    assert (status_of(world, old), status_of(world, new)) == (200, 200)
    assert len(world.rotate_keys(retire=True)) == 1
    newest = access_token(world)
    assert [status_of(world, token) for token in (old, new, newest)] == [401, 401, 200]


def test_no_more_keys_are_published_than_the_document_allows(world: WorldHandle) -> None:
    """The oldest one goes; a JWKS stays one."""
    old = access_token(world)
    for _ in range(19):
        world.rotate_keys()
    assert (len(keys_of(world)), status_of(world, old)) == (20, 200)
    world.rotate_keys()
    assert (len(keys_of(world)), status_of(world, old)) == (20, 401)


def test_keys_are_kept_with_the_data(tmp_path: Path) -> None:
    """After a restart with --data the same keys are published, and the same one signs."""
    with serving(Document.load(), data_dir=tmp_path) as control:
        published = control.world().rotate_keys()
    with serving(Document.load(), data_dir=tmp_path) as control:
        root = control.world()
        assert [key["kid"] for key in keys_of(root)] == published
        assert decoded(access_token(root, "demo", "demo-secret"))[0]["kid"] == published[0]
        assert root.rotate_keys()[1:] == published


def forged(world: WorldHandle, app: App) -> dict[str, str]:
    """Tokens that differ from a good one in one thing, by name of what is wrong."""
    good = access_token(world)
    header, claims = decoded(good)
    sign = app.worlds.get(world.id).keys.sign
    head, body, signature = good.split(".")
    public = json.dumps(keys_of(world)[0]).encode()
    by_hmac = encoded({**header, "alg": "HS256"})
    mac = hmac.digest(public, f"{by_hmac}.{body}".encode(), "sha256")
    typ = {"typ": "at+jwt"}
    return {
        "alg none": f"{encoded({**header, 'alg': 'none'})}.{body}.",
        "alg HS256 with the public key": f"{by_hmac}.{body}.{encoded(mac)}",
        "no signature": f"{head}.{body}.",
        "another signature": f"{head}.{body}.{encoded(bytes(64))}",
        "other claims": f"{head}.{encoded({**claims, 'scope': 'tokens:manage'})}.{signature}",
        "typ JWT": sign({"typ": "JWT"}, claims),
        "no typ": sign({}, claims),
        "an unknown kid": sign({**typ, "kid": "other"}, claims),
        "another issuer": sign(typ, {**claims, "iss": world.base_url + "x"}),
        "another audience": sign(typ, {**claims, "aud": "https://example.net"}),
        "a jti never issued": sign(typ, {**claims, "jti": "atk_0"}),
        "a user that is not": sign(typ, {**claims, "sub": "usr_0"}),
        "not JSON": f"{head}.{encoded(b'x')}.{signature}",
        "JSON but no object": f"{head}.{encoded([])}.{signature}",
        "header not JSON": f"{encoded(b'x')}.{body}.{signature}",
        "empty parts": "..",
    }


def test_only_our_own_tokens_are_taken(world: WorldHandle, app: App) -> None:
    """RFC 8725: whatever the header promises, algorithm, key, type, issuer and audience are checked."""
    for what, token in forged(world, app).items():
        with client_of(world, token) as bearer:
            answer = bearer.get("/api/v1/me")
        assert (what, answer.status_code) == (what, 401)
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    _, claims = decoded(access_token(world))
    assert status_of(world, app.worlds.get(world.id).keys.sign({"typ": "at+jwt"}, claims)) == 200


def test_a_token_is_of_its_world(make_world: Callable[..., WorldHandle]) -> None:
    """A token of one world is none in another, though both live on one server."""
    one, other = make_world(), make_world()
    assert (status_of(one, access_token(one)), status_of(other, access_token(one))) == (200, 401)


# --- how it is sent (RFC 6750)


def sent(world: WorldHandle, *fields: bytes, query: str = "", path: str = "/api/v1/me") -> httpx.Response:
    """A request with these Authorization fields."""
    headers = [(b"Authorization", field) for field in fields]
    return httpx.get(f"{world.base_url}{path}{query}", headers=headers, trust_env=False)


@pytest.mark.parametrize("field", [None, b"Basic YTpi", b"Digest username=x"])
def test_no_token_is_told_how_to_bring_one(world: WorldHandle, field: bytes | None) -> None:
    """3.1: who sends no authentication of ours is challenged, and accused of nothing."""
    answer = sent(world, *([] if field is None else [field]))
    problem(answer, 401, "invalid_token")
    assert answer.headers["www-authenticate"] == 'Bearer realm="admin-api"'


@pytest.mark.parametrize("field", [b"Bearer nonsense", b"Bearer TOKEN", b"Bearer admp_" + b"a" * 38, b"bearer a.b.c"])
def test_a_token_that_is_none_is_invalid(world: WorldHandle, field: bytes) -> None:
    """3.1: `invalid_token`, so that a client gets another one. TOKEN is of the dev seed only."""
    answer = sent(world, field)
    problem(answer, 401, "invalid_token")
    assert answer.headers["www-authenticate"] == 'Bearer realm="admin-api", error="invalid_token"'


@pytest.mark.parametrize(
    "fields,query",
    [
        ((b"Bearer",), ""),
        ((b"Bearer a b",), ""),
        ((b'Bearer "a"',), ""),
        ((b"Bearer \xe9",), ""),
        ((b"Bearer ALL", b"Bearer ALL"), ""),
        ((b"Bearer ALL",), "?access_token=ALL"),
    ],
)
def test_a_malformed_request_is_told_so(world: WorldHandle, fields: tuple[bytes, ...], query: str) -> None:
    """3.1: `invalid_request`, a 400, for a malformed header and for two ways at once: no new token would help."""
    answer = sent(world, *fields, query=query)
    problem(answer, 400, "invalid_request")
    assert answer.headers["www-authenticate"] == 'Bearer realm="admin-api", error="invalid_request"'


def test_a_token_in_the_query_is_none(world: WorldHandle) -> None:
    """5.3: addresses end up in logs. It is refused, and the journal shows no more than its fingerprint."""
    answer = sent(world, query="?access_token=ALL")
    assert "never into the query" in problem(answer, 401, "invalid_token")["detail"]
    [entry] = world.journal()
    assert entry["query"] == [["access_token", f"sha256:{hashlib.sha256(b'ALL').hexdigest()[:16]}"]]


def test_a_missing_scope_is_named(world: WorldHandle) -> None:
    """3.1: 403 `insufficient_scope`, with the scopes that are needed."""
    token = access_token(world, "reader", "r3ad")
    answer = sent(world, f"Bearer {token}".encode(), path="/api/v1/audit/events")
    problem(answer, 403, "insufficient_scope")
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="audit:read"'
