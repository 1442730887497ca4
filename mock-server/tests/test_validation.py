"""Requests against the document."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from conftest import Running, problem_in
from tiny import document

from admin_api_mock.document import Document
from admin_api_mock.problems import KINDS
from admin_api_mock.validation import OwnAnswerInvalid, Validation
from admin_api_mock.violations import errors_of


def refused(answer: httpx.Response) -> list[tuple[str, str]]:
    assert 422 == answer.status_code
    return [(error.get("pointer") or error.get("parameter"), error["code"]) for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    "body,errors",
    [
        ({}, [("/text", "required")]),
        ({"text": 5}, [("/text", "type")]),
        ({"text": ""}, [("/text", "too_short")]),
        ({"text": "a" * 11}, [("/text", "too_long")]),
        ({"text": "a", "more": 1, "a/b": 1}, [("/a~1b", "unknown_member"), ("/more", "unknown_member")]),
        ({"text": "a", "id": "n1"}, [("/id", "unknown_member")]),
        ({"text": "a", "count": 0}, [("/count", "too_small")]),
        ({"text": "a", "count": 10}, [("/count", "too_large")]),
        ({"text": "a", "mail": "nobody"}, [("/mail", "format")]),
        ({"text": "a", "kind": "c"}, [("/kind", "invalid_value")]),
        ({"text": "a", "labels": ["a", "b", "c"]}, [("/labels", "too_many")]),
        ({"text": "a", "labels": ["a", "a"]}, [("/labels", "duplicate")]),
        ({"text": "a", "labels": ["A"]}, [("/labels/0", "pattern")]),
        ({"text": "a", "parent": {}}, [("/parent/id", "required")]),
        ({"text": "a", "parent": 5}, [("/parent", "type")]),
        ([], [("", "type")]),
    ],
)
def test_each_law_has_its_code_and_pointer(http: httpx.Client, body: Any, errors: list[tuple[str, str]]) -> None:
    """A pointer names the member that is wrong or missing, not the object around it."""
    answer = http.post("/notes", json=body)
    assert errors == sorted((pointer or "", code) for pointer, code in refused(answer))


def test_values_are_never_quoted(http: httpx.Client) -> None:
    """A value may be a secret; the problem goes into logs."""
    answer = http.post(
        "/notes", json={"text": "hunter2-hunter2", "mail": "hunter2", "kind": "hunter2", "labels": ["HUNTER2"]}
    )
    assert 4 == len(refused(answer))
    assert "hunter2" not in answer.text.lower()


@pytest.mark.parametrize(
    "query,errors",
    [
        ("limit=0", [("limit", "too_small")]),
        ("limit=501", [("limit", "too_large")]),
        ("limit=ten", [("limit", "type")]),
        ("limit=1.0", [("limit", "type")]),
        ("limit=", [("limit", "type")]),
        ("limit=1&limit=2", [("limit", "repeated_parameter")]),
        ("tag=green", [("tag", "invalid_value")]),
        ("deleted=yes", [("deleted", "type")]),
        ("since=yesterday", [("since", "format")]),
        ("colour=red", [("colour", "unknown_parameter")]),
        ("metadata=x", [("metadata", "unknown_parameter")]),
        ("metadata[a]=123456", [("metadata", "too_long")]),
        ("metadata[a]=1&metadata[a]=2", [("metadata[a]", "repeated_parameter")]),
        ("limit=0&colour=red", [("colour", "unknown_parameter"), ("limit", "too_small")]),
    ],
)
def test_a_wrong_parameter_is_a_422(http: httpx.Client, query: str, errors: list[tuple[str, str]]) -> None:
    """An unknown parameter or filter value is refused: to ignore it would be to answer another question."""
    assert errors == sorted(refused(http.get(f"/notes?{query}")))


def test_parameters_are_coerced_by_their_schemas(http: httpx.Client) -> None:
    """A handler gets data, not text; a default is filled in."""
    told = http.get(
        "/notes?tag=red&tag=blue&deleted=true&metadata[a]=1&metadata[b]=x%20y", headers={"X-Mode": "fast"}
    ).json()
    expected = {"tag": ["red", "blue"], "deleted": True, "metadata": {"a": "1", "b": "x y"}, "limit": 50}
    assert expected == told["query"]
    assert {"x-mode": "fast"} == told["headers"]


def test_a_header_outside_its_schema_is_a_422(http: httpx.Client) -> None:
    """Declared header parameters are checked; Idempotency-Key has a room of its own, where malformed is a 400."""
    assert [("x-mode", "invalid_value")] == refused(http.get("/notes", headers={"X-Mode": "slow"}))
    assert 201 == http.post("/notes", json={"text": "a"}, headers={"Idempotency-Key": "longer"}).status_code


def test_a_path_value_outside_its_schema_names_nothing(http: httpx.Client) -> None:
    """404 for what is only looked up; a PUT, which would make it, is told what is wrong."""
    assert 404 == http.get("/notes/x1").status_code
    put = http.put("/notes/x1", content=b"a", headers={"Content-Type": "application/octet-stream"})
    assert [("note_id", "pattern")] == refused(put)


@pytest.mark.parametrize(
    "content,media_type,status,code",
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"", "application/json", 400, "malformed_json"),
        (b'{"text":"\xff"}', "application/json", 400, "malformed_json"),
        (b"[" * 5000, "application/json", 400, "malformed_json"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", None, 415, "unsupported_media_type"),
        (b'{"text":"a"}', "Application/JSON; charset=utf-8", 201, None),
    ],
)
def test_what_is_not_the_media_type_it_says(
    http: httpx.Client, content: bytes, media_type: str | None, status: int, code: str | None
) -> None:
    """400 for what does not parse, 415 for what is not taken."""
    headers = {"Content-Type": media_type} if media_type else {}
    answer = http.post("/notes", content=content, headers=headers)
    assert status == answer.status_code
    assert code == answer.json().get("code")
    if status == 415:
        assert "application/json" == answer.headers["Accept-Post"]


@pytest.mark.parametrize("form", [b"a=1&a=2", b"novalue", b"a=%ff%fe\xff"])
def test_a_broken_form_is_told_as_oauth_does(http: httpx.Client, form: bytes) -> None:
    """RFC 6749 section 5.2: JSON with `error`, not to be stored."""
    answer = http.post("/oauth/token", content=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert ("application/json", "no-store") == (answer.headers["Content-Type"], answer.headers["Cache-Control"])


def test_own_answers_are_held_to_the_document() -> None:
    """What is not allowed must not leave: a missing member, a write-only one, an undeclared status."""
    validation = Validation(document())
    operation = document().operations["notes.create"]
    validation.check_answer(operation, 201, {"id": "n1", "text": "a"})
    for status, content in ((201, {"text": "a"}), (201, {"id": "n1", "text": "a", "secret": "s"}), (200, {})):
        with pytest.raises(OwnAnswerInvalid):
            validation.check_answer(operation, status, content)


def test_lines_of_a_stream_are_held_to_its_schema() -> None:
    """Each line is one item."""
    validation = Validation(document())
    pointer = document().operations["notes.export"].item_pointer
    validation.check_own("notes.export", pointer, {"id": "n1", "text": "a"})
    with pytest.raises(OwnAnswerInvalid):
        validation.check_own("notes.export", pointer, {"id": "n1"})


def test_at_most_fifty_errors_are_told() -> None:
    """A document of garbage does not make an answer of its own size."""
    validator = Validation(document()).validator("request", "/components/schemas/Note")
    assert 50 == len(errors_of(validator, {f"m{n}": 1 for n in range(200)}))


def test_the_codes_of_problems_are_those_of_the_document() -> None:
    """The open enum ProblemCode and the server's table are one list; every status fits its class."""
    assert set(Document.load().raw["components"]["schemas"]["ProblemCode"]["enum"]) == set(KINDS)


