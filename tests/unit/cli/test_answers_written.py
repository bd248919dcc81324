"""What a person's SQL answers, printed and written: no digit, no column and no half file."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fiscus.__main__ import command_line
from fiscus.app.whole_file import whole_file
from fiscus.edges.cli import terminal


def _run(home: Path, *words: str) -> int:
    return command_line()([*words, "--home", str(home)], result_action="return_value")


def _answer(home: Path, capsys: pytest.CaptureFixture[str], sql: str, *options: str) -> str:
    assert _run(home, "query", sql, *options) == 0
    return capsys.readouterr().out


def test_a_table_shows_all_digits_of_a_query(home: Path, capsys) -> None:
    sql = "SELECT unnest([0.000001, -2.61, 1234567.5]::DECIMAL(28,12)[]) AS cost, [0.1, 0.25] AS parts"
    lines = _answer(home, capsys, sql).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["0.000001", "-2.610000", "1234567.500000"]
    assert len({line.index(".") for line in lines[2:]}) == 1, "aligned on the point"
    assert '["0.10", "0.25"]' in lines[2]
    assert _answer(home, capsys, "SELECT 20.52022672899 AS a, 5.00 AS b").split()[-2:] == ["20.52022672899", "5"]


def test_a_table_of_numbers_that_is_too_wide_loses_no_digit(home: Path, capsys) -> None:
    many = ", ".join(f"{n}1234567890123456789 AS c{n}" for n in range(1, 10))
    assert "…" not in _answer(home, capsys, f"SELECT {many}")


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_two_columns_of_one_name_are_refused_in_every_form(home: Path, tmp_path: Path, capsys, form: str) -> None:
    out = tmp_path / "out"
    assert _run(home, "query", "SELECT 1 AS a, 2 AS a", "--format", form, "--out", str(out)) == 2
    assert "named 'a'" in (said := capsys.readouterr().err)
    assert "with AS" in said
    assert not out.exists()


def test_json_has_no_infinity_and_no_nan(home: Path, capsys) -> None:
    sql = "SELECT 1.5::DOUBLE AS a, 'inf'::DOUBLE AS b, '-inf'::FLOAT AS c, 'nan'::DOUBLE AS d, ['nan'::DOUBLE] AS e"
    said = _answer(home, capsys, sql, "--json")
    rows = json.loads(said, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert rows == [{"a": 1.5, "b": "Infinity", "c": "-Infinity", "d": "NaN", "e": ["NaN"]}]
    assert json.loads(_answer(home, capsys, "SELECT 1 AS a WHERE false", "--json")) == []


def test_what_was_written_is_told_as_json(home: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "x.csv"
    said = json.loads(_answer(home, capsys, "SELECT 1 AS a, 'b' AS b", "--out", str(out), "--json"))
    assert said == {"file": str(out), "format": "csv", "rows": 1, "columns": ["a", "b"]}
    assert out.read_text() == "a,b\n1,b\n"


def test_the_types_of_a_parquet_file_do_not_hang_on_what_is_in_it(home: Path, tmp_path: Path, capsys) -> None:
    """A month's file is read beside the last one's: money was as wide as its largest amount, and nothing where there was none."""
    assert _run(home, "report", "run", "costs-service-name", "--out", str(tmp_path / "none.parquet")) == 0
    kinds = {field.name: str(field.type) for field in pq.read_schema(tmp_path / "none.parquet")}
    assert (kinds["Month"], kinds["ServiceName"], kinds["BilledCost"]) == ("string", "string", "decimal128(38, 12)")
    for name, cost in (("small", "1"), ("large", "1234567890.5")):
        _answer(
            home, capsys, f"SELECT CAST({cost} AS DECIMAL(28,12)) AS Cost", "--out", str(tmp_path / f"{name}.parquet")
        )
        assert str(pq.read_schema(tmp_path / f"{name}.parquet").field("Cost").type) == "decimal128(38, 12)"


def test_a_file_has_the_form_that_its_name_says(home: Path, tmp_path: Path, capsys) -> None:
    for name in ("x.parquet", "x.json", "x.csv", "x.txt"):
        _answer(home, capsys, "SELECT 1 AS a", "--out", str(tmp_path / name))
    assert pq.read_table(tmp_path / "x.parquet").to_pydict() == {"a": [1]}
    assert json.loads((tmp_path / "x.json").read_text()) == [{"a": 1}]
    assert (tmp_path / "x.txt").read_text() == (tmp_path / "x.csv").read_text() == "a\n1\n"


@pytest.mark.parametrize(
    "command",
    ["query 'SELECT 1' --out {}/o.parquet --format csv", "report run spend-by-service --out {}/o.json --format csv",
     "export {}/o.csv --format parquet"],
)  # fmt: skip
def test_a_name_that_contradicts_its_form_is_refused(home: Path, tmp_path: Path, capsys, command: str) -> None:
    assert _run(home, *shlex.split(command.format(tmp_path))) == 2
    assert "--format" in capsys.readouterr().err
    assert not list(tmp_path.glob("o.*"))


@pytest.mark.parametrize("name", ["o.xlsx", "o.csv.gz"])
def test_a_name_that_promises_what_is_not_written_is_refused(home: Path, tmp_path: Path, capsys, name: str) -> None:
    assert _run(home, "query", "SELECT 1", "--format", "csv", "--out", str(tmp_path / name)) == 2
    assert ".csv, .json, .parquet" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("out", ["{}/nowhere/x.csv", "{}", "/proc/x.csv", "/dev/full"])
def test_what_cannot_be_written_is_three_lines(home: Path, tmp_path: Path, capsys, out: str) -> None:
    assert _run(home, "query", "SELECT 1 AS a", "--out", out.format(tmp_path)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["error", "where", "do"]
    assert out.format(tmp_path) in lines[1]


def test_what_was_there_stays_until_the_new_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("before")

    def broken_off() -> None:
        with whole_file(path) as fresh:
            fresh.write_text("ha")
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        broken_off()
    assert [(one.name, one.read_text()) for one in tmp_path.glob("*.csv")] == [("x.csv", "before")]


def test_what_is_no_file_is_written_as_it_is(home: Path) -> None:
    assert _run(home, "query", "SELECT 1 AS a", "--out", "/dev/null") == 0
    assert Path("/dev/null").is_char_device()


def test_other_tables_show_money_as_the_pages_do(capsys) -> None:
    from decimal import Decimal

    terminal.table(("cost",), [(Decimal("-2.6123"),)], "")
    assert capsys.readouterr().out.splitlines()[-1] == "(2.61)"
