"""Charges go out as a FOCUS file of a chosen version: whole or not at all, equal to the lake, and come in again."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bills import deliver, write_csv
from tests.fixtures.effort import sampled
from tests.fixtures.raw_bills import raw_rows, summed
from tests.fixtures.twin_months import two_months

from fiscus.cost.conformance.load_rules import focus_columns
from fiscus.cost.export_focus import EXPORT_VERSIONS, SAID_INSTEAD, Chosen, ExportForm, ExportVersion
from fiscus.cost.types import Source
from fiscus.cost.unit_format import focus_unit
from fiscus.edges.cli import commands_export
from fiscus.edges.cli.terminal import Common
from fiscus.flows.export_charges import chosen_charges, export_charges
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import BadInput, NotFound, Unavailable
from fiscus.stores.lake import write_out as writing

FORMS: tuple[ExportForm, ...] = ("csv", "parquet")
ALL = Chosen()


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return two_months(tmp_path_factory.mktemp("export") / "home")


@pytest.fixture(scope="module")
def bills(twin: Workspace) -> dict[str, Mapping[str, Decimal]]:
    """What the vendors' own files come to."""
    rows = list(raw_rows(twin.home / "inbox"))
    return {column: summed(rows, column, lambda _: True) for column in ("BilledCost", "EffectiveCost")}


@pytest.mark.parametrize(
    ("version", "form"), sampled([(version, form) for form in FORMS for version in EXPORT_VERSIONS], every=4)
)
def test_the_file_has_the_columns_of_its_version_and_the_money_of_the_bills(
    twin: Workspace, bills, tmp_path: Path, version: ExportVersion, form: ExportForm
) -> None:
    done = export_charges(twin, tmp_path / f"out.{form}", version, form, ALL)
    read = f"read_csv('{done.path}', all_varchar=true)" if form == "csv" else f"'{done.path}'"
    assert sorted(duckdb.sql(f"FROM {read} LIMIT 0").columns) == sorted(focus_columns(version, "cost_and_usage"))
    for column, said in (("BilledCost", done.billed_cost), ("EffectiveCost", done.effective_cost)):
        money = f"sum(CAST({column} AS DECIMAL(28,12)))"
        sums = duckdb.sql(f"SELECT BillingCurrency, {money}, count(*) FROM {read} GROUP BY 1").fetchall()
        assert {currency: amount for currency, amount, _ in sums} == said == bills[column]
        assert sum(count for _, _, count in sums) == done.rows


@pytest.mark.parametrize("version", sampled(EXPORT_VERSIONS, every=2))
def test_no_null_stands_where_the_version_allows_none(twin: Workspace, tmp_path: Path, version: ExportVersion) -> None:
    done = export_charges(twin, tmp_path / "out.parquet", version, "parquet", ALL)
    never = [column.name for column in focus_columns(version, "cost_and_usage").values() if not column.nulls]
    counts = ", ".join(f'count(*) - count("{name}")' for name in never)
    (empty,) = duckdb.sql(f"SELECT {counts} FROM '{done.path}'").fetchall()
    assert dict(zip(never, empty, strict=True)) == dict.fromkeys(never, 0)
    assert set(SAID_INSTEAD) & {*done.said_instead}, "what was filled is said"


def test_what_goes_out_comes_in_again(twin: Workspace, ws: Workspace, tmp_path: Path) -> None:
    done = export_charges(
        twin, tmp_path / "out.csv.gz", "1.2", "csv", chosen_charges("2026-09..2026-10", ["aws", "mistral"])
    )
    delivery = deliver(ws, tmp_path / "out.csv.gz", source=Source("again"))
    assert (delivery.rows, delivery.focus_version) == (done.rows, "1.2")
    groups = (
        "SELECT x_BillingMonth, BillingCurrency, ServiceProviderName, InvoiceIssuerName, ServiceName, ChargeCategory, "
        "count(*), sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(PricingQuantity), count(Tags) FROM charges "
        "WHERE {} GROUP BY ALL ORDER BY ALL"
    )
    mine = twin.lake.query(groups.format("x_SourceId IN ('aws', 'mistral') AND x_BillingMonth <= '2026-10'"))
    assert ws.lake.query(groups.format("true")) == mine
    assert sum(row[7] for row in mine.rows if row[1] == "EUR") == done.billed_cost["EUR"]


