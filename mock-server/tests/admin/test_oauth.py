"""Laws of the token endpoint: who asks and how, what is refused in RFC 6749's words, revocation, metadata."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from admin_api_mock.control import ControlError, WorldHandle

from .conftest import access_token, client_of, problem

SUITE = ("suite", "s3cret")
PUBLIC = {"id": "console", "scopes": ["users:read"]}
#: RFC 6749, section 5.2: what an error_description may be made of.
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")


def ask(world: WorldHandle, auth: tuple[str, str] | None = SUITE, **form: str) -> httpx.Response:
    """A token request; client_credentials unless the form says otherwise."""
    form = {"grant_type": "client_credentials", **form}
    return httpx.post(world.token_url, data=form, auth=auth, trust_env=False)


def post(url: str, content: bytes = b"", **headers: str) -> httpx.Response:
    """A form, byte by byte."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return httpx.post(url, content=content, headers=headers, trust_env=False)


def refused(answer: httpx.Response, status: int, error: str) -> None:
    """The answer is this refusal, as RFC 6749 section 5.2 has it."""
    told = answer.json()
    assert (answer.status_code, told["error"]) == (status, error), answer.text
    assert DESCRIPTION.fullmatch(told["error_description"])
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert ("www-authenticate" in answer.headers) == (status == 401)


def revoke(world: WorldHandle, token: str, auth: tuple[str, str] | None = SUITE, **form: str) -> httpx.Response:
    """A revocation request."""
    return httpx.post(f"{world.base_url}/oauth/revoke", data={"token": token, **form}, auth=auth, trust_env=False)


# --- who asks


def test_a_client_gets_all_its_scopes_or_those_it_asks_for(world: WorldHandle) -> None:
    """By HTTP Basic or by form, in the document's order, and in no cache."""
    answer = ask(world)
    told = answer.json()
    assert (answer.status_code, told["token_type"], told["expires_in"]) == (200, "Bearer", 3600)
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert "refresh_token" not in told
    by_form = ask(world, None, client_id="suite", client_secret="s3cret", scope="users:create users:read users:read")
    assert by_form.json()["scope"] == "users:read users:create"
    with client_of(world, told["access_token"]) as bearer:
        assert bearer.get("/api/v1/me").json()["scopes"] == told["scope"].split()


