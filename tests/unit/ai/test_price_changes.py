"""A price that changes is a finding: since when, by how much, and what it costs at the company's own usage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.fixtures.ai_calls import AT, ai_call
from tests.fixtures.built import close_stores, copied, with_prices
from tests.fixtures.company import Settings
from tests.fixtures.judging import AS_OF, open_with_rules

from fiscus.__main__ import command_line
from fiscus.cost.ai.price_changes import changed, extra_cost, said
from fiscus.cost.ai.price_table import PriceTable, price_table_of
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.evaluate import evaluate
from fiscus.flows.keep_ai_prices import KIND, keep_ai_prices
from fiscus.flows.workspace import Workspace
from fiscus.flows.write_ai_charges import write_ai_charges
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.progress import Silent

OLD = {"standard": {"input": "0.15", "output": "0.6"}}
PRICED_AS = {"openai": "openai"}


def table(rates: Mapping[str, object], dated: Mapping[str, object] | None = None, source: str = "one") -> PriceTable:
    prices = [{"rates": rates}, *([{"from": "2026-11-18", "rates": dated}] if dated else [])]
    model = {"id": "gpt-4o-mini", "match": ["^", "gpt-4o-mini"], "prices": prices}
    return price_table_of({"format": "fiscus/ai-prices/1", "source": source, "providers": {"openai": [model]}})


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Ten days on which a million tokens went in and a million came out."""
    copied("ten days of calls", tmp_path, _ten_days)
    return open_with_rules(tmp_path, Settings(seed=8))


def _ten_days(home: Path) -> None:
    ws = open_with_rules(home)
    for n in range(1, 11):
        ws.calls.append([ai_call(f"c{n}", AT - timedelta(days=n), usage={"input": 10**6, "output": 10**6})])
    write_ai_charges(ws, Silent())
    assign_owners(ws)
    close_stores(ws)


def findings(ws: Workspace) -> list:
    return [one for one in evaluate(ws, "run").findings if one.kind == KIND]


def test_the_first_look_finds_nothing_and_neither_does_the_same_table_again(ws: Workspace) -> None:
    assert not keep_ai_prices(ws, lambda: table(OLD), PRICED_AS)
    assert not keep_ai_prices(ws, lambda: table(OLD, source="another that says the same"), PRICED_AS)
    assert not findings(ws)


def test_a_rise_is_a_finding_with_its_money(ws: Workspace) -> None:
    keep_ai_prices(ws, lambda: table(OLD), PRICED_AS)
    dearer = {"standard": {"input": "0.15", "output": "0.9"}}
    (one,) = keep_ai_prices(ws, lambda: table(dearer), PRICED_AS)
    assert not keep_ai_prices(ws, lambda: table(dearer), PRICED_AS)
    (finding,) = findings(ws)
    assert finding.id == one.id
    assert finding.amount == 3
    assert finding.level == "warn"
    assert "since 2026-11-20: output from 0.6 to 0.9 USD a million (+50 %)" in finding.title
    assert "3.00 USD more in thirty days" in finding.detail
    assert len(ws.lake.query(finding.query, finding.params))


def test_a_dated_price_counts_from_its_day(ws: Workspace) -> None:
    ahead = table(OLD, {"standard": {"input": "0.3", "output": "0.6"}})
    before = replace(ws, clock=SteppedClock(AT - timedelta(days=4)))
    keep_ai_prices(before, lambda: ahead, PRICED_AS)
    (one,) = keep_ai_prices(ws, lambda: ahead, PRICED_AS)
    assert one.since == date(2026, 11, 18)


def test_a_fall_is_told_and_costs_nothing(ws: Workspace) -> None:
    keep_ai_prices(ws, lambda: table(OLD), PRICED_AS)
    keep_ai_prices(ws, lambda: table({"standard": {"input": "0.1", "output": "0.6"}}), PRICED_AS)
    (finding,) = findings(ws)
    assert (finding.amount, finding.level) == (0, "observe")
    assert "0.50 USD less in thirty days" in finding.detail


def test_a_model_that_lost_its_price_is_told(ws: Workspace) -> None:
    keep_ai_prices(ws, lambda: table(OLD), PRICED_AS)
    gone = price_table_of({"format": "fiscus/ai-prices/1", "source": "one", "providers": {}})
    keep_ai_prices(ws, lambda: gone, PRICED_AS)
    (finding,) = findings(ws)
    assert "has no price since 2026-11-20" in finding.title


def test_tiers_that_nobody_uses_are_no_news(ws: Workspace) -> None:
    keep_ai_prices(ws, lambda: table(OLD), PRICED_AS)
    assert not keep_ai_prices(ws, lambda: table({**OLD, "batch": {"input": "0.01"}}), PRICED_AS)


def test_a_change_is_news_for_five_weeks(ws: Workspace) -> None:
    keep_ai_prices(ws, lambda: table(OLD), PRICED_AS)
    keep_ai_prices(ws, lambda: table({"standard": {"input": "1", "output": "1"}}), PRICED_AS)
    assert findings(ws)
    later = replace(ws, clock=SteppedClock(AT + timedelta(days=40)))
    assert not findings(later)
    assert ws.as_of == AS_OF


def test_steps_are_compared_as_money_and_long_contexts_apart() -> None:
    before = {"standard input": "1.0", "standard output": "4", "standard input from 200001": "2"}
    after = {"standard input": "1", "standard cached_input": "0.1", "standard input from 200001": "3"}
    steps = changed(before, after)
    assert set(steps) == {"standard output", "standard cached_input", "standard input from 200001"}
    assert extra_cost(steps, {("standard", "output"): Decimal(10**6)}) == 0
    assert said(steps, "USD") == (
        "cached input now 0.1 USD a million, output without a price, was 4 USD a million, 1 other rate"
    )


def test_prices_are_shown_with_what_the_workspace_overrides(tmp_path: Path, capsys) -> None:
    (tmp_path / "prices").mkdir()
    text = (
        "prices: [{provider: openai, model: gpt-4o-mini, from: 2026-11-01, rates: {output: 0.5}, reason: Our contract}]"
    )
    (tmp_path / "prices" / "ai.yaml").write_text(text, encoding="utf-8")
    here = ["--home", str(with_prices(tmp_path))]
    run = command_line()
    assert not run(
        ["prices", "ai", "gpt-4o-mini", "--provider", "openai", "--day", "2026-11-26", *here],
        result_action="return_value",
    )
    shown = capsys.readouterr().out
    assert "Our contract" in shown
    assert "2026-11-01" in shown
    assert not run(["prices", "ai", "gpt-4o-mini", "--json", *here], result_action="return_value")
    prices = json.loads(capsys.readouterr().out)["prices"]
    assert any(one["provider"] == "openai" and one["note"] == "Our contract" for one in prices)
    assert not run(["prices", "ai", "refresh", *here], result_action="return_value")
    assert "models from genai-prices" in capsys.readouterr().out
    assert run(["prices", "ai", "no-such-model", *here], result_action="return_value") == 2
    assert run(["prices", "ai", "--provider", "nobody", *here], result_action="return_value") == 2
