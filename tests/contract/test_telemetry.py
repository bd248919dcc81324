"""Calls as a collector receives them: OTLP over HTTP on loopback, read with the protocol's own messages."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from tests.fixtures.ai_calls import AT, ai_call

from fiscus.connectors.opentelemetry.call_attributes import span_attributes
from fiscus.connectors.opentelemetry.call_telemetry import WAITING_MAX, CallTelemetry


class Collector(ThreadingHTTPServer):
    """Keeps what it is sent, decoded."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Any] = []
        self.metrics: dict[str, Any] = {}
        self.raw = b""
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.raw += body
        if self.server.status == 200 and self.path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.server.spans += [span for scope in resource.scope_spans for span in scope.spans]
        elif self.server.status == 200:
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.server.metrics |= {one.name: one for scope in resource.scope_metrics for one in scope.metrics}
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name that the library gives it
        """Silence."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    served = Collector()
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()
    thread.join()


def _said(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_a_call_is_a_span_in_the_words_of_the_conventions(collector: Collector) -> None:
    watching = CallTelemetry(collector.url)
    watching.ended(ai_call("c-1", usage={"input": 900, "cached_input": 100, "output": 50}, streamed=True))
    watching.close()
    (span,) = collector.spans
    said = _said(span)
    assert (span.name, span.kind) == ("chat gpt-4o-mini", 3)  # CLIENT
    assert span.end_time_unix_nano - span.start_time_unix_nano == 2_000_000_000
    assert span.start_time_unix_nano == int(AT.timestamp()) * 10**9
    assert said["gen_ai.provider.name"] == "openai"
    assert (said["gen_ai.request.model"], said["gen_ai.response.model"]) == ("gpt-4o-mini", "gpt-4o-mini-2024-07-18")
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (1000, 50)
    assert said["gen_ai.usage.cache_read.input_tokens"] == 100
    assert said["gen_ai.request.stream"] is True
    assert (said["fiscus.cost.nanos"], said["fiscus.cost.currency"]) == (172_500, "USD")
    assert (said["fiscus.decision.id"], said["fiscus.team"]) == ("dec-c-1", "ml")
    assert span.status.code == 0
    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
    assert {name for name in said if name.startswith("gen_ai.")} <= known


def test_tokens_time_and_cost_are_metrics_with_the_conventions_buckets(collector: Collector) -> None:
    watching = CallTelemetry(collector.url)
    for number in range(3):
        watching.ended(ai_call(f"c-{number}", usage={"input": 1000, "output": 100}))
    watching.close()
    tokens = collector.metrics["gen_ai.client.token.usage"]
    points = {_said(point)["gen_ai.token.type"]: point for point in tokens.histogram.data_points}
    assert (tokens.unit, points["input"].sum, points["output"].sum, points["input"].count) == ("{token}", 3000, 300, 3)
    assert list(points["input"].explicit_bounds)[:4] == [1, 4, 16, 64]
    seconds = collector.metrics["gen_ai.client.operation.duration"]
    (point,) = seconds.histogram.data_points
    assert (seconds.unit, point.sum, next(iter(point.explicit_bounds))) == ("s", 6.0, 0.01)
    (cost,) = collector.metrics["fiscus.ai.cost"].sum.data_points
    assert cost.as_double == pytest.approx(3 * 0.00021)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"state": "refused", "verdict": "deny", "status": 0, "usage": {}}, "fiscus.refused"),
        ({"state": "unknown", "status": 0, "usage": {}}, "fiscus.outcome_unknown"),
        ({"state": "released", "status": 429, "usage": {}}, "429"),
    ],
)
def test_what_went_wrong_is_an_error(collector: Collector, more: dict[str, Any], error: str) -> None:
    watching = CallTelemetry(collector.url)
    watching.ended(ai_call("c-1", **more))
    watching.close()
    (span,) = collector.spans
    assert (span.status.code, _said(span)["error.type"]) == (2, error)
    assert "gen_ai.usage.input_tokens" not in _said(span)


@pytest.mark.parametrize("header", ["", "00-nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01"])
def test_a_trace_that_cannot_be_read_begins_anew(collector: Collector, header: str) -> None:
    watching = CallTelemetry(collector.url)
    watching.ended(ai_call("c-1", trace=header))
    watching.close()
    assert collector.spans[0].parent_span_id == b""


def test_a_call_stands_in_the_trace_of_its_caller(collector: Collector) -> None:
    watching = CallTelemetry(collector.url)
    watching.ended(ai_call("c-1", trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
    watching.ended(
        ai_call("c-2", trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
    )  # its caller samples it out
    watching.close()
    (span,) = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


def test_no_end_user_and_nothing_that_a_caller_wrote_leaves(collector: Collector) -> None:
    watching = CallTelemetry(collector.url)
    watching.ended(ai_call("c-1", user="canary-user", units={"ticket": "canary-ticket"}, note="canary-note"))
    watching.close()
    assert collector.spans
    assert b"canary" not in collector.raw


@pytest.mark.thorough
def test_a_collector_that_is_away_is_never_waited_for() -> None:
    """Nobody listens there; more calls end than can ever be handed over, at once, and closing is bounded."""
    watching = CallTelemetry("http://127.0.0.1:9")
    calls = [ai_call("c-1")] * (2 * WAITING_MAX)
    started = time.thread_time()
    for call in calls:
        watching.ended(call)
    assert time.thread_time() - started < 1.0
    assert watching.dropped > 0
    started = time.monotonic()
    watching.close()
    assert time.monotonic() - started < 30


def test_a_broken_record_never_reaches_the_gateway(caplog: pytest.LogCaptureFixture) -> None:
    watching = CallTelemetry("http://127.0.0.1:9")
    watching.ended(ai_call("c-1", ended_at=None))
    watching.close()
    assert "c-1 is in no telemetry" in caplog.text


def test_the_environment_says_where_the_collector_is(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    watching = CallTelemetry()
    watching.ended(ai_call("c-1"))
    watching.close()
    assert len(collector.spans) == 1


def test_every_attribute_has_a_value() -> None:
    bare = ai_call("c-1", key_id="", product="", team="", model="", ended_at=AT + timedelta(milliseconds=3))
    assert "" not in span_attributes(bare).values()
    assert "fiscus.key.id" not in span_attributes(bare)
