"""Budgets inside budgets: what may stand under what, what the parts add up to, and who is told when they do not fit."""

from __future__ import annotations

from datetime import date

import pytest
from tests.fixtures.judging import budgets_of

from fiscus.guardrails.budgets.budget_tree import allocated, misplaced
from fiscus.guardrails.budgets.load_budgets import load_budgets
from fiscus.guardrails.types import Budget
from fiscus.kernel.errors import BadConfig
from fiscus.kernel.periods import FiscalCalendar

CALENDAR = FiscalCalendar(2)


def _tree(*bodies: str) -> tuple[Budget, ...]:
    return budgets_of(
        "budgets:\n" + "\n".join(f"  - {{title: T, currency: USD, owner: web, {body}}}" for body in bodies)
    )


def test_a_tree_may_be_as_deep_as_people_like() -> None:
    bodies = ["id: b0, period: year, amount: 1"] + [
        f"id: b{n}, parent: b{n - 1}, period: year, amount: 1" for n in range(1, 60)
    ]
    assert len(_tree(*bodies)) == 60


@pytest.mark.parametrize(
    ("bodies", "said"),
    [
        (("id: a, parent: b, period: month, amount: 1",), "Budget 'b' does not exist"),
        (("id: a, parent: a, period: month, amount: 1",), "Budgets stand in a circle: a in a"),
        (
            ("id: a, parent: b, period: month, amount: 1", "id: b, parent: c, period: month, amount: 1",
             "id: c, parent: a, period: month, amount: 1"),
            "Budgets stand in a circle: a in b in c in a",
        ),
        (
            ("id: a, period: month, amount: 1", "id: b, parent: a, period: quarter, amount: 1"),
            "Periods of a quarter do not make up a month, which the parent 'a' has",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_inside_is_refused_with_its_line(bodies: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadConfig) as refused:
        _tree(*bodies)
    assert said in str(refused.value)
    assert refused.value.where is not None
    assert "parent" in str(refused.value.where.key)


def test_weeks_make_up_months_in_a_year_of_weeks_only() -> None:
    text = (
        "budgets:\n  - {id: a, title: A, period: month, currency: USD, amount: 1, owner: web}\n"
        "  - {id: b, title: B, parent: a, period: week, currency: USD, amount: 1, owner: web}\n"
    )
    with pytest.raises(BadConfig, match="Periods of a week do not make up a month"):
        load_budgets({"budgets/a.yaml": text}, CALENDAR)
    retail = FiscalCalendar(weeks="4-5-4", named_after="start")
    _, week = load_budgets({"budgets/a.yaml": text}, retail)
    months = [retail.period("month", date(2026, month, 15)) for month in (9, 10, 11)]
    assert [allocated([week], month, retail) for month in months] == [5, 4, 4]


def test_a_parent_in_another_currency_is_refused() -> None:
    with pytest.raises(BadConfig, match="Nothing is converted"):
        budgets_of(
            "budgets:\n  - {id: a, title: A, period: month, currency: USD, amount: 1, owner: web}\n"
            "  - {id: b, title: B, parent: a, period: month, currency: EUR, amount: 1, owner: web}\n"
        )


def test_months_and_quarters_add_up_to_the_year_that_they_are_in() -> None:
    """Twelve months at 100, November 150, from October 10 % more a month; four quarters at 500."""
    _, *children = _tree(
        "id: all, period: year, amount: 9000",
        "id: web, parent: all, period: month, amount: 100, amounts: {2026-11: 150}, "
        "growth: [{percent: 10, every: month, from: 2026-12-01}]",
        "id: ml, parent: all, period: quarter, amount: 500",
    )
    year = CALENDAR.period("year", date(2026, 11, 20))
    assert allocated(children, year, CALENDAR) == 10 * 100 + 150 + 100 * 11 // 10 + 4 * 500


def test_only_what_is_provably_not_inside_is_told() -> None:
    wrong = misplaced(
        _tree(
            "id: top, period: month, amount: 9, scope: {team: [web, ml], cost_centre: CC-1}",
            "id: inside, parent: top, period: month, amount: 1, scope: {team: web}",
            "id: unknown, parent: top, period: month, amount: 1, scope: {service: VM}",
            "id: wider, parent: top, period: month, amount: 1, scope: {team: [web, data]}",
            "id: outside, parent: top, period: month, amount: 1, scope: {cost_centre: CC-2}",
        )
    )
    assert [(one.budget.id, one.dimension, one.values, one.outside) for one in wrong] == [
        ("wider", "team", ("data",), False),
        ("outside", "cost_centre", ("CC-2",), True),
    ]
