"""Commitments that add up over four months are at fault in no slice of them; a day that is lost is missed in the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.focus_deliveries import Row, write_csv

from fiscus.cost.conformance.ask_groups import Groups, ask_group, query_named
from fiscus.cost.conformance.choose import column_types
from fiscus.kernel.progress import Silent
from fiscus.stores.lake.check_desk import CheckDesk

DAY = timedelta(days=1)
FIRST, LAST = datetime(2026, 1, 1), datetime(2026, 5, 1)  # noqa: DTZ001  bills are in UTC, and say so by Z
TERMS = {"within": (9, 99), "whole": (0, 120), "late": (78, 119)}
UPFRONT = {"all": Decimal(1), "partial": Decimal("0.5"), "none": Decimal(0)}
SLICES = ((0, 31), (31, 59), (59, 90), (90, 120), (0, 59), (31, 120), (5, 20), (85, 112))
QUERIES = ("amortisation", "recurring_quantity", "missing_unused", "unamortised", "used_and_unused")


def charge(start: datetime, end: datetime, **given: object) -> Row:
    row: Row = {
        "CommitmentDiscountId": None, "CommitmentDiscountStatus": None, "ChargeCategory": "Usage", "ChargeClass": None,
        "ChargeFrequency": "Usage-Based", "BilledCost": "0", "EffectiveCost": "0", "CommitmentDiscountQuantity": None,
        "InvoiceIssuerName": "Nimbus", "BillingCurrency": "USD",
    }  # fmt: skip
    return row | {"ChargePeriodStart": f"{start:%FT%TZ}", "ChargePeriodEnd": f"{end:%FT%TZ}"} | given


def months(begins: datetime, ends: datetime) -> Iterator[tuple[datetime, datetime]]:
    while begins < ends:
        after = (begins.replace(day=1) + 32 * DAY).replace(day=1)
        yield begins, min(after, ends)
        begins = after


def bought(name: str, begins: datetime, ends: datetime, upfront: Decimal) -> Iterator[Row]:
    """A commitment of 1 a day: a part of it paid at once, the rest by the month."""
    days = (ends - begins).days
    held = {"CommitmentDiscountId": name, "ChargeCategory": "Purchase"}
    if upfront:
        paid = {
            "ChargeFrequency": "One-Time",
            "BilledCost": str(upfront * days),
            "CommitmentDiscountQuantity": str(days),
        }
        yield charge(begins, ends, **held, **paid)
    for start, end in months(begins, ends) if upfront < 1 else ():
        fee = {
            "BilledCost": str((1 - upfront) * (end - start).days),
            "CommitmentDiscountQuantity": str((end - start).days),
        }
        yield charge(start, end, **held, ChargeFrequency="Recurring", **fee)
    for n in range(days):
        start = begins + n * DAY
        shares = {"Used": "1"} if n % 3 else {"Used": "0.4", "Unused": "0.6"}
        for status, share in shares.items():
            part = {"CommitmentDiscountStatus": status, "EffectiveCost": share, "CommitmentDiscountQuantity": share}
            yield charge(start, start + DAY, CommitmentDiscountId=name, **part)


HISTORY = [charge(FIRST + n * DAY, FIRST + (n + 1) * DAY, BilledCost="1", EffectiveCost="1") for n in range(120)]
for kind, share in UPFRONT.items():
    for term, (first, last) in TERMS.items():
        HISTORY += bought(f"{kind} {term}", FIRST + first * DAY, FIRST + last * DAY, share)


def asked(folder: Path, rows: Sequence[Row]) -> dict[str, Groups]:
    with CheckDesk([write_csv(folder / "bill.csv", rows)], column_types(), Silent()) as desk:
        return {name: ask_group(desk, query_named(name).text, lambda _: "text") for name in QUERIES}


@pytest.mark.parametrize(("begin", "end"), SLICES)
def test_no_slice_of_what_adds_up_is_at_fault(begin: int, end: int, tmp_path: Path) -> None:
    first, last = (f"{FIRST + n * DAY:%FT%TZ}" for n in (begin, end))
    found = asked(tmp_path, [row for row in HISTORY if first <= row["ChargePeriodStart"] < last])
    assert {name: groups.places for name, groups in found.items() if groups.broken} == {}


def test_in_the_whole_each_is_judged_and_a_day_that_is_lost_or_dearer_is_missed(tmp_path: Path) -> None:
    whole = asked(tmp_path, HISTORY)
    assert (whole["amortisation"].kept, whole["amortisation"].broken, whole["amortisation"].open_groups) == (9, 0, 0)
    day = f"{FIRST + 90 * DAY:%FT%TZ}"
    lost = [row for row in HISTORY if row["ChargePeriodStart"] != day or not row["CommitmentDiscountStatus"]]
    assert {place.split(": ")[1] for place in asked(tmp_path, lost)["amortisation"].places} >= {
        "all whole",
        "all within",
    }
    dear = [
        row | ({"EffectiveCost": "9"} if row["ChargePeriodStart"] == day and row["EffectiveCost"] == "0.4" else {})
        for row in HISTORY
    ]
    found = asked(tmp_path, dear)["amortisation"]
    assert (found.kept, found.open_first) == (0, ("none whole",)), (
        "a fee alone does not tell what was paid before the first day"
    )
