"""Loads ahead what calls load when they first need it (CONF-1)."""

from __future__ import annotations

import sys
from functools import cached_property
from importlib import import_module
from typing import cast

from .operation import Op


def warm(client: object, resources: type) -> None:
    """Loads all resources of a client, and makes what reads their answers."""
    import_module("tenacity")  # which comes with the first retry

    for name, member in vars(resources).items():
        if isinstance(member, cached_property):
            module = sys.modules[type(getattr(client, name)).__module__]
            for op in [cast("Op[object]", found) for found in vars(module).values() if isinstance(found, Op)]:
                if op.page is not None:
                    op.envelope().model_rebuild()
                elif op.returns is not None:
                    op.returns.model_rebuild()
