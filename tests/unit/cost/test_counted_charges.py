"""What two feeds show alike is one spend in all that adds up: budgets, policies, forecasts, packs, reports, shared cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.judging import charge, days, judged_by, open_with_rules, policy_of, tags

from fiscus.cost.allocation.load_allocations import AllocationContext, load_allocations
from fiscus.cost.focus_names import FOCUS_VERSIONS
from fiscus.cost.types import Source
from fiscus.flows.allocate_costs import allocate_costs
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.build_pack import build_pack
from fiscus.flows.evaluate import evaluate
from fiscus.flows.keep_same_spend import keep_same_spend
from fiscus.flows.run_report import run_report
from fiscus.flows.show_allocations import AllocationsAsked, show_allocations
from fiscus.flows.show_owners import show_owners
from fiscus.flows.show_spend import show_spend, show_spend_rows
from fiscus.flows.spend_dimensions import SpendAsked
from fiscus.flows.workspace import Workspace
from fiscus.kernel.money import total
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.sql_text import sql_text
from fiscus.ownership.owned_totals import owned_totals

OCTOBER = Month(2026, 10)
SEEN = days(date(2026, 10, 1), date(2026, 11, 20))
MARKET = {"InvoiceIssuerName": "Aura Web", "HostProviderName": "Aura Web"}
AURA = {**MARKET, "ServiceProviderName": "Aura Web", "ServiceName": "Machines"}
SOLD = {**MARKET, "ServiceProviderName": "Solora AI", "ServiceName": "Answers", "BillingAccountId": "a-1"}
OWN = {**SOLD, "InvoiceIssuerName": "Solora AI", "HostProviderName": "Solora AI", "BillingAccountId": "s-1"}
BUDGETS = """budgets:
  - {id: web, title: Web, scope: {team: web}, period: month, currency: USD, amount: 2000, owner: web}
  - {id: paid, title: Paid, scope: {team: web}, period: month, currency: USD, amount: 2000, owner: web, metric: BilledCost}
"""
SHARED = "allocations:\n  - {id: web, share: {team: web}, to: team, method: fixed, shares: {ml: 25, finops: 75}}\n"
DROP = ("ProviderName", "PublisherName")


def _rows(who: dict[str, str], cost: str) -> list[dict[str, str]]:
    more = {"BilledCost": cost, "Tags": tags("web"), "ConsumedQuantity": "10", "ConsumedUnit": "Tokens"}
    return [{**charge(day, cost), **more, **who} for day in SEEN]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Aura Web's bills, 30 USD a day of its own and 10 of Solora AI, whose feed shows those 10 too; all of it is web's."""
    ws = open_with_rules(tmp_path_factory.mktemp("company"))
    for source, rows in (("aura", _rows(AURA, "30") + _rows(SOLD, "10")), ("solora", _rows(OWN, "10"))):
        deliver(ws, write_csv(ws.home / f"{source}.csv", rows, drop=DROP), source=Source(source))
    assign_owners(ws)
    keep_same_spend(ws)
    return ws


def test_a_budget_counts_it_once_in_either_metric_and_so_does_its_forecast(company: Workspace) -> None:
    ws = judged_by(company, BUDGETS)
    for status in evaluate(ws, "run-budgets").statuses:
        assert status.actual == 19 * 40
        assert status.forecast_p50 == pytest.approx(30 * 40, abs=1)
        assert status.state == "ok"


def test_a_policy_judges_what_counts_and_a_finding_names_it_once(company: Workspace) -> None:
    rules = [
        policy_of("answers", 'charge.ServiceName == "Answers"', window_days=10),
        policy_of(
            "dear", "charge.EffectiveCost >= money('10.00 USD') && charge.ServiceName == \"Answers\"", window_days=10
        ),
    ]
    found = evaluate(judged_by(company, policies=rules), "run-policies").findings
    assert [one.amount for one in found if one.kind == "policy"] == [100, 100]


