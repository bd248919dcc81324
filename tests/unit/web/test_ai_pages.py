"""AI spend on the pages: what models and keys cost, whether the bills agree, and the calls behind a number."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.ai_calls import AT, ai_call
from tests.fixtures.judging import charge, open_with_rules, tags
from tests.unit.web.conftest import PORT, Browser

from fiscus.cost.types import Source
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.record_outcome import ToldOutcome, record_outcomes
from fiscus.flows.workspace import Workspace
from fiscus.flows.write_ai_charges import write_ai_charges
from fiscus.kernel.progress import Silent
from fiscus.serve import build_server

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Ten dollars through the gateway, of which the vendor billed a day with forty more."""
    ws = open_with_rules(tmp_path)
    ws.calls.append([
        ai_call("c1", units={"ticket": "1"}, usage={}, settled=8 * 10**9, model="gpt-5"),
        ai_call("c2", AT - timedelta(days=2), usage={}, settled=2 * 10**9, model="gpt-5", key_id=""),
        ai_call("c3", AT - timedelta(days=1), {"input": 30, "cached_input": 10}, user=HOSTILE, model=HOSTILE),
    ])  # fmt: skip
    row = charge((AT - timedelta(days=2)).date(), "42", Tags=tags("ml"), ServiceProviderName="OpenAI",
                 ServiceCategory="AI and Machine Learning", SkuPriceDetails='{"ModelId": "gpt-5"}')  # fmt: skip
    deliver(ws, write_csv(ws.home / "openai.csv", [row]), source=Source("openai"))
    write_ai_charges(ws, Silent())
    assign_owners(ws)
    record_outcomes(ws, [ToldOutcome("ticket=1", "resolved")])
    return ws


@pytest.fixture
def pages(ws: Workspace) -> Browser:
    return Browser(build_server(ws.home, PORT, ws))


def test_the_page_says_what_it_costs_and_what_to_do(pages: Browser) -> None:
    page = pages.get("/ai").text
    assert "10.00 USD went through the gateway in thirty days, most of it gpt-5" in page
    assert "OpenAI&#39;s bill differs by 40.00 USD: find out who calls it around the gateway" in page
    assert "25.0 %" in page or "25 %" in page, "of the input that came from a cache"
    assert 'href="/ai/units?kind=ticket"' in page
    assert HOSTILE not in page


def test_a_number_opens_the_calls_behind_it(pages: Browser) -> None:
    page = pages.get("/ai/calls?key=key-1&since=2026-11-01").text
    assert "dec-c2" not in page
    assert "dec-c1" in page
    assert HOSTILE not in page
    assert "1 call cost 2.000000 USD" in pages.get("/ai/calls?key=&since=2026-11-01").text
    assert pages.get("/ai/calls?since=x").status_code == 422


def test_what_a_ticket_costs(pages: Browser) -> None:
    assert "A ticket that ends as resolved costs 8.0000 USD." in pages.get("/ai/units?kind=ticket").text
    assert "gpt-5" in pages.get("/ai/units?kind=ticket&by=model").text
    assert pages.get("/ai/units?kind=ticket&by=x").status_code == 422


def test_every_number_of_the_page_is_in_the_api(pages: Browser) -> None:
    shown = pages.get("/api/ai").json()
    assert (shown["models"][0]["name"], shown["models"][0]["cost"]) == ("gpt-5", "10.000000000000")
    assert shown["reconciliation"]["totals"][0]["missing_here"] == "40.000000000000"


def test_before_anything_went_through_it_says_what_would_stand_there(nothing_yet: Browser) -> None:
    page = nothing_yet.get("/ai").text
    assert "No call went through the gateway in thirty days." in page
    assert "fiscus gateway" in page
