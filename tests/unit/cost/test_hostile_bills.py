"""What nobody should send, and what happens: refused whole with its place and a remedy, the lake as it was."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.bills import ROW, deliver, write_csv
from tests.fixtures.effort import sampled

from fiscus.cost.types import Source
from fiscus.kernel.errors import BadInput


@pytest.fixture
def plain(tmp_path: Path) -> bytes:
    return write_csv(tmp_path / "base.csv", [{}, {"ResourceId": "i-2"}]).read_bytes()


def _refused(ws, *paths: Path, source: Source | None = None) -> BadInput:
    before = ws.lake.version()
    with pytest.raises(BadInput) as refused:
        deliver(ws, *paths, source=source)
    assert refused.value.remedy
    assert ws.lake.version() == before
    staging = ws.home / ".fiscus" / "lake" / "_staging"
    assert not staging.exists() or not list(staging.iterdir()), "nothing is left behind"
    return refused.value


def test_each_number_that_is_no_decimal_is_refused_at_its_row(ws, tmp_path: Path) -> None:
    bad = ["NaN", "Infinity", "1e400", "1,000.00", "1_000", "0x1F", "--1", "1.2.3", "$5", "(5)", "9" * 40, "true", ""]
    for value in sampled(bad, every=4):
        path = write_csv(tmp_path / "a.csv", [{}, {"BilledCost": value}])
        where = _refused(ws, path).where
        assert where is not None
        assert (where.file, where.row, where.column) == (str(path), 2, "BilledCost"), value


@pytest.mark.parametrize(
    "value",
    sampled(["infinity", "epoch", "2026-02-30", "05/10/2026", "20261005", "1760000000", "0000-01-01", "9999-12-31T00:00:00Z",
     "2026-10-05 (BC)", "2026-10-05T25:00:00Z"], every=3),
)  # fmt: skip
def test_a_date_that_is_none_or_no_bills_is_refused(ws, tmp_path: Path, value: str) -> None:
    where = _refused(ws, write_csv(tmp_path / "a.csv", [{}, {"ChargePeriodStart": value}])).where
    assert where is not None
    assert (where.row, where.column) == (2, "ChargePeriodStart")


@pytest.mark.parametrize(
    ("column", "value"),
    [("ChargePeriodEnd", "2026-10-01T00:00:00Z"), ("BillingPeriodEnd", "2026-09-01T00:00:00Z")],
)
def test_a_period_that_ends_before_it_starts_is_refused(ws, tmp_path: Path, column: str, value: str) -> None:
    refused = _refused(ws, write_csv(tmp_path / "a.csv", [{}, {}, {column: value}]))
    assert refused.where is not None
    assert (refused.where.row, refused.where.column) == (3, column)
    assert "is before" in refused.message


def test_texts_that_are_not_utf_8_csv_with_a_header_are_refused(ws, tmp_path: Path, plain: bytes) -> None:
    text, path = plain.decode(), tmp_path / "x.csv"
    broken = [
        text.encode("utf-16"),
        text.encode("utf-16-le"),
        plain.replace(b"Main", b"M\xe4in"),
        plain + plain.split(b"\n", 1)[1].replace(b"Main", b"M\xe4in") * 20_000,
        plain.replace(b"1.50", b"1.5\0"),
        plain.split(b"\n")[0] + b"\n",
        b"",
        b" \n",
        b"\n\n" + plain,
        b"x" * 6_000_000,
        b"a," * 3_000_000 + b"\n",
        plain + plain.split(b"\n")[1].replace(b"hours", b"x" * 3_000_000) + b"\n",
        plain.replace(b"BilledCost", b"BilledCosts"),
        plain.replace(b"ListCost", b"billedcost"),
    ]
    for content in broken:
        path.write_bytes(content)
        where = _refused(ws, path).where
        assert where is not None
        assert where.file == str(path)


def test_a_ragged_row_is_named_by_its_number_though_a_field_holds_a_line_break(ws, tmp_path: Path) -> None:
    good = write_csv(tmp_path / "a.csv", [{"ChargeDescription": 'two\nlines, "quoted"'}, {}]).read_text()
    for tail in ("1,2\r\n", good.splitlines()[-1] + ",9,9\r\n"):
        path = tmp_path / "ragged.csv"
        path.write_text(good + tail, newline="")
        where = _refused(ws, path).where
        assert where is not None
        assert where.row == 3


def test_cut_and_false_archives_are_refused(ws, tmp_path: Path, plain: bytes) -> None:
    packed = pa.compress(plain * 300, codec="zstd", asbytes=True)
    table = pa.table({name: [value] * 2000 for name, value in ROW.items()})
    pq.write_table(table, tmp_path / "whole.parquet")
    parquet = (tmp_path / "whole.parquet").read_bytes()
    broken = {
        "cut.csv.zst": packed[: len(packed) // 2],
        "not.csv.zst": plain,
        "tail.csv.zst": packed + b"garbage",
        "not.csv.gz": plain,
        "tail.csv.gz": gzip.compress(plain) + b"garbage",
        "empty.csv.gz": gzip.compress(b""),
        "crc.csv.gz": gzip.compress(plain)[:-8] + b"\0" * 8,
        "cut.parquet": parquet[: len(parquet) // 2],
        "head.parquet": b"PAR1",
        "empty.parquet": b"",
        "flipped.parquet": parquet[:100] + bytes(200) + parquet[300:],
    }
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        where = _refused(ws, tmp_path / name).where
        assert where is not None
        assert where.file == str(tmp_path / name), name


def test_bom_line_ends_blank_lines_and_a_missing_last_one_change_nothing(ws, tmp_path: Path, plain: bytes) -> None:
    unix = plain.replace(b"\r\n", b"\n")
    forms = [
        b"\xef\xbb\xbf" + plain,
        unix,
        plain.rstrip(),
        plain + b"\r\n\r\n",
        plain.replace(b"BilledCost", b" BilledCost "),
    ]
    for number, content in enumerate(forms):
        path = tmp_path / f"form{number}.csv"
        path.write_bytes(content)
        assert deliver(ws, path, source=Source(f"form{number}")).rows == 2


def test_names_of_files_are_names_and_not_patterns(ws, tmp_path: Path, plain: bytes) -> None:
    (tmp_path / "q1.csv").write_bytes(plain + plain.split(b"\n", 1)[1])
    (tmp_path / "a1.csv").write_bytes(plain + plain.split(b"\n", 1)[1])
    names = ["a b.csv", "it's.csv", "q*.csv", "a[1].csv", "q?.csv", "{q1,a1}.csv", "ünï.csv", "CAPS.CSV", 'a"b.csv']
    for number, name in enumerate(names):
        path = tmp_path / name
        path.write_bytes(plain)
        assert deliver(ws, path, source=Source(f"name{number}")).rows == 2, name


def test_a_folder_is_read_for_its_bills_and_nothing_else(ws, tmp_path: Path, plain: bytes) -> None:
    folder = tmp_path / "in box[1]*"
    (folder / ".git").mkdir(parents=True)
    (folder / "deep").mkdir()
    for name in (".DS_Store", "README", ".hidden.csv", ".git/x.csv"):
        (folder / name).write_bytes(b"not a bill")
    (folder / "deep" / "bill.csv").write_bytes(plain)
    delivery = deliver(ws, folder)
    assert (delivery.rows, delivery.files) == (2, ("bill.csv",))


def test_the_same_bill_is_read_once_however_often_it_is_named(ws, tmp_path: Path, plain: bytes) -> None:
    path, copy, link = tmp_path / "base.csv", tmp_path / "copy.csv", tmp_path / "link.csv"
    copy.write_bytes(plain)
    link.symlink_to(path)
    delivery = deliver(ws, path, path, tmp_path / "." / ".." / tmp_path.name / "base.csv", link, copy)
    assert delivery.rows == 2
    assert [(f.code, f.column) for f in delivery.quality if f.code == "duplicate_file"] == [
        ("duplicate_file", "copy.csv")
    ]
    assert deliver(ws, path).changed is False, "the same bytes are the same delivery"


@pytest.mark.parametrize("packed", [gzip.compress, lambda text: pa.compress(text, "zstd", asbytes=True)])
def test_a_bill_that_lies_there_packed_too_is_read_once(ws, tmp_path: Path, plain: bytes, packed) -> None:
    """`gunzip -k` in the folder of a vendor's export: every charge counted twice."""
    (tmp_path / ("base.csv.gz" if packed is gzip.compress else "base.csv.zst")).write_bytes(packed(plain))
    delivery = deliver(ws, tmp_path)
    assert (delivery.rows, delivery.files) == (2, ("base.csv",))
    assert [found.code for found in delivery.quality] == ["duplicate_file"]


