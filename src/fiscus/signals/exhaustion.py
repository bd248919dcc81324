"""When a balance is used up: the day on which simulated use has come to it, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from fiscus.kernel.money import ZERO
from fiscus.signals.baseline import Floats
from fiscus.signals.forecast import spending_paths
from fiscus.signals.types import DailySeries

HORIZON_DAYS: Final = 400  # a year and a month: what lasts longer is not running out
ENDS_DAYS_MAX: Final = 1_100  # three years: what is left at a later end, nobody can say
_PLACES: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """P10, P50 and P90 of the day on which the balance is used up; None: not within the horizon.

    `left_p10` to `left_p90`: what is left of the balance at `ends` (None where nothing ends, or not within three years), never
    below nothing.
    """

    p10: date | None
    p50: date | None
    p90: date | None
    ends: date | None
    left_p10: Decimal | None
    left_p50: Decimal | None
    left_p90: Decimal | None
    method: str


def exhaustion(use: DailySeries, balance: Decimal, as_of: date, ends: date | None = None) -> Exhaustion:
    """From the use a day before `as_of` (exclusive), when `balance` is used up, and what is left of it at `ends`.

    The balance is what the last known day left. The same model as of every forecast, so the same use gives the same answer.
    """
    if balance <= ZERO:
        none = ZERO if ends else None
        return Exhaustion(as_of, as_of, as_of, ends, none, none, none, "used up")
    days = HORIZON_DAYS
    if ends is not None and (ends - as_of).days <= ENDS_DAYS_MAX:
        days = max(HORIZON_DAYS, (ends - as_of).days)
    first, totals, method = spending_paths(use, as_of, days)
    crossed = totals >= float(balance)
    reached = np.where(crossed.any(axis=1), crossed.argmax(axis=1), days).astype(np.float64)
    p10, p50, p90 = (_day(first, value, days) for value in np.quantile(reached, (0.1, 0.5, 0.9), method="higher"))
    left = _left(totals, balance, first, ends)
    return Exhaustion(p10, p50, p90, ends, left[0], left[1], left[2], method)


def _day(first: date, reached: float, days: int) -> date | None:
    return None if reached >= days else first + timedelta(days=int(reached))


def _left(totals: Floats, balance: Decimal, first: date, ends: date | None) -> list[Decimal | None]:
    ahead = (ends - first).days if ends else 0
    if ends is None or ahead > totals.shape[1]:
        return [None] * 3
    used = totals[:, ahead - 1] if ahead > 0 else np.zeros(totals.shape[0])
    left = np.maximum(float(balance) - used, 0.0)
    return [Decimal(repr(float(value))).quantize(_PLACES) for value in np.quantile(left, (0.1, 0.5, 0.9))]
