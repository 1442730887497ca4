"""oidc-provider is the authorization server of the SDKs: tokens that nobody here made, refused by who made them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus

import httpx
import pytest
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet
from judges.resource_server import ME, ResourceServer
from runner.calls import Client
from runner.process import DRIVERS, Driver
from tokens.members import member

PROGRAM: Final = Path(__file__).with_name("oidc_provider.mjs")
STOP_SECONDS: Final = 10.0
AUDIENCE: Final = "https://admin-api.example"
SCOPES: Final = ["users:read", "users:create"]
GRANT: Final = ["client_credentials"]
RENEWAL: Final = ["refresh_token"]
TTL: Final = 600
CLIENTS: Final[dict[str, dict[str, Any]]] = {
    # Characters that HTTP Basic carries only if both sides form-encode them (RFC 6749, section 2.3.1).
    "judge: one": {"secret": "p%+ss w:rd&", "grants": GRANT, "format": "opaque", "ttl": TTL, "scope": "users:read"},
    "signed": {"secret": "signed-secret", "grants": GRANT, "format": "jwt", "ttl": TTL, "scope": " ".join(SCOPES)},
    "unable": {"secret": "unable-secret", "grants": [], "format": "opaque", "ttl": TTL, "scope": "users:read"},
    "portal": {"secret": "p%+rt l&", "grants": RENEWAL, "format": "opaque", "ttl": TTL, "scope": "users:read"},
    "console": {"secret": None, "grants": RENEWAL, "format": "opaque", "ttl": TTL, "scope": "users:read"},
}
OPAQUE, SIGNED, UNABLE, PORTAL, CONSOLE = CLIENTS
#: AUTH-2, for a token of TTL seconds: how long it is used before the next is asked for.
USED_MINUTES: Final = (TTL - 120) // 60
MINUTE_MS: Final = 60_000
#: Calls at once.
CALLERS: Final = 5
#: A minute at which the access token is taken back, and those of an hour at which it is renewed, this one among them.
REVOKED_AT: Final = 20
RENEWED_AT: Final = [0, USED_MINUTES, 2 * USED_MINUTES, *range(REVOKED_AT, 60, USED_MINUTES)]


class Validator(JWTBearerTokenValidator):  # type: ignore[misc]  # Authlib has no types
    """Authlib's resource server (RFC 9068), with the provider's keys."""

    def __init__(self, issuer: str, jwks: dict[str, Any]) -> None:
        super().__init__(issuer=issuer, resource_server=AUDIENCE)
        self._jwks = jwks

    def get_jwks(self) -> KeySet:
        """Its keys, as it publishes them."""
        return KeySet.import_key_set(self._jwks)


@dataclass(frozen=True)
class Provider:
    """oidc-provider on a port of its own, its clock in our hands."""

    issuer: str
    http: httpx.Client
    process: subprocess.Popen[str]

    def advance(self, by_ms: int) -> None:
        """Moves its clock."""
        self._tell(advance_ms=by_ms)

    def forget(self, token: str) -> None:
        """Takes an access token back, and nothing else of its log-in."""
        self._tell(forget=token)

    def log_in(self, client: str) -> str:
        """The first refresh token of a new log-in."""
        token: str = self._tell(log_in=client)["refresh_token"]
        return token

    def requests(self) -> list[str]:
        """What became of each token request: `ok`, or the OAuth error."""
        requests: list[str] = self._tell()["requests"]
        return requests

    def told(self, token: str, client: str = OPAQUE) -> dict[str, Any]:
        """What it says of an opaque token (RFC 7662)."""
        told: dict[str, Any] = self._asked("introspection", token, client).json()
        return told

    def revoke(self, token: str, client: str = OPAQUE) -> None:
        """Takes a token back (RFC 7009)."""
        assert self._asked("revocation", token, client).is_success

    def takes(self, token: str) -> bool:
        """Whether it holds a token for good: an opaque one by itself, a signed one by its signature and claims."""
        if token.count(".") != 2:
            return bool(self.told(token)["active"])
        validator = Validator(self.issuer, self.http.get(f"{self.issuer}/jwks").json())
        try:
            validator.validate_token(validator.authenticate_token(token), ["users:read"], None)
        except InvalidTokenError:
            return False
        return True

    def _tell(self, **message: object) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def _asked(self, what: str, token: str, client: str) -> httpx.Response:
        basic = httpx.BasicAuth(quote_plus(client), quote_plus(CLIENTS[client]["secret"]))
        return self.http.post(f"{self.issuer}/token/{what}", data={"token": token}, auth=basic)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """The authorization server."""
    told = json.dumps({"audience": AUDIENCE, "scopes": SCOPES, "clients": CLIENTS})
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    process = subprocess.Popen(
        ["node", str(PROGRAM), told], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with httpx.Client(trust_env=False) as http:
            yield Provider(**json.loads(process.stdout.readline()), http=http, process=process)
        process.stdin.close()
        assert process.wait(STOP_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def resource(provider: Provider) -> Iterator[ResourceServer]:
    """A resource server that asks the provider about every token."""
    with ResourceServer(provider.takes) as server:
        yield server


@pytest.fixture
def client_for(provider: Provider, resource: ResourceServer) -> Callable[..., Client]:
    """Makes clients of it in a driver."""

    def make(driver: Driver, client: str, **options: Any) -> Client:
        secret = CLIENTS[client]["secret"]
        credentials = {"client_id": client, **({} if secret is None else {"client_secret": secret})}
        addresses = {"base_url": resource.url, "token_url": f"{provider.issuer}/token"}
        return Client(driver, **{**addresses, **credentials, **options})

    return make


every_driver = pytest.mark.parametrize("driver", DRIVERS, indirect=True)


@every_driver
@pytest.mark.parametrize("client", [OPAQUE, SIGNED])
def test_a_token_is_fetched_once_and_taken(
    driver: Driver, client: str, client_for: Callable[..., Client], resource: ResourceServer
) -> None:
    """By HTTP Basic, whatever is in id and secret; the token is opaque to the SDK, whatever it is (AUTH-2)."""
    with client_for(driver, client, scopes=["users:read"]) as made:
        assert ME == made.result("me.get")
        assert ME == made.result("me.get")
    (first, taken), second = resource.seen
    assert (True, (first, True)) == (taken, second)
    assert (client == SIGNED) == (first.count(".") == 2)


@every_driver
def test_the_scopes_asked_for_are_granted(
    driver: Driver, client_for: Callable[..., Client], resource: ResourceServer, provider: Provider
) -> None:
    """The token is of the client and for the scope that was asked for."""
    with client_for(driver, OPAQUE, scopes=["users:read"]) as made:
        made.result("me.get")
    told = provider.told(resource.seen[0][0])
    assert (OPAQUE, "users:read", AUDIENCE) == (told["client_id"], told["scope"], told["aud"])


@every_driver
def test_an_hour_of_use(
    driver: Driver, client_for: Callable[..., Client], resource: ResourceServer, provider: Provider
) -> None:
    """A call each minute: the next token comes two minutes before the end of the last, and none sooner (AUTH-2)."""
    with client_for(driver, OPAQUE, scopes=["users:read"]) as made:
        for minute in range(60):
            made.tell_time(minute * MINUTE_MS)
            assert ME == made.result("me.get")
            provider.advance(MINUTE_MS)
    tokens = [token for token, _ in resource.seen]
    fetched = [minute for minute, token in enumerate(tokens) if token not in tokens[:minute]]
    assert list(range(0, 60, USED_MINUTES)) == fetched
    assert {True} == {taken for _, taken in resource.seen}


@every_driver
@pytest.mark.parametrize("client", [PORTAL, CONSOLE])
def test_an_hour_of_a_log_in(
    driver: Driver, client: str, client_for: Callable[..., Client], resource: ResourceServer, provider: Provider
) -> None:
    """Of tokens that rotate none is used twice: there are as many refreshes as due, one of them for a 401 (AUTH-3)."""
    before, renewed = len(provider.requests()), []
    with client_for(driver, client, refresh_token=provider.log_in(client)) as made:
        for minute in range(60):
            made.tell_time(minute * MINUTE_MS)
            if minute == REVOKED_AT:
                provider.forget(resource.seen[-1][0])
            count = len(provider.requests())
            assert [ME] * CALLERS == made.results("me.get", CALLERS)
            renewed += [minute] * (len(provider.requests()) - count)
            provider.advance(MINUTE_MS)
    assert RENEWED_AT == renewed
    assert ["ok"] * len(RENEWED_AT) == provider.requests()[before:]
    refused = {token for token, taken in resource.seen if not taken}
    assert 1 == len(refused)  # the one that was revoked


def test_an_hour_of_four_processes(resource: ResourceServer, provider: Provider, tmp_path: Path) -> None:
    """Two Python and two Node processes with one file store and one log-in refresh as often as one would (AUTH-10)."""
    before, renewed = len(provider.requests()), []
    facts = {
        "base_url": resource.url,
        "token_url": f"{provider.issuer}/token",
        "client_id": CONSOLE,
        "refresh_token": provider.log_in(CONSOLE),
        "directory": str(tmp_path / "store"),
        "token_timeout_ms": 20_000,
        "max_retries": 0,
    }
    with ExitStack() as stack:
        members = [stack.enter_context(member(language, facts)) for language in ["python", "node"] * 2]
        for minute in range(60):
            if minute == REVOKED_AT:
                provider.forget(resource.seen[-1][0])
            count = len(provider.requests())
            for each in members:
                each.call(minute * MINUTE_MS)
            assert [{"name": ME["name"]}] * 4 == [each.told() for each in members]
            renewed += [minute] * (len(provider.requests()) - count)
            provider.advance(MINUTE_MS)
    assert RENEWED_AT == renewed
    assert ["ok"] * len(RENEWED_AT) == provider.requests()[before:]


@every_driver
def test_a_refresh_token_that_was_used_by_another_ends_the_log_in(
    driver: Driver, client_for: Callable[..., Client], resource: ResourceServer, provider: Provider
) -> None:
    """What the hours above would have met: the second use is an `invalid_grant`, also for who has the successor."""
    first = provider.log_in(CONSOLE)
    stolen = provider.http.post(
        f"{provider.issuer}/token",
        data={"grant_type": "refresh_token", "refresh_token": first, "client_id": CONSOLE},
    )
    assert stolen.is_success
    for spent in (first, stolen.json()["refresh_token"]):
        with client_for(driver, CONSOLE, refresh_token=spent) as made:
            error = made.error("me.get")
        assert ("AuthenticationError", "invalid_grant", "not_sent") == (error["class"], error["code"], error["outcome"])
    assert [] == resource.seen


@every_driver
def test_a_revoked_token_is_replaced(
    driver: Driver, client_for: Callable[..., Client], resource: ResourceServer, provider: Provider
) -> None:
    """The server has forgotten it: one 401, a new token, and the call goes through (AUTH-4)."""
    with client_for(driver, OPAQUE, scopes=["users:read"]) as made:
        made.result("me.get")
        provider.revoke(resource.seen[0][0])
        assert ME == made.result("me.get")
    assert [True, False, True] == [taken for _, taken in resource.seen]
    first, second, third = (token for token, _ in resource.seen)
    assert (True, True) == (first == second, second != third)


@every_driver
@pytest.mark.parametrize(
    "client,options,code",
    [
        (OPAQUE, {"client_secret": "wrong"}, "invalid_client"),
        (OPAQUE, {"client_id": "nobody"}, "invalid_client"),
        (OPAQUE, {"scopes": ["users:create"]}, "invalid_scope"),
        (UNABLE, {}, "invalid_request"),
    ],
    ids=["wrong secret", "unknown client", "foreign scope", "foreign grant"],
)
def test_a_refusal_is_final_and_named(
    driver: Driver,
    client: str,
    options: Mapping[str, Any],
    code: str,
    client_for: Callable[..., Client],
    resource: ResourceServer,
) -> None:
    """The endpoint's own word for it, no other try, and nothing is sent to the API (AUTH-5)."""
    with client_for(driver, client, **options) as made:
        error = made.error("me.get")
    assert ("AuthenticationError", code, "not_sent") == (error["class"], error["code"], error["outcome"])
    assert [] == resource.seen
