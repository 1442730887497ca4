"""All that the Python SDK shows of itself: its objects, what it logs, and what its errors carry wherever they go."""

from __future__ import annotations

import copy
import gc
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import TypeAlias

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from admin_api import AdminAPIError
from admin_api.opentelemetry import OpenTelemetry

#: Channel, place in it, text.
Shown: TypeAlias = tuple[str, str, str]


class Kept(logging.Handler):
    """Keeps every record: its text, and all that a formatter could make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Shown] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.shown.append(("records", record.msg, f"{record.getMessage()} {record.__dict__!r}"))


class Measured:
    """Keeps every span and metric."""

    def __init__(self) -> None:
        self._spans, self._metrics = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        meters = MeterProvider([self._metrics], shutdown_on_exit=False)
        self.telemetry = OpenTelemetry(tracer_provider=tracers, meter_provider=meters)

    def shown(self) -> Iterator[Shown]:
        """As they would be exported."""
        for span in self._spans.get_finished_spans():
            yield "telemetry", span.name, f"{span.to_json()} {span.events!r} {span.status!r}"
        measured = self._metrics.get_metrics_data()
        if measured is not None:
            yield "telemetry", "metrics", measured.to_json()


def objects() -> Iterator[Shown]:
    """Every living object of the SDK's own classes, by all that makes text of it."""
    for one in gc.get_objects():
        kind = type(one)
        if kind.__module__.partition(".")[0] == "admin_api":
            yield "objects", f"{kind.__module__}.{kind.__qualname__}", f"{one!r} {one!s} {one:}"


def error(raised: BaseException) -> Iterator[Shown]:
    """An error, and those that it came of, as whoever logs, stores or sends it on would have it."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [raised]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
        name = type(one).__name__
        yield "errors", name, f"{one!r} {one!s} {vars(one)!r} {one.args!r} {getattr(one, '__notes__', '')}"
        yield "errors", f"{name}, its traceback", "".join(traceback.format_exception(one))
        yield from frames(one)
        if isinstance(one, AdminAPIError):
            for way in WAYS:
                again = way(one)
                yield "errors", f"{name} by {way.__name__}", f"{again!r} {vars(again)!r}"
            yield "pickles", name, pickle.dumps(one).decode("latin-1")


def pickled(one: AdminAPIError) -> AdminAPIError:
    """The error as another process has it."""
    again: AdminAPIError = pickle.loads(pickle.dumps(one))  # noqa: S301 - our own
    return again


WAYS: tuple[Callable[[AdminAPIError], AdminAPIError], ...] = (copy.copy, copy.deepcopy, pickled)


def frames(raised: BaseException) -> Iterator[Shown]:
    """The locals of the SDK's frames in a traceback, as a crash reporter would send them."""
    told = traceback.TracebackException.from_exception(raised, capture_locals=True, compact=True)
    walked = [frame for frame, _ in traceback.walk_tb(raised.__traceback__)]
    for frame, summary in zip(walked, told.stack, strict=True):
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == "admin_api":
            for name, text in (summary.locals or {}).items():
                yield "frames", f"{summary.name}.{name}", text
