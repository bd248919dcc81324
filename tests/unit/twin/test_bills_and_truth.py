"""What truth.json says is in the bills, counted again in the lake; what comes later changes nothing that came before."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.fixtures.twin_months import MONTHS, SCALE, two_months

from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.twin.build import next_bills

UNTIL = date(2026, 11, 25)
DELIVERED = "ChargePeriodStart, ChargePeriodEnd, ResourceId, SkuId, ChargeDescription, BilledCost, EffectiveCost, Tags"
EARLY = "ChargePeriodStart < '2026-11-20' AND ChargeCategory <> 'Tax'"  # tax is of the whole month, at its end


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Any]]:
    ws = two_months(tmp_path_factory.mktemp("twin") / "company")
    return ws, json.loads((ws.home / "truth.json").read_text(encoding="utf-8"))


def _cost(ws: Workspace, where: str) -> Decimal:
    return ws.lake.query(f"SELECT sum(EffectiveCost) FROM charges WHERE {where}").rows[0][0]


def _aws_november(home: Path) -> str:
    return f"read_csv('{home}/inbox/aws/BILLING_PERIOD=2026-11/*.csv.gz', all_varchar=true)"


def _planted(truth: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(trouble for trouble in truth["planted"] if trouble["kind"] == kind)


def test_each_of_thirteen_feeds_ties_out_to_the_digit(company: tuple[Workspace, dict[str, Any]]) -> None:
    ws, truth = company
    rows = ws.lake.query(
        "SELECT x_SourceId, BillingCurrency, count(*), sum(BilledCost), sum(EffectiveCost) FROM charges GROUP BY ALL"
    ).rows
    held = {str(source): tuple(rest) for source, *rest in rows}
    said = {
        source: (one["currency"], one["charges"], Decimal(one["billed"]), Decimal(one["effective"]))
        for source, one in truth["totals"].items()
    }
    assert len(said) == 13
    assert held == said


def test_a_machine_left_on_costs_what_truth_says(company: tuple[Workspace, dict[str, Any]]) -> None:
    ws, truth = company
    trouble = _planted(truth, "gpu_left_on")
    names = ", ".join(f"'{name}'" for name in trouble["subject"]["resources"])
    since = f"ChargePeriodStart >= TIMESTAMPTZ '{trouble['start']} 00:00:00+00'"
    assert _cost(ws, f"ResourceId IN ({names}) AND ServiceCategory = 'Compute' AND {since}") == Decimal(
        trouble["amount"]
    )


def test_the_untagged_sandbox_costs_what_truth_says(company: tuple[Workspace, dict[str, Any]]) -> None:
    ws, truth = company
    where = "SubAccountName = 'nw-sandbox-poc'"  # its tax too
    assert (
        _cost(ws, f"{where} AND Tags IS NULL")
        == _cost(ws, where)
        == Decimal(_planted(truth, "untagged_sandbox")["amount"])
    )


def test_a_purchase_without_approval_costs_what_truth_says(company: tuple[Workspace, dict[str, Any]]) -> None:
    ws, truth = company
    trouble = _planted(truth, "marketplace_unapproved")
    assert _cost(ws, f"ResourceId = '{trouble['subject']['resources'][0]}'") == Decimal(trouble["amount"])


def test_a_price_that_rose_costs_a_fifth_of_what_was_paid_since(company: tuple[Workspace, dict[str, Any]]) -> None:
    ws, truth = company
    trouble = _planted(truth, "price_change")
    since = f"ChargePeriodStart >= TIMESTAMPTZ '{trouble['start']} 00:00:00+00'"
    paid = _cost(ws, f"x_SourceId = 'dogwatch' AND SkuId = '{trouble['subject']['sku'][0]}' AND {since}")
    assert paid * 25 / 125 == Decimal(trouble["amount"])


def test_what_a_marketplace_resells_costs_what_the_vendors_own_feed_says_to_the_cent_a_day(
    company: tuple[Workspace, dict[str, Any]],
) -> None:
    ws, truth = company
    said = truth["seen_twice"]
    sums = (
        "SELECT sum(BilledCost), count(DISTINCT ChargePeriodStart) FROM charges WHERE ServiceProviderName = 'Dogwatch' "
        "AND x_SourceId = "
    )
    ((market, days),), ((vendor, _),) = (
        ws.lake.query(f"{sums}'{said[side]}'").rows for side in ("marketplace", "vendor")
    )
    assert (market, vendor) == (Decimal(said["marketplace_billed"]), Decimal(said["vendor_billed"]))
    assert 0 < abs(market - vendor) <= days * Decimal("0.005")


def test_prepaid_usage_is_billed_on_its_purchase_and_priced_in_credits(
    company: tuple[Workspace, dict[str, Any]],
) -> None:
    ws, truth = company
    of = "FROM charges WHERE x_SourceId = 'perplexity' AND ChargeCategory"
    ((paid, counted),) = ws.lake.query(f"SELECT sum(BilledCost) * 100, sum(EffectiveCost) {of} = 'Purchase'").rows
    priced = "sum(PricingCurrencyEffectiveCost), list(DISTINCT PricingCurrency)"
    asked = f"SELECT sum(BilledCost), sum(EffectiveCost) * 100, {priced} {of} = 'Usage'"
    ((billed, drawn, credits_, units),) = ws.lake.query(asked).rows
    said = truth["prepaid"]
    assert (paid, counted, billed) == (Decimal(said["bought"]), 0, 0)
    assert drawn == credits_ == Decimal(said["drawn"])
    assert units == [said["unit"]]
    assert paid - drawn == Decimal(said["left"]) > 0


def test_the_next_bills_hold_what_was_delivered_before_and_stopped_machines_cost_nothing_more(
    company: tuple[Workspace, dict[str, Any]], tmp_path: Path
) -> None:
    ws, truth = company
    machine = _planted(truth, "gpu_left_on")["subject"]["resources"][0]
    (tmp_path / "truth.json").write_bytes((ws.home / "truth.json").read_bytes())
    stopped = {machine: datetime(2026, 11, 20, 12, tzinfo=UTC)}
    next_bills(tmp_path, scale=SCALE, months=MONTHS, until=UNTIL, stopped=stopped)
    db = duckdb.connect()
    before, after = (f"SELECT {DELIVERED} FROM {_aws_november(home)} WHERE {EARLY}" for home in (ws.home, tmp_path))
    assert db.execute(f"SELECT count(*) > 10 FROM ({before})").fetchone() == (True,)
    assert db.execute(f"SELECT count(*) FROM ({before} EXCEPT ALL {after})").fetchone() == (0,)
    assert db.execute(f"SELECT count(*) FROM ({after} EXCEPT ALL {before})").fetchone() == (0,)
    compute = (
        f"SELECT CAST(ChargePeriodStart AS DATE), CAST(ConsumedQuantity AS DOUBLE) FROM {_aws_november(tmp_path)} "
        f"WHERE ResourceId = '{machine}' AND ServiceCategory = 'Compute' AND ChargePeriodStart >= '2026-11-19' ORDER BY 1"
    )
    assert db.execute(compute).fetchall() == [(date(2026, 11, 19), 24.0), (date(2026, 11, 20), 12.0)]


def test_a_delivery_that_cannot_be_is_refused(company: tuple[Workspace, dict[str, Any]], tmp_path: Path) -> None:
    home = company[0].home
    with pytest.raises(BadInput, match="is not between"):
        next_bills(home, scale=SCALE, months=MONTHS, until=date(2026, 11, 19))
    with pytest.raises(BadInput, match="is not between"):
        next_bills(home, scale=SCALE, months=MONTHS, until=date(2028, 1, 1))
    with pytest.raises(BadInput, match="no machine of the fleet"):
        next_bills(
            home, scale=SCALE, months=MONTHS, until=UNTIL, stopped={"i-nobody": datetime(2026, 11, 20, tzinfo=UTC)}
        )
    with pytest.raises(NotFound, match="holds no simulated company"):
        next_bills(tmp_path, until=UNTIL)
