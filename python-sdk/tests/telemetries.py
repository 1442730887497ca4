"""An OpenTelemetry whose spans and metrics tests can look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from admin_api.opentelemetry import OpenTelemetry

TEMPLATE = "/api/v1/users/{user_id}"
SERVER = {"server.address": "localhost", "server.port": 8099}
END = b'{"$end":{"count":1}}\n'


class Seen:
    """An OpenTelemetry whose spans and metrics are kept."""

    def __init__(self, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False, **options)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.telemetry = OpenTelemetry(
            tracer_provider=self.tracers,
            meter_provider=self.meters,
            propagator=CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()]),
        )

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def span(self) -> ReadableSpan:
        (only,) = self.spans
        return only

    def metrics(self) -> dict[str, list[tuple[Mapping[str, Any], Any]]]:
        """Name of a metric → attributes and value of each of its points; of a histogram its count."""
        data = self.reader.get_metrics_data()
        found: dict[str, list[tuple[Mapping[str, Any], Any]]] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points: Any = metric.data.data_points
                    found[metric.name] = [
                        (dict(point.attributes), getattr(point, "count", None) or getattr(point, "value", None))
                        for point in points
                    ]
        return found

    def text(self) -> str:
        """All that was told, for a grep."""
        return "".join(span.to_json() for span in self.spans) + repr(self.metrics())
