"""What is allowed and still mostly a fault is a warning: never an error, and with its reason when it cannot be judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.fixtures.effort import sampled
from tests.focus_deliveries import Row, charge, cost_and_usage, write_csv

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.kernel.progress import Silent


def warned(folder: Path, rows: Sequence[Row], previous: Sequence[Row] | None = None) -> dict[str, str]:
    file = write_csv(folder / "bill.csv", rows)
    beside = {} if previous is None else {"previous": write_csv(folder / "previous.csv", previous)}
    report = check_delivery(CheckRequest([file], "1.2", beside=beside, heuristics=True), Silent())
    assert {warning.severity for warning in report.warnings} == {"warning"}
    return {warning.rule: warning.outcome for warning in report.warnings}


def daily(price: str = "0.12", account: str = "acct-000001", days: Sequence[int] = range(1, 11)) -> list[Row]:
    return [
        charge(
            ChargePeriodStart=f"2026-01-{day:02d}T00:00:00Z", ChargePeriodEnd=f"2026-01-{day:02d}T01:00:00Z",
            ContractedUnitPrice=price, SubAccountId=account,
        )
        for day in days
    ]  # fmt: skip


def test_a_good_month_gives_no_warning(tmp_path: Path) -> None:
    rows = cost_and_usage("1.2")
    found = warned(tmp_path, rows, [row for row in rows if not row["ChargePeriodStart"].startswith("2026-01-06")])
    assert set(found.values()) == {"pass"}


@pytest.mark.parametrize(
    ("warning", "rows", "previous"),
    sampled(
        [
            ("H-CostOrder", [charge(EffectiveCost="0.50")], None),
            ("H-PeriodContainment", [charge(ChargePeriodEnd="2026-02-03T00:00:00Z")], None),
            ("H-UnitPriceJump", daily(days=range(1, 5)) + daily("0.19", days=range(5, 9)), None),
            ("H-RowsTwice", [charge(), charge()], None),
            ("H-DeliveredBefore", daily(), daily()),
            ("H-AccountVanished", daily(), daily() + daily(account="acct-000002")),
            ("H-LateCharges", daily() + daily(account="acct-000003", days=[2]), daily()),
        ],
        every=2,
    ),
)
def test_each_warning_is_given_where_it_belongs(
    warning: str, rows: list[Row], previous: list[Row] | None, tmp_path: Path
) -> None:
    assert warned(tmp_path, rows, previous)[warning] == "fail"


def test_a_warning_that_needs_the_delivery_before_says_so(tmp_path: Path) -> None:
    assert warned(tmp_path, daily())["H-LateCharges"] == "needs_data"


def test_two_currencies_are_held_against_their_own_days_before(tmp_path: Path) -> None:
    rows = daily() + [row | {"BillingCurrency": "EUR"} for row in daily(account="acct-000002")]
    assert warned(tmp_path, [*rows, charge(ChargePeriodStart="2026-01-11T00:00:00Z")], rows)["H-LateCharges"] == "pass"
    assert warned(tmp_path, rows, rows)["H-DeliveredBefore"] == "fail"


def test_what_lasts_a_month_and_what_corrects_makes_no_day_grow(tmp_path: Path) -> None:
    tax = charge(ChargeCategory="Tax", ChargePeriodStart="2026-01-01T00:00:00Z", ChargePeriodEnd="2026-02-01T00:00:00Z")
    corrected = [row | {"ChargeClass": "Correction"} for row in daily(days=[2])]
    before = [*daily(), *corrected, tax]
    now = [*daily(), *corrected, tax | {"BilledCost": "99"}]
    assert warned(tmp_path, now, before)["H-LateCharges"] == "pass"


def test_each_account_has_its_own_prices_and_spot_has_none_that_stays(tmp_path: Path) -> None:
    other = [row | {"BillingAccountId": "9999-0000-1111"} for row in daily("0.19", days=range(2, 11, 2))]
    assert warned(tmp_path, daily(days=range(1, 11, 2)) + other)["H-UnitPriceJump"] == "pass"
    moved = daily(days=range(1, 5)) + daily("0.19", days=range(5, 9))
    assert warned(tmp_path, [row | {"PricingCategory": "Dynamic"} for row in moved])["H-UnitPriceJump"] == "pass"
