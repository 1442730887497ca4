# Derived by make generate from layers/auth.py. Do not edit.
"""Gives each attempt its token, and answers a refused one with one resend (AUTH-4)."""

from __future__ import annotations

import re

from ....exchange import Layer, Outcome, Request, Response, Send, TokenFailure
from ....outcome import note
from ..tokens import TokenSource

INSUFFICIENT_SCOPE = "insufficient_scope"
_INVALID_TOKEN = re.compile(r'\berror\s*=\s*"?invalid_token\b')


def refused(outcome: Outcome) -> bool:
    """Whether the server says that the token itself is no good (RFC 6750, section 3.1)."""
    return (
        isinstance(outcome, Response)
        and outcome.status == 401
        and _INVALID_TOKEN.search(outcome.headers.get("www-authenticate", "")) is not None
    )


def auth(source: TokenSource, *, preflight: bool = False) -> Layer:
    """The layer: attach the token; after a 401 `invalid_token` get another and send once more, at no cost.

    Args:
        preflight: Send nothing if the token is known to lack a scope that the operation needs (AUTH-6).
    """

    def layer(send: Send) -> Send:
        def authenticated(request: Request) -> Outcome:
            call = request.call
            token = source.token(call)
            if isinstance(token, TokenFailure):
                return token
            call.token = token
            if preflight and token.scopes is not None and not token.scopes.issuperset(call.scopes):
                return TokenFailure(INSUFFICIENT_SCOPE, "The token lacks a scope.", True, None)
            outcome = send(request.with_header("authorization", token.value))
            if not refused(outcome) or not source.refuse(token) or call.resent:
                return outcome
            call.resent = True
            note(call, outcome)
            fresh = source.token(call)
            if isinstance(fresh, TokenFailure):
                return fresh
            if fresh.value == token.value:
                return outcome
            call.token = fresh
            return send(request.with_header("authorization", fresh.value))

        return authenticated

    return layer
