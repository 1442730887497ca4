"""The models of the API, for annotations and `isinstance`."""

from ._generated.models import index
from ._generated.models.index import *  # noqa: F403 (the generated `__all__` is the list)
from .model import UnknownVariant

__all__ = ["UnknownVariant"]
__all__ += index.__all__
