# Derived by make generate from _generated/resources/__init__.py. Do not edit.
"""The top-level resources, each loaded with its models when it is first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ....resource import Caller
    from .pets import PetsResource


class Resources:
    """What a client offers: its resources."""

    _caller: Caller

    @cached_property
    def pets(self) -> PetsResource:
        """Pets of the house."""
        from .pets import PetsResource

        return PetsResource(self._caller)
