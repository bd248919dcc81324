"""True things that nobody planted: a simulated company wastes a little as every company does, and whoever finds that is right.

Computed from the simulated charges themselves, by rules of their own: not by the policies that are held against them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from fiscus.twin.budgets import PlannedBudget
from fiscus.twin.company import Simulated
from fiscus.twin.line import MONEY, UNIT, Book, Line, total_of

NOT_PRODUCTION: Final = ("dev", "staging", "sandbox", "test")
MACHINES: Final = ("Instance", "Virtual machine", "compute.googleapis.com/Instance")
RESTLESS_DAYS: Final = 12  # of the last fourteen
RESTLESS_WINDOW_DAYS: Final = 14
DAY_HOURS: Final = 23.5
UNUSED_WINDOW_DAYS: Final = 30
NEARLY: Final = Decimal("0.8")
UNUSED_MONEY_MIN: Final = 100  # less than that is rounding of a commitment that fits


def restless(simulated: Simulated) -> Mapping[str, object] | None:
    """Accounts with a machine outside production that ran through nights and weekends of the last two weeks."""
    found = {
        text
        for book in simulated.books.values()
        for number, line in enumerate(book.lines)
        if _is_machine(line) and _days_without_rest(book, number, simulated.world.timeline.today) >= RESTLESS_DAYS
        for text in (line.account.id, line.account.name)
    }
    return {"kind": "always_on", "subject": {"sub_account": sorted(found)}} if found else None


def unused(simulated: Simulated) -> Mapping[str, object] | None:
    """Accounts that paid for a commitment in the last month and did not use all of it."""
    today = simulated.world.timeline.today
    found = {
        text
        for book in simulated.books.values()
        for number, line in enumerate(book.lines)
        if line.status == "Unused" and _money(book, number, today - UNUSED_WINDOW_DAYS, today) >= UNUSED_MONEY_MIN
        for text in (line.account.id, line.account.name)
    }
    return {"kind": "commitment_unused", "subject": {"sub_account": sorted(found)}} if found else None


def nearly_spent(budgets: Sequence[PlannedBudget]) -> Mapping[str, object]:
    """Budgets of teams that are four fifths spent, as the simulation says."""
    near = [
        one.id for one in budgets if one.amount and NEARLY <= one.spent / one.amount < 1 and "team" in dict(one.scope)
    ]
    return {"kind": "team_threshold", "subject": {"budget_id": sorted(near)}}


def quiet_truths(simulated: Simulated) -> Iterator[Mapping[str, object]]:
    """Those that hold in this company."""
    for subject in (restless(simulated), unused(simulated)):
        if subject is not None:
            yield subject


def _is_machine(line: Line) -> bool:
    kind = line.sku.resource_type
    return (
        line.category == "Usage"
        and line.seen[1] in NOT_PRODUCTION
        and line.sku.category == "Compute"
        and kind in MACHINES
    )


def _days_without_rest(book: Book, number: int, today: int) -> int:
    facts = book.facts
    recent = (facts.line == number) & (facts.day >= today - RESTLESS_WINDOW_DAYS) & (facts.day < today)
    hours = facts.quantity[recent] / UNIT
    return len(np.unique(facts.day[recent][hours >= DAY_HOURS]))


def _money(book: Book, number: int, first: int, last: int) -> Decimal:
    facts = book.facts
    chosen = (facts.line == number) & (facts.day >= first) & (facts.day < last)
    return Decimal(total_of(facts.effective[chosen])) / MONEY
