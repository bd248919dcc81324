"""What the connectors read of the vendors' cost reports, from the simulated vendors' real sockets: exact, whole, or refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.fixtures.ai_calls import ai_call
from tests.fixtures.judging import open_with_rules
from tests.fixtures.vendor_clients import ASKED, anthropic_client, openai_client

from fiscus.connectors.anthropic.bills import AnthropicCosts, anthropic_api
from fiscus.connectors.openai.bills import OpenAiCosts, model_in, openai_api
from fiscus.connectors.simulated_ai.server import LocalAi
from fiscus.connectors.vendor_api.json_api import JsonApi
from fiscus.cost.ai.types import AiAccount, VendorCost
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.fetch_ai_bills import fetch_ai_bills
from fiscus.flows.reconcile_ai import reconcile_ai
from fiscus.flows.workspace import Workspace
from fiscus.flows.write_ai_charges import write_ai_charges
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadConfig, Unavailable
from fiscus.kernel.money import to_nanos, total
from fiscus.kernel.progress import Silent

ADMIN = "sk-admin-simulated"
USED = datetime(2026, 11, 17, 23, 30, tzinfo=UTC)
MONTH = (date(2026, 11, 1), date(2026, 11, 20))


@pytest.fixture
def ai(tmp_path: Path) -> Iterator[LocalAi]:
    """Two days of use: a call of each vendor before midnight, another after it."""
    clock = SteppedClock(USED)
    with LocalAi(bill=tmp_path / "bill.jsonl", clock=clock) as running:
        use(running)
        clock.advance(timedelta(hours=1))
        use(running)
        yield running


def use(ai: LocalAi) -> None:
    openai_client(ai.url("openai")).chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=500)
    anthropic_client(ai.url("anthropic")).messages.create(model="claude-haiku-4-5", messages=ASKED, max_tokens=500)


def report(ai: LocalAi, vendor: str, key: str = ADMIN) -> OpenAiCosts | AnthropicCosts:
    if vendor == "openai":
        return OpenAiCosts(openai_api(ai.url("openai"), key))
    return AnthropicCosts(anthropic_api(ai.url("anthropic"), key))


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
class TestReports:
    def test_the_report_comes_to_the_vendors_bill_by_day(self, ai: LocalAi, vendor: str) -> None:
        costs = list(report(ai, vendor).costs(*MONTH))
        for day in (date(2026, 11, 17), date(2026, 11, 18)):
            billed = total([line.cost for line in ai.bill(vendor) if line.at.date() == day])
            assert billed > 0
            assert round(total([cost.amount for cost in costs if cost.day == day]), 12) == round(billed, 12)
        assert {cost.currency for cost in costs} == {"USD"}
        assert {cost.model for cost in costs} == {line.model for line in ai.bill(vendor)}
        assert {cost.account for cost in costs} == {"proj_main" if vendor == "openai" else "wrkspc_main"}

    def test_days_outside_are_left_out(self, ai: LocalAi, vendor: str) -> None:
        found = report(ai, vendor).costs(date(2026, 11, 18), date(2026, 11, 19))
        assert {cost.day for cost in found if cost.amount} == {date(2026, 11, 18)}
        assert not [cost for cost in report(ai, vendor).costs(date(2026, 10, 1), date(2026, 11, 1)) if cost.amount]

    def test_more_days_than_a_page_are_all_read(self, ai: LocalAi, vendor: str) -> None:
        found = list(report(ai, vendor).costs(date(2026, 1, 1), date(2026, 12, 1)))
        assert {cost.day for cost in found if cost.amount} == {date(2026, 11, 17), date(2026, 11, 18)}

    def test_a_key_that_is_no_admin_key_is_refused_and_never_said(self, ai: LocalAi, vendor: str) -> None:
        with pytest.raises(Unavailable, match="does not let us read") as refused:
            list(report(ai, vendor, "sk-simulated-secret").costs(*MONTH))
        assert "sk-simulated-secret" not in f"{refused.value} {refused.value.remedy} {refused.value.__context__!r}"
        assert "admin key" in refused.value.remedy


def test_anthropics_cents_are_cents_and_openais_floats_are_their_digits() -> None:
    cents = {"data": [{"starting_at": "2025-08-01T00:00:00Z", "ending_at": "2025-08-02T00:00:00Z", "results": [{
        "currency": "USD", "amount": "123.78912", "workspace_id": None, "description": "Claude Sonnet 4 Usage - Input Tokens",
        "cost_type": "tokens", "model": "claude-sonnet-4-20250514",
    }]}], "has_more": False, "next_page": None}  # fmt: skip
    with answering([(200, json.dumps(cents))]) as url:
        (cost,) = AnthropicCosts(anthropic_api(url, "k")).costs(*MONTH)
    assert (cost.amount, cost.day, cost.account) == (Decimal("1.2378912"), date(2025, 8, 1), "")
    row = '{"amount": {"value": 0.06, "currency": "usd"}, "line_item": "gpt-4o-mini-2024-07-18, input", "quantity": 400000.0, '
    bucket = f'{{"start_time": 1730419200, "end_time": 1730505600, "results": [{row}"project_id": "proj_abc"}}]}}'
    floats = f'{{"object": "page", "data": [{bucket}], "has_more": false, "next_page": null}}'
    with answering([(200, floats)]) as url:
        (one,) = OpenAiCosts(openai_api(url, "k")).costs(*MONTH)
    assert one == VendorCost(date(2024, 11, 1), Decimal("0.06"), "USD", "gpt-4o-mini-2024-07-18, input", "gpt-4o-mini-2024-07-18",
                             "proj_abc", "", Decimal("400000.0"), "Tokens")  # fmt: skip


def test_a_line_item_names_its_model_before_the_comma() -> None:
    assert [model_in(text) for text in ("gpt-5 batch, cached input", "gpt-5, input", "web search tool calls", "")] == [
        "gpt-5", "gpt-5", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, "boom", "answered 500"),
        (429, '{"error": {"message": "slow down"}}', "slow down"),
        (200, "<html>", "answered no JSON"),
        (200, '{"data": [{"start_time": "x"}]}', "not as its documentation says"),
        (200, '{"object": "page"}', "not as its documentation says"),
    ],
)
def test_an_answer_that_is_no_report_is_refused_whole(status: int, body: str, message: str) -> None:
    with answering([(status, body)]) as url, pytest.raises(Unavailable, match=message):
        list(OpenAiCosts(openai_api(url, "k")).costs(*MONTH))


def test_a_report_that_is_not_finished_is_not_taken_for_one() -> None:
    first = '{"data": [], "has_more": true, "next_page": "p2"}'
    with answering([(200, first), (503, "away")]) as url, pytest.raises(Unavailable, match="503"):
        list(OpenAiCosts(openai_api(url, "k")).costs(*MONTH))


def test_a_key_is_never_sent_unencrypted_to_another_machine() -> None:
    with pytest.raises(BadConfig, match="unencrypted"):
        JsonApi("OpenAI", "http://api.example.com/v1", {})
    with pytest.raises(BadConfig, match="no address"):
        JsonApi("OpenAI", "api.example.com", {})


class TestAsBills:
    def test_reports_become_charges_and_the_gateway_is_matched_to_the_cent(self, ai: LocalAi, tmp_path: Path) -> None:
        """What the vendors' own bill says is in the lake once, and what went through the gateway is matched by it."""
        ws = workspace(ai, tmp_path)
        for number, line in enumerate(ai.bill()):
            upstream, provider = line.vendor, {"openai": "OpenAI", "anthropic": "Anthropic"}[line.vendor]
            ws.calls.append([
                ai_call(f"c{number}", line.at, usage={}, settled=to_nanos(line.cost, round_up=True), upstream=upstream,
                        provider=provider, model=line.model)
            ])  # fmt: skip
        write(ws)
        assert [one.failed for one in fetch_ai_bills(ws, Silent())] == ["", ""]
        write(ws)
        billed = total([line.cost for line in ai.bill()])
        (spent,) = ws.lake.query("SELECT sum(EffectiveCost), sum(BilledCost) FROM charges").rows
        assert [round(Decimal(str(value)), 9) for value in spent] == [round(billed, 9)] * 2
        for one in reconcile_ai(ws).totals:
            assert one.estimated == 0
            assert one.differs == 0
            assert abs(one.matched - one.there) < Decimal("0.00000001")

    def test_again_changes_nothing(self, ai: LocalAi, tmp_path: Path) -> None:
        ws = workspace(ai, tmp_path)
        assert [one.changed for one in fetch_ai_bills(ws, Silent())] == [True, True]
        assert [one.changed for one in fetch_ai_bills(ws, Silent())] == [False, False]

    def test_a_day_is_taken_once_it_has_been_over_for_a_day(self, ai: LocalAi, tmp_path: Path) -> None:
        ws = workspace(ai, tmp_path, SteppedClock(datetime(2026, 11, 19, 1, tzinfo=UTC)))
        fetch_ai_bills(ws, Silent())
        days = ws.lake.query("SELECT DISTINCT CAST(ChargePeriodStart AS DATE) FROM charges").rows
        assert list(days) == [(date(2026, 11, 17),)]

    def test_a_vendor_that_is_away_keeps_what_stands_and_stops_nobody(self, ai: LocalAi, tmp_path: Path) -> None:
        ws = workspace(ai, tmp_path)
        with answering([(500, "away")]) as url:
            gone = {**ws.vendor_costs, "openai": OpenAiCosts(openai_api(url, "k"))}
            first, second = fetch_ai_bills(replace(ws, vendor_costs=gone), Silent())
        assert "answered 500" in first.sentence()
        assert (second.failed, second.changed) == ("", True)


def workspace(ai: LocalAi, home: Path, clock: SteppedClock | None = None) -> Workspace:
    folder = home / "company"
    folder.mkdir()
    ws = open_with_rules(folder)
    accounts = (
        AiAccount("openai", "openai", "OpenAI", "OPENAI_ADMIN_KEY"), AiAccount("anthropic", "anthropic", "Anthropic", "X"),
    )  # fmt: skip
    costs = {name: report(ai, name) for name in ("openai", "anthropic")}
    ws = replace(ws, config=replace(ws.config, ai_accounts=accounts), vendor_costs=costs)
    return replace(ws, clock=clock) if clock else ws


def write(ws: Workspace) -> None:
    write_ai_charges(ws, Silent())
    assign_owners(ws)


@contextmanager
def answering(answers: list[tuple[int, str]]) -> Iterator[str]:
    """A server that gives these answers, one after the other, then the last again."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
