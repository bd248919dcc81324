"""Budgets are shown as the tree that they are: the most urgent first, with everything around it."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

from tests.fixtures.judging import AS_OF, charge, company_with_bills, days, judged_by, tags

from fiscus.edges.cli.show_text import budgets_text
from fiscus.flows.evaluate import evaluate
from fiscus.flows.show_budgets import BudgetsShown, show_budgets

BUDGETS = """
budgets:
  - {id: all, title: All, period: month, currency: USD, amount: 5000, owner: web}
  - {id: web, title: Web, scope: {team: web}, period: month, currency: USD, amount: 3000, owner: web, parent: all}
  - {id: web-prod, title: Prod, scope: {team: web, environment: prod}, period: month, currency: USD, amount: 100, owner: web,
     parent: web}
  - {id: ml, title: ML, scope: {team: ml}, period: month, currency: USD, amount: 9000, owner: web}
"""


def _shown(home: Path) -> BudgetsShown:
    bills = [charge(day, "10", Tags=tags("web")) for day in days(AS_OF.replace(month=7), AS_OF)]
    ws = judged_by(company_with_bills(home, {"bill": bills}), BUDGETS)
    evaluate(ws, "run")
    return show_budgets(ws)


def test_the_most_urgent_budget_brings_along_what_it_stands_inside(tmp_path: Path) -> None:
    shown = _shown(tmp_path)
    assert [(line.status.budget_id, line.depth) for line in shown.lines] == [
        ("all", 0),
        ("web", 1),
        ("web-prod", 2),
        ("ml", 0),
    ]
    assert [line.unallocated for line in shown.lines] == [2000, 2900, None, None]
    assert shown.sentence.startswith("Prod is over its 100 USD by 90")


def test_the_terminal_shows_the_tree_in_eighty_columns(tmp_path: Path) -> None:
    shown = _shown(tmp_path)
    dear = replace(shown.lines[0], status=replace(shown.lines[0].status, amount=shown.lines[0].status.amount * 1000))
    out = io.StringIO()
    with redirect_stdout(out):
        budgets_text(replace(shown, lines=(dear, *shown.lines[1:])))
    table = out.getvalue().splitlines()[2:]
    assert [line.split("  ")[0] or line[:14].rstrip() for line in table[2:]] == ["all", "  web", "    web-prod", "ml"]
    assert max(len(line) for line in table) <= 80


def test_a_budget_says_which_one_inside_it_is_the_cause(tmp_path: Path) -> None:
    bills = [charge(day, "10", Tags=tags("web")) for day in days(AS_OF.replace(month=7), AS_OF)]
    text = BUDGETS.replace("amount: 3000,", "amount: 150,")
    found = evaluate(judged_by(company_with_bills(tmp_path, {"bill": bills}), text), "run").findings
    details = {str(finding.params["budget_id"]): finding.detail for finding in found if finding.kind == "budget_breach"}
    assert details["web"].endswith("Inside it, Prod is over by 90 USD.")
    assert "Inside it" not in details["web-prod"]
