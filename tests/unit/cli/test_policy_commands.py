"""`fiscus policy`: exit codes, JSON, and what a person reads."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from tests.bills import write_csv
from tests.fixtures.policy_text import policy, policy_text

from fiscus.__main__ import command_line
from fiscus.app.policy_files import policy_texts
from fiscus.kernel.errors import NotFound

TESTED = policy(
    "web",
    tests=[
        {"given": {"charge": {"team": "web"}}, "expect": "match"},
        {"given": {"charge": {"team": "ml"}}, "expect": "no_match"},
    ],
)
HARD = policy("own", on=["ai.request"], when='intent.model == "dear"', effect="deny", level="hard")


def _run(command: str) -> int:
    return command_line()(shlex.split(command), result_action="return_value")


def test_a_new_workspace_has_nothing_to_lint_and_its_tests_pass(home: Path, capsys) -> None:
    assert _run(f"policy lint --home {home}") == 0
    assert _run(f"policy test --home {home}") == 0
    assert "none with a failure" in capsys.readouterr().out


def test_lint_names_file_line_and_remedy_and_exits_1(home: Path, capsys) -> None:
    (home / "policies" / "own.yaml").write_text(policy_text(HARD))
    assert _run(f"policy lint --home {home}") == 1
    assert "policies/own.yaml:2: error: It is written at hard" in capsys.readouterr().out
    assert _run(f"policy lint --format sarif --home {home}") == 1
    results = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert {result["ruleId"] for result in results} == {"hard-unproven", "no-tests"}


def test_a_policy_that_does_not_load_is_a_finding_and_not_a_crash(home: Path, capsys) -> None:
    (home / "policies" / "bad.yaml").write_text(policy_text(policy("bad", when="charge.nothing == 1")))
    assert _run(f"policy lint --json --home {home}") == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["rule"], found["file"], found["line"]) == ("does-not-load", "policies/bad.yaml", 6)


def test_an_owner_who_is_nobody_is_a_finding_beside_the_others(home: Path, capsys) -> None:
    """Nothing else of the workspace loads then, so it must not hide behind what else is wrong."""
    (home / "policies" / "own.yaml").write_text(policy_text({**HARD, "owner": "nobody.here"}))
    assert _run(f"policy lint --json --home {home}") == 1
    found = json.loads(capsys.readouterr().out)
    assert {one["rule"] for one in found} >= {"does-not-load", "no-tests"}
    assert any("nobody.here" in one["message"] and one["file"] == "policies/own.yaml" for one in found)


def test_a_file_that_is_no_text_is_a_finding_beside_the_others(home: Path, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own.yaml").write_text(policy_text({**TESTED, "tests": []}))
    (folder / "bin.yaml").write_bytes(b"\xff\xfe\0\1")
    assert _run(f"policy lint {folder} --home {tmp_path}") == 1
    out = capsys.readouterr().out
    assert "bin.yaml:1: error: Not a text in UTF-8 [does-not-load]" in out
    assert "own.yaml:2: warning: No test stands beside it" in out
    assert "2 files: 2 findings." in out
    assert _run(f"policy test {folder} --home {tmp_path}") == 2
    assert "bin.yaml" in capsys.readouterr().err
    (home / "policies" / "bin.yaml").write_bytes(b"\xff\xfe\0\1")
    assert _run(f"policy lint --json --home {home}") == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["rule"], found["file"]) == ("does-not-load", "policies/bin.yaml")


@pytest.mark.parametrize("name", ["fiscus.yaml", "owners/rules.yaml", "budgets/bin.yaml", "policies/bin.yaml"])
def test_a_file_of_the_workspace_that_is_no_text_is_named(home: Path, name: str, capsys) -> None:
    (home / name).write_bytes(b"\xff\xfe\0\1")
    assert _run(f"budgets --home {home}") == 2
    assert f"Not a text in UTF-8\nwhere: {name}\n" in capsys.readouterr().err


def test_another_file_that_is_broken_is_an_error(home: Path, capsys) -> None:
    (home / "owners" / "rules.yaml").write_text("rules: 5\n")
    assert _run(f"policy lint --home {home}") == 2
    assert "owners/rules.yaml" in capsys.readouterr().err


def test_a_file_is_tested_without_a_workspace_and_a_failure_is_exit_1(tmp_path: Path, capsys) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(policy_text(TESTED))
    assert _run(f"policy test {path} --home {tmp_path}") == 0
    wrong = {**TESTED, "tests": [{**TESTED["tests"][0], "expect": "no_match"}]}
    path.write_text(policy_text(wrong))
    capsys.readouterr()
    assert _run(f"policy test {path} --home {tmp_path}") == 1
    out = capsys.readouterr().out
    assert "expected no_match, got match" in out
    assert "expected no_match, got match over the charges" in out, "the SQL is tested too"
    assert _run(f"policy test {tmp_path / 'nothing'} --home {tmp_path}") == 2


def test_a_backtest_makes_a_policy_hard_and_a_diff_shows_a_change(home: Path, capsys) -> None:
    (home / "policies" / "own.yaml").write_text(policy_text(HARD, TESTED))
    write_csv(home / "inbox" / "example" / "a.csv", [{}, {"ResourceId": "i-2", "Tags": ""}])
    assert _run(f"run --as-of 2026-11-20 --home {home}") == 0
    assert _run(f"policy backtest own --as ana.silva --as-of 2026-11-20 --home {home}") == 0
    capsys.readouterr()
    assert _run(f"policy lint --json --home {home}") == 1
    assert "hard-unproven" not in {one["rule"] for one in json.loads(capsys.readouterr().out)}
    assert _run(f"policy diff --against recorded --as-of 2026-11-20 --home {home}") == 0
    (home / "policies" / "own.yaml").write_text(
        policy_text(HARD, {**TESTED, "when": 'charge.ServiceCategory == "Compute"'})
    )
    capsys.readouterr()
    assert _run(f"policy diff --against recorded --json --as-of 2026-11-20 --home {home}") == 1
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert (change["policy_id"], change["change"], change["newly"][0]["matched"]) == ("web", "changed", 2)
    capsys.readouterr()
    assert _run(f"policy diff --home {home}") == 2
    assert "Compare with what?" in capsys.readouterr().err
    assert _run(f"policy diff {home / 'policies' / 'own.yaml'} --against recorded --home {home}") == 2
    assert "own.yaml and --against recorded both say what is compared with" in capsys.readouterr().err


def test_a_git_revision_is_compared_with_what_stands(home: Path, capsys) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-C", str(home), "-c", "user.name=t", "-c", "user.email=t@x.example", *arguments], check=True
        )

    git("init", "-q")
    git("add", "policies")
    git("commit", "-q", "-m", "first")
    (home / "policies" / "own.yaml").write_text(policy_text(TESTED))
    assert _run(f"policy diff HEAD --json --as-of 2026-11-20 --home {home}") == 1
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert (change["policy_id"], change["change"]) == ("web", "added")
    for hostile in ("HEAD:../../etc", "no-such-revision"):
        assert _run(f"policy diff {hostile} --home {home}") == 2
    with pytest.raises(NotFound, match="no revision"):
        policy_texts(home, "--output=x")


@pytest.mark.parametrize("command", ["explain own", "backtest own", "force own --as ana.silva --reason x"])
def test_a_policy_that_is_not_there_is_exit_2_with_the_nearest(home: Path, command: str, capsys) -> None:
    assert _run(f"policy {command} --home {home}") == 2
    assert "There is no policy 'own'" in capsys.readouterr().err


def test_an_explanation_shows_each_term(home: Path, tmp_path: Path, capsys) -> None:
    asked = {
        "kind": "marketplace.purchase",
        "requested_by": "ana.silva",
        "environment": "prod",
        "amount": "9000",
        "currency": "USD",
    }
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    assert _run(f"policy explain marketplace-purchase-order --intent {tmp_path / 'asked.json'} --home {home}") == 0
    out = capsys.readouterr().out
    assert "true: intent.amount is more than 5,000 USD" in out
    assert "says require_approval" in out
