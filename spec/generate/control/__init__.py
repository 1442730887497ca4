"""The clients of the server's control plane: its own document → a small typed client in each language."""

from __future__ import annotations

from . import python, typescript
from .model import Plane
from .read import read

__all__ = ["Plane", "python", "read", "typescript"]