@pytest.mark.parametrize(
    "inside", ["_delta_log/00000000000000000000.json", "metadata/00001-4f2a.metadata.json", ".hoodie/x"]
)
def test_a_folder_that_is_a_table_is_no_bill(ws, tmp_path: Path, plain: bytes, inside: str) -> None:
    """Its files of earlier versions lie beside those of today: added up they are nobody's bill."""
    path = tmp_path / inside
    path.parent.mkdir()
    path.write_text("{}")
    assert "is a table of" in _refused(ws, tmp_path).message
    assert deliver(ws, tmp_path / "base.csv").rows == 2, "a file that is named is asked for"
    aside = tmp_path / ".aside"
    aside.mkdir()
    (tmp_path / inside.partition("/")[0]).rename(aside / "table")
    (aside / "_delta_log").mkdir()
    assert deliver(ws, tmp_path).changed is False, "hidden folders are passed over, the lake's own among them"


def test_a_month_that_another_source_holds_too_is_told(ws, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{}, {"ResourceId": "i-2"}])
    assert not deliver(ws, path).quality
    again = deliver(ws, path, source=Source("other"))
    assert [(f.code, f.column, f.count, f.example) for f in again.quality] == [
        ("same_month_elsewhere", "2026-10", 2, "bills")
    ]
    assert not deliver(ws, write_csv(path, [{}, {"BilledCost": "1.51"}]), source=Source("third")).quality


