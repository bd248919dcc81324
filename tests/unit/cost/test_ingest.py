"""Bills come in whole and exact, or not at all."""

from __future__ import annotations

import csv
import gzip
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from tests.bills import ROW, deliver, write_csv
from tests.fixtures.effort import sampled

from fiscus.cost.types import Source
from fiscus.kernel.errors import BadInput


def _billed(ws) -> list[tuple]:
    return sorted(
        ws.lake.query("SELECT x_SourceId, x_BillingMonth, sum(BilledCost), count(*) FROM charges GROUP BY ALL").rows
    )


def test_the_real_sample_loads_and_its_total_is_the_files_to_the_last_digit(ws, shared_data: Path) -> None:
    path = shared_data / "focus" / "focus-1.0-sample-1000.csv"
    delivery = deliver(ws, path)
    with path.open(newline="") as stream:
        expected = sum((Decimal(row["BilledCost"]) for row in csv.DictReader(stream)), Decimal(0))
    assert ws.lake.query("SELECT sum(BilledCost) FROM charges").rows == ((expected,),)
    counted = {(f.code, f.column): f.count for f in delivery.quality}
    assert counted["extra_column", "Id"] == 1000
    assert counted["literal_null", "ChargeClass"] == 1000
    assert counted["time_without_zone", "ChargePeriodStart"] == 1000
    assert counted["zero_contracted_cost", "ContractedCost"] == 608


@pytest.mark.parametrize("name", ["multi-provider-1.3.csv", "ai-1.5-draft/cached_tokens_via_csp_marketplace.csv"])
def test_official_files_load(ws, shared_data: Path, name: str) -> None:
    path = shared_data / "focus" / name
    with path.open(newline="") as stream:
        expected = sum((Decimal(row["BilledCost"]) for row in csv.DictReader(stream)), Decimal(0))
    delivery = deliver(ws, path)
    assert sum(sum(p.billed_cost.values()) for p in delivery.periods) == expected


def test_the_same_delivery_again_changes_nothing(ws, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{}, {"ResourceId": "i-2"}])
    first = deliver(ws, path)
    version = ws.lake.version()
    again = deliver(ws, path)
    assert (first.changed, again.changed) == (True, False)
    assert ws.lake.version() == version
    (came,), (stands,) = first.periods, again.periods
    assert (came.changed, came.billed_change) == (True, {"USD": Decimal(3)})
    assert stands == replace(came, changed=False, replaced_rows=0, billed_change={})
    assert again.lake_version.charges == first.lake_version.charges == version.charges, (
        "the version that holds the rows"
    )


def test_a_zone_in_the_type_of_a_parquet_file_is_a_zone(ws, tmp_path: Path) -> None:
    rows = pcsv.read_csv(write_csv(tmp_path / "a.csv", [{}]))

    def told(kind: pa.DataType) -> set[str]:
        fields = [pa.field(f.name, kind if f.name.endswith(("Start", "End")) else pa.string()) for f in rows.schema]
        pq.write_table(rows.cast(pa.schema(fields)), path := tmp_path / f"{uuid4().hex}.parquet")
        return {f.column for f in deliver(ws, path).quality if f.code == "time_without_zone"}

    assert told(pa.timestamp("us", tz="UTC")) == set()
    assert "ChargePeriodStart" in told(pa.timestamp("us"))


def test_a_later_delivery_replaces_its_months_and_leaves_the_others(ws, tmp_path: Path) -> None:
    september = {"BillingPeriodStart": "2026-09-01T00:00:00Z", "BillingPeriodEnd": "2026-10-01T00:00:00Z"}
    deliver(ws, write_csv(tmp_path / "a.csv", [{}, september]))
    deliver(ws, write_csv(tmp_path / "b.csv", [{"BilledCost": "7"}]))
    assert _billed(ws) == [("bills", "2026-09", Decimal("1.5"), 1), ("bills", "2026-10", Decimal(7), 1)]


