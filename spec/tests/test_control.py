"""The clients of the control plane: one document, both languages, and nothing of it lost."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from generate import __main__ as command
from generate import control, document
from generate.findings import SpecError
from generate.naming import pascal

from .conftest import MINI, SPEC

CONTROL = SPEC.parent / "mock-server" / "src" / "admin_api_mock" / "control" / "openapi.yaml"
DOGS = "/paths/~1kennels~1{kennel_id}~1dogs"
SCHEMAS = "/components/schemas"

REFUSED: dict[str, tuple[str, Any, str, str]] = {
    "an inline object": (
        f"{SCHEMAS}/Dog/properties/told",
        {"type": "object", "description": "A.", "properties": {}},
        f"{SCHEMAS}/Dog/properties/told",
        "needs a name",
    ),
    "an unknown keyword": (f"{SCHEMAS}/Sleep/if", {}, f"{SCHEMAS}/Sleep", "'if'"),
    "a description cut at its comma": (
        f"{SCHEMAS}/Dog/properties/id/or both",
        None,
        f"{SCHEMAS}/Dog/properties/id",
        "'or both'",
    ),
    "an unknown type": (
        f"{SCHEMAS}/Dog/properties/id/type",
        "text",
        f"{SCHEMAS}/Dog/properties/id/type",
        "not known",
    ),
    "a foreign reference": (
        f"{SCHEMAS}/Dog/properties/size/$ref",
        "other.yaml#/Size",
        f"{SCHEMAS}/Dog/properties/size",
        "no schema of this document",
    ),
    "an undescribed member": (
        f"{SCHEMAS}/Dog/properties/id",
        {"type": "string"},
        f"{SCHEMAS}/Dog/properties/id",
        "'description'",
    ),
    "a word of the language": (
        f"{SCHEMAS}/Dog/properties/from",
        {"type": "string", "description": "A."},
        f"{SCHEMAS}/Dog/properties/from",
        "cannot be a name",
    ),
    "a number that is a constant": (
        f"{SCHEMAS}/DogCreation/properties/bark/const",
        1.5,
        f"{SCHEMAS}/DogCreation/properties/bark",
        "1.5",
    ),
    "alternatives that are more than a member": (
        f"{SCHEMAS}/DogCreation/oneOf/0",
        {"required": ["bark", "sleep"]},
        f"{SCHEMAS}/DogCreation/oneOf/0",
        "`required: [a member]`",
    ),
    "a required member that is none": (f"{SCHEMAS}/Dog/required/0", "name", f"{SCHEMAS}/Dog/required", "no member"),
    "a body without a name": (
        f"{DOGS}/post/requestBody/content/application~1json/schema",
        {"type": "object"},
        f"{DOGS}/post/requestBody",
        "no $ref",
    ),
    "a form": (
        f"{DOGS}/post/requestBody/content",
        {"application/x-www-form-urlencoded": {}},
        f"{DOGS}/post/requestBody",
        "JSON",
    ),
    "a header": (
        f"{DOGS}/get/parameters/0",
        {"name": "X", "in": "header", "description": "A.", "schema": {"type": "string"}},
        f"{DOGS}/get/parameters/0",
        "'header'",
    ),
    "a second success": (
        f"{DOGS}/get/responses/202",
        {"description": "Later."},
        f"{DOGS}/get/responses",
        "exactly one",
    ),
    "a refusal in words": (
        f"{DOGS}/get/responses/404",
        {"description": "A.", "content": {"text/plain": {}}},
        f"{DOGS}/get/responses/404",
        "problem",
    ),
    "a picture as an answer": (
        f"{DOGS}/get/responses/200/content",
        {"image/png": {}},
        f"{DOGS}/get/responses/200",
        "image/png",
    ),
    "a vendor key": (f"{DOGS}/get/x-mood", 1, f"{DOGS}/get", "'x-mood'"),
    "no summary": (f"{DOGS}/get/summary", "", f"{DOGS}/get", "'summary'"),
    "an operationId of three parts": (f"{DOGS}/get/operationId", "a.b.c", f"{DOGS}/get", "`resource.method`"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_refused(case: tuple[str, Any, str, str]) -> None:
    """What a client could not carry is an error at its place, never a silent loss."""
    where, value, pointer, says = case
    raw = copy.deepcopy(yaml.safe_load((MINI / "control" / "openapi.yaml").read_text(encoding="utf-8")))
    *path, last = (part.replace("~1", "/").replace("~0", "~") for part in where.split("/")[1:])
    node = raw
    for part in path:
        node = node[int(part)] if isinstance(node, list) else node[part]
    node[int(last) if isinstance(node, list) else last] = value
    with pytest.raises(SpecError) as caught:
        control.read(document.parse(yaml.safe_dump(raw, sort_keys=False)))
    there = [finding.message for finding in caught.value.findings if finding.pointer == pointer]
    assert any(says in message for message in there), caught.value


def test_mini_passes() -> None:
    """The mini document passes: the refusals above are due to their change alone."""
    control.read(document.load(MINI / "control" / "openapi.yaml"))


def test_added_operation_appears(tmp_path: Path) -> None:
    """An operation and a member added to a copy of the server's document are in both clients, with no other edit."""
    text = CONTROL.read_text(encoding="utf-8")
    added = """
  /__mock__/weather:
    post:
      operationId: weather.make
      summary: Make weather
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Weather'}}}}
      responses:
        '204': {description: Made.}
components:
"""
    model = """
  schemas:
    Weather:
      type: object
      description: The weather.
      required: [kind]
      properties:
        kind: {type: string, enum: [sun, rain], description: What comes.}
        hours: {type: integer, description: For how long.}
"""
    text = text.replace("\ncomponents:\n", added, 1).replace("\n  schemas:\n", model, 1)
    (tmp_path / "openapi.yaml").write_text(text, encoding="utf-8")
    places = ["--python", str(tmp_path / "python"), "--node", str(tmp_path / "node"), "--control", str(tmp_path)]
    for name in ("openapi.yaml", "policy.yaml"):
        (tmp_path / "spec").mkdir(exist_ok=True)
        (tmp_path / "spec" / name).write_bytes((MINI / name).read_bytes())
    assert 0 == command.main(["--spec", str(tmp_path / "spec"), *places])
    operations = (tmp_path / "_generated" / "operations.py").read_text(encoding="utf-8")
    models = (tmp_path / "_generated" / "models.py").read_text(encoding="utf-8")
    typescript = (tmp_path / "node" / "_generated" / "control.ts").read_text(encoding="utf-8")
    assert "    def weather_make(self, body: m.Weather) -> None:" in operations
    assert "class Weather(WeatherOptions):" in models
    assert '    kind: Literal["sun", "rain"]' in models
    assert "  weatherMake(body: Weather): Promise<undefined> {" in typescript
    assert "  readonly kind: 'sun' | 'rain';" in typescript
    assert "  readonly hours?: number | undefined;" in typescript


def test_every_operation_is_in_both_clients() -> None:
    """No operation of the server's document is missing, and neither client has one of its own."""
    plane = control.read(document.load(CONTROL))
    operations = control.python.emit(plane)["operations.py"]
    typescript = control.typescript.emit(plane)
    for one in plane.operations:
        name = pascal(one.id)
        assert 1 == operations.count(f"    def {one.id.replace('.', '_')}(self"), one.id
        assert 1 == typescript.count(f"  {name[0].lower()}{name[1:]}("), one.id
    assert len(plane.operations) == operations.count("self._send(") == typescript.count("this.#send(")
