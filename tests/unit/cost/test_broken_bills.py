"""Traps of real deliveries: folders that look like columns, parts left out, types that differ, currencies over several files."""

from __future__ import annotations

import gzip
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from tests.bills import ROW, deliver, write_csv

from fiscus.cost.types import IngestOptions, Source
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.kernel.errors import BadInput


def _refused(ws, *paths: Path) -> BadInput:
    before = ws.lake.version()
    with pytest.raises(BadInput) as refused:
        deliver(ws, *paths)
    assert refused.value.remedy
    assert ws.lake.version() == before
    return refused.value


def _parquet(path: Path, **columns: pa.Array) -> Path:
    """ROW twice as a Parquet file of text, with `columns` instead or besides."""
    plain = write_csv(path.with_suffix(".csv"), [{}, {"ResourceId": "i-2"}])
    text = pcsv.ConvertOptions(column_types=dict.fromkeys(ROW, pa.string()))
    table = pcsv.read_csv(plain, convert_options=text)
    plain.unlink()
    for name, values in columns.items():
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, values)
        else:
            table = table.append_column(name, values)
    pq.write_table(table, path)
    return path


def _decimals(values: Sequence[str], scale: int) -> pa.Array:
    return pa.array([Decimal(value) for value in values], pa.decimal128(20, scale))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_folder_called_like_a_column_does_not_overrule_the_file(ws, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "export" / "BillingCurrency=EUR" / "BilledCost=9"
    folder.mkdir(parents=True)
    if form == "csv":
        write_csv(folder / "a.csv", [{}, {"ResourceId": "i-2"}])
    else:
        _parquet(folder / "a.parquet")
    deliver(ws, tmp_path / "export")
    assert ws.lake.query("SELECT DISTINCT BillingCurrency, BilledCost FROM charges").rows == (("USD", Decimal("1.5")),)


def test_parquet_files_whose_types_differ_keep_every_digit(ws, tmp_path: Path) -> None:
    whole = _parquet(tmp_path / "a.parquet", BilledCost=pa.array([1, 2]))
    short = _parquet(tmp_path / "b.parquet", BilledCost=_decimals(["1.25", "2.25"], 2))
    long = _parquet(tmp_path / "c.parquet", BilledCost=_decimals(["0.123456", "0.000001"], 6))
    deliver(ws, whole, short, long)
    assert ws.lake.query("SELECT sum(BilledCost) FROM charges").rows == ((Decimal("6.623457"),),)


def test_text_that_a_parquet_file_does_not_call_text_is_read_as_it_is(ws, tmp_path: Path) -> None:
    """Older writers leave the mark out. Cast to text, their umlauts came as \\xC3\\xBC, and so did tags and owners."""
    costs, raw = (
        pa.array([b"1.5", b"2e-3"], pa.large_binary()),
        [tag.encode() for tag in ('{"team": "Küche"}', '{"team": "b"}')],
    )
    deliver(ws, _parquet(tmp_path / "a.parquet", Tags=pa.array(raw, pa.binary()), BilledCost=costs))
    found = ws.lake.query("SELECT x_Tag_team, BilledCost FROM charges ORDER BY BilledCost DESC").rows
    assert found == (("Küche", Decimal("1.5")), ("b", Decimal("0.002")))
    latin = pa.array([b"a", "Küche".encode("latin-1")], pa.binary())
    where = _refused(ws, _parquet(tmp_path / "b.parquet", ServiceName=latin)).where
    assert where is not None
    assert (where.row, where.column) == (2, "ServiceName")


def test_a_decimal_of_more_digits_than_can_be_read_exactly_is_refused(ws, tmp_path: Path) -> None:
    """12345678.123456789012 came in as ….123456790000, through a floating-point number."""
    wide = pa.array([Decimal("12345678.123456789012"), Decimal(1)], pa.decimal256(60, 30))
    refused = _refused(ws, _parquet(tmp_path / "a.parquet", BilledCost=wide))
    assert "60 digits" in refused.message
    deliver(ws, _parquet(tmp_path / "b.parquet", x_Ours=wide))


def test_a_parquet_file_without_rows_is_a_part_like_any_other(ws, tmp_path: Path) -> None:
    full = _parquet(tmp_path / "a.parquet")
    pq.write_table(pq.read_table(full).slice(0, 0), tmp_path / "b.parquet")
    assert deliver(ws, full, tmp_path / "b.parquet").rows == 2
    assert "holds no charges" in _refused(ws, tmp_path / "b.parquet").message


class _Writing:
    """A vendor's export that writes `path` again while it is read."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text

    def stage(self, title: str) -> None:
        del title

    def step(self, done: int, total: int) -> None:
        del done, total
        self._path.write_text(self._text)


def test_a_file_that_is_written_while_it_is_read_is_refused(ws, tmp_path: Path) -> None:
    """Its digest is of what stood there before: under that name the lake would hold another bill."""
    path = write_csv(tmp_path / "a.csv", [{}, {"ResourceId": "i-2"}])
    later = path.read_text().replace("1.50", "9.50")
    before, options = ws.lake.version(), IngestOptions(promote=("team",))
    for text in (later, later[: len(later) // 2]):
        write_csv(path, [{}, {"ResourceId": "i-2"}])
        with pytest.raises(BadInput, match="changed while it was read") as refused:
            ingest_bills(ws, Source("bills"), [path], options, _Writing(path, text))
        assert refused.value.where is not None
        assert refused.value.where.file == str(path)
        assert ws.lake.version() == before


def test_nested_parquet_columns_become_tags_and_json(ws, tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.string())
    tags, sku = pa.array([[("team", "web")]] * 2, kind), pa.array([[("CoreCount", "4")]] * 2, kind)
    deliver(ws, _parquet(tmp_path / "a.parquet", Tags=tags, SkuPriceDetails=sku))
    found = ws.lake.query("SELECT DISTINCT Tags, SkuPriceDetails, x_Tag_team FROM charges").rows
    assert found == (({"team": "web"}, '{"CoreCount":"4"}', "web"),)


def test_one_account_in_two_currencies_is_found_over_files_of_any_shape(ws, tmp_path: Path) -> None:
    dollars = write_csv(tmp_path / "a.csv", [{}])
    euros = write_csv(tmp_path / "b.csv", [{"BillingAccountId": "other"}, {"BillingCurrency": "EUR", "x_More": "1"}])
    same_shape = write_csv(tmp_path / "c.csv", [{"BillingAccountId": "other"}, {"BillingCurrency": "EUR"}])
    for second in (euros, same_shape):
        refused = _refused(ws, dollars, second)
        assert "mixes EUR and USD" in refused.message
        assert refused.where is not None
        assert (refused.where.file, refused.where.row, refused.where.column) == (str(second), 2, "BillingCurrency")


def test_accounts_may_differ_in_their_currency(ws, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}, {"BillingCurrency": "EUR", "BillingAccountId": "2"}]))
    assert len(ws.lake.query("SELECT DISTINCT BillingCurrency FROM charges").rows) == 2


def test_a_part_of_the_bill_that_cannot_be_read_is_not_left_out_in_silence(ws, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    write_csv(folder / "a.csv", [{}])
    for name in ("part2.csv.bz2", "part2.zip", "part2.xlsx"):
        (folder / name).write_bytes(b"x")
        assert "may be a part of the bill" in _refused(ws, folder).message
        (folder / name).unlink()
    (folder / "part2.csv").symlink_to(tmp_path / "gone.csv")
    assert "leads nowhere" in _refused(ws, folder).message


@pytest.mark.parametrize("name", ["x__fault", "x__t_BilledCost", "x__tags", "two\nlines"])
def test_a_header_cannot_name_what_fiscus_reckons_with(ws, tmp_path: Path, name: str) -> None:
    refused = _refused(ws, write_csv(tmp_path / "a.csv", [{name: "false"}, {name: "false", "BilledCost": "x"}]))
    assert refused.where is not None
    assert refused.where.column == name


def test_columns_called_like_the_lakes_own_are_kept_beside_them(ws, tmp_path: Path) -> None:
    names = ["x_SourceId", "x_BillingMonth", "x_Owner", "x_Extra", 'quo"te', "it's"]
    deliver(ws, write_csv(tmp_path / "a.csv", [dict.fromkeys(names, "7")]))
    rows = ws.lake.query("SELECT x_SourceId, x_BillingMonth, x_Owner, x_Extra FROM charges").rows
    assert rows == (("bills", "2026-10", "unowned", dict.fromkeys(names, "7")),)


@pytest.mark.parametrize("unit", [b"0", b"\0", b"0,0,0\n"])
def test_a_bomb_stops_within_seconds_whatever_it_is_made_of(ws, tmp_path: Path, unit: bytes) -> None:
    member = gzip.compress(unit * (32 * 1024**2 // len(unit)), 9)
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress((",".join(ROW) + "\n").encode()) + member * 320)
    started = time.monotonic()
    refused = _refused(ws, bomb)
    assert refused.where is not None
    assert refused.where.file == str(bomb)
    assert time.monotonic() - started < 20, "10 GB take a minute to unpack; the first quarter tells"


def test_an_offset_from_utc_counts_however_short_it_is_written(ws, tmp_path: Path) -> None:
    starts = ["2026-10-05 02:00+02", "2026-10-05T02:00:00+02:00", "2026-10-04T19:00:00-05:00", "2026-10-05"]
    deliver(ws, write_csv(tmp_path / "a.csv", [{"ChargePeriodStart": start} for start in starts]))
    rows = ws.lake.query("SELECT DISTINCT CAST(ChargePeriodStart AS VARCHAR) FROM charges").rows
    assert rows == (("2026-10-05 00:00:00+00",),)


def test_large_numbers_with_an_exponent_are_read_and_too_large_ones_refused_at_their_row(ws, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{"BilledCost": "5E12"}, {"BilledCost": "1.25e13"}]))
    assert ws.lake.query("SELECT sum(BilledCost) FROM charges").rows == ((Decimal(17_500_000_000_000),),)
    for value in ("9999999999999999.9999999999995", "1e16", "99999999999999999"):
        where = _refused(ws, write_csv(tmp_path / "b.csv", [{}, {"BilledCost": value}])).where
        assert where is not None
        assert (where.row, where.column) == (2, "BilledCost")
