"""Range requests (RFC 9110 section 14): which bytes of a content a GET is answered with."""

from __future__ import annotations

import re

from admin_api_mock.preconditions import matches_strongly
from admin_api_mock.problems import Problem

_ONE_RANGE = re.compile(r"bytes=[ \t]*(\d*)-(\d*)[ \t]*", re.IGNORECASE)
_ENTITY_TAG = re.compile(r'(W/)?"')


def part_of(field: str | None, condition: str | None, *, size: int, etag: str, last_modified: str) -> range | None:
    """The part that Range asks for, if If-Range lets it; None = the whole. 416 if it lies outside.

    Several ranges, another unit, or a range that runs backwards are no error: a server may ignore them, and this does.
    """
    if field is None or not _holds(condition, etag, last_modified):
        return None
    match = _ONE_RANGE.fullmatch(field)
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, stop = max(0, size - int(match[2])), size
    else:
        start, stop = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= size:
        headers = {"Content-Range": f"bytes */{size}"}
        raise Problem("range_not_satisfiable", "The range begins behind the end of the content.", headers=headers)
    return range(start, stop)


def _holds(condition: str | None, etag: str, last_modified: str) -> bool:
    """If-Range (section 13.1.5): one strong tag, or exactly the date of a content that never changes under its id."""
    if condition is None:
        return True
    if _ENTITY_TAG.match(condition):
        return matches_strongly(condition, etag)
    return condition == last_modified
