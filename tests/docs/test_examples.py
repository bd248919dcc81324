"""Every command in the docs is run, in order, as a reader would."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.bills import write_csv

from fiscus.edges.cli.root import build_cli

REPO = Path(__file__).resolve().parents[2]
PAGES = [REPO / "README.md", *sorted((REPO / "docs").rglob("*.md"))]


def _commands(page: Path) -> list[str]:
    blocks = re.findall(r"```(?:console)?\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("fiscus ")]


@pytest.mark.parametrize("page", [p for p in PAGES if _commands(p)], ids=lambda p: str(p.relative_to(REPO)))
def test_the_commands_of_a_page_work(page: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bills").mkdir()
    for place in (tmp_path, tmp_path / "bills"):
        write_csv(place / "october.csv", [{}, {"ResourceId": "i-2", "Tags": ""}])
    for command in _commands(page):
        code = build_cli()(shlex.split(command)[1:], result_action="return_value")
        assert not code, f"{command}: {capsys.readouterr().err}"
