"""Digest fields (RFC 9530): SHA-256 as the one algorithm, which is the one that the document lets callers send."""

from __future__ import annotations

import base64

from admin_api_mock.problems import FieldError, Problem


def digest_field(sha256: str) -> str:
    """The value of Content-Digest or Repr-Digest, from lower-case hex."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


def require_digest(name: str, given: str, sha256: str) -> None:
    """422 unless the field `name` says what the bytes that arrived amount to."""
    if given == digest_field(sha256):
        return
    detail = "What arrived is not what was digested."
    error: FieldError = {"parameter": name, "code": "digest_mismatch", "detail": detail}
    raise Problem("digest_mismatch", detail, errors=[error])
