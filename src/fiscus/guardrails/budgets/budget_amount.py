"""What a budget may spend in one period: the line for that period, growth, and what the periods before left or overspent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Final

from fiscus.guardrails.types import Budget
from fiscus.kernel.money import EXACT, ZERO, round_cost
from fiscus.kernel.periods import FiscalCalendar, Period, PeriodKind

_HUNDRED: Final = Decimal(100)
# The actual of an earlier period, and whether the bills cover all of it.
KnownActual = Callable[[Period], tuple[Decimal, bool]]


def amount_of(budget: Budget, period: Period, calendar: FiscalCalendar) -> Decimal:
    """The budget's own amount for `period`, before anything is carried: its line in `amounts`, else `amount` as it grew.

    Growth of P percent every E multiplies by (1 + P/100) for each E that began since the period of the rule's start; a step sets
    a new amount, and growth counts from it. Rounded half-even at the twelfth digit.
    """
    if (line := budget.amounts.get(period.label)) is not None:
        return line
    amount, since = budget.amount, date.min
    begun = sorted((rule for rule in budget.growth if rule.start <= period.start), key=lambda one: one.start)
    for rule in begun:
        if rule.amount is not None:
            amount, since = rule.amount, rule.start
    for rule in begun:
        if rule.percent is not None and rule.every is not None:
            steps = _periods_since(calendar, rule.every, max(rule.start, since), period.start)
            factor = EXACT.add(Decimal(1), EXACT.divide(rule.percent, _HUNDRED))
            amount = round_cost(EXACT.multiply(amount, EXACT.power(factor, steps)))
    return amount


def carried_into(budget: Budget, period: Period, calendar: FiscalCalendar, known: KnownActual) -> Decimal:
    """What the periods before bring into `period`: above zero unused money, below zero overspend. Exact sums of their actuals.

    Each period hands on its amount, with what was carried into it, less its actual; of that, what `rollover` takes, at most
    `rollover_max`. While the bills do not cover all of a period it hands on no unused money, which may be spent already.
    """
    carried = ZERO
    for before in rollover_periods(budget, period, calendar):
        actual, whole = known(before)
        rest = EXACT.subtract(EXACT.add(amount_of(budget, before, calendar), carried), actual)
        carried = _handed_on(budget, rest if whole else min(rest, ZERO))
    return carried


def rollover_periods(budget: Budget, period: Period, calendar: FiscalCalendar) -> list[Period]:
    """The periods that hand on to `period`, oldest first; none without rollover."""
    if budget.rollover == "none":
        return []
    first = budget.rollover_from
    if first is None:
        kept = calendar.period("year", period.start)
        first = kept.start if budget.period != "year" else kept.start - timedelta(days=1)
    return list(periods_from(calendar, budget.period, calendar.period(budget.period, first), period))


def periods_from(calendar: FiscalCalendar, kind: PeriodKind, first: Period, until: Period) -> Iterator[Period]:
    """The periods of `kind` from `first` up to and without `until`."""
    while first.start < until.start:
        yield first
        first = calendar.period(kind, first.end)


def _handed_on(budget: Budget, rest: Decimal) -> Decimal:
    wanted = {"unused": rest > ZERO, "overspend": rest < ZERO, "both": True, "none": False}[budget.rollover]
    if not wanted:
        return ZERO
    bound = budget.rollover_max
    return rest if bound is None else max(min(rest, bound), -bound)


@cache
def _periods_since(calendar: FiscalCalendar, every: PeriodKind, start: date, day: date) -> int:
    """How many periods of `every` began after the one that holds `start`, up to `day`, which begins a period."""
    count, at = 0, calendar.period(every, start)
    while at.end <= day:
        count, at = count + 1, calendar.period(every, at.end)
    return count
