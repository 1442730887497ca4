"""What follows from an operation: path, query, body, answer."""

from __future__ import annotations

import json
from collections import UserDict
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from admin_api import ConfigurationError, DecodeError
from admin_api.model import timestamp
from admin_api.models import ArchiveSource, PluginRequirement, RegistrySource, User, UserStatus
from admin_api.operation import Op, Paging, answer_of, body_of, decode, page_of, path_of, query_of, quoted
from admin_api.options import OMIT

from .answers import call, response, user
from .clocks import Time

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_path_value_that_would_re_route_is_refused(value: str) -> None:
    """CONF: '', '.' and '..' lead to another resource; the message names the argument."""
    with pytest.raises(ConfigurationError, match="user_id") as raised:
        path_of("/api/v1/users/{user_id}", {"user_id": value})
    assert ("invalid_path_value", "not_sent") == (raised.value.code, raised.value.outcome)


@pytest.mark.parametrize("value", [None, 7, b"usr_1"])
def test_a_path_value_that_is_no_string_is_refused(value: Any) -> None:
    """CONF: None must not become a user called `None`."""
    with pytest.raises(ConfigurationError):
        path_of("/api/v1/users/{user_id}", {"user_id": value})


@pytest.mark.parametrize(
    "value, segment",
    [
        ("usr_1", "usr_1"),
        ("a/b", "a%2Fb"),
        ("../x", "..%2Fx"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2e%2e", "%252e%252e"),
        ("ü €", "%C3%BC%20%E2%82%AC"),
        ("a.b~c-d", "a.b~c-d"),
        ("{role}", "%7Brole%7D"),
        ("...", "..."),
    ],
)
def test_a_path_value_is_one_segment(value: str, segment: str) -> None:
    """CONF: whatever the value holds, it stays one segment, and no placeholder within it is filled."""
    found = path_of("/users/{user_id}/roles/{role}", {"user_id": value, "role": "admin"})
    assert f"/users/{segment}/roles/admin" == found


def texts(seed: int) -> list[str]:
    """Texts of all kinds of characters, lone surrogates aside."""
    random = Random(seed)
    kinds = ["/?#%&=+;[]{}.,: \\\"'<>", "abcXYZ019-_~", "\x00\t\n\x7f", "üßé€", "漢字😀\u202e"]
    return ["".join(random.choice(random.choice(kinds)) for _ in range(random.randrange(1, 12))) for _ in range(300)]


def test_any_path_value_comes_back() -> None:
    """CONF: what the server decodes is what was given."""
    for value in texts(1):
        if value not in (".", ".."):
            found = path_of("/users/{id}", {"id": value})
            assert ["", "users", value] == [unquote(part) for part in found.split("/")]


def test_half_a_surrogate_pair_is_refused() -> None:
    """CONF: what has no form on the wire is the caller's mistake, told before anything is sent."""
    for make in (
        lambda: path_of("/users/{id}", {"id": "\ud800"}),
        lambda: query_of({"q": "\ud800"}),
        lambda: query_of({"\ud800": "q"}),
        lambda: body_of({"q": "\ud800"}),
    ):
        with pytest.raises(ConfigurationError):
            make()


@pytest.mark.parametrize(
    "values, expected",
    [
        ({}, ""),
        ({"a": OMIT, "b": None}, ""),
        ({"q": "a b&c=d+e/ü"}, "q=a%20b%26c%3Dd%2Be%2F%C3%BC"),
        ({"q": ""}, "q="),
        ({"limit": 7, "dry_run": True, "deleted": False}, "limit=7&dry_run=true&deleted=false"),
        ({"role": ["a", "b"]}, "role=a&role=b"),
        ({"role": ("a",)}, "role=a"),
        ({"role": []}, ""),
        ({"status": UserStatus.ACTIVE}, "status=active"),
        ({"status": [UserStatus.ACTIVE, "x"]}, "status=active&status=x"),
        ({"status": UserStatus("novel")}, "status=novel"),
        ({"at": datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)}, "at=2026-01-02T03%3A04%3A05.678Z"),
        ({"at": datetime(2026, 1, 2, 1, tzinfo=timezone(timedelta(hours=2)))}, "at=2026-01-01T23%3A00%3A00.000Z"),
        ({"metadata": {"a b": "c", "d": "é"}}, "metadata%5Ba%20b%5D=c&metadata%5Bd%5D=%C3%A9"),
        ({"metadata": {}}, ""),
    ],
)
def test_queries(values: dict[str, object], expected: str) -> None:
    """Lists repeat their name, `deepObject` maps are name[key]=value, booleans are lower-case, times are UTC."""
    assert expected == query_of(values, ("metadata",))


