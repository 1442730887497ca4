"""The only hand-written twins, and what is derived."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import admin_api
from admin_api._flavour import aio, sync


def public(module: ModuleType) -> dict[str, list[str] | None]:
    """What a module gives: names, with the parameters of what can be called."""
    own = ast.parse(inspect.getsource(module))
    names = {node.name for node in own.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    assigned = [target for node in own.body if isinstance(node, ast.Assign) for target in node.targets]
    names |= {target.id for target in assigned if isinstance(target, ast.Name)}
    found: dict[str, list[str] | None] = {}
    for name in sorted(name for name in names if not name.startswith("_")):
        thing = getattr(module, name)
        found[name] = list(inspect.signature(thing).parameters) if inspect.isfunction(thing) else None
    return found


def test_the_twins_are_alike() -> None:
    """STACK: `_flavour.aio` and `_flavour.sync` have the same names with the same parameters."""
    twins = public(aio)
    assert twins == public(sync)
    assert {"Home", "Wake", "home", "in_thread", "limit", "pool", "resolve", "sleep", "spawn", "wait"} <= set(twins)
    assert callable(aio.after_fork)
    assert aio.after_fork is sync.after_fork


@pytest.mark.parametrize("name", ["Wake"])
def test_the_classes_of_the_twins_are_alike(name: str) -> None:
    """STACK: what the rooms use of a twin's class is there in both."""
    assert all(callable(getattr(module, name)().set) for module in (aio, sync))


def test_the_sync_flavour_is_free_of_asyncio() -> None:
    """STACK: who uses the sync client alone runs nothing of asyncio's."""
    root = Path(admin_api.__file__).parent
    rooms = [root / "_flavour" / "sync.py", *(root / "_generated" / "sync").rglob("*.py")]
    assert len(rooms) > 10
    for room in rooms:
        tree = ast.parse(room.read_text(encoding="utf-8"))
        kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
        assert not [node for node in ast.walk(tree) if isinstance(node, kinds)], room
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert "asyncio" not in imported, room
