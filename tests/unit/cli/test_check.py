"""`fiscus check` at the door: formats, exit codes, and refusals that name what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.focus_deliveries import charge, cost_and_usage, write_csv

from fiscus.__main__ import command_line


def checked(*arguments: object) -> int:
    return command_line()(["check", *map(str, arguments)], result_action="return_value") or 0


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    rows = cost_and_usage("1.2")
    return write_csv(
        tmp_path / "bill.csv", [*rows, charge(ChargeCategory="Rent & <more>"), charge(EffectiveCost="0.5")]
    )


def test_a_good_file_ends_with_0_and_a_bad_one_with_1(
    tmp_path: Path, bad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_csv(tmp_path / "good.csv", cost_and_usage("1.2"))
    assert checked(good, "--focus", "1.2") == 0
    assert checked(bad, "--focus", "1.2") == 1
    shown = capsys.readouterr().out
    assert "ChargeCategory-C-003-M" in shown
    assert "row 43" in shown


def test_json_holds_every_rule_with_its_verdict(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(bad, "--focus", "1.2", "--format", "json") == 1
    report = json.loads(capsys.readouterr().out)
    assert len(report["verdicts"]) == 621
    wrong = next(v for v in report["verdicts"] if v["rule"] == "ChargeCategory-C-003-M")
    assert (wrong["broken"], wrong["money"], wrong["rows"]) == (1, {"USD": "0.480000000000"}, ["row 43"])
    assert wrong["remedy"]


def test_sarif_places_a_fault_on_the_line_of_the_file(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(bad, "--focus", "1.2", "--format", "sarif", "--min-severity", "warning") == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    results = {result["ruleId"]: result for result in run["results"]}
    place = results["ChargeCategory-C-003-M"]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": bad.as_posix()}, "region": {"startLine": 44}}
    assert results["H-CostOrder"]["level"] == "warning"
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(ids[result["ruleIndex"]] == result["ruleId"] for result in run["results"])


def test_html_is_one_page_that_trusts_nothing_of_the_file(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(bad, "--focus", "1.2", "--format", "html") == 1
    page = capsys.readouterr().out
    assert page.startswith("<!doctype html>")
    assert "ChargeCategory-C-003-M" in page
    assert "<script" not in page
    assert "<more>" not in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--with", "invoices=x.csv"], "--with 'invoices=x.csv' names no dataset"),
        (["--focus", "1.1", "--dataset", "invoice_detail"], "FOCUS 1.1 has no dataset invoice_detail"),
        (["--declare", "wrong.yaml"], "TAGS is no criterion"),
        (["--declare", "flag.yaml"], "documented.tags_final is not true or false"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    arguments: list[str], said: str, bad: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(bad.parent)
    Path("wrong.yaml").write_text("criteria: {TAGS: true}", encoding="utf-8")
    Path("flag.yaml").write_text("documented: {tags_final: 'yes'}", encoding="utf-8")
    assert checked(bad, *arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "do:" in error


def test_a_row_with_too_few_fields_is_named(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad.write_text(bad.read_text(encoding="utf-8") + "1,2,3\n", encoding="utf-8")
    assert checked(bad, "--focus", "1.2") == 2
    error = capsys.readouterr().err
    assert "more or fewer fields" in error
    assert "row 45" in error


def test_what_stands_in_the_lake_is_judged_source_by_source_and_month_by_month(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    assert command_line()(["init", str(home)], result_action="return_value") in {0, None}
    at = ("--home", home, "--lake")
    bill = write_csv(tmp_path / "bill.csv", cost_and_usage("1.2"))
    assert checked(*at, "all") == 2
    assert "no charges" in capsys.readouterr().err
    command_line()(["ingest", str(bill), "--source", "nimbus", "--home", str(home)], result_action="return_value")
    capsys.readouterr()
    checked(*at, "nimbus/2026-01", "--format", "json")
    report = json.loads(capsys.readouterr().out)
    assert (report["version"], report["dataset"], report["rows"]) == ("1.4", "cost_and_usage", 42)
    assert sum(verdict["outcome"] == "pass" for verdict in report["verdicts"]) > 100
    assert checked(*at, "other") == 2
    assert "nimbus/2026-01" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Nothing to check"),
        (("bill.csv", "--lake", "all"), "Both files and the lake"),
        (("bill.csv", "--engine", "spark"), "is no engine"),
    ],
)
def test_a_choice_that_is_none_is_refused(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(*arguments) == 2
    assert said in capsys.readouterr().err


def test_the_lakes_own_columns_are_none_of_the_vendors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A promoted tag key, a name as sent and the like stand in the lake's files; the vendor's own, x_Extra, is judged."""
    home = str(tmp_path / "home")
    bill = write_csv(tmp_path / "bill.csv", cost_and_usage("1.2"))
    for arguments in (["init", home], ["ingest", str(bill), "--source", "aws", "--home", home]):
        assert command_line()(arguments, result_action="return_value") in {0, None}
    capsys.readouterr()
    checked("--lake", "all", "--home", home, "--format", "json")
    verdicts = json.loads(capsys.readouterr().out)["verdicts"]
    (named,) = [verdict for verdict in verdicts if verdict["rule"] == "ColumnHandling-A-003-M"]
    assert (named["outcome"], named["judged"]) == ("pass", 66), "65 of FOCUS 1.4, and x_Extra"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("form", ["table", "json"])
def test_an_answer_that_finds_no_room_is_an_error_and_no_verdict(bad: Path, form: str) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "fiscus", "check", str(bad), "--focus", "1.2", "--format", form]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: The disk is full")
    assert "Traceback" not in ended.stderr
