"""The gateway's page for Prometheus, of two workers that share a port, and the collector that sees its calls."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from tests.contract.test_telemetry import Collector, collector  # noqa: F401 a fixture
from tests.fixtures import vendor_sdks as sdk
from tests.fixtures.ai_company import ai_company
from tests.fixtures.vendor_clients import openai_client

from fiscus.app.telemetry import open_telemetry
from fiscus.app.worker_counters import WorkerCounters
from fiscus.connectors.simulated_ai.server import LocalAi
from fiscus.kernel.counters import Counters
from fiscus.kernel.errors import BadConfig

TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 50}


@pytest.mark.thorough
def test_two_workers_are_one_page_and_a_collector_sees_every_call(
    tmp_path: Path,
    collector: Collector,  # noqa: F811 the fixture
) -> None:
    with LocalAi(fill=0.5) as vendor:
        company = ai_company(tmp_path / "home", vendor)
        with (company.home / "fiscus.yaml").open("a", encoding="utf-8") as file:
            file.write(f"\ntelemetry: {{endpoint: '{collector.url}', service: ai-gateway}}\n")
        with _gateway(company.home, workers=2) as url:
            for _ in range(20):  # each from a client of its own: the kernel spreads connections over the workers
                openai_client(f"{url}/openai/v1", company.key).chat.completions.create(**ASKED, extra_headers=TRACE)
            with pytest.raises(sdk.openai.APIStatusError):
                openai_client(f"{url}/openai/v1", company.key).chat.completions.create(
                    **{**ASKED, "max_tokens": 16_000}, n=100
                )
            pages = [_page(url) for _ in range(12)]
        billed = vendor.billed("openai")
    for page in pages[-6:]:  # whichever worker answered
        assert _sum(page, "fiscus_gateway_calls_total", state="settled") == 20
        assert _sum(page, "fiscus_gateway_refused_total", why="over_budget") == 1
        assert _sum(page, "fiscus_ai_usage_total", meter="output") == 20 * 25
        assert Decimal(_sum(page, "fiscus_ai_cost_nanos_total", team="platform")) / 10**9 == billed
        assert _sum(page, "fiscus_ai_call_seconds_count") == 20
        assert _sum(page, "fiscus_ledger_up") == 1
        amount = _sum(page, "fiscus_budget_amount_nanos", budget="ai-cap")
        left = _sum(page, "fiscus_budget_headroom_nanos", budget="ai-cap")
        held = _sum(page, "fiscus_budget_held_nanos", budget="ai-cap")
        assert amount == 80_000_000
        assert left + held <= amount
    assert len(collector.spans) == 21
    assert len([span for span in collector.spans if span.parent_span_id.hex() == "00f067aa0ba902b7"]) == 20
    assert b"ai-gateway" in collector.raw
    assert b"Say in a few words" not in collector.raw


def test_a_worker_that_died_is_still_counted_and_a_gateway_that_ended_is_not(tmp_path: Path) -> None:
    mine, other = Counters(), Counters()
    mine.count("calls_total")
    other.add("calls_total", 5)
    one = WorkerCounters(tmp_path, mine, workers=2)
    one.publish()
    folder = next((tmp_path / ".fiscus" / "gateway-workers").iterdir())
    (folder / "1.json").write_text(json.dumps(other.as_json()))
    assert [counters.value("calls_total") for counters in one.of_all()] == [1, 5]
    gone = folder.parent / "999999999"
    gone.mkdir()
    WorkerCounters(tmp_path, mine, workers=2)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_collector_is_named_by_the_workspace_or_the_environment_or_not_at_all(home: Path) -> None:
    assert open_telemetry(home, {}) is None
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    assert open_telemetry(home, endpoint | {"OTEL_SDK_DISABLED": "true"}) is None
    watching = open_telemetry(home, endpoint)
    assert watching is not None
    watching.close()
    with (home / "fiscus.yaml").open("a", encoding="utf-8") as file:
        file.write("\ntelemetry: {endpoint: collector}\n")
    with pytest.raises(BadConfig, match="endpoint"):
        open_telemetry(home, {})


@contextmanager
def _gateway(home: Path, workers: int) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "fiscus",
        "gateway",
        "--workers",
        str(workers),
        "--port",
        "0",
        "--json",
        "--home",
        str(home),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads("".join(process.stdout.readline() for _ in range(3)))["url"]
        finally:
            process.send_signal(signal.SIGTERM)


def _page(url: str) -> str:
    time.sleep(0.5)  # a worker shows the others' numbers of a second ago
    answer = httpx.get(f"{url}/metrics", timeout=10)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def _sum(page: str, name: str, **labels: str) -> int:
    found = re.findall(rf"^{name}(?:\{{(.*)\}})? (-?\d+)$", page, flags=re.MULTILINE)
    wanted = {f'{label}="{value}"' for label, value in labels.items()}
    return sum(int(number) for said, number in found if wanted <= set(said.split(",")))
