"""How a mutant of the Python SDK gets at what it changes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

Flavour: TypeAlias = Literal["sync", "async"]
Wrap: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


def room(name: str, flavour: Flavour) -> Any:
    """A room that exists once per flavour."""
    return importlib.import_module(f"admin_api._generated.sync.{name}" if flavour == "sync" else f"admin_api.{name}")


def shared(name: str) -> Any:
    """A room that both flavours share."""
    return importlib.import_module(f"admin_api.{name}")


def named(name: str, flavour: Flavour) -> str:
    """The name of a class in a flavour."""
    return name if flavour == "sync" else f"Async{name}"


def wrap(owner: Any, member: str, how: Wrap) -> None:
    """Replaces a member by what is made of it; an AttributeError if the SDK has it no more: the mutant is stale."""
    setattr(owner, member, how(getattr(owner, member)))
