"""Rules of several rows at their borders: what is still to come is no fault, one value may be spelled in two ways."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib import resources
from pathlib import Path

import duckdb
import pytest
from tests.focus_deliveries import MONTH, NEXT, RESERVED, SAVING, Row, cost_and_usage, invoice_detail, write_csv
from tests.focus_deliveries_1_4 import billing_period, cost_and_usage_1_4, invoice_detail_1_4
from tests.unit.cost.conformance.test_deliveries import broken

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.conformance.ask_groups import ask_group, query_named
from fiscus.cost.conformance.choose import column_types
from fiscus.cost.conformance.types import Report, Verdict
from fiscus.cost.types import Dataset, FocusVersion
from fiscus.edges.cli.check_options import BESIDE
from fiscus.kernel.progress import Silent
from fiscus.stores.lake.check_desk import CheckDesk

ROWS = cost_and_usage("1.2")
QUERIES = [found.name for found in resources.files("fiscus.cost.conformance").joinpath("sql").iterdir()]
OTHER = {"InvoiceIssuerName": "Cumulus", "BillingAccountId": "9999-0000-1111", "BillingAccountName": "South"}


def checked(
    folder: Path,
    rows: Sequence[Row],
    version: FocusVersion = "1.2",
    beside: Mapping[str, Sequence[Row]] | None = None,
    dataset: Dataset | None = None,
) -> Report:
    laid = {name: write_csv(folder / f"{name}.csv", lines) for name, lines in (beside or {}).items()}
    request = CheckRequest([write_csv(folder / "bill.csv", rows)], version, dataset, beside=laid, heuristics=True)
    return check_delivery(request, Silent())


def of(report: Report, rule: str) -> Verdict:
    (found,) = [v for v in (*report.verdicts, *report.warnings) if v.rule.startswith(rule)]
    return found


def _by_the_month(status: Sequence[str], quantity: str) -> list[Row]:
    """The savings plan paid by the month: its two hours, with rows of these statuses."""
    fee = {"ChargePeriodStart": MONTH, "ChargePeriodEnd": NEXT, "CommitmentDiscountQuantity": quantity}
    kept = [r for r in ROWS if r["CommitmentDiscountId"] != SAVING]
    mine = [r for r in ROWS if r["CommitmentDiscountId"] == SAVING]
    return [*kept, mine[0] | fee, *[r for r in mine if r["CommitmentDiscountStatus"] in status]]


def test_a_month_that_is_not_over_still_waits_for_the_rest_of_its_commitment(tmp_path: Path) -> None:
    quantity, unused = "CommitmentDiscountQuantity-C-012", "DiscountHandling-A-017"
    report = checked(tmp_path, _by_the_month(["Used", "Unused"], "372"))
    assert not broken(report)
    assert (of(report, quantity).outcome, of(report, quantity).reason) == (
        "needs_data", f"bills of the whole term of {SAVING}",
    )  # fmt: skip
    assert of(checked(tmp_path, _by_the_month(["Used"], "372")), unused).outcome == "needs_data"
    assert of(checked(tmp_path, _by_the_month(["Used", "Unused"], "0.9")), quantity).outcome == "fail", (
        "more than bought"
    )
    late = {"ChargePeriodStart": "2026-01-31T23:00:00Z", "ChargePeriodEnd": NEXT}
    (last,) = [
        r | late for r in ROWS if r["CommitmentDiscountStatus"] == "Unused" and r["CommitmentDiscountId"] == RESERVED
    ][:1]
    assert of(checked(tmp_path, [*_by_the_month(["Used", "Unused"], "372"), last]), quantity).broken == 4
    assert of(checked(tmp_path, [*_by_the_month(["Used"], "372"), last]), unused).broken == 2


def test_spellings_of_one_price_and_of_one_set_of_tags_are_one_value(tmp_path: Path) -> None:
    tags = '{ "pinned" : true,\n "acme/stack": "blue", "team":"shop" }'
    price = [
        r | ({"ContractedUnitPrice": "0.1200"} if n % 2 and r["ContractedUnitPrice"] == "0.12" else {})
        for n, r in enumerate(ROWS)
    ]
    again = ROWS[0] | {"Tags": tags, "PricingQuantity": "5", "ContractedCost": "0.60", "ListCost": "0.75"}
    assert not broken(checked(tmp_path, [*price, again]))
    dear = ROWS[0] | {"ContractedUnitPrice": "0.13", "ContractedCost": "0.52"}
    assert of(checked(tmp_path, [*price, dear]), "SkuPriceId-C-015").broken == 2
    lost = again | {"Tags": '{"pinned":true,"team":"shop"}'}
    assert of(checked(tmp_path, [*ROWS, lost]), "Tags-C-004").broken == 2


def test_keys_that_hold_quotes_and_backslashes_end_no_check(tmp_path: Path) -> None:
    odd = [ROWS[0] | {"SkuPriceDetails": f'{{"x_A\\"\\\\b":{value}}}'} for value in ("1", '"one"')]
    report = checked(tmp_path, [*ROWS, *odd])
    assert of(report, "SkuPriceDetails-C-016").rows == ('row 43: x_A"\\b is number and text',)


def test_a_purchase_that_was_invoiced_at_once_is_no_invoice_of_the_month(tmp_path: Path) -> None:
    early = [r | ({} if r["ChargeCategory"] == "Purchase" else {"InvoiceId": None}) for r in ROWS]
    assert of(checked(tmp_path, early), "InvoiceId-C-005").outcome == "pass"
    assert of(checked(tmp_path, [ROWS[0] | {"InvoiceId": None}, *ROWS[1:]]), "InvoiceId-C-005").broken == 1


def test_the_invoices_of_two_issuers_may_have_one_number(tmp_path: Path) -> None:
    theirs = [r | OTHER for r in ROWS[:4]]
    detail = invoice_detail(ROWS)
    other = [{**detail[0], "InvoiceIssuerName": "Cumulus", "BilledCost": "1.16"}]
    total = "BilledCost-C-007"
    assert (
        of(checked(tmp_path, [*ROWS, *theirs], beside={"invoice_detail": [*detail, *other]}), total).outcome == "pass"
    )
    swapped = [detail[0] | {"BilledCost": "1.16"}, other[0] | {"BilledCost": detail[0]["BilledCost"]}]
    assert of(checked(tmp_path, [*ROWS, *theirs], beside={"invoice_detail": swapped}), total).broken == 46
    renamed = [detail[0] | {"InvoiceIssuerName": "Nimbus Cloud, Inc."}]
    assert of(checked(tmp_path, ROWS, beside={"invoice_detail": renamed}), total).outcome == "pass", (
        "one company, two names"
    )
    off = [detail[0] | {"BilledCost": str(Decimal(detail[0]["BilledCost"]) + 2)}]
    assert of(checked(tmp_path, ROWS, beside={"invoice_detail": off}), total).money == {"USD": 2}
    unnamed = [{k: v for k, v in r.items() if k != "InvoiceIssuerName"} for r in detail]
    halves = [
        r | {"BilledCost": str(Decimal(r["BilledCost"]) / 2), "InvoiceIssuerName": n}
        for r in unnamed
        for n in (None, "Nimbus Cloud")
    ]
    assert of(checked(tmp_path, ROWS, beside={"invoice_detail": halves}), total).outcome == "pass", (
        "a line without an issuer"
    )
    still_open = [off[0] | {"InvoiceIssueStatus": "Open"}]
    assert of(checked(tmp_path, ROWS, beside={"invoice_detail": still_open}), total).outcome == "pass"


def test_an_invoice_of_another_month_is_not_missed_here(tmp_path: Path) -> None:
    line = {"InvoiceId": "INV-2026-02", "BilledCost": "5", "BillingCurrency": "USD"}
    rows = cost_and_usage("1.3")
    for begins, outcome in ((NEXT, "pass"), (MONTH, "fail")):
        beside = {"invoice_detail": [*[r | {"BillingPeriodStart": MONTH} for r in invoice_detail(rows)],
                                     line | {"InvoiceIssuerName": "Nimbus Cloud", "BillingPeriodStart": begins}]}  # fmt: skip
        assert of(checked(tmp_path, rows, "1.3", beside), "InvoiceHandling-A-001").outcome == outcome


def test_a_correction_asks_for_the_period_of_its_own_issuer(tmp_path: Path) -> None:
    rows = cost_and_usage_1_4()
    december = {"ChargePeriodStart": "2025-12-05T00:00:00Z", "ChargePeriodEnd": "2025-12-06T00:00:00Z"}
    period = billing_period()[0] | {
        "BillingPeriodStart": "2025-12-01T00:00:00Z", "BillingPeriodEnd": MONTH, "BillingPeriodStatus": "Open",
    }  # fmt: skip
    corrected = [*rows, rows[0] | {"ChargeClass": "Correction"} | december]
    for issuer, outcome in (("Cumulus", "needs_data"), (rows[0]["InvoiceIssuerName"], "fail")):
        report = checked(tmp_path, corrected, "1.4", {"billing_period": [period | {"InvoiceIssuerName": issuer}]})
        assert of(report, "F14-CAU-ChargeClass-ClosedPeriod").outcome == outcome


def test_a_correction_of_a_period_that_is_not_there_is_not_judged(tmp_path: Path) -> None:
    rows, rule = cost_and_usage_1_4(), "F14-CAU-ChargeClass-ClosedPeriod"
    old = {
        "ChargeClass": "Correction",
        "ChargePeriodStart": "2019-04-05T00:00:00Z",
        "ChargePeriodEnd": "2019-04-06T00:00:00Z",
    }
    beside = {"billing_period": billing_period()}
    found = of(checked(tmp_path, [*rows, rows[0] | old], "1.4", beside), rule)
    assert (found.outcome, found.reason) == (
        "pass",
        "1 not judged, for want of the billing period of Nimbus Cloud 2019-04",
    )
    plain = [row for row in rows if row["ChargeClass"] != "Correction"]
    found = of(checked(tmp_path, [*plain, rows[0] | old], "1.4", beside), rule)
    assert (found.outcome, found.reason) == ("needs_data", "the billing period of Nimbus Cloud 2019-04")
    assert of(checked(tmp_path, plain, "1.4", beside), rule).outcome == "pass"


def test_a_period_within_a_longer_one_overlaps_it_whatever_lies_between(tmp_path: Path) -> None:
    days = [("01-01", "03-31"), ("01-10", "01-20"), ("02-10", "02-20"), ("04-01", "05-01")]
    periods = [
        billing_period()[0]
        | {"BillingPeriodStart": f"2026-{start}T00:00:00Z", "BillingPeriodEnd": f"2026-{end}T00:00:00Z"}
        for start, end in days
    ]
    assert of(checked(tmp_path, periods, "1.4", dataset="billing_period"), "F14-BPD-Overlap").broken == 2


def test_a_commitment_of_one_contract_in_1_4_is_that_of_one_contract(tmp_path: Path) -> None:
    rows = cost_and_usage_1_4()
    (applied, *_) = [r for r in rows if r["ContractApplied"]]
    other = applied | {
        "ContractApplied": applied["ContractApplied"].replace('"ContractId": "', '"ContractId": "other/')
    }
    assert other["ContractApplied"] != applied["ContractApplied"]
    (rule,) = {
        v.rule
        for v in checked(tmp_path, [*rows, other], "1.4").verdicts
        if v.outcome == "fail" and v.title.startswith("each Con")
    }
    assert rule not in broken(checked(tmp_path, rows, "1.4"))


def _thirds(amounts: Sequence[str], currency: str) -> list[Row]:
    """A charge split in three by one ratio."""
    (part, *_) = [r for r in cost_and_usage("1.3") if r["AllocatedMethodId"]]
    details = '{"Elements":[{"AllocatedRatio":0.333333333333,"UsageUnit":"Hours","UsageQuantity":1}]}'
    return [
        part | {"BilledCost": amount, "EffectiveCost": amount, "ListCost": amount, "BillingCurrency": currency}
        | {"AllocatedResourceId": f"arn:nimbus:pod/p-{n}", "AllocatedMethodDetails": details}
        for n, amount in enumerate(amounts)
    ]  # fmt: skip


RATIOS, SUMS = "CAU-AllocatedMethodDetailsObject-O-014", "DataGeneratorCalculatedSplitCostAllocationHandling-A-003"
DIMENSIONS, METHOD = "DataGeneratorCalculatedSplitCostAllocationHandling-A-004", "CAU-AllocatedMethodId-C-004"


def test_charges_without_a_resource_that_are_split_alike_are_several(tmp_path: Path) -> None:
    shared = [
        r | {"ResourceId": None, "ResourceName": None, "ResourceType": None} for r in _thirds(["3", "3", "3"], "USD")
    ]
    other = [
        r | {"SubAccountId": "acct-000009", "AllocatedResourceId": f"{r['AllocatedResourceId']}-9"} for r in shared
    ]
    report = checked(tmp_path, [*shared, *other], "1.3")
    assert {of(report, rule).outcome for rule in (RATIOS, SUMS, DIMENSIONS)} == {"pass"}
    assert of(checked(tmp_path, [*shared, *shared], "1.3"), RATIOS).broken == 6


def test_the_rest_of_a_split_that_nobody_got_tells_no_ratio_and_breaks_none(tmp_path: Path) -> None:
    rest = dict.fromkeys(("AllocatedResourceId", "AllocatedResourceName", "AllocatedTags", "AllocatedMethodDetails"))
    first, second, third = _thirds(["3", "3", "3"], "USD")
    report = checked(tmp_path, [first, second, third | rest], "1.3")
    assert {of(report, rule).outcome for rule in (RATIOS, SUMS, METHOD)} == {"pass"}
    assert of(checked(tmp_path, [first, second | {"BilledCost": "5"}, third | rest], "1.3"), SUMS).broken == 2
    assert of(checked(tmp_path, [first, second, third, third | rest], "1.3"), RATIOS).outcome == "pass"
    assert of(checked(tmp_path, [first, second, third, third, third | rest], "1.3"), RATIOS).outcome == "fail", (
        "four thirds"
    )
    assert of(checked(tmp_path, [third | rest], "1.3"), METHOD).broken == 1


@pytest.mark.parametrize(
    ("amounts", "currency", "outcome"),
    [
        (("0.33", "0.33", "0.34"), "USD", "pass"),
        (("33", "33", "34"), "JPY", "pass"),
        (("33", "33", "34"), "USD", "fail"),
    ],
)
def test_what_is_split_is_rounded_to_the_coin_of_its_currency(amounts, currency, outcome, tmp_path: Path) -> None:
    report = checked(tmp_path, _thirds(amounts, currency), "1.3")
    assert of(report, "DataGeneratorCalculatedSplitCostAllocationHandling-A-003").outcome == outcome


@pytest.mark.parametrize(
    "name", sorted(q.removesuffix(".sql") for q in QUERIES if "\n-- beside:" in query_named(q[:-4]).text)
)
def test_a_dataset_beside_needs_no_column_that_its_query_does_not_name(name: str, tmp_path: Path) -> None:
    query = query_named(name)
    text = ",".join(query.beside) + "\n" + ",".join("7" for _ in query.beside) + "\n"
    lines = tmp_path / "beside.csv"
    lines.write_text(text, encoding="utf-8")
    numbers = tmp_path / "beside.parquet"
    duckdb.execute(f"COPY (FROM read_csv('{lines}', all_varchar=false)) TO '{numbers}' (FORMAT parquet)")
    (table,) = [name for name in BESIDE if re.search(rf"\b(FROM|JOIN) {name}\b", query.text)]
    for path in (lines, numbers):
        with CheckDesk([write_csv(tmp_path / "bill.csv", ROWS)], column_types(), Silent()) as desk:
            desk.put_beside(table, path)
            ask_group(desk, query.text, lambda _: "text")


def test_the_money_of_a_broken_rule_is_never_that_of_two_currencies_together(tmp_path: Path) -> None:
    two = [ROWS[0] | {"BillingCurrency": "EUR"}, *ROWS[1:]]
    found = of(checked(tmp_path, two), "BillingCurrency-C-005")
    assert (found.broken, found.money) == (len(ROWS), {})
    meter = [ROWS[0] | {"SkuMeter": "Cores", "EffectiveCost": "7"}, *ROWS[1:]]
    found = of(checked(tmp_path, meter), "SkuMeter-C-006")
    cores = [r for r in meter if r["SkuId"] == "SKU-CORE"]
    dearer = [max(abs(Decimal(r["BilledCost"])), abs(Decimal(r["EffectiveCost"]))) for r in cores]
    assert (found.broken, found.money) == (len(cores), {"USD": sum(dearer)})
    prices = [{"SkuPriceId": "OTHER", "ListUnitPrice": "1", "PricingUnit": "Hours"}]
    found = of(checked(tmp_path, two, beside={"price_list": prices}), "SkuPriceId-C-013")
    assert (found.broken, set(found.money)) == (39, {"EUR", "USD"})


def test_a_tax_on_what_was_credited_is_a_tax(tmp_path: Path) -> None:
    back = {"ChargeDescription": "VAT on a credit note", "BilledCost": "-1.10"}
    tax = [r | (back if r["ChargeCategory"] == "Tax" else {}) for r in ROWS]
    assert "DiscountHandling-A-020-C" not in broken(checked(tmp_path, tax))
    usage = [ROWS[0] | back, *ROWS[1:]]
    assert of(checked(tmp_path, usage), "DiscountHandling-A-020").broken == 1


def test_an_invoice_that_was_issued_is_opened_again_by_its_own_issuer(tmp_path: Path) -> None:
    issued = invoice_detail_1_4(cost_and_usage_1_4())
    opened = [r | {"InvoiceIssueStatus": "Open", "InvoiceIssueDate": None, "PaymentDueDate": None} for r in issued]
    for issuer, outcome in (("Cumulus", "pass"), (issued[0]["InvoiceIssuerName"], "fail")):
        now = [r | {"InvoiceIssuerName": issuer} for r in opened]
        report = checked(tmp_path, now, "1.4", {"previous": issued}, dataset="invoice_detail")
        assert of(report, "F14-INV-Reopened").outcome == outcome


def test_a_place_names_all_that_the_value_goes_with(tmp_path: Path) -> None:
    found = of(checked(tmp_path, [ROWS[0] | {"BillingCurrency": "EUR"}, *ROWS[1:]]), "BillingCurrency-C-005")
    assert found.rows == ("row 1: Nimbus Cloud INV-2026-01 goes with EUR and USD",)
