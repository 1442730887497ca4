"""The adapter's own guard: what the parser drops in silence is counted against the raw document, even past the lint."""

from __future__ import annotations

from typing import Any

import pytest

from generate import adapter, document
from generate.findings import SpecError

from .conftest import Changed

LOSSES = {
    "a parameter with content instead of a schema": {
        "put": "/paths/~1pets/get/parameters/1",
        "value": {"name": "from", "in": "query", "description": "X.", "content": {"application/json": {}}},
        "says": "#/paths/~1pets/get/parameters/1: the parser lost the parameter",
    },
    "a second request body": {
        "put": "/paths/~1pets/post/requestBody/content/text~1html",
        "value": {"schema": {"type": "string"}},
        "says": "text/html",
    },
    "a response of a type that it cannot read": {
        "put": "/paths/~1pets/get/responses/200/content",
        "value": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        "says": "image/png",
    },
    "a schema it cannot build": {
        "put": "/components/schemas/Mood/enum",
        "value": [1.5, "a"],
        "says": "the parser refuses",
    },
    "an anonymous union": {
        "put": "/components/schemas/Dog/properties/bone",
        "value": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "says": "#/components/schemas/Dog/properties/bone: an anonymous union",
    },
}


@pytest.mark.parametrize("case", LOSSES.values(), ids=LOSSES.keys())
def test_losses_are_found(case: dict[str, Any], changed: Changed) -> None:
    """A warning of the parser and a thing that it dropped without one are errors."""
    with pytest.raises(SpecError) as caught:
        adapter.parse(document.parse(changed(case)))
    assert case["says"] in str(caught.value)


def test_values_keep_their_order(mini_text: str) -> None:
    """Values of enums and members of models come in the document's order, though the parser keeps sets."""
    parsed = adapter.parse(document.parse(mini_text))
    assert ("happy", "-happy") == parsed.enums["Mood"]
    assert ["id", "parent", "animal", "mood", "schema"] == list(parsed.models["Pet"])[:5]


def test_named_union_keeps_its_name(mini_text: str) -> None:
    """A named union stays one where it is used, though the parser puts its variants in its place."""
    required, found = adapter.parse(document.parse(mini_text)).models["PetCreate"]["animal"]
    assert (True, "union", "Animal") == (required, found.kind, found.name)


def test_constant_in_a_header(mini_text: str) -> None:
    """A constant header keeps its value, though the parser takes none there."""
    operation = adapter.parse(document.parse(mini_text)).operations["/pets/{pet_id}", "patch"]
    assert ["*"] == [found.type.value for found in operation.parameters if found.name == "If-Match"]
