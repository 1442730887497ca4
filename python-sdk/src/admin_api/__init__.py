"""The Python SDK of the Admin API.

from admin_api import AdminClient

client = AdminClient()
user = client.users.create(username="alice", email="alice@example.com", roles=["admin"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import (
    AdminAPIError,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    CallOutcome,
    ConfigurationError,
    ConflictError,
    DeadlineExceededError,
    DecodeError,
    FieldError,
    GoneError,
    InsufficientScopeError,
    IntegrityError,
    InternalServerError,
    NoMatchingKeyError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionFailedError,
    PreconditionRequiredError,
    RateLimitError,
    StreamInterruptedError,
    UnprocessableEntityError,
)
from .exchange import (
    AsyncLayer,
    AsyncSend,
    Headers,
    Layer,
    Outcome,
    Request,
    Response,
    Secret,
    Send,
    TokenFailure,
    WireError,
)
from .operation import Page, RawResponse
from .options import OMIT, Omit, RequestOptions
from .version import VERSION as __version__

if TYPE_CHECKING:
    from ._generated.sync.client import AdminClient
    from ._generated.sync.clock import Clock
    from ._generated.sync.pagination import Pager
    from ._generated.sync.streaming import EventStream, ItemStream
    from .backoff import RetryRecord
    from .client import AsyncAdminClient
    from .clock import AsyncClock
    from .endpoint import ClientAuth
    from .pagination import AsyncPager
    from .renewal import RefreshRecord
    from .spool import Downloaded
    from .store import FileTokenStore, MemoryTokenStore, TokenStore
    from .streaming import AsyncEventStream, AsyncItemStream
    from .telemetry import CallTelemetry, Telemetry

_LAZY = {
    "AdminClient": "._generated.sync.client",
    "Clock": "._generated.sync.clock",
    "Pager": "._generated.sync.pagination",
    "EventStream": "._generated.sync.streaming",
    "ItemStream": "._generated.sync.streaming",
    "AsyncAdminClient": ".client",
    "AsyncClock": ".clock",
    "AsyncPager": ".pagination",
    "AsyncEventStream": ".streaming",
    "AsyncItemStream": ".streaming",
    "Downloaded": ".spool",
    "ClientAuth": ".endpoint",
    "FileTokenStore": ".store",
    "MemoryTokenStore": ".store",
    "TokenStore": ".store",
    "CallTelemetry": ".telemetry",
    "RefreshRecord": ".renewal",
    "RetryRecord": ".backoff",
    "Telemetry": ".telemetry",
}


def __getattr__(name: str) -> object:
    """Loads the flavour that is used, and only that."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name], __name__), name)


__all__ = [
    "OMIT",
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AdminAPIError",
    "AdminClient",
    "AsyncAdminClient",
    "AsyncClock",
    "AsyncEventStream",
    "AsyncItemStream",
    "AsyncLayer",
    "AsyncPager",
    "AsyncSend",
    "AuthenticationError",
    "BadRequestError",
    "CallOutcome",
    "CallTelemetry",
    "ClientAuth",
    "Clock",
    "ConfigurationError",
    "ConflictError",
    "DeadlineExceededError",
    "DecodeError",
    "Downloaded",
    "EventStream",
    "FieldError",
    "FileTokenStore",
    "GoneError",
    "Headers",
    "InsufficientScopeError",
    "IntegrityError",
    "InternalServerError",
    "ItemStream",
    "Layer",
    "MemoryTokenStore",
    "NoMatchingKeyError",
    "NotFoundError",
    "Omit",
    "Outcome",
    "Page",
    "Pager",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "PreconditionRequiredError",
    "RateLimitError",
    "RawResponse",
    "RefreshRecord",
    "Request",
    "RequestOptions",
    "Response",
    "RetryRecord",
    "Secret",
    "Send",
    "StreamInterruptedError",
    "Telemetry",
    "TokenFailure",
    "TokenStore",
    "UnprocessableEntityError",
    "WireError",
    "__version__",
]
