"""Writes docs/reference/reports.md from the reports themselves; a test keeps them equal.

`python -m tools.write_reports_page`
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fiscus.cost.reports.load_report import shipped_reports
from fiscus.cost.reports.types import PERSONAS, Report
from fiscus.flows.report_tables import BUDGETS, PURCHASES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "reports.md"
HEAD = """# Reports

Questions that are asked again and again, each one SQL file: `fiscus report list` and `run`, `/reports`, `/api/reports`.
[How to](../how-to/reports.md) asks one and writes another. The use cases are those of the FOCUS project's library, by its
slugs; SQL and words are ours. Money is never added across currencies: each row has its currency. This page is written by
`python -m tools.write_reports_page`.
"""
BESIDE = """## What they read

`charges` and everything else that `fiscus query` can read ([columns](charges.md)). A report that says `reads:` has these beside
it, as they stand when it is asked:
"""


def reports_page() -> str:
    """The whole page, as it must stand."""
    reports = sorted(shipped_reports().values(), key=lambda one: one.title)
    lines = [HEAD]
    for persona in PERSONAS:
        lines += [
            f"## {persona}",
            "",
            "| report | question | parameters | columns | FOCUS use case |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(one) for one in reports if one.persona == persona]
        lines.append("")
    return "\n".join([*lines, *_beside()]) + "\n"


def _row(one: Report) -> str:
    given = ", ".join(f"`{p.name}` ({p.default or 'all'})" for p in one.parameters)
    columns = ", ".join(one.columns)
    return f"| `{one.name}` | **{one.title}.** {one.question} | {given} | {columns} | {one.use_case} |"


def _beside() -> Iterator[str]:
    yield BESIDE
    yield "| table | columns |"
    yield "|---|---|"
    for name, columns in (("budgets", BUDGETS), ("purchases", PURCHASES)):
        yield f"| `{name}` | {', '.join(column for column, _ in columns)} |"


if __name__ == "__main__":
    PAGE.write_text(reports_page(), encoding="utf-8")
