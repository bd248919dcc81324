"""Findings from how budgets stand inside each other: children that are given more than their parent has, or are not inside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

from fiscus.guardrails.budgets.budget_tree import Misplaced, allocated, children_of, misplaced
from fiscus.guardrails.budgets.find_budgets import StandingBudget
from fiscus.guardrails.types import Budget, Finding
from fiscus.kernel.canonical import digest
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import EXACT, ZERO, display
from fiscus.kernel.periods import FiscalCalendar
from fiscus.kernel.rows import Query

OVERALLOCATED: Final = "budget_overallocated"
OUTSIDE: Final = "budget_outside_parent"
_ALLOTTED: Final = "SELECT $budget_id AS budget, unnest($children) AS child, unnest($amounts) AS amount"


def find_tree(standing: Sequence[StandingBudget], calendar: FiscalCalendar) -> tuple[Finding, ...]:
    """One finding a parent whose children may spend more than it, and one a child that names what its parent does not cover.

    Money: what the children have too much in the parent's running period; the amount of the child.
    """
    by_id = {one.budget.id: one for one in standing}
    children = children_of([one.budget for one in standing])
    found = [_overallocated(one, children[one.budget.id], calendar) for one in standing if _too_much(one) > ZERO]
    seen: set[str] = set()
    for wrong in misplaced([one.budget for one in standing]):
        if wrong.budget.id not in seen:  # one finding a child, however many dimensions are wrong
            seen.add(wrong.budget.id)
            found.append(_outside(by_id[wrong.budget.id], wrong))
    return tuple(found)


def _too_much(one: StandingBudget) -> Decimal:
    status = one.status
    if status.allocated is None:
        return ZERO
    return EXACT.subtract(status.allocated, EXACT.subtract(status.amount, status.carried))


def _overallocated(one: StandingBudget, children: Sequence[Budget], calendar: FiscalCalendar) -> Finding:
    status = one.status
    over = _too_much(one)
    own = EXACT.subtract(status.amount, status.carried)
    title = (
        f"The {len(children)} budgets in {status.title} add up to {display(over, 0)} {status.currency} more than its "
        f"{display(own, 0)} for {status.period.label}"
    )
    detail = (
        f"They may spend {display(status.allocated or ZERO, 0)} together. All of them can hold while {status.title} breaks: "
        "lower some, or raise it."
    )
    amounts = [allocated([child], status.period, calendar) for child in children]
    params = {"children": [child.id for child in children], "amounts": amounts}
    return _finding(one, OVERALLOCATED, title, detail, over, Query(_ALLOTTED, params))


def _outside(one: StandingBudget, wrong: Misplaced) -> Finding:
    status, parent = one.status, wrong.parent
    named = f"{wrong.dimension} {', '.join(wrong.values)}"
    verb = "lies outside" if wrong.outside else "reaches beyond"
    title = f"{status.title}, {display(status.amount, 0)} {status.currency}, {verb} {parent.title}: {named}"
    lost = "Nothing" if wrong.outside else "Not all"
    detail = (
        f"{parent.title} covers {wrong.dimension} {', '.join(parent.scope.filters[wrong.dimension])} only. {lost} of what this "
        "budget spends counts there. Mend one of the scopes, or take the parent out."
    )
    params = {"children": [one.budget.id], "amounts": [one.budget.amount]}
    return _finding(one, OUTSIDE, title, detail, status.amount, Query(_ALLOTTED, params))


def _finding(one: StandingBudget, kind: str, title: str, detail: str, amount: Decimal, query: Query) -> Finding:
    status = one.status
    last = max(status.period.start, status.as_of - timedelta(days=1))
    return Finding(
        id=content_id("fnd", kind, kind, status.budget_id, status.period.label),
        kind=kind, policy_id=kind, policy_version=digest(query.params)[:16], level="warn", title=title, detail=detail,
        amount=amount, currency=status.currency, owner=status.owner, team=one.team, environment="",
        period_label=status.period.label, first_seen=last, last_seen=last, rows=0, query=query.sql,
        params={**query.params, "budget_id": status.budget_id}, lake_version=status.lake_version,
    )  # fmt: skip
