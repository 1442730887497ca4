"""Every format of the document, judged in requests and in answers, at its edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from test_keywords import AT, validation_of

from admin_api_mock.document import Document
from admin_api_mock.problems import Problem
from admin_api_mock.validation import OwnAnswerInvalid

#: format → (type, valid, invalid).
FORMATS: Mapping[str, tuple[str, list[Any], list[Any]]] = {
    # RFC 3339, 5.6: offsets, either case, any fraction; a leap second at the end of a UTC day; days that there are.
    "date-time": (
        "string",
        [
            "2030-01-01T00:00:00Z",
            "2030-01-01t00:00:00z",
            "2030-01-01T00:00:00.123456789Z",
            "2030-01-01T23:59:59+23:59",
            "2030-01-01T00:00:00-00:00",
            "1990-12-31T23:59:60Z",
            "1990-12-31T15:59:60-08:00",
            "2024-02-29T00:00:00Z",
        ],
        [
            "",
            "2030-01-01",
            "2030-01-01 00:00:00Z",
            "2030-01-01T00:00:00",
            "2030-01-01T00:00:00.Z",
            "2030-01-01T00:00:00+0100",
            "2030-01-01T00:00:00+24:00",
            "2030-01-01T24:00:00Z",
            "1990-12-31T23:58:60Z",
            "1990-12-31T23:59:61Z",
            "2023-02-29T00:00:00Z",
            "2030-13-01T00:00:00Z",
            "+2030-01-01T00:00:00Z",
            "\u0662030-01-01T00:00:00Z",
            "2030-01-01T00:00:00Z\n",
        ],
    ),
    # RFC 5321, 4.1.2: ASCII only; an internationalized address is another format (idn-email).
    "email": (
        "string",
        [
            "a@b",
            "alice@example.com",
            "a.b+c@example.com",
            '"a b"@example.com',
            "a@[127.0.0.1]",
            "a@[IPv6:::1]",
            "a@xn--bcher-kva.example",
            "a" * 64 + "@b.example",
        ],
        [
            "",
            "nobody",
            "@example.com",
            "a@",
            "a@b@c",
            ".a@example.com",
            "a..b@example.com",
            "a@b..c",
            "a@-b.example",
            "a@b_c.example",
            "a b@example.com",
            "a@example.com\n",
            "bücher@example.com",
            "a@bücher.example",
            "a" * 65 + "@b.example",
            "a@" + "b" * 64 + ".example",
        ],
    ),
    # RFC 3986: absolute, ASCII, whole escapes; an IRI is another format.
    "uri": (
        "string",
        [
            "https://example.com",
            "HTTPS://user@[::1]:8443/a?b#c",
            "urn:uuid:1",
            "mailto:a@example.com",
            "https://xn--bcher-kva.example/%C3%BC",
        ],
        [
            "",
            "//example.com/a",
            "/a",
            "a",
            "1http://a",
            "https://exa mple.com",
            "https://example.com/%zz",
            "https://example.com/%4",
            "https://bücher.example/",
            "https://a:b:c/",
            "https://[::1/",
            "https://a/\n",
        ],
    ),
    "uri-reference": (
        "string",
        ["", "a", "/a", "//b/c", "?q", "#f", "https://example.com/%41", "../a"],
        ["/a b", "\\\\a", "/ü", "/%4", "/%zz", "http://[", "/a\n"],
    ),
    # OpenAPI's own: for what is shown and for what is bytes; they say nothing of the characters.
    "password": ("string", ["", "hunter2", "\U0001f600"], [5, None]),
    "binary": ("string", ["", "\x00\xff"], [5, None]),
    "int32": (
        "integer",
        [0, -(2**31), 2**31 - 1, 2147483647.0],
        [-(2**31) - 1, 2**31, 1e10, 0.5, "1"],
    ),
    "int64": (
        "integer",
        [0, -(2**63), 2**63 - 1],
        [-(2**63) - 1, 2**63, 10**20, 0.5, "1"],
    ),
}


def formats(node: Any, name: str | None = None) -> Iterator[str]:
    """Every `format` of a schema in the document."""
    if isinstance(node, list):
        for item in node:
            yield from formats(item)
    elif isinstance(node, Mapping):
        if name != "x-streaming" and isinstance(node.get("format"), str):
            yield node["format"]
        for key, item in node.items():
            if key not in ("example", "examples"):
                yield from formats(item, key)


def test_every_format_of_the_document_is_enforced() -> None:
    """A format that nobody knows would be a promise that nobody keeps: JSON Schema lets it pass."""
    assert set(FORMATS) == set(formats(Document.load().raw))


@pytest.mark.parametrize("name", FORMATS)
def test_format(name: str) -> None:
    """What has the format comes in and goes out; what has not is a 422, and never goes out."""
    kind, valid, invalid = FORMATS[name]
    validation = validation_of({"type": kind, "format": name})
    for instance in valid:
        validation.check("request", AT, instance)
        validation.check_own("an answer", AT, instance)
    for instance in invalid:
        with pytest.raises(Problem) as refused:
            validation.check("request", AT, instance)
        assert 422 == refused.value.status
        with pytest.raises(OwnAnswerInvalid):
            validation.check_own("an answer", AT, instance)


@pytest.mark.parametrize(
    "bounds,valid,invalid",
    [
        ({"minimum": 1}, [1, 2**31 - 1], [0, 2**31]),
        ({"maximum": 5}, [-(2**31), 5], [-(2**31) - 1, 6]),
        ({"minimum": -(2**40), "maximum": 2**40}, [-(2**31), 2**31 - 1], [-(2**31) - 1, 2**31]),
    ],
)
def test_a_range_narrows_a_format_and_never_widens_it(
    bounds: dict[str, int], valid: list[int], invalid: list[int]
) -> None:
    """`int32` stays one whatever stands beside it."""
    validation = validation_of({"type": "integer", "format": "int32", **bounds})
    for instance in valid:
        validation.check("request", AT, instance)
    for instance in invalid:
        with pytest.raises(Problem):
            validation.check("request", AT, instance)
