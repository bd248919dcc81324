"""A value of JSON that is well formed may break a rule of its format: one such value in a good delivery is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.focus_deliveries import Row, cost_and_usage, write_csv
from tests.focus_deliveries_1_4 import cost_and_usage_1_4

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.focus_names import FocusVersion
from fiscus.kernel.progress import Silent

TWICE = '{"team":"1","b":"x","team":"2"}'
METHOD = '{"Elements":[{"AllocatedRatio":1,"UsageUnit":"Hours","UsageQuantity":3}]}'


def _rows(version: FocusVersion) -> list[Row]:
    return cost_and_usage_1_4() if version == "1.4" else cost_and_usage(version)


@pytest.mark.parametrize(
    ("version", "column", "value", "rule"),
    [
        ("1.2", "Tags", TWICE, "KeyValueFormat-A-002-M"),
        ("1.2", "SkuPriceDetails", '{"CoreCount":4,"CoreCount":5}', "KeyValueFormat-A-002-M"),
        ("1.3", "AllocatedTags", TWICE, "KeyValueFormat-A-002-M"),
        ("1.4", "Tags", TWICE, "KeyValueFormat-A-002-M"),
        ("1.3", "AllocatedMethodDetails", METHOD[:-1] + "," + METHOD[1:], "JsonObjectFormat-A-003-M"),
        (
            "1.4",
            "AllocatedMethodDetails",
            '{"Elements":[{"AllocatedRatio":1},{"AllocatedRatio":1}]}',
            "JsonObjectFormat-A-007-M",
        ),
        ("1.3", "AllocatedMethodDetails", '{"Elements":[{"AllocatedRatio":1},null]}', "JsonObjectFormat-A-008-M"),
    ],
)
def test_one_well_formed_value_that_breaks_its_format_is_found_with_its_row(
    version, column, value, rule, tmp_path: Path
) -> None:
    rows = _rows(version)
    at = next(n for n, row in enumerate(rows) if row.get(column))
    rows[at] = rows[at] | {column: value}
    report = check_delivery(CheckRequest([write_csv(tmp_path / "bill.csv", rows)], version), Silent())
    (found,) = [verdict for verdict in report.verdicts if verdict.rule == rule]
    assert (found.outcome, found.broken, found.rows) == ("fail", 1, (f"row {at + 1}",))


def test_values_that_are_alike_hide_nothing(tmp_path: Path) -> None:
    rows = [row | {"Tags": TWICE} for row in _rows("1.2")]
    report = check_delivery(CheckRequest([write_csv(tmp_path / "bill.csv", rows)], "1.2"), Silent())
    (found,) = [verdict for verdict in report.verdicts if verdict.rule == "KeyValueFormat-A-002-M"]
    assert found.broken == len(rows)
