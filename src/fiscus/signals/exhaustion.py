"""When a balance is used up: the day on which simulated use has come to it, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
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
TRIFLE: Final = Decimal("0.01")  # of a part: what so little is lost of was used
_PLACES: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Loss:
    """What is lost of a balance on one day, P10, P50 and P90: a part of it ends then."""

    end: date
    p10: Decimal
    p50: Decimal
    p90: Decimal


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """P10, P50 and P90 of the day on which the balance is used up; None: not within the horizon.

    `ends`: when the last of it ends. `lapses`: the first end at which something is lost, else `ends`; `left_p10` to `left_p90`:
    what is lost then (None where nothing ends, or not within three years), never below nothing. `losses`: every such end.
    """

    p10: date | None
    p50: date | None
    p90: date | None
    ends: date | None
    left_p10: Decimal | None
    left_p50: Decimal | None
    left_p90: Decimal | None
    method: str
    lapses: date | None = None
    losses: tuple[Loss, ...] = ()


def exhaustion(
    use: DailySeries,
    balance: Decimal,
    as_of: date,
    ends: date | None = None,
    earlier: Sequence[tuple[date, Decimal]] = (),
) -> Exhaustion:
    """From the use a day before `as_of` (exclusive), when `balance` is used up, and what of it is lost when it ends.

    The balance is what the last known day left. `earlier`: the parts of it that end before `ends`, by end; what ends first is
    used first. The same model as of every forecast, so the same use gives the same answer.
    """
    if balance <= ZERO:
        none = ZERO if ends else None
        return Exhaustion(as_of, as_of, as_of, ends, none, none, none, "used up", ends)
    days = HORIZON_DAYS
    if ends is not None and (ends - as_of).days <= ENDS_DAYS_MAX:
        days = max(HORIZON_DAYS, (ends - as_of).days)
    first, totals, method = spending_paths(use, as_of, days)
    parts = [*sorted(earlier), *([(ends, balance - sum((part for _, part in earlier), ZERO))] if ends else [])]
    losses = _losses(totals, parts, first)
    crossed = totals >= _held(totals, balance, [one for one in losses if one[0] != ends], first)
    reached = np.where(crossed.any(axis=1), crossed.argmax(axis=1), days).astype(np.float64)
    p10, p50, p90 = (_day(first, value, days) for value in np.quantile(reached, (0.1, 0.5, 0.9), method="higher"))
    told = [_told(end, left) for end, left in losses]
    lost = tuple(one for one in told if one.p50 > dict(parts)[one.end] * TRIFLE)
    last = next((one for one in told if one.end == ends), None)
    first_lost = lost[0] if lost else last
    if first_lost is None:
        return Exhaustion(p10, p50, p90, ends, None, None, None, method, ends, lost)
    left = first_lost.p10, first_lost.p50, first_lost.p90
    return Exhaustion(p10, p50, p90, ends, *left, method, first_lost.end, lost)


def _told(end: date, left: Floats) -> Loss:
    return Loss(end, *(Decimal(repr(float(value))).quantize(_PLACES) for value in np.quantile(left, (0.1, 0.5, 0.9))))


def _day(first: date, reached: float, days: int) -> date | None:
    return None if reached >= days else first + timedelta(days=int(reached))


def _losses(totals: Floats, parts: Sequence[tuple[date, Decimal]], first: date) -> list[tuple[date, Floats]]:
    """What each part loses at its end, on every path; up to the last end that the paths come to."""
    held, lost = 0.0, np.zeros(totals.shape[0])
    losses = []
    for end, part in parts:
        ahead = (end - first).days
        if ahead > totals.shape[1]:
            break
        held += float(part)
        used = totals[:, ahead - 1] if ahead > 0 else np.zeros(totals.shape[0])
        left = np.maximum(held - lost - used, 0.0)
        lost = lost + left
        losses.append((end, left))
    return losses


def _held(totals: Floats, balance: Decimal, losses: Sequence[tuple[date, Floats]], first: date) -> Floats | float:
    """What can be used in all by each day: the balance, less what was lost before."""
    if not losses:
        return float(balance)
    held = np.full(totals.shape, float(balance))
    for end, left in losses:
        held[:, max((end - first).days, 0) :] -= left[:, None]
    return held