def test_all_paths_of_a_call_are_one_delivery(ws, tmp_path: Path) -> None:
    paths = [write_csv(tmp_path / f"part{n}.csv", [{"ResourceId": f"i-{n}"}]) for n in range(3)]
    delivery = deliver(ws, *paths)
    assert delivery.rows == 3
    assert ws.lake.version().charges == 1, "the table was made, then one commit"


def test_a_delivery_that_shrinks_a_month_needs_restate(ws, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{"ResourceId": f"i-{n}"} for n in range(10)]))
    before = _billed(ws)
    half = write_csv(tmp_path / "b.csv", [{"ResourceId": f"i-{n}"} for n in range(7)])
    with pytest.raises(BadInput, match="would shrink from 10 charges") as refused:
        deliver(ws, half)
    assert "--restate" in refused.value.remedy
    assert _billed(ws) == before
    deliver(ws, half, restate=True)
    assert _billed(ws)[0][3] == 7


@pytest.mark.parametrize(
    ("change", "column", "row"),
    sampled(
        [
            ([{}, {"BilledCost": "1,5"}], "BilledCost", 2),
            ([{}, {}, {"EffectiveCost": "abc"}], "EffectiveCost", 3),
            ([{"ChargePeriodStart": "05/10/2026"}], "ChargePeriodStart", 1),
            ([{}, {"BillingPeriodStart": ""}], "BillingPeriodStart", 2),
            ([{}, {"BillingCurrency": "EUR"}], "BillingCurrency", 2),
            ([{"BillingCurrency": ""}], "BillingCurrency", 1),
            ([{"BillingCurrency": "Dollar"}], "BillingCurrency", 1),
            ([{}, {"Tags": "{not json"}], "Tags", 2),
            ([{"PricingQuantity": "three"}], "PricingQuantity", 1),
        ],
        every=3,
    ),
)
def test_a_fault_refuses_the_whole_delivery_with_file_row_and_column(
    ws, tmp_path: Path, change, column: str, row: int
) -> None:
    good, bad = write_csv(tmp_path / "good.csv", [{}]), write_csv(tmp_path / "bad.csv", change)
    with pytest.raises(BadInput) as refused:
        deliver(ws, good, bad)
    where = refused.value.where
    assert where is not None
    assert (where.file, where.row, where.column) == (str(bad), row, column)
    assert refused.value.remedy
    assert _billed(ws) == []
    assert not list((ws.home / ".fiscus" / "lake" / "_staging").iterdir()), "nothing is left behind"


def test_a_file_without_currency_needs_a_default(ws, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{}], drop=["BillingCurrency"])
    with pytest.raises(BadInput, match="names no currency"):
        deliver(ws, path)
    deliver(ws, path, source=Source("bills", default_currency="GBP"))
    assert ws.lake.query("SELECT BillingCurrency, PricingCurrency FROM charges").rows == (("GBP", "GBP"),)


def test_a_declared_date_format_is_used(ws, tmp_path: Path) -> None:
    dates = {
        "BillingPeriodStart": "01/10/2026",
        "BillingPeriodEnd": "01/11/2026",
        "ChargePeriodStart": "05/10/2026",
        "ChargePeriodEnd": "06/10/2026",
    }
    deliver(ws, write_csv(tmp_path / "a.csv", [dates]), source=Source("bills", date_format="%d/%m/%Y"))
    assert ws.lake.query(
        "SELECT x_BillingMonth, CAST(CAST(ChargePeriodStart AS DATE) AS VARCHAR) FROM charges"
    ).rows == (("2026-10", "2026-10-05"),)


