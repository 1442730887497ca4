"""Paths to operations."""

from __future__ import annotations

import pytest
from tiny import document

from admin_api_mock.document import Document, DocumentError
from admin_api_mock.problems import Problem
from admin_api_mock.routing import Router


@pytest.fixture(scope="module")
def router() -> Router:
    return Router(document().operations.values())


@pytest.mark.parametrize(
    "method,path,operation,values",
    [
        ("GET", "/notes", "notes.list", {}),
        ("HEAD", "/notes", "notes.list", {}),
        ("GET", "/notes/search", "notes.search", {}),
        ("GET", "/notes/searching", "notes.get", {"note_id": "searching"}),
        ("PUT", "/notes/a%2Fb", "notes.put", {"note_id": "a/b"}),
        ("GET", "/notes/%C3%A9", "notes.get", {"note_id": "é"}),
    ],
)
def test_a_path_finds_its_operation(
    router: Router, method: str, path: str, operation: str, values: dict[str, str]
) -> None:
    """Literal segments win; an escaped slash stays inside its value."""
    found, decoded = router.match(method, path)
    assert (operation, values) == (found.id, decoded)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/notes/", "/notes/n1/more", "//notes"])
def test_any_other_path_is_a_404(router: Router, path: str) -> None:
    """No path is normalised into another one; an empty segment is no value."""
    with pytest.raises(Problem) as refused:
        router.match("GET", path)
    assert "not_found" == refused.value.code


@pytest.mark.parametrize("path", ["/notes/..", "/notes/%2e%2E", "/notes/%ff"])
def test_dots_and_broken_escapes_are_a_400(router: Router, path: str) -> None:
    """They have no one meaning, so they get none."""
    with pytest.raises(Problem) as refused:
        router.match("GET", path)
    assert 400 == refused.value.status


def test_another_method_is_a_405_with_allow(router: Router) -> None:
    """RFC 9110 section 15.5.6."""
    with pytest.raises(Problem) as refused:
        router.match("DELETE", "/notes")
    assert (405, "GET, HEAD, POST") == (refused.value.status, refused.value.headers["Allow"])


def test_an_operation_added_to_the_document_is_routed() -> None:
    """There is nothing else to edit."""
    added = (
        "  /labels:\n    get: {operationId: labels.list, security: [], responses: {'200': {description: Labels.}}}\n"
    )
    grown = Document(document().text.replace("paths:\n", f"paths:\n{added}", 1))
    assert "labels.list" == Router(grown.operations.values()).match("GET", "/labels")[0].id


def test_an_operation_without_security_has_the_documents() -> None:
    """Forgetting it never makes an operation public."""
    text = document().text
    old = "security: []\n      responses: {'200': {description: Never"
    assert old in text
    changed = text.replace(old, "responses: {'200': {description: Never")
    assert ((), (frozenset(),)) == (
        document().operations["bugs.meet"].scopes,
        Document(changed).operations["bugs.meet"].scopes,
    )


@pytest.mark.parametrize(
    "old,new,place",
    [
        ("operationId: bugs.meet\n", "summary: No id.\n", "/paths/~1bug/get"),
        ("style: deepObject", "style: pipeDelimited", "/paths/~1notes/get/parameters/4"),
        ("/notes/search:", "/notes/{other}:", "method and path shape"),
        ("/notes/search:", "/notes/{a}.{b}:", "whole path segment"),
    ],
)
def test_what_the_server_does_not_understand_stops_it(old: str, new: str, place: str) -> None:
    """A document error names its place at start, and is never guessed at."""
    text = document().text
    assert old in text
    changed = text.replace(old, new, 1)
    with pytest.raises(DocumentError, match=place):
        Router(Document(changed).operations.values())
