"""Unit price times quantity is the cost as exactly as the three are written, within a hundredth for price and quantity."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tests.focus_deliveries import write_csv

from fiscus.cost.conformance.ask_rows import Purse, count_rows
from fiscus.cost.conformance.choose import column_types
from fiscus.cost.conformance.row_tests import row_test
from fiscus.kernel.progress import Silent
from fiscus.stores.lake.check_desk import CheckDesk

NAMES = ("ListUnitPrice", "PricingQuantity", "ListCost")
KEPT = [
    ("0.12", "4", "0.48"),
    ("0.333", "3", "1"),  # the cost is rounded to a whole
    ("0.0116", "744", "8.65"),  # 8.6304 at a price of four digits
    ("0.1199", "4", "0.48"),
    ("1.04", "1", "1"),
    ("1E2", "3", "300"),
    ("0.000000004", "1", "0.00"),
]
BROKEN = [
    ("1", "1", "2"),
    ("1", "5", "8"),
    ("10", "10", "110"),
    ("0.15", "4", "0.70"),
    ("0.10", "1", "0.15"),
    ("3", "2", "8"),
    ("5", "0", "2"),
    ("0", "1", "1"),
    ("1E3", "1", "1400"),
    ("1", "1400", "1E3"),  # a cost in thousands is no licence for half a thousand
    ("0.0116", "744", "8.73"),
    ("0.00001", "1", "0.40"),
]


@pytest.mark.parametrize(("rows", "breaks"), [(KEPT, 0), (BROKEN, len(BROKEN))])
@pytest.mark.parametrize("kind", ["text", "number", "exact"])
def test_a_product_may_miss_its_cost_by_what_the_digits_leave_open_and_no_more(
    kind, rows, breaks, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "bill.csv", [dict(zip(NAMES, cells, strict=True)) for cells in rows])
    if kind != "text":  # a DOUBLE of 4 is spelled 4.0, a DECIMAL 4.000000000000, and both are as whole
        type_of = {"number": "DOUBLE", "exact": "DECIMAL(38,12)"}[kind]
        typed = ", ".join(f'CAST("{name}" AS {type_of}) AS "{name}"' for name in NAMES)
        read, file = f"read_csv('{file}', all_varchar=true)", tmp_path / "bill.parquet"
        duckdb.execute(f"COPY (SELECT {typed} FROM {read}) TO '{file}' (FORMAT parquet)")
    test = row_test(["ColumnByColumnEqualsColumnValue", *NAMES])
    assert test is not None
    with CheckDesk([file], column_types(), Silent()) as desk:
        count = count_rows(desk, {"product": test}, lambda _: kind, (), Purse("", known=False))["product"]
    assert (count.judged, count.broken) == (len(rows), breaks)
