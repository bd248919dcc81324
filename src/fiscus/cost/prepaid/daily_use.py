"""What a pool loses a day: draws spread over the days of their charge periods. For forecasts; balances are summed exactly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from fiscus.cost.prepaid.types import Draw
from fiscus.kernel.money import EXACT, ZERO


def daily_use(draws: Sequence[Draw], first: date, until: date) -> tuple[Decimal, ...]:
    """One value a day of [first, until). A month's row is spread evenly over as much of it as lies before `until`."""
    days = [ZERO] * max((until - first).days, 0)
    for draw in draws:
        if draw.lapsed or draw.day >= until:
            continue
        end = min(max(draw.end, draw.day + timedelta(days=1)), until)
        share = EXACT.divide(draw.quantity, Decimal((end - draw.day).days))
        for n in range(max((draw.day - first).days, 0), (end - first).days):
            days[n] = EXACT.add(days[n], share)
    return tuple(days)
