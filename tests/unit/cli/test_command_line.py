"""The command line as a newcomer meets it."""

from __future__ import annotations

import json
import shlex
import socket
from pathlib import Path

import pytest
from tests.bills import write_csv

from fiscus.__main__ import command_line
from fiscus.app.simulated_vendors import TRUTH


def _run(command: str) -> int:
    return command_line()(shlex.split(command), result_action="return_value")


def test_an_error_is_three_lines_and_exit_2(home: Path, tmp_path: Path, capsys) -> None:
    bad = write_csv(tmp_path / "bad.csv", [{}, {"BilledCost": "abc"}])
    assert _run(f"ingest {bad} --source aws --home {home}") == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["error", "where", "do"]
    assert "row 2, column BilledCost" in lines[1]


def test_an_error_is_json_when_asked(home: Path, capsys) -> None:
    assert _run(f"query 'DROP TABLE x' --json --home {home}") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad_query"


def test_a_folder_that_is_no_workspace_says_what_to_do(tmp_path: Path, capsys) -> None:
    assert _run(f"owners --home {tmp_path}") == 2
    assert "fiscus init" in capsys.readouterr().err


def test_init_touches_nothing_that_stands(home: Path, capsys) -> None:
    before = (home / "fiscus.yaml").read_text()
    assert _run(f"init {home}") == 2
    assert (home / "fiscus.yaml").read_text() == before


def test_init_where_nothing_can_be_made_is_three_lines(capsys) -> None:
    assert _run("init /proc/nowhere") == 2
    assert "/proc/nowhere cannot be written" in capsys.readouterr().err


def test_a_run_without_a_bill_says_where_to_put_one(home: Path, capsys) -> None:
    assert _run(f"run --as-of 2026-11-20 --home {home}") == 0
    assert "put files there and run again" in capsys.readouterr().out


def test_the_loop_twice_changes_nothing(home: Path, capsys) -> None:
    write_csv(home / "inbox" / "example" / "a.csv", [{}, {"ResourceId": "i-2", "Tags": ""}])
    seen = []
    for _ in range(2):
        assert _run(f"run --json --as-of 2026-11-20 --home {home}") == 0
        seen.append(json.loads(capsys.readouterr().out))
    assert seen[0]["lake_version"] == seen[1]["lake_version"]
    assert [d["changed"] for d in seen[0]["deliveries"] + seen[1]["deliveries"]] == [True, False]
    assert _run(f"evidence verify --json --home {home}") == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_a_query_answers_in_each_form(home: Path, tmp_path: Path, capsys, form: str) -> None:
    _run(f"ingest {write_csv(tmp_path / 'a.csv', [{'ResourceId': '=1+1'}])} --source aws --home {home}")
    capsys.readouterr()
    assert _run(f"query 'SELECT ResourceId, BilledCost FROM charges' --format {form} --home {home}") == 0
    out = capsys.readouterr().out
    assert "1.5" in out
    assert ("'=1+1" in out) == (form == "csv"), "a formula is defused where a spreadsheet would run it"


HOSTILE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM read_text('/etc/passwd')",
    "COPY (SELECT 1) TO '/tmp/x.csv'",
    "ATTACH '/tmp/x.db'",
    "INSTALL httpfs",
    "SET memory_limit='10GB'",
    "PRAGMA version",
    "SELECT 1; SELECT 2",
    "SELECT * FROM read_parquet('https://example.com/x.parquet')",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_sql_from_people_reaches_only_the_lake(home: Path, capsys, sql: str) -> None:
    assert _run(f"query {shlex.quote(sql)} --json --home {home}") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad_query"


@pytest.mark.parametrize("said", ["--host 0.0.0.0", "--port {port}"])
def test_an_address_that_cannot_be_served_starts_nothing_simulated(home: Path, capsys, said: str) -> None:
    (home / TRUTH).write_text("{}", encoding="utf-8")  # of a demo, whose vendors could not be started again
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert _run(f"serve --home {home} {said.format(port=taken.getsockname()[1])}") == 2
    error = capsys.readouterr().err.splitlines()[0]
    assert "does not serve on 0.0.0.0" in error or "cannot be used" in error