def test_any_query_comes_back() -> None:
    """What the server decodes is what was given."""
    for name, value, other in zip(texts(2), texts(3), texts(4), strict=True):
        found = query_of({name: value, "list": [value, "", other]})
        pairs = [(name, value), ("list", value), ("list", ""), ("list", other)]
        assert pairs == parse_qsl(found, keep_blank_values=True)


def test_a_time_without_a_zone_is_refused() -> None:
    """A time without a zone means another moment elsewhere."""
    with pytest.raises(ConfigurationError, match="time zone"):
        timestamp(datetime(2026, 1, 1))  # noqa: DTZ001 (that it has none is the point)
    with pytest.raises(ConfigurationError, match="time zone"):
        body_of({"at": datetime(2026, 1, 1)})  # noqa: DTZ001 (the same)


@pytest.mark.parametrize(
    "body, expected",
    [
        ({}, {}),
        ({"a": OMIT, "b": None}, {"b": None}),
        ({"a": "ü", "b": 1, "c": 1.5, "d": True, "e": [1], "f": {"g": None}}, None),
        ({"at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}, {"at": "2026-01-02T03:04:05.000Z"}),
        ({"status": UserStatus.SUSPENDED}, {"status": "suspended"}),
        ({"source": RegistrySource(package="p")}, {"source": {"type": "registry", "package": "p"}}),
        ({"source": ArchiveSource(url="u")}, {"source": {"type": "archive", "url": "u"}}),
        (
            {"requires": [PluginRequirement(plugin="p", range="*")]},
            {"requires": [{"plugin": "p", "range": "*"}]},
        ),
        (
            {"requires": (PluginRequirement(plugin="p", range="*", optional=None),)},
            {"requires": [{"plugin": "p", "range": "*", "optional": None}]},
        ),
        ({"metadata": MappingProxyType({"a": "b"})}, {"metadata": {"a": "b"}}),
        ({"metadata": UserDict({"a": "b"})}, {"metadata": {"a": "b"}}),
        ({"roles": (role for role in ["a", "b"])}, {"roles": ["a", "b"]}),
    ],
)
def test_bodies(body: dict[str, object], expected: dict[str, object] | None) -> None:
    """What is OMIT is left out, None is null; of a model only what was set is sent, and a variant keeps its tag."""
    assert (body if expected is None else expected) == json.loads(body_of(body))


def test_a_model_keeps_what_it_does_not_know() -> None:
    """What a server of tomorrow sent is sent back whole."""
    source = RegistrySource.model_validate({"type": "registry", "package": "p", "novel": [1]})
    assert {"s": {"type": "registry", "package": "p", "novel": [1]}} == json.loads(body_of({"s": source}))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), {"a": [float("nan")]}, b"raw", object(), Decimal(1), {1, OMIT}]
)
def test_what_has_no_json_form_is_refused(value: object) -> None:
    """A value without a JSON form is the caller's mistake, told before anything is sent."""
    with pytest.raises(ConfigurationError) as raised:
        body_of({"value": value})
    assert ("invalid_body", "not_sent") == (raised.value.code, raised.value.outcome)


def test_a_value_that_holds_itself_is_refused() -> None:
    """Circular data has no JSON form."""
    circular: list[object] = []
    circular.append(circular)
    with pytest.raises(ConfigurationError):
        body_of({"value": circular})


@pytest.mark.parametrize("key, header", [("a", '"a"'), ('a"b', r'"a\"b"'), (r"a\b", r'"a\\b"')])
def test_keys_are_quoted(key: str, header: str) -> None:
    """RFC 9651, section 3.3.3: a string escapes its quotes and backslashes."""
    assert header == quoted(key)


GET: Op[User] = Op(id="users.get", method="GET", path="/u/{id}", returns=User)
LIST: Op[User] = Op(
    id="users.list", method="GET", path="/u", returns=User, page=Paging("cursor", "next_cursor", "items")
)


def body(document: object) -> bytes:
    return json.dumps(document).encode()


