"""How fast a budget burns: alerts that need two windows to agree, as error budgets have them.

Google, The Site Reliability Workbook (2018), chapter 5, "Multiwindow, Multi-Burn-Rate Alerts": the long window says that it
matters, the short one that it still goes on. A rate of 1 uses up exactly the amount in exactly the period.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from fiscus.guardrails.types import BudgetAlert, BurnWindow
from fiscus.kernel.money import EXACT, ZERO, total
from fiscus.kernel.periods import Period

_SHARE: Final = Decimal("0.0001")


def burn_alerts(
    windows: Sequence[BurnWindow],
    costs: Mapping[date, Decimal],
    billed_until: date,
    period: Period,
    money: tuple[Decimal, Decimal],
) -> tuple[BudgetAlert, ...]:
    """The windows in which both the long and the short one burn faster than their factor, and the rest would not last.

    `costs` by day; windows end with `billed_until` and count only days of the period: what was spent before is another
    period's. `money`: the amount and the headroom. A budget without an amount has no pace, and its first cost breaks it anyway.
    """
    amount, headroom = money
    if amount <= ZERO or headroom <= ZERO:
        return ()
    alerts = []
    for window in windows:
        long = burn_rate(costs, billed_until, window.long_days, period, amount)
        short = burn_rate(costs, billed_until, window.short_days, period, amount)
        if min(long, short) > window.factor and not _lasts(headroom, min(long, short), amount, billed_until, period):
            alerts.append(BudgetAlert("burn", min(long, short), window.factor, window))
    return tuple(alerts)


def burn_rate(costs: Mapping[date, Decimal], until: date, days: int, period: Period, amount: Decimal) -> Decimal:
    """Cost a day over the last `days` days before `until`, as a multiple of the budget's own pace (amount / days of the period).

    Days before the period count as days without cost, so that the first days of a period do not look fast by being few.
    """
    first = max(period.start, until - timedelta(days=days))
    spent = total([costs.get(first + timedelta(days=n), ZERO) for n in range((until - first).days)])
    pace = EXACT.multiply(spent, Decimal(period.days))
    return EXACT.divide(pace, EXACT.multiply(amount, Decimal(days))).quantize(_SHARE)


def _lasts(headroom: Decimal, rate: Decimal, amount: Decimal, today: date, period: Period) -> bool:
    """Whether the headroom outlasts the period at this rate."""
    left = Decimal((period.end - today).days)
    return EXACT.multiply(EXACT.multiply(amount, rate), left) <= EXACT.multiply(headroom, Decimal(period.days))
