"""One exchange as data."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback

import pytest

from admin_api.exchange import Headers, Request, Secret

from .answers import call, request, response
from .clocks import Time

HIDDEN = "s3cr3t-value"


def test_a_secret_shows_itself_nowhere() -> None:
    """AUTH-9: no way of printing a secret, or what holds it, shows it."""
    secret = Secret(HIDDEN)
    one = request(call(Time())).with_header("authorization", secret)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!s:>80}",
        "%s %r" % (secret, secret),  # noqa: UP031 (the old way is one of the ways)
        repr([secret]),
        repr({"authorization": secret}),
        repr(one),
        str(ValueError(secret)),
        repr(ValueError(secret)),
        "".join(traceback.format_exception(ValueError(secret))),
        logging.Formatter("%(message)s").format(logging.LogRecord("n", 20, "f", 1, "%s", (secret,), None)),
        str(getattr(secret, "__dict__", "")),
    ]
    assert [] == [text for text in shown if HIDDEN in text]
    assert HIDDEN == secret.reveal()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_pickled(protocol: int) -> None:
    """AUTH-9: pickling a secret is an error, and the error does not show it."""
    with pytest.raises(TypeError) as raised:
        pickle.dumps(Secret(HIDDEN), protocol)
    assert HIDDEN not in str(raised.value)


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_a_secret_is_not_copied(copier: object) -> None:
    """AUTH-9: a copy would be one more place to leak from."""
    assert callable(copier)
    with pytest.raises(TypeError):
        copier(Secret(HIDDEN))


def test_a_secret_is_compared_and_not_hashed() -> None:
    """AUTH-9: secrets are compared in constant time and are no key of a dict."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    with pytest.raises(TypeError):
        hash(Secret("a"))


def test_headers_ignore_case_and_join_what_is_repeated() -> None:
    """RFC 9110, section 5: names ignore case; a repeated field is one list."""
    headers = Headers([("X-Request-Id", "r1"), ("Vary", "a"), ("vary", "b")])
    assert ("r1", "r1", "a, b") == (headers["x-request-id"], headers["X-REQUEST-ID"], headers["Vary"])
    assert (2, ["x-request-id", "vary"]) == (len(headers), list(headers))
    assert "X-Request-ID" in headers
    assert headers.get("etag") is None


def test_headers_show_names_only() -> None:
    """AUTH-9: a header's value may be a secret, so repr shows none."""
    assert "Headers(['set-cookie'])" == repr(Headers([("Set-Cookie", HIDDEN)]))


def test_a_request_is_copied_never_changed() -> None:
    """STACK: a layer that adds a header leaves the request of the layers above as it was."""
    one = request(call(Time()))
    other = one.with_header("a", "b")
    assert ({}, {"a": "b"}) == (one.headers, other.headers)
    assert one.call is other.call


@pytest.mark.parametrize(
    "header, conditional",
    [("if-match", True), ("if-none-match", True), ("if-unmodified-since", True), ("if-range", False), ("etag", False)],
)
def test_conditional_requests(header: str, conditional: bool) -> None:
    """RFC 9110, section 13: which headers make a write conditional."""
    made: Request = request(call(Time()), headers={header: "x"})
    assert conditional == made.conditional


def test_exchanges_show_no_content() -> None:
    """LOG: neither request nor response shows its URL, headers or body."""
    one = call(Time(), method="POST")
    assert "Request(users.get, POST)" == repr(request(one, url=f"http://h/{HIDDEN}"))
    assert "Response(users.get, 200)" == repr(response(one, 200, content=HIDDEN.encode()))


def test_the_time_left() -> None:
    """RETRY-6: the deadline counts from the start of the call."""
    time = Time()
    one = call(time, deadline=5.0)
    time.advance(2.0)
    assert 3.0 == one.left()
    assert call(time).left() is None
