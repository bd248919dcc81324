"""Parquet types as vendors have them: what they say of the data is judged, and none ends the check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.focus_deliveries import cost_and_usage, write_csv
from tests.unit.cost.conformance.test_deliveries import broken, checked, typed

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.conformance.choose import column_types
from fiscus.kernel.progress import Silent
from fiscus.stores.lake.check_desk import CheckDesk

ROWS = cost_and_usage("1.2")


def retyped(folder: Path, name: str, cells: Mapping[str, str]) -> Path:
    """The typed delivery with some columns otherwise: SQL by name."""
    source, path = typed(folder / "typed.parquet", write_csv(folder / "plain.csv", ROWS)), folder / name
    replaced = ", ".join(f'{sql} AS "{column}"' for column, sql in cells.items())
    duckdb.execute(f"COPY (SELECT * REPLACE ({replaced}) FROM '{source}') TO '{path}' (FORMAT parquet)")
    return path


def test_the_files_of_one_delivery_may_hold_tags_as_maps_and_as_text(tmp_path: Path) -> None:
    maps = retyped(tmp_path, "maps.parquet", {"BilledCost": "BilledCost"})
    texts = retyped(
        tmp_path,
        "texts.parquet",
        {"Tags": "CAST(to_json(Tags) AS VARCHAR)", "BilledCost": "CAST(BilledCost AS DOUBLE)"},
    )
    alone = broken(checked(maps))
    for files in ((maps, texts), (texts, maps)):
        found = {
            rule for rule in broken(checked(*files)) if rule.startswith(("Tags", "KeyValue", "BilledCost", "Numeric"))
        }
        assert found <= alone


def test_what_is_no_number_is_told_among_numbers_and_ends_no_check(tmp_path: Path) -> None:
    odd = "CASE ChargeCategory WHEN 'Tax' THEN 'nan'::DOUBLE WHEN 'Credit' THEN -1e-20 ELSE BilledCost END"
    infinite = retyped(tmp_path, "nan.parquet", {"BilledCost": odd})
    exact = typed(tmp_path / "exact.parquet", write_csv(tmp_path / "plain.csv", ROWS))
    for files in ((infinite,), (exact, infinite)):
        found = broken(checked(*files))
        assert {"NumericFormat-A-002-M", "BilledCost-C-002-M"} <= found
        assert "NumericFormat-A-006-M" not in found, "a DOUBLE was not written down: its spelling is no fault"


@pytest.mark.parametrize(
    ("cells", "rules"),
    [
        ({"ChargePeriodStart": "1767571200::BIGINT"}, {"ChargePeriodStart-C-001-M", "DateTimeFormat-A-002-M"}),
        ({"BilledCost": "TIMESTAMP '2026-01-01'"}, {"BilledCost-C-001-M", "NumericFormat-A-002-M"}),
        ({"BilledCost": "INTERVAL 1 DAY"}, {"BilledCost-C-001-M", "NumericFormat-A-012-M"}),
        ({"BilledCost": "[1, 2]"}, {"BilledCost-C-001-M", "NumericFormat-A-012-M"}),
        (
            {"x_SeenDate": "20260101", "x_PaidCurrency": "840", "x_ListRate": "DATE '2026-01-01'"},
            {"NumericFormat-A-001-O"},
        ),
        (
            {"x_SeenDate": "true", "x_ListRate": "[1]", "Tags": "true"},
            {"NumericFormat-A-001-O", "KeyValueFormat-A-001-M"},
        ),
    ],
)
def test_a_type_that_is_none_of_the_column_s_is_a_fault_and_no_crash(cells, rules, tmp_path: Path) -> None:
    path = retyped(tmp_path, "odd.parquet", cells)
    assert rules <= broken(checked(path))
    beside = CheckRequest([write_csv(tmp_path / "bill.csv", ROWS)], "1.2", beside={"previous": path}, heuristics=True)
    assert check_delivery(beside, Silent()).rows == len(ROWS)


def test_a_column_in_which_nothing_stands_needs_no_type(tmp_path: Path) -> None:
    table = pq.read_table(typed(tmp_path / "typed.parquet", write_csv(tmp_path / "plain.csv", ROWS)))
    names = [name for name in table.column_names if name not in {"ListUnitPrice", "CapacityReservationId"}]
    empty = {name: pa.nulls(len(table)) for name in ("ListUnitPrice", "CapacityReservationId")}
    pq.write_table(pa.table({**{name: table[name] for name in names}, **empty}), tmp_path / "empty.parquet")
    assert "NumericFormat-A-012-M" not in broken(checked(tmp_path / "empty.parquet"))


def test_a_column_of_the_second_file_alone_stands_where_it_stands_there(tmp_path: Path) -> None:
    first = write_csv(tmp_path / "1.csv", [{k: v for k, v in row.items() if k != "RegionName"} for row in ROWS])
    second = write_csv(tmp_path / "2.csv", [row | {"x_More": "1"} for row in ROWS])
    assert not {rule for rule in broken(checked(first, second)) if rule.startswith("ColumnHandling")}
    late = write_csv(
        tmp_path / "2.csv",
        [{k: v for k, v in row.items() if k != "RegionName"} | {"RegionName": "Dublin"} for row in ROWS],
    )
    assert "ColumnHandling-A-012-O" in broken(checked(first, late))


def test_a_number_or_time_that_one_file_lacks_is_one_in_the_other(tmp_path: Path) -> None:
    whole = typed(tmp_path / "whole.parquet", write_csv(tmp_path / "plain.csv", ROWS))
    lost = tmp_path / "lost.parquet"
    duckdb.execute(
        f"COPY (SELECT * EXCLUDE (ContractedUnitPrice, ChargePeriodEnd) FROM '{whole}') TO '{lost}' (FORMAT parquet)"
    )
    for files in ((whole, lost), (lost, whole)):
        report = checked(*files)
        (product,) = [v for v in report.verdicts if v.rule == "ContractedUnitPrice-C-011-C"]
        assert (product.outcome, product.judged) == ("pass", 38)
        assert not broken(report) & {"ContractedUnitPrice-C-002-M", "ChargePeriodEnd-C-001-M", "NumericFormat-A-012-M"}


def test_a_number_in_one_file_of_a_text_column_is_seen_beside_text_in_another(tmp_path: Path) -> None:
    texts = retyped(tmp_path, "texts.parquet", {"BilledCost": "BilledCost"})
    numbers = retyped(tmp_path, "numbers.parquet", {"InvoiceId": "77::BIGINT"})
    assert "InvoiceId-C-001-M" in broken(checked(texts, numbers)) & broken(checked(numbers, texts))


def test_what_a_dataset_beside_lacks_takes_no_room(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "before.csv", [{"SkuPriceId": "S-1"}])
    with CheckDesk([write_csv(tmp_path / "bill.csv", ROWS)], column_types(), Silent()) as desk:
        desk.put_beside("previous", path)
        assert desk.columns_of("previous") == set(desk.types_of("x__previous")) == {"SkuPriceId"}
        assert desk.query("SELECT SkuPriceId, BillingCurrency FROM previous").rows == (("S-1", None),)
