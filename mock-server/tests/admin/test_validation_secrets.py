"""A refusal goes into logs, and what was sent may be a secret: no answer says what a value was, wherever it stood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from admin_api_mock.control import WorldHandle
from admin_api_mock.document import Document, MediaType, Operation

CANARY = "canary-7Qx9"
#: As text, too long, of another type, deeper, and as what no JSON member is called.
VARIANTS: tuple[Any, ...] = (CANARY, CANARY * 8000, [CANARY], {"a": CANARY}, [[{"a": [CANARY]}]], f"{CANARY}\x00")
DOCUMENT = Document.load()
JSON_OPERATIONS = [
    pytest.param(operation, media, id=operation.id)
    for operation in DOCUMENT.operations.values()
    for media in operation.body.values()
    if media.is_json
]


def example_of(operation: Operation) -> Any:
    """The example that the document has of a body."""
    body, _ = DOCUMENT.resolve(operation.raw["requestBody"], "")
    (media,) = body["content"].values()
    (example,) = media["examples"].values()
    return DOCUMENT.resolve(example, "")[0]["value"]


def whole(operation: Operation, media: MediaType) -> dict[str, Any]:
    """An example with every member that the schema knows."""
    members = DOCUMENT.schema(media.schema)["properties"]
    return {**dict.fromkeys(members), **example_of(operation)}


def with_canary(node: Any) -> Iterator[Any]:
    """Copies of a body, each with a canary in another place: of every member, of every item, of the whole."""
    yield from VARIANTS
    if isinstance(node, dict):
        for name, member in node.items():
            for changed in with_canary(member):
                yield {**node, name: changed}
    elif isinstance(node, list):
        for i, item in enumerate(node):
            for changed in with_canary(item):
                yield [*node[:i], changed, *node[i + 1 :]]


def require_silence(answer: httpx.Response) -> None:
    """An answer that shows what was kept may show it; a refusal says nothing."""
    if answer.status_code < 400:
        return
    assert CANARY not in answer.text, answer.text
    assert CANARY not in str(answer.headers)


@pytest.mark.parametrize("operation,media", JSON_OPERATIONS)
def test_a_body(api: httpx.Client, operation: Operation, media: MediaType) -> None:
    """Whatever law a member breaks, its value is not told; nor by a handler that refuses what fits the schema."""
    path = operation.path.replace("{", "").replace("}", "")
    refused = 0
    for body in with_canary(whole(operation, media)):
        answer = api.request(operation.method, path, json=body, headers={"Content-Type": media.name})
        assert answer.status_code < 500
        require_silence(answer)
        refused += answer.status_code == 422
    assert refused >= len(VARIANTS)


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_a_form(world: WorldHandle, path: str) -> None:
    """Credentials above all."""
    names = ("grant_type", "client_id", "client_secret", "refresh_token", "token", "token_type_hint", "scope")
    for name in names:
        for value in (CANARY, CANARY * 800, f"{CANARY}\x00", f"{CANARY}ü"):
            form = {"grant_type": "client_credentials", "token": "t", "client_id": "suite", "client_secret": "s3cret"}
            answer = httpx.post(world.base_url + path, data={**form, name: value}, trust_env=False)
            assert answer.status_code < 500
            require_silence(answer)


@pytest.mark.parametrize("operation", DOCUMENT.operations.values(), ids=DOCUMENT.operations)
def test_parameters(api: httpx.Client, operation: Operation) -> None:
    """Values of the query and of header fields, keys and conditions included; a wrong bearer, too."""
    path = operation.path.replace("{", "").replace("}", "")
    values = (CANARY, CANARY * 100, f"{CANARY} \t{CANARY}")
    for parameter in operation.parameters:
        for value in values:
            if parameter.location == "query":
                name = f"{parameter.name}[a]" if parameter.deep else parameter.name
                require_silence(api.request(operation.method, path, params={name: value}))
            elif parameter.location == "header":
                require_silence(api.request(operation.method, path, headers={parameter.name: value}))
    for bearer in (f"Bearer {CANARY}", f"Bearer {CANARY} {CANARY}", f"Basic {CANARY}", CANARY):
        require_silence(api.request(operation.method, path, headers={"Authorization": bearer}))


SCHEMAS: list[dict[str, Any]] = [
    {"const": 1},
    {"enum": [1]},
    {"type": "integer"},
    {"pattern": "^x$"},
    {"format": "email"},
    {"maxLength": 1},
    {"not": {}},
    {"anyOf": [{"type": "null"}, {"maxLength": 1}]},
    {"oneOf": [{}, {"type": "string"}]},
    {"allOf": [{"maxLength": 1}]},
    {"if": {"type": "string"}, "then": {"maxLength": 1}},
    {"type": "object", "properties": {"a": {"type": "integer"}}},
    {"items": {"type": "integer"}, "type": "array"},
    {"contains": {"type": "integer"}, "type": "array"},
    {"prefixItems": [{"type": "integer"}], "type": "array"},
    {"type": "object", "dependentRequired": {"a": ["b"]}},
    {"type": "object", "patternProperties": {"a": {"const": 1}}},
    {"type": "object", "unevaluatedProperties": {"const": 1}},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids="-".join)
def test_a_secret_entry(api: httpx.Client, schema: dict[str, Any]) -> None:
    """A value that does not satisfy the schema of its own entry may be the very secret, with a slip in it."""
    for value in (CANARY, [CANARY], {"a": CANARY}):
        body = {"value": value, "secret": True, "schema": schema}
        answer = api.put("/api/v1/config/db.password", json=body, headers={"If-None-Match": "*"})
        require_silence(answer)
        if answer.status_code == 201:  # This schema allows it.
            assert CANARY not in answer.text
            api.delete("/api/v1/config/db.password", headers={"If-Match": answer.headers["ETag"]})
        else:
            assert 422 == answer.status_code
