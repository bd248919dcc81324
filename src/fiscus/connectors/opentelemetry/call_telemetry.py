"""Watches calls as they end: a span and metrics each, handed over in batches by threads of the library.

Nothing waits for a collector, and nothing waits for a span to be made, which takes longer than to let a call in: a call goes into
a queue of bounded length, a thread makes spans of it. What no longer fits, while the collector is away or the machine is busy, is
dropped and counted; the call is kept all the same, because the ledger and the store of calls are the books.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from fiscus.connectors.opentelemetry.call_attributes import (
    INPUT,
    NANOS,
    OUTPUT,
    error_type,
    metric_attributes,
    span_attributes,
    span_name,
    tokens,
)
from fiscus.cost.ai.types import AiCall

LOG: Final = logging.getLogger(__name__)
NAME: Final = "fiscus.gateway"
_TRACE_CONTEXT: Final = TraceContextTextMapPropagator()
TOKEN_BUCKETS: Final = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
SECOND_BUCKETS: Final = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
EXPORT_SECONDS: Final = 3.0  # for one batch, tries included; at the end a few of them may wait
WAITING_MAX: Final = 20_000  # calls; some 40 MB
LOOK_SECONDS: Final = 0.1
CLOSE_SECONDS_MAX: Final = 5.0
EXPORT_EVERY_MS: Final = 10_000  # metrics; a span leaves within the library's five seconds


class CallTelemetry:
    """A CallObserver. `endpoint`: the collector's base address (OTLP over HTTP); empty: OTEL_EXPORTER_OTLP_ENDPOINT says it.

    Whatever else OpenTelemetry's environment variables say (headers, certificates, sampling, queue sizes) holds.
    """

    def __init__(self, endpoint: str = "", service: str = "fiscus-gateway", version: str = "") -> None:
        resource = Resource.create({"service.name": service, "service.version": version})
        base = endpoint.rstrip("/")
        spans = OTLPSpanExporter(f"{base}/v1/traces" if base else None, timeout=EXPORT_SECONDS)
        metrics = OTLPMetricExporter(f"{base}/v1/metrics" if base else None, timeout=EXPORT_SECONDS)
        self._traces = TracerProvider(resource=resource)
        self._traces.add_span_processor(BatchSpanProcessor(spans))
        self._meters = MeterProvider(
            [PeriodicExportingMetricReader(metrics, export_interval_millis=EXPORT_EVERY_MS)],
            resource,
            views=[
                _buckets("gen_ai.client.token.usage", TOKEN_BUCKETS),
                _buckets("gen_ai.client.operation.duration", SECOND_BUCKETS),
            ],
        )
        self._tracer = self._traces.get_tracer(NAME, version)
        meter = self._meters.get_meter(NAME, version)
        self._tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}", "Input and output tokens used")
        self._seconds = meter.create_histogram("gen_ai.client.operation.duration", "s", "How long a call took")
        self._cost = meter.create_counter(
            "fiscus.ai.cost", "{currency}", "What calls cost; the books are in the ledger"
        )

        self.dropped = 0
        self._waiting = deque[AiCall]()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="fiscus-telemetry", daemon=True)
        self._thread.start()

    def ended(self, call: AiCall) -> None:
        """Queued in a microsecond; never raises."""
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(call)
        else:
            self.dropped += 1

    def close(self) -> None:
        """Hand over what waits, for a bounded time."""
        self._closing.set()
        self._thread.join(CLOSE_SECONDS_MAX)
        self._traces.shutdown()
        self._meters.shutdown(timeout_millis=CLOSE_SECONDS_MAX * 1000)

    def _loop(self) -> None:
        said = 0
        while not self._closing.wait(LOOK_SECONDS):
            self._drain()
            if self.dropped > said:
                said = self.dropped
                LOG.warning("%d calls so far are in no telemetry: more ended than could be handed over", said)
        self._drain(time.monotonic() + CLOSE_SECONDS_MAX / 2)

    def _drain(self, until: float = float("inf")) -> None:
        while self._waiting and time.monotonic() < until:
            call = self._waiting.popleft()
            try:
                self._observe(call)
            except Exception:
                LOG.exception("call %s is in no telemetry", call.id)

    def _observe(self, call: AiCall) -> None:
        span = self._tracer.start_span(
            span_name(call),
            _parent(call),
            SpanKind.CLIENT,
            span_attributes(call),
            start_time=_nanos(call.at),
        )
        if wrong := error_type(call):
            span.set_status(Status(StatusCode.ERROR, wrong))
        span.end(_nanos(call.ended_at))
        said = metric_attributes(call)
        self._seconds.record((call.ended_at - call.at).total_seconds(), said)
        if call.usage:
            self._count(call, said)

    def _count(self, call: AiCall, said: Mapping[str, str | int | float | bool]) -> None:
        for kind, meters in (("input", INPUT), ("output", OUTPUT)):
            self._tokens.record(tokens(call, meters), {**said, "gen_ai.token.type": kind})
        self._cost.add(call.settled / NANOS, {**said, "fiscus.cost.currency": call.currency})


def _parent(call: AiCall) -> Context:
    """The caller's span, where it named one; a header that says nothing readable begins a trace of its own."""
    return _TRACE_CONTEXT.extract({"traceparent": call.trace}, Context())


def _buckets(name: str, boundaries: tuple[float, ...]) -> View:
    return View(instrument_name=name, aggregation=ExplicitBucketHistogramAggregation(boundaries))


def _nanos(at: datetime) -> int:
    """Since 1970, without a float in between."""
    whole = at.replace(microsecond=0)
    return int(whole.timestamp()) * NANOS + at.microsecond * 1000
