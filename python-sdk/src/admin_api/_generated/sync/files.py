# Derived by make generate from files.py. Do not edit.
"""Encrypted objects: upload from a spool, download that resumes and is checked before it is seen (FILE)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from ..._flavour import sync as flavour
from ...backoff import backoff
from ...errors import ConfigurationError, IntegrityError, StreamInterruptedError
from ...exchange import Response
from ...operation import Op, answer_of
from ...options import RequestOptions
from ...spool import (
    Downloaded,
    DownloadTarget,
    Progress,
    Spool,
    UploadSource,
    deliver,
    fill,
)
from ...wire import failures

if TYPE_CHECKING:
    from ...encryption import Identity, Recipient
    from .resource import Caller

T = TypeVar("T")

__all__ = ["DownloadTarget", "Downloaded", "Progress", "UploadSource", "download", "upload"]

_DIGEST = re.compile(r"sha-256=:[0-9A-Za-z+/]{43}=:")
_RANGE = re.compile(r"bytes ([0-9]{1,19})-")


def upload(
    caller: Caller,
    op: Op[T],
    source: UploadSource,
    *,
    query: Mapping[str, object],
    headers: Mapping[str, object],
    encrypt_to: Sequence[Recipient],
    already_encrypted: bool,
    on_progress: Progress | None,
    options: RequestOptions | None,
) -> T:
    """Encrypts once, sends in one request, and sends the very same bytes again if it must.

    Raises:
        ConfigurationError: Neither or both of `encrypt_to` and `already_encrypted`; or it is no age file.
        IntegrityError: The server stored something else.
    """
    if bool(encrypt_to) == already_encrypted:
        raise ConfigurationError("Give either encrypt_to or already_encrypted=True.", code="encryption_required")
    spool = flavour.in_thread(lambda: fill(source, encrypt_to), drop=Spool.close)
    try:
        spool.on_progress = on_progress
        given = {**headers, "Admin-Encryption": "age-v1", "Content-Digest": spool.digest}
        response = caller.send(caller.prepare(op, query=query, headers=given, content=spool, options=options))
        _same(response.headers.get("content-digest"), spool, response)
        return answer_of(op, response)
    finally:
        spool.close()


def download(
    caller: Caller,
    op: Op[Any],
    *,
    path: Mapping[str, str],
    to: DownloadTarget,
    identity: Identity | Sequence[Identity] | None,
    expect_sha256: str | None,
    on_progress: Progress | None,
    options: RequestOptions | None,
) -> Downloaded:
    """Fetches the ciphertext, going on after a lost connection; checks it, decrypts it, and only then delivers it.

    Raises:
        IntegrityError: The ciphertext is not what the server or the caller says it is, or was changed.
        NoMatchingKeyError: It is encrypted to somebody else.
        StreamInterruptedError: The connection was lost more often than may be tried.
    """
    spool = Spool()
    try:
        response = _fetch(caller, op, path, spool, on_progress, options)
        _same(response.headers.get("repr-digest"), spool, response)
        if expect_sha256 is not None and expect_sha256.lower() != spool.sha256:
            raise _integrity("The object is not the one expected: its SHA-256 differs from expect_sha256.", response)
        try:
            flavour.in_thread(lambda: deliver(lambda file: _write(spool, file, identity), to))
        except IntegrityError as error:  # the cipher knows nothing of calls
            _of_call(error, response)
            raise
        return Downloaded(spool.length, spool.sha256, response.headers.get("etag"), response.request_id)
    finally:
        spool.close()


def _write(spool: Spool, file: BinaryIO, identity: Identity | Sequence[Identity] | None) -> None:
    if identity is None:
        for chunk in spool.chunks():
            file.write(chunk)
        return
    identities = list(identity) if isinstance(identity, Sequence) else [identity]
    if not identities:
        raise ConfigurationError("identity is empty.", code="invalid_identity")
    identities[0].decrypt(spool.reader(), file, identities)


def _fetch(
    caller: Caller,
    op: Op[Any],
    path: Mapping[str, str],
    spool: Spool,
    on_progress: Progress | None,
    options: RequestOptions | None,
) -> Response:
    """Fills the spool; the attempt counter returns to zero with each byte that was not had before."""
    fruitless = most = 0
    etag: str | None = None
    while True:
        headers = {"Range": f"bytes={spool.length}-", "If-Range": etag} if spool.length and etag else {}
        request = caller.prepare(op, path=path, headers=headers, options=options)
        response = caller.send(request)
        continues = _continues(response, spool)
        if not continues:
            spool.restart()
        etag = response.headers.get("etag")
        error: str | None = "WrongRange"
        how = "left"
        try:
            if continues or response.status != 206:
                error = _drain(response, spool, request.call.limits.timeout, on_progress)
            else:  # a part that was not asked for is of no use
                response.stream.close()
            how = "ended" if error is None else "interrupted"
        finally:
            if response.on_end is not None:
                response.on_end(how)
        if error is None:
            return response
        fruitless = 1 if spool.length > most else fruitless + 1
        most = max(most, spool.length)
        if fruitless > request.call.limits.max_retries:
            raise StreamInterruptedError(
                f"{op.id}: The download broke and could not be resumed ({error}). Try again.",
                operation=op.id,
                outcome="unknown",
                retryable=True,
                attempts=fruitless,
                request_id=response.request_id,
            )
        if etag is None or etag.startswith("W/"):
            spool.restart()  # nothing to tell by whether the rest would be of the same content
        caller.clock.sleep(backoff(fruitless - 1, caller.clock.random()))


def _continues(response: Response, spool: Spool) -> bool:
    """Whether the answer goes on where the spool ends."""
    found = _RANGE.match(response.headers.get("content-range", ""))
    return response.status == 206 and found is not None and int(found[1]) == spool.length


def _drain(response: Response, spool: Spool, silence: float, on_progress: Progress | None) -> str | None:
    """Reads to the end; the name of what broke it off, None if nothing did. Silence as long as `timeout` breaks it."""
    body = response.stream
    chunks = body.iter_bytes()  # as they come: what waits to fill a piece would be lost with the connection
    length = response.headers.get("content-length", "")
    total = spool.length + int(length) if length.isdigit() else None
    try:
        while True:
            try:
                with flavour.limit(silence):
                    chunk = next(chunks, None)
            except failures() as caught:
                return type(caught).__name__
            if chunk is None:
                return None if total is None or spool.length == total else "CutShort"
            spool.write(chunk)
            if on_progress is not None:
                on_progress(spool.length, total)
    finally:
        body.close()


def _same(digest: str | None, spool: Spool, response: Response) -> None:
    if digest is not None and _DIGEST.fullmatch(digest) and digest != spool.digest:
        raise _integrity("The content differs from its digest.", response)


def _integrity(message: str, response: Response) -> IntegrityError:
    call = response.call
    return _of_call(IntegrityError(f"{call.operation}: {message} (request id {response.request_id})"), response)


def _of_call(error: IntegrityError, response: Response) -> IntegrityError:
    """The error with what is known of the call whose content it is about (ERR-2)."""
    call = response.call
    error.operation = call.operation
    error.outcome = "committed"
    error.attempts = call.attempts
    error.status = response.status
    error.request_id = response.request_id
    error.idempotency_key = call.idempotency_key
    return error
