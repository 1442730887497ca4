"""Idempotency-Key: what a key is, what makes two requests the same, and what is kept of the first answer."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from admin_api_mock.http import Answer
from admin_api_mock.problems import Problem
from admin_api_mock.store.replies import Reply

if TYPE_CHECKING:
    from admin_api_mock.context import Context

#: How long a first answer is kept, and how long if it holds a secret; world time.
KEPT_MS = 24 * 60 * 60 * 1000
SECRETS_KEPT_MS = 10 * 60 * 1000
#: How often what is over is removed; that it is over is judged exactly, at every look.
FORGET_EVERY_MS = 60 * 1000
#: Refusals that settle a request for good (RULES SERVER); with the key, a repeat meets the same one.
KEPT_REFUSALS = frozenset({404, 409, 410, 412, 422})

_BARE = re.compile(r"[\x21-\x7E]{1,255}")
#: An sf-string (RFC 9651 section 3.3.3) of visible characters: `"` and `\` are escaped, no other escape exists.
_QUOTED = re.compile(r'"((?:[\x21\x23-\x5B\x5D-\x7E]|\\["\\]){1,255})"')
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Keyed:
    """A mutation that carries a key: its scope, and what it asks for."""

    #: Digest of subject, operation and key: where the answer is kept, of which the key cannot be told.
    place: bytes
    #: The key that seals a secret answer; made of the same, and kept nowhere.
    sealing_key: bytes
    fingerprint: bytes


def keyed(ctx: Context) -> Keyed | None:
    """The request's key; None if it has none or its operation takes none. 400 if it is malformed."""
    if not ctx.operation.idempotent:
        return None
    field = ctx.request.header("idempotency-key")
    if field is None:
        return None
    scoped = f"{ctx.caller.subject}\0{ctx.operation.id}\0{_parse(field)}".encode()
    return Keyed(
        place=hashlib.sha256(b"place\0" + scoped).digest(),
        sealing_key=hashlib.sha256(b"seal\0" + scoped).digest(),
        fingerprint=_fingerprint(ctx),
    )


def stored_answer(ctx: Context, request: Keyed) -> Answer | None:
    """The first answer to this key, if it is still kept. 422 for another request, 409 if its secret is gone."""
    reply = ctx.world.store.replies.get(request.place)
    now_ms = ctx.world.clock.now_ms()
    if reply is None or now_ms - reply.stored_ms >= KEPT_MS:
        return None
    if reply.fingerprint != request.fingerprint:
        raise Problem("idempotency_key_reused", "The Idempotency-Key was used for another request.")
    body = reply.body
    if reply.secret_of is not None:
        if body is None or now_ms - reply.stored_ms >= SECRETS_KEPT_MS:
            raise Problem(
                "secret_no_longer_available",
                "This call succeeded; the secret in its answer is no longer kept. Rotate the token for a new one.",
                token_id=reply.secret_of,
            )
        body = _open(body, request)
    assert body is not None, "only sealed bodies are forgotten"
    headers: dict[str, str] = orjson.loads(reply.headers)
    return Answer(reply.status, {**headers, "Idempotency-Replayed": "true"}, body, replayed=True)


def keep(ctx: Context, request: Keyed, answer: Answer, secret_of: str | None) -> None:
    """Stores a first answer, within its own transaction; sealed if it holds the secret of token `secret_of`."""
    if answer.status >= 300 and answer.status not in KEPT_REFUSALS:
        return
    assert isinstance(answer.body, bytes), "a mutation's answer is not a stream"
    replies, now_ms = ctx.world.store.replies, ctx.world.clock.now_ms()
    if now_ms - replies.forgot_ms >= FORGET_EVERY_MS:
        replies.forget(now_ms - KEPT_MS, now_ms - SECRETS_KEPT_MS)
        replies.forgot_ms = now_ms
    replies.put(
        request.place,
        Reply(
            fingerprint=request.fingerprint,
            stored_ms=now_ms,
            status=answer.status,
            headers=orjson.dumps(answer.headers),
            body=answer.body if secret_of is None else _seal(answer.body, request),
            secret_of=secret_of,
        ),
    )


def _parse(field: str) -> str:
    quoted = _QUOTED.fullmatch(field)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted[1])  # "k" and k are one key.
    if field.startswith('"') or not _BARE.fullmatch(field):
        raise Problem(
            "idempotency_key_invalid", "The Idempotency-Key must be a string of 1 to 255 visible ASCII characters."
        )
    return field


def _fingerprint(ctx: Context) -> bytes:
    request = ctx.request
    parts = [
        request.method,
        request.path,
        request.raw_query,
        request.header("content-type"),
        request.header("if-match"),
        request.header("if-none-match"),
        request.body_sha256,
    ]
    return hashlib.sha256(orjson.dumps(parts)).digest()


def _seal(body: bytes, request: Keyed) -> bytes:
    """AES-GCM under a key that only the holder of the Idempotency-Key can make again; we keep no more than its hash."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(request.sealing_key).encrypt(nonce, body, request.fingerprint)


def _open(sealed: bytes, request: Keyed) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return AESGCM(request.sealing_key).decrypt(nonce, ciphertext, request.fingerprint)