def test_every_schema_of_the_document_compiles() -> None:
    """A schema that does not compile would be met at the first request."""
    admin = Document.load()
    validation = Validation(admin)
    for operation in admin.operations.values():
        for media in (*operation.body.values(), *(m for r in operation.responses.values() for m in r.content.values())):
            if media.pointer is not None:
                validation.validator("request", media.pointer)
                validation.validator("answer", media.pointer)


def test_an_integer_is_one_however_it_is_written(http: httpx.Client) -> None:
    """`3.0` is an integer (JSON Schema 2020-12, 4.2.3), and reaches the handler as one."""
    answer = http.post("/notes", content=b'{"text":"a","count":3.0}', headers={"Content-Type": "application/json"})
    assert 201 == answer.status_code
    assert '"count":3}' in answer.text


def test_parameters_that_callers_make_up_are_told_briefly(http: httpx.Client) -> None:
    """Each name once, fifty at most, without control characters, cut: as the document lets a problem be."""
    assert [("a", "unknown_parameter")] == refused(http.get("/notes?a=1&a=2&a=3"))
    assert 50 == len(refused(http.get("/notes?" + "&".join(f"n{n}=1" for n in range(200)))))
    names = [name for name, _ in refused(http.get(f"/notes?{'x' * 300}=1&a%0D%00b=1"))]
    assert ["x" * 100, "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"] == names


@pytest.mark.parametrize("path,told", [("/a%20b", True), ("/a|b", False), ("/" + "a" * 2500, False), ("/%zz", False)])
def test_an_instance_is_a_reference(running: Running, path: str, told: bool) -> None:
    """RFC 9457, 3.1.5: a path that is none, or is longer than the document says, is left out."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        came = b"".join(iter(lambda: connection.recv(65536), b""))
    assert told is ("instance" in problem_in(came))
