"""A column that a file lacks is one fault: no rule asks to empty what goes with it, and none asks it of every row."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fixtures.effort import sampled
from tests.focus_deliveries import cost_and_usage, write_csv
from tests.focus_deliveries_1_4 import cost_and_usage_1_4

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.conformance.types import Report
from fiscus.cost.focus_names import FocusVersion
from fiscus.kernel.progress import Silent

LOST = (
    "BilledCost", "BillingAccountId", "BillingCurrency", "ChargeCategory", "CommitmentDiscountId", "ConsumedQuantity",
    "PricingQuantity", "RegionId", "ResourceId", "ServiceCategory", "ServiceName", "SkuId", "SkuPriceId", "SubAccountId",
)  # fmt: skip


def without(folder: Path, version: FocusVersion, *columns: str) -> Report:
    rows = cost_and_usage_1_4() if version == "1.4" else cost_and_usage(version)
    left = [{name: value for name, value in row.items() if name not in columns} for row in rows]
    return check_delivery(CheckRequest([write_csv(folder / "bill.csv", left)], version), Silent())


@pytest.mark.parametrize("column", sampled(LOST, every=4))
@pytest.mark.parametrize("version", ["1.2", "1.3", "1.4"])
def test_what_is_not_there_is_missed_once(version: FocusVersion, column: str, tmp_path: Path) -> None:
    report = without(tmp_path, version, column)
    assert report.dataset == "cost_and_usage"
    failed = [v for v in report.verdicts if v.outcome == "fail" and not v.reason.startswith("broken below")]
    assert {v.reason for v in failed} == {f"the file has no column {column}"}


def test_ids_without_names_are_ids(tmp_path: Path) -> None:
    report = without(tmp_path, "1.2", "SubAccountName", "SubAccountType")
    (found,) = [v for v in report.verdicts if v.rule == "SubAccountId-C-004-C"]
    assert found.outcome == "not_applicable"


def test_what_a_vendor_need_not_have_is_still_not_so(tmp_path: Path) -> None:
    rows = [row for row in cost_and_usage("1.2") if not row["CommitmentDiscountId"]]
    left = [{name: value for name, value in row.items() if not name.startswith("Commitment")} for row in rows]
    left[0]["ConsumedQuantity"] = None
    report = check_delivery(CheckRequest([write_csv(tmp_path / "bill.csv", left)], "1.2"), Silent())
    (found,) = [v for v in report.verdicts if v.rule == "ConsumedQuantity-C-006-C"]
    assert (found.outcome, found.rows) == ("fail", ("row 1",)), "no charge is Unused where there are no commitments"