@pytest.mark.parametrize(
    "auth,form,status,error",
    [
        (("suite", "wrong"), {}, 401, "invalid_client"),
        (("nobody", "s3cret"), {}, 401, "invalid_client"),
        (("suite", ""), {}, 401, "invalid_client"),
        (None, {}, 401, "invalid_client"),
        (None, {"client_id": "suite"}, 401, "invalid_client"),
        (None, {"client_id": "suite", "client_secret": "wrong"}, 401, "invalid_client"),
        (SUITE, {"client_secret": "s3cret"}, 400, "invalid_request"),
        (SUITE, {"client_id": "reader"}, 400, "invalid_request"),
        (SUITE, {"grant_type": ""}, 400, "invalid_request"),
        (SUITE, {"grant_type": "password"}, 400, "unsupported_grant_type"),
        (SUITE, {"grant_type": "refresh_token"}, 400, "invalid_request"),
        (SUITE, {"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        (SUITE, {"scope": "users:fly"}, 400, "invalid_scope"),
        (SUITE, {"scope": '"\\\x00é'}, 400, "invalid_scope"),
        (("reader", "r3ad"), {"scope": "users:read users:create"}, 400, "invalid_scope"),
    ],
)
def test_refused_token_requests(
    world: WorldHandle, auth: tuple[str, str] | None, form: dict[str, str], status: int, error: str
) -> None:
    """Refusals are RFC 6749's own: its codes and characters, JSON, never cached, a challenge with each 401."""
    refused(ask(world, auth, **form), status, error)


@pytest.mark.parametrize(
    "field",
    ["Basic", "Basic !!!", "Basic é", "Basic YQ==", "Basic /w==", "Bearer TOKEN", "Basic YTpi, Basic YTpi"],
)
def test_credentials_that_are_none(world: WorldHandle, field: str) -> None:
    """Whatever stands in the Authorization header, the answer is a refusal of the client and never a 500."""
    content = urlencode({"grant_type": "client_credentials"}).encode()
    answer = httpx.post(
        world.token_url,
        content=content,
        headers=[(b"Content-Type", b"application/x-www-form-urlencoded"), (b"Authorization", field.encode("latin-1"))],
        trust_env=False,
    )
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_basic_is_form_encoded(make_world: Callable[..., WorldHandle]) -> None:
    """Id and secret are form-encoded before they are joined (RFC 6749, 2.3.1)."""
    world = make_world(clients=[{"id": "a:b c", "secret": "p%+ä", "scopes": ["users:read"]}])
    encoded = base64.b64encode(b"a%3Ab+c:p%25%2B%C3%A4").decode()
    answer = post(world.token_url, b"grant_type=client_credentials", Authorization=f"basic {encoded}")
    assert answer.status_code == 200


def test_a_public_client_has_no_secret_and_cannot_act_for_itself(make_world: Callable[..., WorldHandle]) -> None:
    """It gives its id alone (method `none`): enough to renew and to revoke, not for client_credentials (4.4)."""
    world = make_world(clients=[PUBLIC])
    refused(ask(world, None, client_id="console"), 400, "unauthorized_client")
    refused(ask(world, None, client_id="console", client_secret="guess"), 401, "invalid_client")
    first = world.log_in("console")["refresh_token"]
    renewed = ask(world, None, client_id="console", grant_type="refresh_token", refresh_token=first)
    assert renewed.status_code == 200
    assert revoke(world, renewed.json()["refresh_token"], None, client_id="console").status_code == 200
    again = ask(world, None, client_id="console", grant_type="refresh_token", refresh_token=first)
    refused(again, 400, "invalid_grant")


# --- how it asks


@pytest.mark.parametrize(
    "content",
    [
        b"grant_type=client_credentials&grant_type=client_credentials",
        b"grant_type=client_credentials&scope=users%3Aread&scope=users%3Aread",
        b"grant_type=client_credentials&x=1&x=2",
        b"grant_type",
        b"grant_type=client_credentials&\xff=1",
    ],
)
def test_a_form_that_is_none(world: WorldHandle, content: bytes) -> None:
    """A repeated parameter or a malformed form is `invalid_request` (3.2), whoever asks."""
    refused(post(world.token_url, content), 400, "invalid_request")


def test_unknown_parameters_are_ignored(world: WorldHandle) -> None:
    """And one without a value is as if it were not there (3.2)."""
    assert ask(world, resource="https://x", audience="y", client_secret="").status_code == 200


@pytest.mark.parametrize("path", ["token", "revoke"])
def test_only_a_form_is_taken_and_only_posted(world: WorldHandle, path: str) -> None:
    """Other media types are a 415, a large form a 413, other methods a 405: each of them in no cache, too."""
    url = f"{world.base_url}/oauth/{path}"
    answers = [
        (httpx.get(url, trust_env=False), 405, "method_not_allowed"),
        (httpx.post(url, json={"grant_type": "client_credentials"}, trust_env=False), 415, "unsupported_media_type"),
        (post(url, b"a=" + b"x" * 65536), 413, "payload_too_large"),
    ]
    for answer, status, code in answers:
        problem(answer, status, code)
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert answers[0][0].headers["allow"] == "POST"


# --- revocation (RFC 7009)


@pytest.mark.parametrize("hint", [{}, {"token_type_hint": "refresh_token"}, {"token_type_hint": "unheard_of"}])
def test_revoking_an_access_token(world: WorldHandle, hint: dict[str, str]) -> None:
    """It ends at once, whatever the hint says; ending it again, or an unknown one, is no error."""
    mine, other = access_token(world), access_token(world)
    for token in (mine, mine, "unknown", "a.b.c"):
        answer = revoke(world, token, **hint)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    with client_of(world, mine) as first, client_of(world, other) as second:
        problem(first.get("/api/v1/me"), 401, "invalid_token")
        assert second.get("/api/v1/me").status_code == 200


def test_revoking_a_refresh_token_ends_its_grant(make_world: Callable[..., WorldHandle]) -> None:
    """With it go all refresh and access tokens that came of the same grant, and none of another."""
    world = make_world()
    first, other = world.log_in("suite"), world.log_in("suite")
    second = ask(world, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert revoke(world, second["refresh_token"]).status_code == 200
    for token in (first["access_token"], second["access_token"]):
        with client_of(world, token) as bearer:
            problem(bearer.get("/api/v1/me"), 401, "invalid_token")
    refused(ask(world, grant_type="refresh_token", refresh_token=second["refresh_token"]), 400, "invalid_grant")
    assert ask(world, grant_type="refresh_token", refresh_token=other["refresh_token"]).status_code == 200


def test_a_foreign_clients_token_is_refused_and_lives(world: WorldHandle) -> None:
    """RFC 7009, 2.1: what was issued to another client is not revoked, and the caller is told."""
    granted = world.log_in("reader")
    for token in (granted["access_token"], granted["refresh_token"]):
        refused(revoke(world, token), 400, "invalid_grant")
    with client_of(world, granted["access_token"]) as bearer:
        assert bearer.get("/api/v1/me").status_code == 200
    renewal = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    assert ask(world, ("reader", "r3ad"), **renewal).status_code == 200


def test_revocation_asks_who_is_there(world: WorldHandle) -> None:
    """An unknown client revokes nothing, and a token must be named."""
    token = access_token(world)
    refused(revoke(world, token, ("suite", "wrong")), 401, "invalid_client")
    refused(revoke(world, ""), 400, "invalid_request")
    with client_of(world, token) as bearer:
        assert bearer.get("/api/v1/me").status_code == 200


def test_the_token_endpoint_is_not_audited(world: WorldHandle) -> None:
    """Tokens are fetched and revoked by the thousand: the trail is of what is done with them."""
    revoke(world, access_token(world))
    ask(world, ("suite", "wrong"))
    assert world.state()["audit_events"] == 0


# --- metadata (RFC 8414)


def test_metadata_are_exact(world: WorldHandle) -> None:
    """At both places the same, with the issuer that tokens name, and what they list is there."""
    told = httpx.get(f"{world.base_url}/.well-known/oauth-authorization-server", trust_env=False).json()
    root = world.base_url.partition("/w/")[0]
    inserted = httpx.get(f"{root}/.well-known/oauth-authorization-server/w/{world.id}", trust_env=False).json()
    assert told == inserted
    assert (told["issuer"], told["token_endpoint"]) == (world.base_url, world.token_url)
    assert told["grant_types_supported"] == ["client_credentials", "refresh_token"]
    methods = ["client_secret_basic", "client_secret_post", "none"]
    assert told["token_endpoint_auth_methods_supported"] == methods
    assert told["revocation_endpoint_auth_methods_supported"] == methods
    assert httpx.get(told["jwks_uri"], trust_env=False).status_code == 200
    assert httpx.post(told["revocation_endpoint"], trust_env=False).status_code == 415
    of_the_root: dict[str, Any] = httpx.get(f"{root}/.well-known/oauth-authorization-server", trust_env=False).json()
    assert of_the_root["issuer"] == root


# --- the control plane's part


def test_a_log_in_names_who_and_what(make_world: Callable[..., WorldHandle]) -> None:
    """A log-in gives at most what client and roles allow; what is not there is a 422 at its member."""
    world = make_world(users=[{"username": "ada", "email": "ada@example.net", "roles": ["viewer"]}])
    granted = world.log_in("suite", user="Ada")
    assert granted["scope"] == "users:read plugins:read storage:read"
    assert world.log_in("suite", user=world.told["users"][0], scopes=["users:read"])["scope"] == "users:read"
    with client_of(world, granted["access_token"]) as bearer:
        me = bearer.get("/api/v1/me").json()
        assert (me["type"], me["id"], me["name"]) == ("user", world.told["users"][0], "ada")
    for how, pointer in (
        ({"client_id": "nobody"}, "/client_id"),
        ({"client_id": "suite", "user": "bob"}, "/user"),
        ({"client_id": "suite", "user": "ada", "scopes": ["users:create"]}, "/scopes"),
        ({"client_id": "reader", "scopes": []}, "/scopes"),
    ):
        with pytest.raises(ControlError) as error:
            world.log_in(**how)
        assert [found["pointer"] for found in error.value.problem["errors"]] == [pointer]


def test_revoking_behind_the_holders_back(world: WorldHandle) -> None:
    """A client's access tokens alone, so that it can renew them, or with `refresh` their renewal, too."""
    granted = world.log_in("suite")
    renewal = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    assert world.revoke_tokens(client_id="reader", refresh=True) == 0
    assert world.revoke_tokens(client_id="suite") == 1
    with client_of(world, granted["access_token"]) as bearer:
        problem(bearer.get("/api/v1/me"), 401, "invalid_token")
    renewed = ask(world, **renewal).json()
    jti = json.loads(base64.urlsafe_b64decode(world.log_in("suite")["access_token"].split(".")[1] + "=="))["jti"]
    assert (world.revoke_tokens(token_id=jti, refresh=True), world.revoke_tokens(token_id=jti)) == (2, 0)
    assert world.revoke_tokens(client_id="suite", refresh=True) == 2
    refused(ask(world, grant_type="refresh_token", refresh_token=renewed["refresh_token"]), 400, "invalid_grant")
