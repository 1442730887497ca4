"""What is said to the token endpoint, and what its answers mean (RFC 6749, RFC 7009). No I/O."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, NoReturn, cast
from urllib.parse import quote_plus, urlsplit

from ._generated import policy
from ._generated.endpoints import REVOCATION_PATH, TOKEN_PATH
from .access import AccessToken, sendable
from .exchange import Call, Outcome, Request, Response, Secret, TokenFailure, leads_to

ClientAuth = Literal["basic", "post"]
"""How a client proves itself: in the Authorization header, or in the form (RFC 6749, section 2.3.1)."""

FINAL_CODES = frozenset(
    {
        "invalid_client",
        "invalid_grant",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_request",
    }
)
"""OAuth errors that another try cannot mend (AUTH-5)."""


class Form:
    """A form with secrets in it: text only on its way to the wire (AUTH-9)."""

    def __init__(self, members: Mapping[str, str | Secret]) -> None:
        self._members = members
        self.length = sum(map(len, self.chunks()))

    def chunks(self) -> Iterator[bytes]:
        """The form, in one piece."""
        texts = {name: value.reveal() if isinstance(value, Secret) else value for name, value in self._members.items()}
        yield "&".join(f"{form_encoded(name)}={form_encoded(value)}" for name, value in texts.items()).encode()


def form_encoded(text: str) -> str:
    """As forms are written (RFC 6749, appendix B; `application/x-www-form-urlencoded` of the URL standard)."""
    return quote_plus(text, "*").replace("~", "%7E")


class Endpoint(NamedTuple):
    """The token endpoint, and the client that asks there."""

    url: str
    client_id: str
    client_secret: Secret | None
    """None for a public client, which says who it is and proves nothing."""
    auth: ClientAuth
    user_agent: str

    @property
    def revocation_url(self) -> str:
        """Where tokens are ended: at the same origin, so that the client's secret stays there (AUTH-7)."""
        if self.url.endswith(TOKEN_PATH):
            return self.url.removesuffix(TOKEN_PATH) + REVOCATION_PATH
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{REVOCATION_PATH}"

    def request(self, call: Call, url: str, form: Mapping[str, str | Secret]) -> Request:
        """A request with this form and the client's proof."""
        headers: dict[str, str | Secret] = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
            "user-agent": self.user_agent,
        }
        if self.client_secret is None:
            form = {**form, "client_id": self.client_id}
        elif self.auth == "post":
            form = {**form, "client_id": self.client_id, "client_secret": self.client_secret}
        else:
            pair = f"{form_encoded(self.client_id)}:{form_encoded(self.client_secret.reveal())}"
            headers["authorization"] = Secret("Basic " + base64.b64encode(pair.encode()).decode())
        body = Form(form)
        return Request(call, "POST", url, {**headers, "content-length": str(body.length)}, body)


def landed_token(outcome: Outcome, asked_at: float, asked: tuple[str, ...]) -> AccessToken | TokenFailure:
    """What a token request came to; its life began when it was asked for (AUTH-2)."""
    if isinstance(outcome, TokenFailure):
        return outcome
    if not isinstance(outcome, Response):
        final = outcome.effect == "final" or outcome.code == "client_closed"
        return TokenFailure(outcome.code, f"The token endpoint gave no answer: {outcome.message}", final, outcome)
    document = _json_object(outcome.body)
    if outcome.status != 200:
        error = document.get("error")
        known = isinstance(error, str) and 0 < len(error) <= 64 and all(" " <= character <= "~" for character in error)
        code = cast("str", error) if known else "token_request_failed"
        final = code in FINAL_CODES or (outcome.status < 500 and outcome.status not in policy.RETRY_STATUSES)
        message = f"The token endpoint answered {outcome.status} ({code}){redirection(outcome)}."
        return TokenFailure(code, message, final, outcome)
    value, kind, lifetime, scope, refresh = (
        document.get(name) for name in ("access_token", "token_type", "expires_in", "scope", "refresh_token")
    )
    if not sendable(value) or not isinstance(kind, str) or kind.lower() != "bearer":
        return TokenFailure(
            "invalid_token_response", "The token endpoint's answer holds no bearer token.", True, outcome
        )
    granted = [each for each in scope.split(" ") if each] if isinstance(scope, str) else asked or None
    known = isinstance(lifetime, float) and lifetime > 0
    return AccessToken(
        value,
        scopes=None if granted is None else frozenset(granted),
        since=asked_at,
        expires_in=cast("float", lifetime) if known else None,  # no lifetime, no refresh ahead of time (AUTH-2)
        refresh_token=Secret(refresh) if sendable(refresh) else None,
    )


def redirection(answer: Response) -> str:
    """Where an answer would redirect to, for people: the origin alone, and nobody goes there (AUTH-8)."""
    if not 300 <= answer.status < 400:
        return ""
    to = leads_to(answer)
    return f", a redirect to {to} that is not followed" if to else ", a redirect"


def _json_object(body: bytes) -> dict[str, Any]:
    """Its numbers are floats, so that none is too large to be reckoned with."""
    try:
        document = json.loads(body.decode("utf-8-sig"), parse_int=float, parse_constant=_no_json)
    except (ValueError, RecursionError):  # an answer that is no JSON holds nothing
        return {}
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def _no_json(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity, which only Python takes for JSON
