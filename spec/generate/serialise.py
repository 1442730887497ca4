"""`ir.json`: the intermediate representation as stable JSON, checked against its own schema before it is written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import cast

import jsonschema_rs

from .findings import Finding, SpecError
from .ir import Api, Json


def to_json(api: Api) -> dict[str, Json]:
    """The representation as JSON values; a member that has its default is left out."""
    return {"$schema": "./ir.schema.json", **cast("dict[str, Json]", _value(api))}


def to_text(api: Api) -> str:
    """The text of `ir.json`: sorted keys, arrays in the order of the document."""
    return json.dumps(to_json(api), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def check(value: Json, schema: Mapping[str, object]) -> None:
    """Refuse a representation that its schema does not allow.

    Raises:
        SpecError: with the pointers into `ir.json`.
    """
    validator = jsonschema_rs.Draft202012Validator(dict(schema))
    errors = [
        Finding("/" + "/".join(str(part) for part in error.instance_path), f"ir.json: {error.message[:300]}")
        for error in validator.iter_errors(value)
    ]
    if errors:
        raise SpecError(errors)


def _value(value: object) -> Json:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        members: dict[str, Json] = {}
        for field in dataclasses.fields(value):
            member: object = getattr(value, field.name)
            if member != field.default and not (field.name == "constraints" and not member):
                members[field.name] = _value(member)
        return members
    if isinstance(value, Mapping):
        return {str(key): _value(member) for key, member in cast("Mapping[object, object]", value).items()}
    if isinstance(value, tuple | list):
        return [_value(item) for item in cast("tuple[object, ...]", value)]
    return cast(Json, value)
