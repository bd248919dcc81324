"""FOCUS 1.0 and 1.1 by their columns, and the four datasets of 1.4: good deliveries pass, and each new rule can be broken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.fixtures.effort import sampled
from tests.focus_deliveries import MONTH, Row, cost_and_usage, price_list, write_csv
from tests.focus_deliveries_1_4 import (
    billing_period,
    contract_commitment_1_4,
    cost_and_usage_1_4,
    invoice_detail_1_4,
)

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.conformance.load_rules import executions, focus_columns
from fiscus.cost.conformance.types import Declared, Report
from fiscus.cost.focus_names import Dataset, FocusVersion
from fiscus.kernel.errors import BadInput
from fiscus.kernel.progress import Silent

TOPICS = {how.when: True for how in executions().values() if how.method == "documented"}


def judged(folder: Path, dataset: Dataset | None, rows: Sequence[Row], previous: Sequence[Row] | None = None) -> Report:
    charges = cost_and_usage_1_4()
    beside = {
        "invoice_detail": write_csv(folder / "invoice.csv", invoice_detail_1_4(charges)),
        "contract_commitment": write_csv(folder / "contract.csv", contract_commitment_1_4()),
        "billing_period": write_csv(folder / "periods.csv", billing_period()),
        "price_list": write_csv(folder / "prices.csv", price_list(charges)),
        "previous": write_csv(folder / "previous.csv", rows if previous is None else previous),
    }
    file = write_csv(folder / "delivery.csv", rows)
    return check_delivery(CheckRequest([file], None, dataset, Declared({}, TOPICS), beside), Silent())


def broken(report: Report) -> set[str]:
    return {verdict.rule for verdict in report.verdicts if verdict.outcome == "fail"}


GOOD = {
    "cost_and_usage": cost_and_usage_1_4,
    "contract_commitment": contract_commitment_1_4,
    "billing_period": billing_period,
    "invoice_detail": lambda: invoice_detail_1_4(cost_and_usage_1_4()),
}


@pytest.mark.parametrize("dataset", list(GOOD))
def test_a_good_delivery_of_1_4_is_told_by_its_columns_and_keeps_every_rule(dataset: Dataset, tmp_path: Path) -> None:
    report = judged(tmp_path, None, GOOD[dataset]())
    assert (report.version, report.dataset) == ("1.4", dataset)
    wrong = [
        (v.rule, v.outcome, v.title, v.rows, v.reason) for v in report.verdicts if v.outcome in {"fail", "needs_data"}
    ]
    assert not wrong
    assert report.count("pass") > 0.75 * len(report.verdicts) or dataset in {"contract_commitment", "invoice_detail"}


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_older_versions_are_judged_by_their_columns(version: FocusVersion, tmp_path: Path) -> None:
    columns = focus_columns(version, "cost_and_usage")
    rows = [{k: v for k, v in row.items() if k in columns} for row in cost_and_usage("1.2")]
    file = write_csv(tmp_path / "bill.csv", rows)
    report = check_delivery(CheckRequest([file]), Silent())
    assert report.version == version
    assert not broken(report)
    write_csv(
        file,
        [{**rows[0], "BilledCost": "1,5", "ChargeCategory": "Rent", "InvoiceIssuerName": None, "PricingUnit": "!!"}],
    )
    assert {f"CAU-{name}" for name in (
        "BilledCost-Type", "BilledCost-Format", "ChargeCategory-Validation", "InvoiceIssuerName-Nullability", "PricingUnit-Format"
    )} <= broken(check_delivery(CheckRequest([file]), Silent()))  # fmt: skip


FAULTS: list[tuple[Dataset, str, dict[str, object]]] = [
    ("cost_and_usage", "CAU-PricingCurrency-C-003-M", {"PricingCurrency": "credits"}),
    ("cost_and_usage", "F14-CAU-ContractApplied-Schema", {"ContractApplied": '{"Elements":[]}'}),
    ("cost_and_usage", "F14-CAU-AllocatedMethodDetails-Schema",
     {"AllocatedMethodDetails": '{"Elements":[{"AllocatedRatio":2}]}'}),
    ("cost_and_usage", "F14-CAU-CommitmentProgramEligibilityDetails-Schema", {"CommitmentProgramEligibilityDetails": "{}"}),
    ("cost_and_usage", "F14-CAU-InvoiceDetailId-Link", {"InvoiceDetailId": "INV-2026-01/Rent"}),
    ("cost_and_usage", "F14-CAU-InvoiceDetailId-Total", {"BilledCost": "99"}),
    ("cost_and_usage", "F14-CAU-InvoiceDetailId-Invoice", {"InvoiceId": "INV-2026-02"}),
    ("cost_and_usage", "F14-CAU-ChargeClass-ClosedPeriod",
     {"ChargeClass": "Correction", "ChargePeriodStart": "2026-02-05T00:00:00Z", "ChargePeriodEnd": "2026-02-06T00:00:00Z"}),
    ("contract_commitment", "F14-CCT-Applicability-Schema", {"ContractCommitmentApplicability": '{"IsGlobalScope":1}'}),
    ("contract_commitment", "F14-CCT-Discount-Range", {"ContractCommitmentDiscountPercentage": "20"}),
    ("contract_commitment", "F14-CCT-Discount-Category", {"ContractCommitmentBenefitCategory": "Entitlement"}),
    ("contract_commitment", "F14-CCT-Upfront-Model", {"ContractCommitmentPaymentModel": "All Upfront"}),
    ("contract_commitment", "F14-CCT-Upfront-Range", {"ContractCommitmentPaymentUpfrontPercentage": "50"}),
    ("contract_commitment", "F14-CCT-Updated", {"ContractCommitmentLastUpdated": "2020-01-01T00:00:00Z"}),
    ("contract_commitment", "F14-CCT-Period", {"ContractCommitmentPeriodEnd": "2040-01-01T00:00:00Z"}),
    ("contract_commitment", "F14-CCT-BillingCurrency-ISO", {"BillingCurrency": "ZZZ"}),
    ("contract_commitment", "F14-CCT-PricingCurrency-ISO", {"PricingCurrency": "tokens"}),
    ("billing_period", "F14-BPD-Period", {"BillingPeriodEnd": "2020-01-01T00:00:00Z"}),
    ("billing_period", "F14-BPD-Updated", {"BillingPeriodLastUpdated": "2020-01-01T00:00:00Z"}),
    ("billing_period", "F14-BPD-Unique", {"BillingPeriodStart": MONTH}),
    ("billing_period", "F14-BPD-Overlap", {"BillingPeriodEnd": "2026-01-09T00:00:00Z"}),
    ("billing_period", "F14-BPD-Reopened", {"BillingPeriodStatus": "Open"}),
    ("invoice_detail", "F14-INV-InvoiceDetailId-Unique", {"InvoiceDetailId": "INV-2026-01/Usage"}),
    ("invoice_detail", "F14-INV-BillingCurrency-ISO", {"BillingCurrency": "ZZZ"}),
    ("invoice_detail", "F14-INV-PaymentCurrency-ISO", {"PaymentCurrency": "tokens"}),
    ("invoice_detail", "F14-INV-InvoiceIssueDate-Issued", {"InvoiceIssueDate": None}),
    ("invoice_detail", "F14-INV-PaymentDueDate-Issued", {"PaymentDueDate": None}),
    ("invoice_detail", "F14-INV-InvoiceIssueDate-Open", {"InvoiceIssueStatus": "Open"}),
    ("invoice_detail", "F14-INV-Due", {"PaymentDueDate": "2026-01-01T00:00:00Z"}),
    ("invoice_detail", "F14-INV-Currency", {"BillingCurrency": "EUR"}),
    ("invoice_detail", "F14-INV-Status", {"InvoiceIssueStatus": "Voided"}),
    ("invoice_detail", "F14-INV-Period", {"BillingPeriodEnd": "2020-01-01T00:00:00Z"}),
    ("invoice_detail", "F14-INV-Updated", {"InvoiceDetailLastUpdated": "2020-01-01T00:00:00Z"}),
    ("invoice_detail", "F14-INV-Reopened", {"InvoiceIssueStatus": "Open"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "rule", "fault"), [pytest.param(*one, id=one[1]) for one in sampled(FAULTS, every=10)]
)
def test_a_fault_breaks_the_rule_of_1_4_that_forbids_it(
    dataset: Dataset, rule: str, fault: dict[str, object], tmp_path: Path
) -> None:
    good = GOOD[dataset]()
    assert rule in broken(judged(tmp_path, dataset, [good[0] | fault, *good[1:]], good))


def test_a_version_without_the_dataset_is_refused_with_the_one_that_has_it(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "periods.csv", billing_period())
    with pytest.raises(BadInput, match=r"FOCUS 1\.2 has no dataset billing_period"):
        check_delivery(CheckRequest([file], "1.2"), Silent())
