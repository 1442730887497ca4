"""Constraints and defaults in words, for the docs of arguments and members in every language."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .ir import Argument, Default, Json, Member

_FORMATS = {
    "email": "An e-mail address",
    "uri": "A URI",
    "uri-reference": "A URI reference",
    "date-time": "RFC 3339",
    "date": "YYYY-MM-DD",
}
_PAIRS = (
    ("minLength", "maxLength", "character"),
    ("minItems", "maxItems", "item"),
    ("minProperties", "maxProperties", "member"),
)


def about(item: Argument | Member) -> str:
    """The description with default and, of an argument, constraints: `Name to show. At most 200 characters.`

    An answer's constraints bind the server alone, an id's length is no news, and nothing is said twice.
    """
    sentences = [item.description.rstrip(".") + "." if item.description else ""]
    if isinstance(item, Argument) and item.location != "path" and item.type.kind != "const":
        sentences += [
            f"{words}." for words in limits(item.constraints) if words.lower() not in item.description.lower()
        ]
    if item.default is not None:
        sentences.append(f"Default: `{_default(item.default)}`.")
    if item.deprecated:
        sentences.append("Deprecated.")
    return " ".join(sentence for sentence in sentences if sentence)


def limits(constraints: Mapping[str, Json]) -> list[str]:
    """Each constraint as a sentence without its full stop. Patterns are left to the server's message."""
    sentences: list[str] = []
    if (spelled := _FORMATS.get(str(constraints.get("format")))) is not None:
        sentences.append(spelled)
    else:
        counts = [_range(constraints.get(least), constraints.get(most), unit) for least, most, unit in _PAIRS]
        sentences += [words for words in counts if words]
    if words := _range(constraints.get("minimum"), constraints.get("maximum"), ""):
        sentences.append(words)
    if "exclusiveMinimum" in constraints:
        sentences.append(f"More than {constraints['exclusiveMinimum']}")
    if "exclusiveMaximum" in constraints:
        sentences.append(f"Less than {constraints['exclusiveMaximum']}")
    if "multipleOf" in constraints:
        sentences.append(f"A multiple of {constraints['multipleOf']}")
    if constraints.get("uniqueItems") is True:
        sentences.append("No item twice")
    return sentences


def _range(least: Json, most: Json, unit: str) -> str:
    def counted(number: Json) -> str:
        return f"{number} {unit}{'' if number == 1 else 's'}".strip() if unit else str(number)

    if most is None:
        return f"At least {counted(least)}" if least is not None else ""
    if least is None or (least == 0 and unit):
        return f"At most {counted(most)}"
    return f"Exactly {counted(most)}" if least == most else f"{least} to {counted(most)}"


def _default(default: Default) -> str:
    return json.dumps(default.value, ensure_ascii=False)