def test_values_are_written_as_focus_writes_them(ws: Workspace, tmp_path: Path) -> None:
    tags = '{"team": "a \\"b\\"", "note": "x,y\\nz"}'
    precise = {"BilledCost": "1e-3", "EffectiveCost": "0.000000123456", "PricingQuantity": "1200", "Tags": tags}
    deliver(ws, write_csv(tmp_path / "a.csv", [precise, {"PricingUnit": "1 Hour", "Tags": "", "ResourceId": "=cmd()"}]))
    export_charges(ws, tmp_path / "out.csv", "1.2", "csv", ALL)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        first, second = sorted(csv.DictReader(file), key=lambda row: row["PricingQuantity"])
    assert first["BilledCost"] == "0.001"
    assert first["EffectiveCost"] == "0.000000123456"
    assert first["PricingQuantity"] == "1200"
    assert first["ChargePeriodStart"] == "2026-10-05T00:00:00Z"
    assert json.loads(first["Tags"]) == json.loads(tags)
    assert second["Tags"] == "", "no tag is no object"
    assert second["PricingUnit"] == "Hours"
    assert second["ResourceId"] == "=cmd()", "a file for machines holds what the bill holds"
    export_charges(ws, tmp_path / "out.parquet", "1.2", "parquet", ALL)
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert str(schema.field("BilledCost").type) == "decimal128(28, 12)"
    assert str(schema.field("ChargePeriodStart").type) == "timestamp[us, tz=UTC]"


def test_what_a_version_allows_only_beside_another_column_is_left_out_aloud(ws: Workspace, tmp_path: Path) -> None:
    alone = {"SkuMeter": "Core hours", "SkuId": "", "SubAccountId": "", "SubAccountType": "Project"}
    deliver(ws, write_csv(tmp_path / "a.csv", [alone, {**alone, "SkuId": "s-1"}]))
    done = export_charges(ws, tmp_path / "out.csv", "1.2", "csv", ALL)
    assert done.left_out == {"SkuMeter": 1, "SubAccountType": 2}
    with (tmp_path / "out.csv").open(newline="") as out:
        assert sorted(row["SkuMeter"] for row in csv.DictReader(out)) == ["", "Core hours"]


def test_a_disk_that_fails_leaves_what_was_there(ws: Workspace, tmp_path: Path, monkeypatch) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}]))
    out = tmp_path / "out.csv"
    out.write_text("before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        export_charges(ws, out, "1.4", "csv", ALL)
    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir() if "partial" in path.name) == []


def test_what_cannot_be_exported_is_said(ws: Workspace, tmp_path: Path, capsys) -> None:
    with pytest.raises(NotFound, match="No charge"):
        export_charges(ws, tmp_path / "out.csv", "1.4", "csv", ALL)
    deliver(ws, write_csv(tmp_path / "a.csv", [{}]))
    with pytest.raises(NotFound, match="no source 'bils'") as refused:
        export_charges(ws, tmp_path / "out.csv", "1.4", "csv", Chosen(None, ("bils",)))
    assert refused.value.remedy == "Did you mean bills?"
    for path in (tmp_path / "nowhere" / "out.csv", tmp_path):
        with pytest.raises(BadInput):
            export_charges(ws, path, "1.4", "csv", ALL)
    with pytest.raises(BadInput, match="ends before it starts"):
        chosen_charges("2026-03..2026-01", ())
    common = Common(home=str(ws.home), json=True)
    assert commands_export.export(tmp_path / "out.xlsx", common=common) == 2
    assert "ends in .xlsx" in capsys.readouterr().out
    assert not list(tmp_path.glob("out.*"))
    assert commands_export.export(tmp_path / "out.csv.gz", common=common) == 0
    with gzip.open(tmp_path / "out.csv.gz", "rt") as packed:
        assert "BilledCost" in packed.readline()
    capsys.readouterr()
    assert commands_export.export(tmp_path / "out.parquet", focus="1.3", period="2026-10", common=common) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["rows"], said["billed_cost"]) == (1, {"USD": "1.500000000000"})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1 Hour", "Hours"), ("1/Month", "Months"), ("1 GB/Month", "GB/Month"), ("1000 GB Second", "1000 GB-Seconds"),
        ("gibibyte month", "GiB-Months"), ("tebibyte", "TiB"), ("slot hour", "Slot-Hours"), ("1000 count", "1000 Count"),
        ("ECPU Per Hour", "ECPU-Hours"), ("5K Messages Per Hour", "5000 Messages-Hours"), ("GB-Months", "GB-Months"),
        ("1000000 Tokens", "1000000 Tokens"), ("vCPU-Hours", "vCPU-Hours"), ("Credits", "Credits"), ("USD", "USD"),
    ],
)  # fmt: skip
def test_a_unit_is_spelled_as_focus_spells_it(written: str, said: str) -> None:
    assert focus_unit(written) == said


@given(st.text(min_size=1, max_size=40))
def test_a_unit_that_was_spelled_once_is_spelled_for_good(text: str) -> None:
    assert focus_unit(focus_unit(text)) == focus_unit(text)


def test_money_beyond_the_last_digit_of_a_double_is_exact(ws: Workspace, tmp_path: Path) -> None:
    big = "1234567890123456.123456789012"
    deliver(ws, write_csv(tmp_path / "a.csv", [{"BilledCost": big}]))
    done = export_charges(ws, tmp_path / "out.csv", "1.2", "csv", ALL)
    assert done.billed_cost == {"USD": Decimal(big)}
    assert big in (tmp_path / "out.csv").read_text()
