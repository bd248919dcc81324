"""The days of the simulation, counted from its first: which month each is in, and what is open on the as-of day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

import numpy as np

from fiscus.kernel.periods import Month
from fiscus.twin.line import Ints

SPAN_MAX: Final = 1200  # the longest charge period, in days: a three-year term bought up front
DAYS_BEYOND: Final = 100  # simulated past the as-of day, so that later deliveries agree with earlier ones


@dataclass(frozen=True, slots=True)
class Timeline:
    """`months` whole months before the as-of day's month, that month, and some days beyond. Day 0 is the first."""

    as_of: date
    months: int

    @property
    def start(self) -> date:
        return _start(self.as_of, self.months)

    @property
    def days(self) -> int:
        """How many days are simulated: up to the end of a month."""
        return (Month.of(self.as_of + timedelta(days=DAYS_BEYOND)).end - self.start).days

    @property
    def today(self) -> int:
        """The index of the as-of day; days before it are actuals."""
        return self.index(self.as_of)

    def index(self, day: date) -> int:
        return (day - self.start).days

    def date(self, index: int) -> date:
        return self.start + timedelta(days=index)

    def month(self, index: int) -> Month:
        """The month of that index; 0 is the first simulated one."""
        return Month.of(self.start).shift(index)

    @property
    def month_count(self) -> int:
        end = Month.of(self.date(self.days))
        first = Month.of(self.start)
        return (end.year - first.year) * 12 + end.month - first.month

    def month_starts(self) -> Ints:
        """Day index on which each month begins, one more than there are months."""
        return np.array([self.index(self.month(n).start) for n in range(self.month_count + 1)], np.int64)

    def month_of_days(self) -> Ints:
        """Month index of each day."""
        return np.searchsorted(self.month_starts(), np.arange(self.days), side="right") - 1

    def weekdays(self) -> Ints:
        """0 Monday to 6 Sunday, of each day."""
        return (np.arange(self.days) + self.start.weekday()) % 7


@cache
def _start(as_of: date, months: int) -> date:
    return Month.of(as_of).shift(-months).start