def test_paths_that_bring_nothing_are_refused(ws, tmp_path: Path) -> None:
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "note.txt").write_text("hello")
    for name in ("dangling.csv", "missing.csv", "folder.csv", "note.txt"):
        _refused(ws, tmp_path / name)
    _refused(ws)


@pytest.mark.parametrize("name", ["a/b", "../x", "a' OR 1=1 --", "", "a" * 300, "a b", "ü", "x=1", ".", "A%2F"])
def test_a_source_whose_name_is_no_slug_is_refused(ws, tmp_path: Path, plain: bytes, name: str) -> None:
    assert plain
    assert "name a source" in _refused(ws, tmp_path / "base.csv", source=Source(name)).message


def test_a_default_currency_is_a_code_and_never_sql(ws, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"BillingCurrency": ""}])
    for code in ("U'D", "usd", "USDX", ""):
        assert "ISO 4217" in _refused(ws, path, source=Source("bills", default_currency=code)).message


def test_ten_gigabytes_of_zeros_in_a_small_file_stop_early(ws, tmp_path: Path) -> None:
    member = gzip.compress(bytes(32 * 1024**2), 9)  # 32 MB in 32 kB; members follow one another in one file
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(member * 320)
    assert bomb.stat().st_size < 12_000_000
    assert "zero byte" in _refused(ws, bomb).message


def test_a_bill_that_lies_there_in_two_versions_is_told(ws, tmp_path: Path) -> None:
    """A vendor that writes a new folder with each refresh: all files of a call are one delivery, and all count."""
    first = [{"ResourceId": f"i-{n}", "BilledCost": f"{n}.5"} for n in range(20)]
    write_csv(tmp_path / "early.csv", first)
    write_csv(tmp_path / "late.csv", [*first, {"ResourceId": "i-20"}, {"ResourceId": "i-21", "Tags": ""}])
    told = [(f.code, f.count) for f in deliver(ws, tmp_path).quality]
    assert told == [("repeated_rows", 20)]
    (tmp_path / "early.csv").unlink()
    assert not deliver(ws, tmp_path, restate=True).quality
    write_csv(tmp_path / "other.csv", [{"ResourceId": f"j-{n}"} for n in range(20)])
    assert not deliver(ws, tmp_path, restate=True).quality, "parts of one bill"
