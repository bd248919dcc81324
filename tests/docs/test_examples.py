"""Every command in the docs is run, in order, as a reader would."""

from __future__ import annotations

import re
import shlex
from io import StringIO
from pathlib import Path

import pytest
from tests.bills import write_csv
from tests.docs.fences import blocks

from fiscus.__main__ import command_line

REPO = Path(__file__).resolve().parents[2]
PAGES = [REPO / "README.md", *sorted((REPO / "docs").rglob("*.md"))]


EXIT = re.compile(r"#.*\bexit (\d)")
COMMANDS = ("", "console")  # the languages of a block whose lines are typed
FILES = ("json", "yaml", "csv", "sql")  # of one that is a file, where it has a name


def _files(page: Path) -> dict[str, str]:
    """Blocks headed ```json NAME, and so on: files that the commands read."""
    return {block.name: block.text for block in blocks(page) if block.name and block.language in FILES}


def _commands(page: Path) -> list[str]:
    typed = [block.text for block in blocks(page) if block.language in COMMANDS]
    lines = [line.removeprefix("$ ") for text in typed for line in text.splitlines()]
    return [line for line in lines if line.startswith("fiscus ")]


@pytest.mark.parametrize("page", [p for p in PAGES if _commands(p)], ids=lambda p: str(p.relative_to(REPO)))
def test_the_commands_of_a_page_work(page: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bills").mkdir()
    for place in (tmp_path, tmp_path / "bills"):
        write_csv(place / "october.csv", [{}, {"ResourceId": "i-2", "Tags": ""}])
    waiting = _files(page)
    for command in _commands(page):
        for name in [name for name in waiting if (tmp_path / name).parent.is_dir()]:
            (tmp_path / name).write_text(
                waiting.pop(name), encoding="utf-8"
            )  # what stands in a workspace: once it is made
        arguments, wanted = shlex.split(command, comments=True)[1:], EXIT.search(command)
        if "<" in arguments:
            source = arguments[arguments.index("<") + 1]
            monkeypatch.setattr("sys.stdin", StringIO((tmp_path / source).read_text("utf-8")))
            arguments = arguments[: arguments.index("<")] + arguments[arguments.index("<") + 2 :]
        code = command_line()(arguments, result_action="return_value") or 0
        assert code == (int(wanted[1]) if wanted else 0), f"{command}: {capsys.readouterr().err}"
