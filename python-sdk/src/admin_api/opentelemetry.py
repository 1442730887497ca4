"""OpenTelemetry for the SDK (LOG-2): a CLIENT span per call, and metrics, by the semantic conventions for HTTP clients.

    client = AdminClient(telemetry=OpenTelemetry())

Needs the extra `admin-api-sdk[opentelemetry]`; what is exported, and where to, is your OpenTelemetry SDK's business.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .errors import AdminAPIError, ConfigurationError
from .exchange import Outcome, Request, Response
from .layers.records import shown_url
from .version import VERSION

_FOUND = find_spec("opentelemetry") is not None
if TYPE_CHECKING or _FOUND:
    from opentelemetry import context, metrics, propagate, trace

if TYPE_CHECKING:
    from opentelemetry.propagators.textmap import TextMapPropagator

    from .backoff import RetryRecord
    from .renewal import RefreshRecord
    from .telemetry import CallTelemetry

__all__ = ["OpenTelemetry"]

_SCOPE = "admin-api-sdk"
_SCHEMA = "https://opentelemetry.io/schemas/1.37.0"
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The buckets that the conventions advise for durations of HTTP."""

Attributes = dict[str, str | int | float]


class OpenTelemetry:
    """Spans and metrics of the clients that it is given to, as `telemetry=`.

    Args:
        tracer_provider: Where spans go; the global one by default.
        meter_provider: Where metrics go; the global one by default.
        propagator: Writes the context into the headers of each attempt; the global one by default.

    Raises:
        ConfigurationError: The extra is not installed.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        propagator: TextMapPropagator | None = None,
    ) -> None:
        if not _FOUND:
            raise ConfigurationError(
                "Telemetry needs opentelemetry-api: pip install 'admin-api-sdk[opentelemetry]'.", code="missing_extra"
            )
        self._tracer = trace.get_tracer(_SCOPE, VERSION, tracer_provider, schema_url=_SCHEMA)
        self._propagator = propagator
        self._budgets: list[tuple[Attributes, Callable[[], int | None]]] = []
        meter = metrics.get_meter(_SCOPE, VERSION, meter_provider, schema_url=_SCHEMA)
        self._attempts = meter.create_histogram(
            "http.client.request.duration", "s", "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )  # fmt: skip
        self._calls = meter.create_histogram(
            "admin_api.client.call.duration", "s", "Duration of calls, with all their attempts and waits.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )  # fmt: skip
        self._retries = meter.create_counter(
            "admin_api.client.retries", "{retry}", "Attempts that followed a failed one."
        )
        self._refreshes = meter.create_counter(
            "admin_api.client.token_refreshes", "{refresh}", "Requests for an access token."
        )
        meter.create_observable_gauge(
            "admin_api.client.retry_budget", [self._left], "{unit}",
            "What is left of the retry budget: of several clients of one server, the least.",
        )  # fmt: skip

    def opened(self, base_url: str, retry_budget: Callable[[], int | None]) -> None:
        self._budgets.append((server_of(base_url), retry_budget))

    def began(self, request: Request) -> CallTelemetry:
        name, attributes = described(request)
        span = self._tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes)
        return _Call(span, request, self._inject, self._attempts, self._calls)

    def retried(self, record: RetryRecord, call: CallTelemetry | None) -> None:
        reason = failure(record.status, record.code)
        self._retries.add(1, {"admin_api.operation": operation_of(record.operation), **reason})
        if isinstance(call, _Call):
            happened = {"admin_api.attempt": record.attempt, "admin_api.delay": record.delay, **reason}
            call.span.add_event("admin_api.retry", happened)

    def refreshed(self, record: RefreshRecord, call: CallTelemetry | None) -> None:
        ended = {"admin_api.grant": record.grant, **failure(None, record.code)}
        self._refreshes.add(1, ended)
        if isinstance(call, _Call) and call.span.is_recording():
            call.span.add_event("admin_api.token_refresh", {**ended, "admin_api.duration": record.duration})

    def _inject(self, carrier: MutableMapping[str, str]) -> None:
        """Writes the current context into headers."""
        if self._propagator is None:
            propagate.inject(carrier)
        else:
            self._propagator.inject(carrier)  # pyright: ignore[reportArgumentType] (the default of theirs, which is one for mappings of text)

    def _left(self, options: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        """Of each server the client with the least; clients that are gone are forgotten."""
        least: dict[tuple[tuple[str, str | int | float], ...], int] = {}
        for budget in list(self._budgets):
            server, retry_budget = budget
            left = retry_budget()
            if left is None:
                with suppress(ValueError):  # another reader was faster
                    self._budgets.remove(budget)
            else:
                key = tuple(server.items())
                least[key] = min(left, least.get(key, left))
        return [metrics.Observation(left, dict(key)) for key, left in least.items()]


class _Call:
    """The span of one call, and what is measured of it."""

    def __init__(
        self,
        span: trace.Span,
        request: Request,
        inject: Callable[[MutableMapping[str, str]], None],
        attempts: metrics.Histogram,
        calls: metrics.Histogram,
    ) -> None:
        self.span = span
        self._request = request
        self._inject = inject
        self._attempts = attempts
        self._calls = calls
        self._sent = 0
        self._entered: Any = None

    def enter(self) -> None:
        self._entered = context.attach(trace.set_span_in_context(self.span))

    def leave(self) -> None:
        context.detach(self._entered)

    def headers(self, request: Request) -> Mapping[str, str]:
        self._sent += 1
        carrier: dict[str, str] = {}
        self._inject(carrier)
        if "traceparent" in request.headers:
            carrier.pop("tracestate", None)  # which tells of the other one (W3C Trace Context, section 3.3)
        return carrier

    def attempted(self, request: Request, outcome: Outcome | BaseException, seconds: float) -> None:
        self._attempts.record(seconds, {**measured(request), **attempt_result(outcome)})

    def ended(self, outcome: Response | BaseException, seconds: float, ending: str | None) -> None:
        result = call_result(outcome, ending)
        request = self._request
        failed = {"error.type": result["error.type"]} if "error.type" in result else {}
        named = {"admin_api.operation": operation_of(request.call.operation), **server_of(request.url), **failed}
        self._calls.record(seconds, named)
        if self.span.is_recording():
            if self._sent > 1:
                result["http.request.resend_count"] = self._sent - 1
            self.span.set_attributes(result)
            if failed:
                code = outcome.code if isinstance(outcome, AdminAPIError) else None
                self.span.set_status(trace.StatusCode.ERROR, code)
        self.span.end()


def operation_of(operation: str) -> str:
    """The operation's id; all that the document does not know is one, so that names stay few."""
    return "client.request" if " " in operation else operation


