"""Every report on one small company: its answer to the last row, and its money against the bills as they came.

FISCUS_GOLDEN=1 writes the answers anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fixtures.effort import sampled
from tests.fixtures.raw_bills import Row, raw_rows, summed
from tests.fixtures.report_company import report_company

from fiscus.cost.reports.load_report import shipped_reports
from fiscus.flows.run_report import run_report
from fiscus.flows.workspace import Workspace
from fiscus.kernel.canonical import digest, to_json

GOLDEN = Path(__file__).parent / "reports.json"
NAMES = sorted(shipped_reports())
OCTOBER = "2026-10"
Where = Callable[[Row], bool]


def billed_in(first: str, last: str = "2026-12") -> Where:
    return lambda row: first <= row["BillingPeriodStart"][:7] <= last


def charged_in(first: str, last: str = "2026-12") -> Where:
    return lambda row: first <= row["ChargePeriodStart"][:7] <= last


def both(*tests: Where) -> Where:
    return lambda row: all(test(row) for test in tests)


def has(column: str, *values: str) -> Where:
    """One of `values`; without any, anything at all."""
    return lambda row: (row.get(column) or "") in values if values else bool(row.get(column))


def ai(row: Row) -> bool:
    return "ModelId" in (row.get("SkuPriceDetails") or "")


def is_in(column: str, key: str) -> Where:
    return lambda row: json.loads(row.get(column) or "{}").get(key) is not None


def sold(row: Row) -> bool:
    return bool(row.get("PublisherName")) and row.get("ProviderName") not in {row["PublisherName"], None, ""}


def counts(column: str) -> Where:
    """Dogwatch is bought at AWS and sends its own feed: billed there, and cost here (FOCUS 1.3)."""
    other = sold if column == "BilledCost" else lambda row: not sold(row)
    return lambda row: "Dogwatch" not in {row.get("PublisherName"), row.get("ServiceProviderName")} or other(row)


def negative(row: Row) -> bool:
    return row["BilledCost"].startswith("-")


OCT, USED, COMPUTE = billed_in(OCTOBER, OCTOBER), charged_in(OCTOBER, OCTOBER), has("ServiceCategory", "Compute")
USAGE, EVER, CORRECTION = (
    has("ChargeCategory", "Usage"),
    billed_in("2026-08", "2026-10"),
    has("ChargeClass", "Correction"),
)
SPENT = has("ChargeCategory", "Usage", "Purchase")
CREDITS = lambda row: "credits" in {(row.get(name) or "").lower() for name in ("PricingUnit", "PricingCurrency")}  # noqa: E731  beside its kin
COMMITTED, STATUS, SKU = has("CommitmentDiscountId"), has("CommitmentDiscountStatus"), has("SkuId")
EFFECTIVE, BILLED = "EffectiveCost", "BilledCost"
# report -> (its money column, the bills' column, which rows of the bills): what it must come to, in each currency
MONEY: dict[str, tuple[str, str, Where]] = {
    "ai-cost-by-model": (EFFECTIVE, EFFECTIVE, both(OCT, ai)),
    "ai-spend-by-key": (EFFECTIVE, EFFECTIVE, both(OCT, has("x_CredentialId"))),
    "ai-spend-by-team": (EFFECTIVE, EFFECTIVE, both(OCT, has("ServiceCategory", "AI and Machine Learning"))),
    "ai-unit-cost-by-model": (EFFECTIVE, EFFECTIVE, both(EVER, ai, has("ConsumedUnit", "Tokens"))),
    "allocate-application-multi-currency": (BILLED, BILLED, OCT),
    "analyze-capacity-reservations-on-compute-costs": (EFFECTIVE, EFFECTIVE, both(USED, COMPUTE)),
    "analyze-credit-memos": (BILLED, BILLED, both(USED, has("ChargeCategory", "Credit"))),
    "analyze-purchase-of-virtual-currency": (BILLED, BILLED, both(USED, has("ChargeCategory", "Purchase"), CREDITS)),
    "analyze-service-costs-by-region": (EFFECTIVE, EFFECTIVE, USED),
    "analyze-tag-coverage": (EFFECTIVE, EFFECTIVE, USED),
    "analyze-the-different-metered-costs-for-a-particular-sku": (EFFECTIVE, EFFECTIVE, both(USED, SKU)),
    "application-cost": (EFFECTIVE, EFFECTIVE, EVER),
    "calculate-average-rate-of-a-component-resource": (EFFECTIVE, EFFECTIVE, both(USED, is_in("SkuPriceDetails", "CoreCount"))),
    "calculate-consumption-of-virtual-currency-within-a-billing-period": (EFFECTIVE, EFFECTIVE, both(OCT, USAGE, CREDITS)),
    "calculate-unit-economics": (BILLED, BILLED, both(charged_in("2026-08", OCTOBER), has("ConsumedQuantity"))),
    "commitment-discount-purchases": (BILLED, BILLED, both(USED, COMMITTED, has("ChargeCategory", "Purchase"))),
    "commitment-utilisation": (EFFECTIVE, EFFECTIVE, both(EVER, STATUS)),
    "corrections-by-subaccount": (BILLED, BILLED, CORRECTION),
    "cost-compute-subaccount": (EFFECTIVE, EFFECTIVE, both(USED, COMPUTE)),
    "costs-by-availability-zone": (EFFECTIVE, EFFECTIVE, USED),
    "costs-service-category": (BILLED, BILLED, OCT),
    "costs-service-name": (EFFECTIVE, EFFECTIVE, OCT),
    "daily-spend": (BILLED, BILLED, USED),
    "data-completeness": (BILLED, BILLED, billed_in("2026-09", OCTOBER)),
    "determine-target-of-virtual-currency-usage": (EFFECTIVE, EFFECTIVE, both(USED, USAGE, CREDITS)),
    "effective-cost-compute": (EFFECTIVE, EFFECTIVE, both(OCT, COMPUTE)),
    "effective-savings-rate": ("ListCost", "ListCost", both(USED, USAGE)),
    "effective-savings-rate-services": (EFFECTIVE, EFFECTIVE, both(USED, USAGE)),
    "forecast-amortized-costs": (EFFECTIVE, EFFECTIVE, both(EVER, SPENT)),
    "forecast-cashflow": (BILLED, BILLED, EVER),
    "forecast-costs": (EFFECTIVE, EFFECTIVE, both(EVER, has("PricingQuantity"))),
    "identify-sources-of-billed-cost": (BILLED, BILLED, USED),
    "identify-unused-capacity-reservations": (BILLED, BILLED, both(USED, has("CapacityReservationStatus", "Unused"))),
    "identify-unused-commitments": ("Unused", EFFECTIVE, both(USED, has("CommitmentDiscountStatus", "Unused"))),
    "late-charges": (BILLED, BILLED, lambda row: row["ChargePeriodStart"] < row["BillingPeriodStart"]),
    "marketplace-by-seller": (BILLED, BILLED, sold),
    "marketplace-vendors-costs": (EFFECTIVE, EFFECTIVE, both(USED, sold)),
    "prepaid-balances": ("Paid", BILLED, both(COMMITTED, lambda row: "rds" not in row["CommitmentDiscountId"])),
    "price-to-pay": (EFFECTIVE, EFFECTIVE, OCT),
    "recurring-commitment-charges": (BILLED, BILLED, both(COMMITTED, has("ChargeFrequency", "Recurring"))),
    "refunds": (BILLED, BILLED, both(negative, SPENT)),
    "report-corrections": (BILLED, BILLED, CORRECTION),
    "report-costs-by-service-category-and-subcategory": (BILLED, BILLED, OCT),
    "report-service-costs-by-providers-subaccount": (EFFECTIVE, EFFECTIVE, USED),
    "report-spending-across-billing-periods-by-service-category": (BILLED, BILLED, billed_in("2025-12")),
    "resource-component-costs": (EFFECTIVE, EFFECTIVE, both(USED, has("ResourceId"))),
    "resource-costs-sku": (EFFECTIVE, EFFECTIVE, both(USED, SKU)),
    "rounding-residue": (BILLED, BILLED, billed_in("2025-12")),
    "seats": (BILLED, BILLED, both(OCT, has("ChargeCategory", "Purchase"), has("CommitmentDiscountId", ""))),
    "service-costs-month-over-month": (EFFECTIVE, EFFECTIVE, charged_in("2026-08", OCTOBER)),
    "service-costs-subaccount": (EFFECTIVE, EFFECTIVE, USED),
    "spend-by-cost-centre": (EFFECTIVE, EFFECTIVE, OCT),
    "spend-by-environment": (EFFECTIVE, EFFECTIVE, OCT),
    "spend-by-issuer": (BILLED, BILLED, EVER),
    "spend-by-owner": (EFFECTIVE, EFFECTIVE, OCT),
    "spend-by-product": (EFFECTIVE, EFFECTIVE, EVER),
    "spend-by-team-month-over-month": (EFFECTIVE, EFFECTIVE, EVER),
    "spend-concentration": (BILLED, BILLED, OCT),
    "tax-by-issuer": ("Tax", BILLED, both(OCT, has("ChargeCategory", "Tax"))),
    "top-movers": (EFFECTIVE, EFFECTIVE, OCT),
    "top-resources": (EFFECTIVE, EFFECTIVE, both(OCT, has("ResourceId"))),
    "update-application-budgets": (BILLED, BILLED, EVER),
    "update-budgets": (BILLED, BILLED, EVER),
    "verify-accuracy-of-provider-invoices-aka-invoice-reconciliation": (BILLED, BILLED, OCT),
    "verify-discounts-applied": ("ListCost", "ListCost", both(OCT, USAGE, has("ChargeClass", ""))),
    "verify-invoices": (BILLED, BILLED, OCT),
    "verify-service-charges": (BILLED, BILLED, OCT),
}  # fmt: skip
# Parameters that make a report show all of it: what is checked is a sum, not the largest lines.
WHOLE = {
    name: {"top": "1000000"}
    for name in ("resource-component-costs", "resource-costs-sku", "top-movers", "top-resources")
}
WHOLE["ai-spend-by-key"] = {"top": "1000000"}


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return report_company(tmp_path_factory.mktemp("reports") / "home")


@pytest.fixture(scope="module")
def bills(ws: Workspace) -> list[Row]:
    return list(raw_rows(ws.home / "inbox"))


def test_every_report_answers_as_it_did(ws: Workspace) -> None:
    said = {}
    for name in NAMES:
        answer = run_report(ws, name, {})
        assert answer.rows.columns == tuple(answer.report.columns), name
        assert answer.rows.rows, f"{name} says nothing of this company"
        rows = to_json(answer.rows.rows)
        said[name] = {"rows": len(answer.rows), "digest": digest(rows)[:16], "first": rows[:2]}
    if os.environ.get("FISCUS_GOLDEN") == "1":
        lines = [f"{json.dumps(name)}: {json.dumps(one, ensure_ascii=False)}" for name, one in said.items()]
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert {name: golden.get(name) for name in said} == said
    assert set(golden) == set(said)


@pytest.mark.parametrize("name", sampled(sorted(MONEY), every=8))
def test_the_money_of_a_report_is_that_of_the_bills(ws: Workspace, bills: list[Row], name: str) -> None:
    column, of_bills, where = MONEY[name]
    answer = run_report(ws, name, WHOLE.get(name, {}))
    if "counted_" in answer.report.sql:
        where = both(where, counts(of_bills))
    assert answer.totals[column] == summed(bills, of_bills, where)
    assert answer.totals[column], "a sum of nothing proves nothing"


def test_what_nobody_owns_and_what_somebody_owns_is_everything(ws: Workspace, bills: list[Row]) -> None:
    by_owner = run_report(ws, "spend-by-owner", {}).rows
    nobodys = run_report(ws, "unowned-spend", {}).totals[EFFECTIVE]
    owned = {
        code: sum(row[3] for row in by_owner.rows if row[2] == code and row[0] != "unowned") for code in ("EUR", "USD")
    }
    everything = summed(bills, EFFECTIVE, both(OCT, counts(EFFECTIVE)))
    assert nobodys["USD"] >= everything["USD"] - owned["USD"] > 0
