"""Budgets inside budgets, any depth: what may stand under what, and what the children add up to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fiscus.guardrails.budgets.budget_amount import amount_of, periods_from
from fiscus.guardrails.types import Budget
from fiscus.kernel.money import total
from fiscus.kernel.periods import FiscalCalendar, Period

Refuse = Callable[[Budget, str, str], Exception]  # (budget at fault, message, remedy) -> what to raise


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A child whose scope cannot be, or is not wholly, inside its parent's: `outside` (no charge of both) or `wider`."""

    budget: Budget
    parent: Budget
    dimension: str
    values: tuple[str, ...]  # the child's values that the parent does not have
    outside: bool


def check_tree(budgets: Sequence[Budget], calendar: FiscalCalendar, refuse: Refuse) -> None:
    """Raise what `refuse` makes for a parent that is missing, in a circle, or in another currency or kind of period."""
    by_id = {budget.id: budget for budget in budgets}
    for budget in budgets:
        if not budget.parent:
            continue
        parent = by_id.get(budget.parent)
        if parent is None:
            raise refuse(
                budget, f"Budget {budget.parent!r} does not exist", "Name the id of a budget of this workspace."
            )
        if parent.currency != budget.currency:
            message = f"The parent {parent.id!r} is in {parent.currency}, this budget in {budget.currency}"
            raise refuse(budget, message, "Nothing is converted: give both the same currency.")
        if not calendar.makes_up(budget.period, parent.period):
            message = (
                f"Periods of a {budget.period} do not make up a {parent.period}, which the parent {parent.id!r} has"
            )
            raise refuse(budget, message, "Give the child the same or a shorter kind of period.")
        if circle := _circle(budget, by_id):
            raise refuse(budget, f"Budgets stand in a circle: {' in '.join(circle)}", "Take one parent out.")


def children_of(budgets: Sequence[Budget]) -> Mapping[str, Sequence[Budget]]:
    """Parent id -> its children, in the order of `budgets`."""
    found: dict[str, list[Budget]] = {}
    for budget in budgets:
        if budget.parent:
            found.setdefault(budget.parent, []).append(budget)
    return found


def allocated(children: Sequence[Budget], period: Period, calendar: FiscalCalendar) -> Decimal:
    """What the children may spend in the parent's `period`: each one's own amounts of its periods in there; nothing carried."""
    amounts = []
    for child in children:
        first = calendar.period(child.period, period.start)
        after = calendar.period(child.period, period.end)
        amounts += [amount_of(child, one, calendar) for one in periods_from(calendar, child.period, first, after)]
    return total(amounts)


def misplaced(budgets: Sequence[Budget]) -> tuple[Misplaced, ...]:
    """Children that name values of a dimension which their parent's scope does not have.

    A dimension that only one of the two names proves nothing: a team may well be of the parent's cost centre.
    """
    by_id = {budget.id: budget for budget in budgets}
    found = []
    for budget in budgets:
        parent = by_id.get(budget.parent)
        if parent is None:
            continue
        for dimension, accepted in parent.scope.filters.items():
            mine = budget.scope.filters.get(dimension, ())
            foreign = tuple(value for value in mine if value not in accepted)
            if foreign:
                found.append(Misplaced(budget, parent, dimension, foreign, outside=len(foreign) == len(mine)))
    return tuple(found)


def _circle(budget: Budget, by_id: Mapping[str, Budget]) -> list[str]:
    """The ids of a circle that `budget` is on, from it back to it; empty when it is on none."""
    path, at = [budget.id], by_id.get(budget.parent)
    while at is not None and at.id not in path:
        path.append(at.id)
        at = by_id.get(at.parent)
    return [*path, budget.id] if at is not None and at.id == budget.id else []
