"""Months of spend with a budget each, drawn by a seed: calm, just too dear, ramps, steps, bursts; bills late and restated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from tests.simulated_series import clean

START: Final = date(2026, 7, 1)
MONTH: Final = date(2026, 11, 1)
MONTH_DAYS: Final = 30
HISTORY: Final = (MONTH - START).days
KINDS: Final = ("calm", "calm", "calm", "calm", "tight", "ramp", "step", "burst")
RESTATED_DAYS: Final = 3


@dataclass(frozen=True)
class SimulatedMonth:
    """`cost` a day since START as it is in the end; `seen` as the first bill of a day says it, up to RESTATED_DAYS old.

    `late`: days that the bills are behind, by the day of the month.
    """

    key: str
    kind: str
    amount: Decimal
    cost: tuple[Decimal, ...]
    seen: tuple[Decimal, ...]
    late: tuple[int, ...]

    @property
    def breach_day(self) -> date | None:
        """The day on which the month's cost goes over the amount."""
        running = Decimal(0)
        for number, cost in enumerate(self.cost[HISTORY:]):
            running += cost
            if running > self.amount:
                return MONTH + timedelta(days=number)
        return None

    def bills(self, as_of: date) -> tuple[Decimal, ...]:
        """What the bills say at the beginning of `as_of`: the newest days late, the ones before them not restated yet."""
        known = (as_of - START).days - self.late[min((as_of - MONTH).days, MONTH_DAYS - 1)]
        return (*self.cost[: known - RESTATED_DAYS], *self.seen[known - RESTATED_DAYS : known])


def simulated_months(count: int, seed: int) -> list[SimulatedMonth]:
    """`count` months, of each kind in turn."""
    random = np.random.default_rng(seed)
    return [_month(random, number, KINDS[number % len(KINDS)]) for number in range(count)]


def _month(random: np.random.Generator, number: int, kind: str) -> SimulatedMonth:
    cost = clean(random, HISTORY + MONTH_DAYS, START)
    usual = float(cost[HISTORY - 28 : HISTORY].mean()) * MONTH_DAYS
    amount = usual * random.uniform(1.05, 1.5)
    begins = HISTORY + int(random.integers(3, 18))
    ahead = np.arange(len(cost) - begins)
    if kind == "tight":
        amount = float(cost[HISTORY:].sum()) * random.uniform(0.88, 0.98)
    elif kind == "ramp":
        cost[begins:] *= 1 + random.uniform(0.06, 0.2) * (ahead + 1)
    elif kind == "step":
        cost[begins:] *= random.uniform(1.6, 3.5)
    elif kind == "burst":
        cost[begins] += usual * random.uniform(0.5, 1.2)
    seen = cost * random.uniform(0.93, 1.0, len(cost))
    late = tuple(int(days) for days in random.integers(0, 2, MONTH_DAYS))
    return SimulatedMonth(f"m{number}", kind, _money(amount), tuple(map(_money, cost)), tuple(map(_money, seen)), late)


def _money(value: float) -> Decimal:
    return Decimal(repr(round(float(value), 4)))