def test_damaged_files_are_refused(ws, tmp_path: Path) -> None:
    whole = gzip.compress(write_csv(tmp_path / "a.csv", [{"ResourceId": f"i-{n}"} for n in range(2000)]).read_bytes())
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    header = tmp_path / "header.csv"
    header.write_text("Date,Amount\n2026-10-01,5\n")
    twice = tmp_path / "twice.csv"
    twice.write_text("BilledCost,BilledCost\n1,2\n")
    ragged = tmp_path / "ragged.csv"
    ragged.write_text(write_csv(tmp_path / "b.csv", [{}]).read_text() + "1,2,3\n")
    parquet = tmp_path / "cut.parquet"
    parquet.write_bytes(b"PAR1 not really")
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    for path in (cut, header, twice, ragged, parquet, empty):
        with pytest.raises(BadInput) as refused:
            deliver(ws, path)
        assert refused.value.where is not None
        assert refused.value.where.file == str(path)
    assert _billed(ws) == []


def test_a_bomb_is_refused_before_it_is_unpacked(ws, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.csv.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as out:
        out.write(b"BilledCost\n")
        for _ in range(400):
            out.write(b"0" * 1_000_000)
    with pytest.raises(BadInput, match="this is no bill"):
        deliver(ws, bomb)


def test_every_form_gives_the_same_charges(ws, tmp_path: Path) -> None:
    rows = [{"ResourceId": f"i-{n}", "BilledCost": f"0.{n:012d}"} for n in range(1, 40)]
    plain = write_csv(tmp_path / "a.csv", rows)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "a.csv.zst").write_bytes(pa.compress(plain.read_bytes(), codec="zstd", asbytes=True))
    text = pcsv.ConvertOptions(column_types=dict.fromkeys(ROW, pa.string()))
    pq.write_table(pcsv.read_csv(plain, convert_options=text), tmp_path / "a.parquet")
    for name in ("a.csv", "a.csv.gz", "a.csv.zst", "a.parquet"):
        deliver(ws, tmp_path / name, source=Source(name.replace(".", "-")))
    sums = ws.lake.query("SELECT sum(BilledCost), count(*) FROM charges GROUP BY x_SourceId").rows
    assert len(sums) == 4
    assert set(sums) == {(sum(Decimal(row["BilledCost"]) for row in rows), 39)}


def test_a_marketplace_charge_names_its_seller_not_its_operator(ws, tmp_path: Path) -> None:
    deliver(
        ws,
        write_csv(tmp_path / "a.csv", [{"PublisherName": "Pinecone Systems"}, {"ProviderName": "Amazon Web Services"}]),
    )
    rows = ws.lake.query("SELECT ServiceProviderName, HostProviderName, x_ProviderName FROM charges ORDER BY 1").rows
    assert rows == (("AWS", "AWS", "Amazon Web Services"), ("Pinecone Systems", "AWS", "AWS"))


def test_tags_are_kept_whole_and_promoted(ws, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}, {"Tags": '"team": "web"'}, {"Tags": ""}]))
    rows = ws.lake.query("SELECT x_Tag_team, Tags FROM charges ORDER BY 1 NULLS LAST").rows
    assert rows == (
        ("platform", {"team": "platform", "environment": "production"}),
        ("web", {"team": "web"}),
        (None, None),
    )


def test_long_decimals_far_down_a_file_are_rounded_half_even_and_counted(ws, tmp_path: Path) -> None:
    rows = [{"ResourceId": f"i-{n}"} for n in range(100)] + [
        {"BilledCost": "0.0000000000025"},
        {"BilledCost": "-2.5E-12"},
    ]
    delivery = deliver(ws, write_csv(tmp_path / "a.csv", rows))
    least = ws.lake.query("SELECT BilledCost FROM charges WHERE abs(BilledCost) < 1 ORDER BY 1").rows
    assert least == ((Decimal("-0.000000000002"),), (Decimal("0.000000000002"),))
    rounded = next(finding for finding in delivery.quality if finding.code == "rounded")
    assert rounded.count == 2
    assert delivery.periods[0].rounding_residue == 0, "half a unit up and half a unit down"
