"""What the generator's tests share: a mini document with every construct once, and a way to change one place of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

SPEC = Path(__file__).resolve().parent.parent
MINI = Path(__file__).parent / "mini"

Changed = Callable[[dict[str, Any]], str]
"""Gives the text of the mini document with the change of a case of `refused.yaml`."""


@pytest.fixture(scope="session")
def mini_text() -> str:
    """The text of the mini document."""
    return (MINI / "openapi.yaml").read_text(encoding="utf-8")


@pytest.fixture
def changed(mini_text: str) -> Changed:
    """The mini document with one place put or dropped."""
    document = yaml.safe_load(mini_text)

    def change(case: dict[str, Any]) -> str:
        fresh = copy.deepcopy(document)
        where = case["put"] if "put" in case else case["drop"]
        *path, last = (part.replace("~1", "/").replace("~0", "~") for part in where.split("/")[1:])
        node = fresh
        for part in path:
            node = node[int(part)] if isinstance(node, list) else node[part]
        key = int(last) if isinstance(node, list) else last
        if "put" in case:
            node[key] = case["value"]
        else:
            del node[key]
        return str(yaml.safe_dump(fresh, sort_keys=False))

    return change
