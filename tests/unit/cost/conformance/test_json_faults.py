"""A value of JSON that is well formed may break a rule of its format: one such value in a good delivery is found."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.focus_deliveries import Row, cost_and_usage, write_csv
from tests.focus_deliveries_1_4 import cost_and_usage_1_4

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.conformance import ask_schemas
from fiscus.cost.conformance.types import Verdict
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
        ("1.2", "Tags", '{"team":"a","b":"x",}', "KeyValueFormat-A-001-M"),
        ("1.2", "SkuPriceDetails", '{"CoreCount":NaN}', "KeyValueFormat-A-001-M"),
        ("1.4", "AllocatedMethodDetails", '{"Elements":[{"AllocatedRatio":-Infinity}]}', "JsonObjectFormat-A-001-M"),
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


def test_what_is_no_json_outside_of_texts_is_no_fault_within_them(tmp_path: Path) -> None:
    tags = '{"of":"NaN","at":"x, }","said":"a \\" NaN,]"}'
    rows = [row | {"Tags": tags} for row in _rows("1.2")]
    report = check_delivery(CheckRequest([write_csv(tmp_path / "bill.csv", rows)], "1.2"), Silent())
    assert {v.outcome for v in report.verdicts if v.rule == "KeyValueFormat-A-001-M"} == {"pass"}


def test_values_that_are_alike_hide_nothing(tmp_path: Path) -> None:
    rows = [row | {"Tags": TWICE} for row in _rows("1.2")]
    report = check_delivery(CheckRequest([write_csv(tmp_path / "bill.csv", rows)], "1.2"), Silent())
    (found,) = [verdict for verdict in report.verdicts if verdict.rule == "KeyValueFormat-A-002-M"]
    assert found.broken == len(rows)


def test_a_broken_schema_tells_its_money_and_the_texts_that_were_left_out(tmp_path: Path, monkeypatch) -> None:
    rows = _rows("1.4")
    parts = [n for n, row in enumerate(rows) if row["AllocatedMethodDetails"]]
    for n in parts[:2]:
        rows[n] = rows[n] | {"AllocatedMethodDetails": '{"Elements":[{"AllocatedRatio":2}]}'}
    file = write_csv(tmp_path / "bill.csv", rows)
    cost = sum(max(Decimal(rows[n][name]) for name in ("BilledCost", "EffectiveCost")) for n in parts[:2])

    def found() -> Verdict:
        report = check_delivery(CheckRequest([file], "1.4"), Silent())
        return next(v for v in report.verdicts if v.rule == "F14-CAU-AllocatedMethodDetails-Schema")

    assert (found().broken, found().money, found().reason) == (2, {"USD": cost}, "")
    monkeypatch.setattr(ask_schemas, "TEXTS_MAX", 1)
    assert found().reason == "only the 1 most frequent texts were held against the schema"
