"""Laws of collections nobody wrote code for: an operation added to the document is routed, checked and answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from admin_api_mock.control import WorldHandle
from admin_api_mock.document import Document

from .conftest import CREATION, client_of, events, pages, patch, problem, serving

REF = "#/components/schemas/"
WIDGET: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^wid_[0-9A-HJKMNP-TV-Z]{26}$"},
        "name": {"type": "string"},
        "colour": {"type": ["string", "null"]},
        "heavy": {"type": "boolean", "default": False},
        "parts": {"type": "array", "items": {"type": "string"}},
        "created_at": {"type": "string", "format": "date-time"},
        "updated_at": {"type": "string", "format": "date-time"},
    },
    "required": ["id", "name", "colour", "heavy", "parts", "created_at", "updated_at"],
}
INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {name: WIDGET["properties"][name] for name in ("name", "colour", "heavy", "parts")},
    "additionalProperties": False,
}
PAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": f"{REF}Widget"}},
        "next_cursor": {"type": ["string", "null"]},
    },
    "required": ["items", "next_cursor"],
}
ID = {"name": "widget_id", "in": "path", "required": True, "description": "Id.", "schema": {"type": "string"}}
SECURITY = [{"oauth2": ["plugins:manage"]}]


def operation(operation_id: str, status: str, schema: str | None, **more: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": REF + schema}}} if schema else {}
    problems = {code: {"$ref": "#/components/responses/NotFound"} for code in ("404",)}
    responses = {status: {"description": "Done.", "content": content, "headers": {"ETag": {}}}, **problems}
    return {"operationId": operation_id, "security": SECURITY, "responses": responses, **more}


def mutation(action: str, media: str | None = "application/json") -> dict[str, Any]:
    body = (
        {"requestBody": {"required": True, "content": {media: {"schema": {"$ref": f"{REF}WidgetInput"}}}}}
        if media
        else {}
    )
    return {"x-audit": action, "x-idempotent": True, **body}


def extended() -> Document:
    """The document with a collection of widgets."""
    raw = yaml.safe_load(Document.load().text)
    raw["components"]["schemas"] |= {"Widget": WIDGET, "WidgetInput": INPUT, "WidgetPage": PAGE}
    paging = {"cursor": "$request.cursor", "next_cursor": "$response.next_cursor", "results": "$response.items"}
    query = [
        {"$ref": "#/components/parameters/Limit"},
        {"$ref": "#/components/parameters/Cursor"},
        {"name": "colour", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "heavy", "in": "query", "schema": {"type": "boolean"}},
        {"name": "near", "in": "query", "schema": {"type": "string"}},
    ]
    raw["paths"]["/api/v1/widgets"] = {
        "get": operation("widgets.list", "200", "WidgetPage", parameters=query, **{"x-pagination": paging}),
        "post": operation("widgets.create", "201", "Widget", **mutation("widgets.create")),
    }
    raw["paths"]["/api/v1/widgets/{widget_id}"] = {
        "parameters": [ID],
        "get": operation("widgets.get", "200", "Widget"),
        "patch": operation(
            "widgets.update", "200", "Widget", **mutation("widgets.update", "application/merge-patch+json")
        ),
        "delete": operation("widgets.delete", "204", None, **mutation("widgets.delete", None)),
    }
    raw["paths"]["/api/v1/moods"] = {"get": operation("moods.get", "200", "Widget")}
    return Document(yaml.safe_dump(raw, sort_keys=False))


@pytest.fixture(scope="module")
def world() -> Iterator[WorldHandle]:
    with serving(extended()) as control:
        yield control.create_world(**CREATION)


@pytest.fixture
def api(world: WorldHandle) -> Iterator[httpx.Client]:
    world.reset()
    with client_of(world) as client:
        yield client


def test_a_plain_collection_works_without_code(api: httpx.Client) -> None:
    """Create, get, update and delete answer and are recorded, from the document's schemas alone."""
    made = api.post("/api/v1/widgets", json={"name": "a", "parts": ["x"]}, headers={"Idempotency-Key": "k"})
    assert made.status_code == 201, made.text
    widget = made.json()
    assert (widget["colour"], widget["heavy"], widget["parts"]) == (None, False, ["x"])
    path = f"/api/v1/widgets/{widget['id']}"
    assert made.headers["location"].endswith(path)
    again = api.post("/api/v1/widgets", json={"name": "a", "parts": ["x"]}, headers={"Idempotency-Key": "k"})
    assert again.json() == widget
    assert api.get(path).json() == widget
    assert patch(api, path, {"colour": "red"}).json()["colour"] == "red"
    assert patch(api, path, {"colour": None}).json()["colour"] is None
    problem(patch(api, path, {"size": 1}), 422, "validation_failed")
    assert api.delete(path).status_code == 204
    problem(api.get(path), 404, "not_found")
    recorded = [(event["data"]["action"], event["data"]["targets"][0]["type"]) for event in events(api)]
    actions = ("widgets.create", "widgets.update", "widgets.update", "widgets.delete")
    assert recorded == [(action, "widget") for action in actions]


def test_its_list_pages_and_filters(api: httpx.Client) -> None:
    """Pages by cursor, filters by members; a filter that only code could understand is a 501, never a wrong answer."""
    for i in range(7):
        api.post("/api/v1/widgets", json={"name": str(i), "colour": ("red", "blue", "green")[i % 3], "heavy": i > 3})
    assert [w["name"] for page in pages(api, "/api/v1/widgets", limit=3) for w in page] == list("0123456")
    for query, expected in (
        ("colour=red", "036"),
        ("colour=red&colour=blue", "01346"),
        ("heavy=true&colour=blue", "4"),
    ):
        assert "".join(w["name"] for w in api.get(f"/api/v1/widgets?{query}").json()["items"]) == expected
    problem(api.get("/api/v1/widgets?near=here"), 501, "not_implemented")


def test_what_no_shape_explains_is_declared(api: httpx.Client) -> None:
    """An operation that is no plain collection and has no handler is a 501."""
    problem(api.get("/api/v1/moods"), 501, "not_implemented")
