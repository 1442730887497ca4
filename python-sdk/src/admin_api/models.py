"""The models of the API, for annotations and `isinstance`."""

from ._generated.models.index import *  # noqa: F403 (the generated `__all__` is the list)
from ._generated.models.index import __all__ as __all__  # noqa: PLC0414 (re-exported)
