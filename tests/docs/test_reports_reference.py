"""The pages about reports: the list is that of the reports, and the example loads as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from tools.write_reports_page import PAGE, reports_page

from fiscus.flows.run_report import run_report

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "reports.md"


def test_the_list_is_that_of_the_reports() -> None:
    assert PAGE.read_text("utf-8") == reports_page(), "python -m tools.write_reports_page"


def test_the_example_is_a_report_that_can_be_asked(ws) -> None:
    ((name, text),) = re.findall(r"```sql (\S+)\n(.*?)```", HOW_TO.read_text("utf-8"), flags=re.DOTALL)
    (ws.home / "reports").mkdir()
    (ws.home / "reports" / name).write_text(text, encoding="utf-8")
    assert run_report(ws, Path(name).stem, {"least": "10"}).rows.rows == ()