def test_unknown_members_enums_and_variants_survive() -> None:
    """An answer may grow: nothing unknown is lost, nothing unknown breaks it."""
    one = decode(User, response(call(Time()), 200, content=body(user(status="frozen", novel={"a": 1})), headers=JSON))
    assert isinstance(one, User)
    assert ("frozen", "UNKNOWN", {"a": 1}) == (one.status, one.status.name, (one.model_extra or {})["novel"])
    assert isinstance(one.status, UserStatus)


def test_a_page_of_the_operation() -> None:
    """PAGE: a page has the items of the document, and a cursor that may be left out."""
    content = body({"items": [user(1), user(2, status="novel")], "next_cursor": "c", "total": 9})
    page = page_of(LIST, response(call(Time()), 200, content=content, headers=JSON))
    assert (["usr_1", "usr_2"], "c", 2) == ([one.id for one in page], page.next_cursor, len(page))
    assert "Page(2 items, more follow)" == repr(page)
    last = page_of(LIST, response(call(Time()), 200, content=body({"items": []}), headers=JSON))
    assert (None, 0, "Page(0 items, the last)") == (last.next_cursor, len(last), repr(last))


@pytest.mark.parametrize(
    "content, headers, reason, outcome",
    [
        (body(user(id=7)), JSON, "id (string_type)", "committed"),
        (body({"id": "usr_1"}), JSON, "username (missing)", "committed"),
        (body([]), JSON, "model_type", "committed"),
        (b'{"id": "usr', JSON, "json_invalid", "committed"),
        (b"", JSON, "json_invalid", "committed"),
        (b"null", JSON, "model_type", "committed"),
        (b"<html>Sign in</html>", {"content-type": "text/html"}, "content type", "unknown"),
        (body(user()), {"content-type": "text/plain"}, "content type", "unknown"),
        (body(user()), {}, "content type", "unknown"),
        (b"\xff\xfe\x00", JSON, "json_invalid", "committed"),
    ],
)
def test_an_answer_that_lies(content: bytes, headers: dict[str, str], reason: str, outcome: str) -> None:
    """ERR: what is not as the document says is a DecodeError that says where; the call is committed if it is JSON."""
    one = call(Time(), method="POST", key="k", attempts=2)
    with pytest.raises(DecodeError) as raised:
        answer_of(GET, response(one, 201, content=content, headers={**headers, "x-request-id": "r1"}))
    error = raised.value
    assert reason in error.message
    assert (outcome, 201, "r1", "k", 2, "users.get", False) == (
        error.outcome,
        error.status,
        error.request_id,
        error.idempotency_key,
        error.attempts,
        error.operation,
        error.retryable,
    )
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("filler", ["x", "ü", "😀"])
def test_an_excerpt_is_short(filler: str) -> None:
    """ERR: at most 500 characters of the body are shown."""
    content = filler.encode() * 2000
    with pytest.raises(DecodeError) as raised:
        answer_of(GET, response(call(Time()), 200, content=content, headers=JSON))
    assert 100 < raised.value.message.count(filler) <= 500


def test_a_sensitive_operation_shows_no_excerpt() -> None:
    """AUTH-9: of operations with secrets no byte of the body is shown."""
    with pytest.raises(DecodeError) as raised:
        answer_of(GET, response(call(Time(), sensitive=True), 200, content=b'{"secret": "hunter2', headers=JSON))
    assert "hunter2" not in str(raised.value)


def test_a_page_where_no_body_is_expected() -> None:
    """ERR-3: something in between may have answered, so it is no success; JSON is let pass."""
    gone: Op[None] = Op(id="x", method="DELETE", path="/x", returns=None)
    with pytest.raises(DecodeError) as raised:
        answer_of(gone, response(call(Time()), 200, content=b"<html>", headers={"content-type": "text/html"}))
    assert "unknown" == raised.value.outcome
    passed: list[object] = [answer_of(gone, response(call(Time()), 200, content=b"{}", headers=JSON))]
    assert [None] == passed


def test_nothing_and_not_modified_are_none() -> None:
    """DESIGN 3: a 204, and a 304 of an operation that may answer it, give None."""
    gone: Op[None] = Op(id="x", method="DELETE", path="/x", returns=None)
    cached: Op[User | None] = Op(id="x", method="GET", path="/x", returns=User, not_modified=True)
    found: list[object] = [answer_of(gone, response(call(Time()), 204)), answer_of(cached, response(call(Time()), 304))]
    assert [None, None] == found