def server_of(url: str) -> Attributes:
    """Address and port of a server."""
    parts = urlsplit(url)
    return {
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
    }


def measured(request: Request) -> Attributes:
    """What a metric tells of a request: nothing that has many values."""
    known = request.method in _METHODS
    found: Attributes = {"http.request.method": request.method if known else "_OTHER", **server_of(request.url)}
    if request.call.template is not None:
        found["url.template"] = request.call.template
    return found


def described(request: Request) -> tuple[str, Attributes]:
    """Name and first attributes of a span, those that samplers may look at."""
    found = measured(request)
    found["url.full"] = shown_url(request.url)
    found["admin_api.operation"] = operation_of(request.call.operation)
    method, template = str(found["http.request.method"]), request.call.template
    if method == "_OTHER":
        found["http.request.method_original"] = request.method
        method = "HTTP"
    return method if template is None else f"{method} {template}", found


def failure(status: int | None, code: str | None) -> Attributes:
    """Why something failed; nothing if it did not."""
    if status is not None:
        return {"http.response.status_code": status, "error.type": str(status)}
    return {} if code is None else {"error.type": code}


def attempt_result(outcome: Outcome | BaseException) -> Attributes:
    """How an attempt ended."""
    if isinstance(outcome, BaseException):
        return {"error.type": kind_of(outcome)}
    if not isinstance(outcome, Response):
        return failure(None, outcome.code)
    return failure(outcome.status, None) if outcome.status >= 400 else {"http.response.status_code": outcome.status}


def call_result(outcome: Response | BaseException, ending: str | None) -> Attributes:
    """How a call ended: with a status, or with one of our errors, or with what was raised within it."""
    found: Attributes = {}
    if isinstance(outcome, AdminAPIError):
        found["error.type"] = type(outcome).__name__ if outcome.status is None else str(outcome.status)
        found["admin_api.outcome"] = outcome.outcome
    elif isinstance(outcome, BaseException):
        found["error.type"] = kind_of(outcome)
    if isinstance(outcome, Response | AdminAPIError):
        if outcome.status is not None:
            found["http.response.status_code"] = outcome.status
        if outcome.request_id is not None:
            found["admin_api.request_id"] = outcome.request_id
    if ending is not None:
        found["admin_api.ending"] = ending
        if ending not in {"ended", "left"}:
            found["error.type"] = ending
    return found


def kind_of(error: BaseException) -> str:
    """What an exception is called that is none of ours."""
    return "cancelled" if isinstance(error, CancelledError) else type(error).__name__
