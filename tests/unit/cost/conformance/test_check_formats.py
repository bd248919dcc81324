"""A report for machines: each first row is a place in its own file, whatever the file is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.focus_deliveries import cost_and_usage, write_csv

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.edges.cli.check_formats import sarif
from fiscus.kernel.progress import Silent

ROWS = cost_and_usage("1.2")
WRONG = [ROWS[0], ROWS[1] | {"ChargeCategory": "Rent"}]


def places(*paths: Path) -> tuple[tuple[str, ...], list[Any]]:
    """Where the wrong category stands: as people read it, and as machines do."""
    report = check_delivery(CheckRequest(list(paths), "1.2"), Silent())
    log = sarif(report, report.failures(), "1")
    (run,) = log["runs"]
    (said,) = [v.rows for v in report.verdicts if v.rule == "ChargeCategory-C-003-M"]
    (found,) = [result for result in run["results"] if result["ruleId"] == "ChargeCategory-C-003-M"]
    assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]
    return said, [place["physicalLocation"] for place in found["locations"]]


def test_a_row_lies_in_its_own_file_whatever_the_name(tmp_path: Path) -> None:
    good, wrong = write_csv(tmp_path / "a.csv", ROWS), write_csv(tmp_path / "my row 7 of %.csv", WRONG)
    said, (place,) = places(good, wrong)
    assert said == ("my row 7 of %.csv row 2",)
    uri = f"{tmp_path.as_posix()}/my%20row%207%20of%20%25.csv"
    assert place == {"artifactLocation": {"uri": uri}, "region": {"startLine": 3}}


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("june", "july"):
        (tmp_path / folder).mkdir()
    june, july = write_csv(tmp_path / "june" / "bill.csv", ROWS), write_csv(tmp_path / "july" / "bill.csv", WRONG)
    said, (place,) = places(june, july)
    assert said == (f"{july} row 2",)
    assert place["artifactLocation"]["uri"] == july.as_posix()
