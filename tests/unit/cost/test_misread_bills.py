"""A bill that is refused says what it is and what is wrong with it: no guess, and no remedy that does not help."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv

from fiscus.cost.raw_faults import more_exactly
from fiscus.cost.types import Source
from fiscus.kernel.errors import BadInput


def _refused(ws, path: Path, source: Source | None = None) -> BadInput:
    with pytest.raises(BadInput) as refused:
        deliver(ws, path, source=source)
    return refused.value


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [("BilledCost", "1e30", "is too large: at most 16 digits before the point"),
     ("BilledCost", "1e9999999999999999999999", "is too large"),
     ("PricingQuantity", "9" * 30, "is too large: at most 20 digits before the point"),
     ("BilledCost", "1,000", "is not a decimal number"),
     ("ChargePeriodStart", "2026-02-30T00:00:00Z", "there is no such day or time"),
     ("ChargePeriodStart", "2026-02-27 25:00:00", "there is no such day or time"),
     ("Tags", '{"team": "a", "x": {"team": 1}, "team": "b"}', "names the key 'team' twice"),
     ("Tags", '"a": 1, "a": 2', "names the key 'a' twice"), ("Tags", '[{"key": "a"}]', "is not a JSON object"),
     ("BillingCurrency", "ZZZ", "is not an ISO 4217 code")],
)  # fmt: skip
def test_a_value_is_refused_for_what_is_wrong_with_it(
    ws, tmp_path: Path, column: str, value: str, message: str
) -> None:
    refused = _refused(ws, write_csv(tmp_path / "a.csv", [{}, {column: value}]))
    assert message in refused.message
    assert "--date-format" not in refused.remedy
    assert refused.where is not None
    assert (refused.where.row, refused.where.column) == (2, column)


@pytest.mark.parametrize(
    ("value", "fitting"),
    [("10/13/2026", ["%m/%d/%Y"]), ("13.10.2026", ["%d.%m.%Y"]), ("03/10/2026", ["%d/%m/%Y", "%m/%d/%Y"]),
     ("13-10-2026 23:15", ["%d-%m-%Y %H:%M"]), ("10/13/2026 11:15:00 PM", ["%m/%d/%Y %I:%M:%S %p"]), ("yesterday", [])],
)  # fmt: skip
def test_a_date_of_another_form_gets_the_formats_that_fit(ws, tmp_path: Path, value: str, fitting: list[str]) -> None:
    path = write_csv(tmp_path / "a.csv", [{"ChargePeriodStart": value}])
    said = re.findall("--date-format '([^']*)'", _refused(ws, path).remedy)
    assert said == fitting
    all_of_it = {"ChargePeriodEnd": value, "BillingPeriodStart": value, "BillingPeriodEnd": value}
    for number, form in enumerate(fitting):
        again = write_csv(tmp_path / f"{number}.csv", [{"ChargePeriodStart": value, **all_of_it}])
        assert deliver(ws, again, source=Source("bills", date_format=form), restate=True).rows == 1, "and it is read so"


def test_a_date_that_is_not_of_the_declared_format_names_it(ws, tmp_path: Path) -> None:
    refused = _refused(ws, write_csv(tmp_path / "a.csv", [{}]), Source("bills", date_format="%d/%m/%Y"))
    assert "does not fit the declared format %d/%m/%Y" in refused.message


def test_a_currency_that_ended_is_one_of_its_time(ws, tmp_path: Path) -> None:
    assert deliver(ws, write_csv(tmp_path / "a.csv", [{"BillingCurrency": "HRK"}])).rows == 1


def _zip(data: bytes) -> bytes:
    with zipfile.ZipFile(packed := io.BytesIO(), "w") as archive:
        archive.writestr("bill.csv", data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "packed", "kind", "remedy"),
    [("a.csv", _zip, "a ZIP archive", "Unpack it"), ("a.csv.gz", _zip, "a ZIP archive", "Unpack it"),
     ("a.csv", gzip.compress, "gzip", ".csv.gz"), ("a.parquet", gzip.compress, "gzip", ".csv.gz"),
     ("a.csv.gz", bytes, "plain text", "end in .csv."), ("a.csv.zst", bytes, "plain text", "end in .csv."),
     ("a.parquet", bytes, "plain text", "end in .csv.")],
)  # fmt: skip
def test_a_file_under_another_kinds_name_is_told_what_it_is(ws, tmp_path: Path, name, packed, kind, remedy) -> None:
    plain = write_csv(tmp_path / "plain.csv", [{}]).read_bytes()
    path = tmp_path / name
    path.write_bytes(packed(plain))
    refused = _refused(ws, path)
    assert f"the file is {kind}" in refused.message
    assert "damaged" not in refused.message
    assert remedy in refused.remedy


def test_what_is_damaged_is_told_in_our_words(ws, tmp_path: Path) -> None:
    whole = gzip.compress(write_csv(tmp_path / "plain.csv", [{"ResourceId": f"i-{n}"} for n in range(99)]).read_bytes())
    path = tmp_path / "a.csv.gz"
    for broken in (
        whole[:-20],
        whole[:-6] + b"\0\0" + whole[-4:],
        whole + b"garbage",
        whole[:99] + bytes(40) + whole[139:],
    ):
        path.write_bytes(broken)
        assert _refused(ws, path).message in {
            "The file is cut off: its gzip data does not end well",
            "The file is damaged or cut off: its gzip data does not end well",
        }


def test_text_that_is_not_utf8_is_refused_by_its_place(ws, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = write_csv(path, [{}, {"ChargeDescription": "Gebühr"}]).read_text(encoding="utf-8")
    path.write_bytes(text.encode("latin-1"))
    refused = _refused(ws, path)
    assert f"byte {text.index('ü') + 1:,} is 0xFC" in refused.message
    assert refused.where is not None
    assert refused.where.line == 3


def test_text_that_is_not_utf8_far_behind_the_head_is_refused_by_its_row(ws, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"ChargeDescription": "x" * 500_000 if n < 10 else "y"} for n in range(12)])
    head, _, rest = path.read_bytes().rpartition(b",y,")
    path.write_bytes(head + b",\xfc," + rest)
    refused = _refused(ws, path)
    assert "UTF-8" in refused.message
    assert refused.where is not None
    assert refused.where.row == 12


def test_a_number_that_is_kept_is_not_called_too_large() -> None:
    told = ("is not a decimal number", "x")
    assert more_exactly("BilledCost", "9" * 16, *told) == told
    assert more_exactly("BilledCost", "9" * 17, *told) != told
