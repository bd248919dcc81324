"""Budgets are loaded as a whole or not at all; a mistake is named with its line and what to write instead."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.fixtures.judging import budgets_of

from fiscus.guardrails.budgets.load_budgets import DEFAULT_THRESHOLDS, load_budgets
from fiscus.kernel.errors import BadConfig
from fiscus.kernel.periods import FiscalCalendar, YearEnd
from fiscus.twin.build import build_company

GOOD = """
budgets:
  - {id: web, title: Web, scope: {team: [web, ml]}, period: month, currency: USD, owner: web, amount: 4000.10,
     amounts: {2026-12: "5000.000000000001"}}
"""


def test_a_budget_says_what_it_means_without_being_told() -> None:
    (budget,) = budgets_of(GOOD)
    assert (budget.metric, budget.include_tax, budget.include_credits, budget.cap) == (
        "EffectiveCost",
        False,
        True,
        None,
    )
    assert budget.thresholds == DEFAULT_THRESHOLDS
    assert budget.scope.filters == {"team": ("web", "ml")}


def test_amounts_keep_every_digit() -> None:
    (budget,) = budgets_of(GOOD)
    assert budget.amount == Decimal("4000.10")
    assert budget.amounts == {"2026-12": Decimal("5000.000000000001")}
    assert (budget.file, budget.line) == ("budgets/test.yaml", 3)


def _with(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_with("team: [web, ml]", "taem: web"), "Did you mean team?"),
        (_with("team: [web, ml]", "taem: web"), "'taem' (budgets/test.yaml, line 3, key budgets.0.scope.taem)"),
        (_with("team: [web, ml]", "sub_account: 0123"), "text or a list of text; put numbers in quotes"),
        (_with("team: [web, ml]", '"tag:": web'), "Unknown scope dimension 'tag:'"),
        (_with("2026-12", "2026-13"), "'2026-13' is no label of a month"),
        (_with("2026-12", "FY2027-Q1"), "Write YYYY-MM. The fiscal year starts in month 2"),
        (_with("4000.10", "many"), "'many' is no decimal number"),
        (_with("4000.10", "-1"), "-1 is no amount of a budget"),
        (_with("4000.10", ".inf"), "not a value that a workspace file may hold"),
        (_with("4000.10", "0.0000000000001"), "more than 12 decimals"),
        (_with("period: month", "period: day"), "'day' is not one of"),
        (_with("currency: USD", "currency: usd"), "a currency code of ISO 4217"),
        (_with("currency: USD", "curency: USD"), "Did you mean currency?"),
        (_with("owner: web", "thresholds: [{on: p_breach, share: 1.5}], owner: web"), "1.5 is more than 1"),
        (_with("owner: web", "thresholds: [{on: actual, share: 0}], owner: web"), "a number above 0"),
        (_with("owner: web", "thresholds: [{on: spent, share: 1}], owner: web"), "'spent' is not one of"),
        (_with("owner: web", "cap: strict, owner: web"), "'strict' is not one of"),
        (GOOD + GOOD.split("\n", 2)[2], "Budget 'web' stands twice: also in budgets/test.yaml, line 3"),
        ("budgets: [", "Not valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_line_and_remedy(text: str, said: str) -> None:
    with pytest.raises(BadConfig) as refused:
        budgets_of(text)
    assert said in str(refused.value)
    assert refused.value.where is not None
    assert refused.value.where.file == "budgets/test.yaml"
    assert refused.value.where.line


def test_an_id_is_unique_over_all_files() -> None:
    with pytest.raises(BadConfig, match=r"also in budgets/a.yaml, line 3 \(budgets/b.yaml, line 3"):
        load_budgets({"budgets/b.yaml": GOOD, "budgets/a.yaml": GOOD}, FiscalCalendar(2))


def test_a_scope_of_too_many_combinations_is_refused() -> None:
    teams, regions = ", ".join(f"t{n}" for n in range(40)), ", ".join(f"r{n}" for n in range(40))
    with pytest.raises(BadConfig, match="1,000 combinations"):
        budgets_of(_with("team: [web, ml]", f"team: [{teams}], region: [{regions}]"))


def test_a_period_label_is_that_of_the_budgets_kind() -> None:
    quarter = GOOD.replace("period: month", "period: quarter")
    assert budgets_of(quarter.replace("2026-12", "FY2027-Q4"))[0].amounts.keys() == {"FY2027-Q4"}
    with pytest.raises(BadConfig, match="no label of a quarter"):
        budgets_of(quarter)


def test_the_budgets_of_the_simulated_company_load(tmp_path: Path) -> None:
    built = build_company(tmp_path, scale=0.01, months=2)
    texts = {f"budgets/{path.name}": path.read_text("utf-8") for path in (tmp_path / "budgets").glob("*.yaml")}
    loaded = load_budgets(texts, FiscalCalendar(2))
    assert {budget.id: budget.amount for budget in loaded} == {budget.id: budget.amount for budget in built.budgets}
    assert len(loaded) > 50


RETAIL = FiscalCalendar(2, weeks="4-4-5", year_end=YearEnd("nearest", 6, 1), named_after="start")


@pytest.mark.parametrize(
    ("calendar", "label", "said"),
    [
        (RETAIL, "FY2022-W53", "'FY2022-W53' names no week: that year has 52"),
        (FiscalCalendar(), "2027-W53", "'2027-W53' names no week: that year has 52"),
        (RETAIL, "2026-W47", "has weeks of 4-4-5, ends on the Saturday nearest to the last day of January and bears the year in"),
    ],
)  # fmt: skip
def test_an_amount_for_a_week_that_its_year_does_not_have_is_refused(
    calendar: FiscalCalendar, label: str, said: str
) -> None:
    text = f"budgets:\n  - {{id: w, title: W, period: week, currency: USD, owner: w, amount: 7, amounts: {{{label}: 8}}}}\n"
    with pytest.raises(BadConfig) as refused:
        load_budgets({"budgets/test.yaml": text}, calendar)
    assert said in str(refused.value)


def test_an_amount_for_the_53rd_week_of_a_year_that_has_one_is_taken() -> None:
    for calendar, label in ((RETAIL, "FY2023-W53"), (FiscalCalendar(), "2026-W53")):
        text = f"budgets:\n  - {{id: w, title: W, period: week, currency: USD, owner: w, amount: 7, amounts: {{{label}: 8}}}}\n"
        (budget,) = load_budgets({"budgets/test.yaml": text}, calendar)
        assert budget.amounts == {label: Decimal(8)}
