"""What a client tells of its calls to who measures them (LOG-2): a protocol that knows nothing of OpenTelemetry.

`admin_api.opentelemetry.OpenTelemetry` is the implementation that comes with the SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from .backoff import RetryRecord
    from .exchange import Outcome, Request, Response
    from .renewal import RefreshRecord

T = TypeVar("T")


class CallTelemetry(Protocol):
    """One call, from its first layer to the end of its answer; times are in seconds."""

    def enter(self) -> None:
        """What this task or thread does from here on belongs to the call."""
        ...

    def leave(self) -> None:
        """What it does from here on no longer does; the answer may yet be streamed."""
        ...

    def headers(self, request: Request) -> Mapping[str, str]:
        """Headers to add to an attempt; those that the request has already stay as they are."""
        ...

    def attempted(self, request: Request, outcome: Outcome | BaseException, seconds: float) -> None:
        """An attempt has ended: in an outcome, or in an exception if it was cancelled."""
        ...

    def ended(self, outcome: Response | BaseException, seconds: float, ending: str | None) -> None:
        """The call has ended. A streamed answer ends with its reading, and `ending` says how: `ended`, `left`,
        `interrupted`, or the code of an error.
        """
        ...


class Telemetry(Protocol):
    """Give an object of this kind as `telemetry=`. What it raises fails no call: the first time is a warning."""

    def opened(self, base_url: str, retry_budget: Callable[[], int | None]) -> None:
        """A client was made; `retry_budget` tells what its budget still holds (RETRY-7), None once it is gone."""
        ...

    def began(self, request: Request) -> CallTelemetry:
        """A call begins."""
        ...

    def retried(self, record: RetryRecord, call: CallTelemetry | None) -> None:
        """A retry is about to be waited for; the call is None if nobody called, as when scopes are asked for."""
        ...

    def refreshed(self, record: RefreshRecord, call: CallTelemetry | None) -> None:
        """A token request has ended, which the call, if any, was the first to need."""
        ...


class Listener(NamedTuple):
    """Who is told of a call, and of what is done for it."""

    guarded: Guarded
    telemetry: Telemetry
    call: CallTelemetry | None
    """The call itself, None if nobody called."""

    def retried(self, record: RetryRecord) -> None:
        """A retry is about to be waited for."""
        self.guarded.tell(lambda: self.telemetry.retried(record, self.call))

    def refreshed(self, record: RefreshRecord) -> None:
        """A token request has ended."""
        self.guarded.tell(lambda: self.telemetry.refreshed(record, self.call))


class Guarded:
    """Keeps what a telemetry raises away from calls: it is told once, by its kind, and then passed over.

    Args:
        warn: Told of what was raised.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._warned = False

    def tell(self, hook: Callable[[], T]) -> T | None:
        """What a hook gives, None if it raises."""
        try:
            return hook()
        except Exception as error:  # noqa: BLE001 (whatever it is, it is no failure of the call)
            kind = type(error).__name__
        if not self._warned:
            self._warned = True
            self._warn(f"The telemetry raised {kind}; calls go on without it. This is told once.")
        return None