def test_pages_owners_reports_and_the_pack_come_to_the_same_money(company: Workspace) -> None:
    october = SpendAsked(from_month=OCTOBER, to_month=OCTOBER)
    assert show_spend(company, october).total.value == 31 * 40
    assert show_spend_rows(company, october).cost.value == 31 * 40
    assert show_spend(company, replace(october, metric="EffectiveCostAllFeeds")).total.value == 31 * 50
    assert total([line.effective_cost for line in owned_totals(company.lake)]) == 50 * 40
    assert [one.effective_cost for one in show_owners(company).lines] == [19 * 40]
    billing = {"first": "2026-10", "last": "2026-10"}
    assert run_report(company, "spend-by-owner", billing).rows.rows[0][3] == 31 * 40
    assert run_report(company, "price-to-pay", billing).totals["EffectiveCost"] == {"USD": 31 * 40}
    priced = run_report(
        company, "analyze-effective-cost-by-pricing-currency", {"since": "2026-10-01", "until": "2026-11-01"}
    )
    assert sum(row[-1] for row in priced.rows.rows) == 31 * 40  # type: ignore[misc]  # decimals, by the report's columns
    pack = build_pack(company, OCTOBER)
    assert next(kpi for kpi in pack.kpis if kpi.id == "spend").value == 31 * 40


def test_the_marketplace_is_paid_and_the_vendor_is_what_it_costs(company: Workspace) -> None:
    """And what was used counts where its cost does, so that a unit costs what it costs."""
    asked = (
        "SELECT x_SourceId, sum(BilledCost), sum(EffectiveCost), sum(ListCost) > 0, sum(ConsumedQuantity), count(*) "
        "FROM counted_charges WHERE ServiceName = 'Answers' AND x_BillingMonth = '2026-10' GROUP BY ALL ORDER BY 1"
    )
    assert company.lake.query(asked).rows == (("aura", 310, 0, False, 0, 31), ("solora", 0, 310, True, 310, 31))
    (month,) = company.lake.query(asked.replace("counted_", "")).rows[:1]
    assert month[1:3] == (310, 310), "the bills stay as they are"


def test_series_for_anomalies_have_it_once(company: Workspace) -> None:
    params = {"until": midnight(date(2026, 11, 20)), "partial_source": [], "partial_from": []}
    rows = company.lake.query(sql_text("fiscus.signals", "daily_usage"), params).rows
    assert {(row[2], row[-1]) for row in rows} == {("Answers", Decimal(10)), ("Machines", Decimal(30))}


def test_shared_cost_is_handed_on_once_and_conserved(company: Workspace) -> None:
    context = AllocationContext(
        lambda _: None, {"ml": "ml", "finops": "finops", "web": "web"}, company.config.company.calendar
    )
    rules = load_allocations({"allocations/test.yaml": SHARED}, context)
    ws = replace(company, config=replace(company.config, allocations=rules))
    allocate_costs(ws)
    shown = show_allocations(ws, AllocationsAsked("2026-10"))
    assert {one.name: one.total for one in shown.lines} == {"ml": 310, "finops": 930, "web": 0}


def test_a_lake_in_which_nothing_is_seen_twice_asks_the_charges_themselves(tmp_path) -> None:
    ws = open_with_rules(tmp_path)
    deliver(ws, write_csv(tmp_path / "aura.csv", _rows(AURA, "30"), drop=DROP), source=Source("aura"))
    plans = [
        ws.lake.query(f"EXPLAIN SELECT sum(EffectiveCost) FROM {view}").rows[0][1]
        for view in ("charges", "counted_charges", "charges_counted_once")
    ]
    assert len(set(plans)) == 1


def test_what_counts_is_asked_beside_charges_of_any_version(company: Workspace) -> None:
    counted = ("counted_charges", "sum(EffectiveCost)"), ("charges_counted_once", "sum(x_EffectiveCostOnce)")
    for view, amount in counted:
        now = company.lake.ask(f"SELECT {amount} FROM {view}")
        for version in FOCUS_VERSIONS:
            assert company.lake.ask(f"SELECT {amount} FROM {view}", focus=version) == now
