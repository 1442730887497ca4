"""The document is the only place to edit: what is added to it is there."""

from __future__ import annotations

from pathlib import Path

import httpx

from admin_api_mock.control import MockServer
from admin_api_mock.document import CHECKOUT

ADDED = """
  /api/v1/labels:
    get:
      operationId: labels.list
      security: [{oauth2: [users:read]}]
      x-pagination: {cursor: $request.cursor, next_cursor: $response.next_cursor, results: $response.items}
      parameters: [{$ref: '#/components/parameters/Limit'}, {$ref: '#/components/parameters/Cursor'}]
      responses:
        '200': {description: Labels., content: {application/json: {schema: {$ref: '#/components/schemas/LabelPage'}}}}
    post:
      operationId: labels.create
      security: [{oauth2: [users:update]}]
      x-audit: labels.create
      x-idempotent: true
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/LabelCreate'}}}}
      responses:
        '201': {description: Made., content: {application/json: {schema: {$ref: '#/components/schemas/Label'}}}}
  /api/v1/labels/{label_id}/print:
    post:
      operationId: labels.print
      security: [{oauth2: [users:update]}]
      x-audit: labels.print
      x-idempotent: true
      parameters: [{name: label_id, in: path, required: true, schema: {type: string}}]
      responses:
        '200': {description: Printed., content: {application/json: {schema: {$ref: '#/components/schemas/Label'}}}}
"""
SCHEMAS = """
    Label:
      type: object
      required: [id, text]
      properties: {id: {type: string, pattern: '^lbl_[0-9A-Z]+$'}, text: {type: string}}
    LabelCreate:
      type: object
      additionalProperties: false
      required: [text]
      properties: {text: {type: string, maxLength: 5}}
    LabelPage:
      type: object
      required: [items, next_cursor]
      properties:
        items: {type: array, items: {$ref: '#/components/schemas/Label'}}
        next_cursor: {type: [string, 'null']}
"""


def test_an_added_collection_works_and_an_added_behaviour_is_a_declared_501(tmp_path: Path) -> None:
    """Routes, scopes, validation, audit and pages follow the document; what needs code of its own is never faked."""
    text = CHECKOUT.read_text(encoding="utf-8")
    text = text.replace("\npaths:", f"\npaths:{ADDED.rstrip()}", 1).replace(
        "\n  schemas:", f"\n  schemas:{SCHEMAS.rstrip()}", 1
    )
    grown = tmp_path / "openapi.yaml"
    grown.write_text(text, encoding="utf-8")
    with (
        MockServer(["--port", "0", "--no-tls", "--document", str(grown)]) as server,
        httpx.Client(base_url=server.url, headers={"Authorization": "Bearer TOKEN"}) as client,
    ):
        assert 401 == httpx.get(f"{server.url}/api/v1/labels").status_code
        assert {"items": [], "next_cursor": None} == client.get("/api/v1/labels").json()
        made = client.post("/api/v1/labels", json={"text": "red"})
        assert (201, "red") == (made.status_code, made.json()["text"])
        assert (
            "labels.create"
            == client.get(f"/api/v1/audit/events/{made.headers['Audit-Event-Id']}").json()["data"]["action"]
        )
        assert [made.json()] == client.get("/api/v1/labels").json()["items"]
        refused = client.post("/api/v1/labels", json={"text": "too long"}).json()
        assert ["/text"] == [error["pointer"] for error in refused["errors"]]
        printed = client.post(f"/api/v1/labels/{made.json()['id']}/print")
        assert (501, "not_implemented") == (printed.status_code, printed.json()["code"])
