"""What the package promises: everything else may change."""

from __future__ import annotations

import subprocess
import sys

import pytest

import admin_api

PUBLIC = [
    "APIConnectionError", "APIStatusError", "APITimeoutError", "AdminAPIError", "AdminClient", "AsyncAdminClient",
    "AsyncClock", "AsyncEventStream", "AsyncItemStream", "AsyncLayer", "AsyncPager", "AsyncSend", "AuthenticationError",
    "BadRequestError", "CallOutcome", "CallTelemetry", "ClientAuth", "Clock", "ConfigurationError", "ConflictError",
    "DeadlineExceededError", "DecodeError", "Downloaded", "EventStream", "FieldError", "FileTokenStore", "GoneError",
    "Headers", "InsufficientScopeError", "IntegrityError", "InternalServerError", "ItemStream", "Layer",
    "MemoryTokenStore", "NoMatchingKeyError", "NotFoundError", "OMIT", "Omit", "Outcome", "Page", "Pager",
    "PermissionDeniedError", "PreconditionFailedError", "PreconditionRequiredError", "RateLimitError", "RawResponse",
    "RefreshRecord", "Request", "RequestOptions", "Response", "RetryRecord", "Secret", "Send",
    "StreamInterruptedError", "Telemetry", "TokenFailure", "TokenStore", "UnprocessableEntityError", "WireError",
    "__version__",
]  # fmt: skip


def test_the_public_names_are_pinned() -> None:
    """CONF: adding a name is a decision, removing one breaks users."""
    assert sorted(PUBLIC) == sorted(admin_api.__all__)
    assert [] == [name for name in admin_api.__all__ if getattr(admin_api, name, None) is None]


def test_a_name_that_is_not_there() -> None:
    """CONF: lazy loading does not hide a typing mistake."""
    with pytest.raises(AttributeError, match="Client2"):
        _ = admin_api.Client2


def test_an_import_loads_only_what_is_used() -> None:
    """DESIGN 8: importing the package loads neither client; one client does not load the other, nor tenacity."""
    script = (
        "import sys, admin_api\n"
        "assert not {'admin_api.client', 'admin_api._generated.sync.client', 'tenacity', 'pyrage'} & set(sys.modules)\n"
        "admin_api.AdminClient(base_url='https://h', token='t')\n"
        "assert not {'admin_api.client', 'tenacity', 'pyrage'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (done.returncode, done.stderr)
