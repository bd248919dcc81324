"""Files as vendors write them read alike; what cannot be a delivery is refused at once, with its place and a remedy."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from tests.fixtures.effort import sampled
from tests.focus_deliveries import Row, charge, cost_and_usage, write_csv

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.conformance.types import Report
from fiscus.kernel.errors import BadInput
from fiscus.kernel.progress import Silent

ROWS = cost_and_usage("1.2")
REFUSED_MB_MAX = 512


def checked(*paths: Path) -> Report:
    return check_delivery(CheckRequest(list(paths), "1.2"), Silent())


def broken(report: Report) -> set[str]:
    return {verdict.rule for verdict in report.verdicts if verdict.outcome == "fail"}


def spelt(path: Path, rows: Sequence[Row], delimiter: str, quoting: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter=delimiter, quoting=quoting)
        out.writerow(rows[0])
        out.writerows([["" if value is None else value for value in row.values()] for row in rows])
    return path


def typed(path: Path, source: Path) -> Path:
    """The same rows as Parquet: decimals, timestamps, Tags as a map."""
    cells = []
    for name in ROWS[0]:
        kind = "DECIMAL(28,10)" if name.endswith(("Cost", "Price", "Quantity")) else ""
        kind = "TIMESTAMPTZ" if name.endswith(("Start", "End")) else kind
        text = f'json("{name}")' if name == "Tags" else f'"{name}"'
        kind = "MAP(VARCHAR, VARCHAR)" if name == "Tags" else kind
        cells.append(f'CAST({text} AS {kind}) AS "{name}"' if kind else text)
    read = f"read_csv('{source}', all_varchar=true, header=true)"
    duckdb.execute(f"COPY (SELECT {', '.join(cells)} FROM {read}) TO '{path}' (FORMAT parquet)")
    return path


@pytest.mark.thorough
def test_the_same_bill_is_judged_alike_however_it_is_written(tmp_path: Path) -> None:
    plain = write_csv(tmp_path / "plain.csv", ROWS)
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    marked = tmp_path / "it's marked.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    written = [
        plain, packed, marked, spelt(tmp_path / "semicolon.csv", ROWS, ";", csv.QUOTE_MINIMAL),
        spelt(tmp_path / "quoted.csv", ROWS, ",", csv.QUOTE_ALL), typed(tmp_path / "typed.parquet", plain),
    ]  # fmt: skip
    wanted = [(v.rule, v.outcome) for v in checked(plain).verdicts]
    for path in written:
        assert [(v.rule, v.outcome) for v in checked(path).verdicts] == wanted, path


def test_a_row_is_named_with_its_file_where_there_are_several(tmp_path: Path) -> None:
    first = write_csv(tmp_path / "first.csv", ROWS)
    second = write_csv(tmp_path / "second.csv", [ROWS[0], ROWS[1] | {"ChargeCategory": "Rent"}])
    report = checked(first, second)
    (wrong,) = [v for v in report.verdicts if v.rule == "ChargeCategory-C-003-M"]
    assert wrong.rows == ("second.csv row 2",)


def test_a_file_without_any_column_of_focus_is_refused_unless_its_version_is_named(tmp_path: Path) -> None:
    file = tmp_path / "things.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(BadInput, match="No column is one of FOCUS: a, b") as refused:
        check_delivery(CheckRequest([file]), Silent())
    assert refused.value.where is not None
    assert refused.value.where.file == str(file)
    assert "--focus" in refused.value.remedy
    assert broken(checked(file)), "whoever names the version is told what is missing"
    file.write_text("billed_cost,b\n1,2\n", encoding="utf-8")
    assert broken(check_delivery(CheckRequest([file]), Silent())), "a name that is misspelled is judged as that"


def test_a_header_without_rows_is_judged_by_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "head.csv"
    file.write_text(",".join(name for name in ROWS[0] if name != "BilledCost") + "\n", encoding="utf-8")
    report = checked(file)
    assert report.rows == 0
    assert "CostAndUsage-D-006-M" in broken(report)


def test_odd_names_are_judged_as_names_and_break_nothing_else(tmp_path: Path) -> None:
    odd = {"Order": "1", "Odd Name": "2", 'Odd"Name': "3", "x_select": "4"}
    report = checked(write_csv(tmp_path / "odd.csv", [row | odd for row in ROWS]))
    assert {rule.split("-")[0] for rule in broken(report)} == {"ColumnHandling"}
    lower = checked(write_csv(tmp_path / "lower.csv", [{k.lower(): v for k, v in row.items()} for row in ROWS]))
    assert {"ColumnHandling-A-001-M", "CostAndUsage-D-006-M"} <= broken(lower)


def test_text_and_types_are_not_mixed(tmp_path: Path) -> None:
    plain = write_csv(tmp_path / "plain.csv", ROWS)
    with pytest.raises(BadInput, match="CSV and Parquet"):
        checked(plain, typed(tmp_path / "typed.parquet", plain))


def bomb(folder: Path) -> Path:
    path = folder / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=6) as packed:
        packed.write(b"BilledCost,ChargeCategory\n")
        for _ in range(700):
            packed.write(b"1,Usage\n" * 65_536)
    return path


def test_a_cost_that_no_sum_can_hold_is_told_with_its_place(tmp_path: Path) -> None:
    vast = {"ChargeCategory": "Tax", "BilledCost": "9e25", "EffectiveCost": "9e25"}
    path = tmp_path / "vast.csv"
    write_csv(path, [charge(), charge(**vast), charge(**vast)])
    with pytest.raises(BadInput, match="more than amounts may be") as refused:
        checked(path)
    place = refused.value.where
    assert place is not None
    assert place.file == str(path)
    assert place.row in {2, 3}
    assert place.column in {"BilledCost", "EffectiveCost"}


def many_columns(folder: Path) -> Path:
    path = folder / "wide.csv"
    path.write_text(",".join(f"x_C{n}" for n in range(1_000_000)) + "\n1\n", encoding="utf-8")
    return path


def lying_footer(folder: Path) -> Path:
    whole = typed(folder / "typed.parquet", write_csv(folder / "plain.csv", ROWS)).read_bytes()
    path = folder / "lying.parquet"
    path.write_bytes(whole[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1")
    return path


def endless_rows(folder: Path) -> Path:
    path = folder / "endless.parquet"
    duckdb.execute(f"COPY (SELECT 'Usage' AS ChargeCategory FROM range(30_000_000)) TO '{path}' (FORMAT parquet)")
    return path


def endless_line(folder: Path) -> Path:
    path = folder / "line.csv"
    path.write_text("BilledCost,ChargeCategory" + "x" * 9_000_000, encoding="utf-8")
    return path


@pytest.mark.parametrize("hostile", sampled([many_columns, bomb, lying_footer, endless_rows, endless_line], every=2))
def test_a_hostile_file_is_refused_soon_and_small(hostile, tmp_path: Path) -> None:
    program = (
        "import re, sys\nfrom pathlib import Path\nfrom fiscus.__main__ import command_line\n"
        "code = command_line()(['check', sys.argv[1]], result_action='return_value')\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())\n"  # its own, not its parent's
        "print(code, int(peak.group(1)) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(hostile(tmp_path))], capture_output=True, text=True, check=True, timeout=120
    )
    code, peak_mb = done.stdout.split()[-2:]
    assert code == "2", done.stderr
    assert "do:" in done.stderr
    assert int(peak_mb) < REFUSED_MB_MAX
