"""The conditions stated with entity tags (RFC 9110 section 13)."""

from __future__ import annotations

import re

from admin_api_mock.problems import Problem

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7E]*")')


def matches_strongly(field: str, etag: str | None) -> bool:
    """Whether an If-Match field lets a change pass: `*` for anything that exists, else strong comparison."""
    if field.strip() == "*":
        return etag is not None
    return any(tag == etag and not weak for weak, tag in _TAG.findall(field))


def matches_weakly(field: str, etag: str) -> bool:
    """Whether an If-None-Match field names this tag, weak or not."""
    return field.strip() == "*" or any(tag == etag for _, tag in _TAG.findall(field))


def require_match(field: str | None, etag: str | None) -> None:
    """412 unless an If-Match, if there is one, holds for what is there (`etag` None: nothing is)."""
    if field is not None and not matches_strongly(field, etag):
        headers = {} if etag is None else {"ETag": etag}
        raise Problem("precondition_failed", "If-Match does not hold: it has changed since.", headers=headers)
