"""Tells the runner of the spans that an SDK makes."""

from __future__ import annotations

from typing import Any

import protocol
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import StatusCode

from admin_api.opentelemetry import OpenTelemetry


def _attributes(of: ReadableSpan | Event) -> dict[str, Any]:
    """Attributes with numbers as JavaScript has them: 0.0 is 0."""
    found = dict(of.attributes or {})
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in found.items()
    }


class _Ends(SpanProcessor):
    def on_end(self, span: ReadableSpan) -> None:
        failed = span.status.status_code is StatusCode.ERROR
        protocol.say(
            type="span",
            name=span.name,
            failed=(span.status.description or "") if failed else None,
            attributes=_attributes(span),
            events=[{"name": event.name, "attributes": _attributes(event)} for event in span.events],
        )


def telling_telemetry() -> OpenTelemetry:
    """An OpenTelemetry whose spans go to the runner."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(_Ends())
    return OpenTelemetry(tracer_provider=provider)
