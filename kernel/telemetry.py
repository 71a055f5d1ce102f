"""Spans to an OpenTelemetry collector (OTLP over HTTP), where one is set up: never waited for, and never in the way.

Sent by a thread of its own, a greenlet in services. While the collector is away spans are dropped, and nothing else is.
"""

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from kernel import logs, tracing

log = logs.get(__name__)

_KINDS = {
    tracing.SERVER: SpanKind.SERVER,
    tracing.CLIENT: SpanKind.CLIENT,
    tracing.CONSUMER: SpanKind.CONSUMER,
}
_QUEUE = 8192  # spans that wait at most: some 20 MB; what comes then pushes out the oldest
_BATCH = 128  # spans in a request. Writing them takes 2 ms, in which no other greenlet runs
_OFTEN = 1000  # milliseconds between requests, unless a batch is full before
_PATIENCE = 5.0  # seconds for a request
_LEAVE = 3.0  # seconds at the end for what was not sent yet


class Telemetry:
    """A `tracing.Recorder` that sends to the collector at `endpoint`, in the name of `service`."""

    def __init__(self, endpoint: str, service: str) -> None:
        # What it says of a collector that is away it says at each request; `_Exporter` says it once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        resource = Resource.create({"service.namespace": "yichuang", "service.name": service})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        processor = BatchSpanProcessor(
            _Exporter(endpoint), max_queue_size=_QUEUE, schedule_delay_millis=_OFTEN, max_export_batch_size=_BATCH
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("yichuang")

    def start(self, name: str, kind: str, parent: str | None, attributes: Mapping[str, Any]) -> tracing.Span:
        """Begin a span, in the trace of `parent` or in one of its own."""
        return _Span(self._tracer.start_span(name, _context(parent), _KINDS[kind], attributes))

    def took(self, name: str, parents: Iterable[str | None], began: int, attributes: Mapping[str, Any]) -> None:
        """One span in each trace, from `began` (nanoseconds since 1970) until now."""
        for parent in dict.fromkeys(parents):
            if parent is not None:
                context = _context(parent)
                self._tracer.start_span(name, context, SpanKind.CONSUMER, attributes, start_time=began).end()

    def close(self) -> None:
        """Send what is left, if the collector takes it in time."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(_LEAVE)


class _Exporter(SpanExporter):
    """OTLP's own, with one line when the collector goes away and one when it is back."""

    def __init__(self, endpoint: str) -> None:
        session = requests.Session()
        session.trust_env = False
        url = f"{endpoint.rstrip('/')}/v1/traces"
        self._otlp = OTLPSpanExporter(endpoint=url, timeout=_PATIENCE, session=session)
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._otlp.export(spans)
        if result is not SpanExportResult.SUCCESS:
            if not self._lost:
                log.warning("collector of spans away")
            self._lost += len(spans)
        elif self._lost:
            log.info("collector of spans back", lost=self._lost)
            self._lost = 0
        return result

    def shutdown(self) -> None:
        self._otlp.shutdown()  # type: ignore[no-untyped-call]


class _Span:
    """A span of the SDK in the form that `tracing` knows."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: Span) -> None:
        self._span = span
        about = span.get_span_context()
        self.traceparent = f"00-{about.trace_id:032x}-{about.span_id:016x}-{about.trace_flags:02x}"

    def tell(self, name: str | None, attributes: Mapping[str, Any]) -> None:
        if name is not None:
            self._span.update_name(name)
        self._span.set_attributes(attributes)
        if "error.type" in attributes:
            self._span.set_status(Status(StatusCode.ERROR))

    def end(self, error: BaseException | None = None) -> None:
        if error is not None:  # its kind alone: what it says may name people
            self.tell(None, {"error.type": type(error).__name__})
        self._span.end()


def _context(traceparent: str | None) -> Context:
    """What the SDK takes as the parent; without one the span begins a trace."""
    if traceparent is None:
        return Context()
    parent = SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(traceparent[53:], 16)),
    )
    return set_span_in_context(NonRecordingSpan(parent), Context())
