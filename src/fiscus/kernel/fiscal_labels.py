"""A period by its label: what people and files write, found again in the calendar that gave the label."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from fiscus.kernel.errors import BadInput
from fiscus.kernel.periods import FiscalCalendar, Month, Period, PeriodKind

KINDS: Final[tuple[PeriodKind, ...]] = ("month", "quarter", "year", "week")
STEP: Final = timedelta(days=6)  # shorter than any period, so that none is stepped over


@lru_cache(1_024)
def period_named(calendar: FiscalCalendar, label: str) -> Period:
    """The period of `calendar` that is called `label`: 2026-11, FY2027-P10, FY2027-Q4, FY2027, FY2027-W43 or 2026-W47.

    A calendar month is one in every calendar: bills come by it. Raises BadInput for a label that no period bears.
    """
    for kind in KINDS:
        if re.fullmatch(calendar.label_shape(kind)[0], label) and (found := _search(calendar, kind, label)) is not None:
            return found
    if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", label):
        month = Month.parse(label)
        return Period("month", label, month.start, month.end)
    shapes = ", ".join(calendar.label_shape(kind)[1] for kind in KINDS)
    raise BadInput(f"{label!r} is no period", remedy=f"Write one of {shapes} (a calendar month is YYYY-MM). {calendar}")


@lru_cache(1_024)
def is_named(calendar: FiscalCalendar, kind: PeriodKind, label: str) -> bool:
    """Whether a period of `kind` bears `label`, which has its shape: not every year has a 53rd week."""
    return _search(calendar, kind, label) is not None


@dataclass(frozen=True, slots=True)
class FiscalMonth:
    """A month of a fiscal calendar whose months are not calendar months, written FY2027-P10; it answers as a `Month` does."""

    calendar: FiscalCalendar
    period: Period

    def __str__(self) -> str:
        return self.period.label

    @property
    def start(self) -> date:
        return self.period.start

    @property
    def end(self) -> date:
        return self.period.end

    def shift(self, months: int) -> FiscalMonth:
        """So many months of the calendar later, or earlier."""
        period = self.period
        for _ in range(abs(months)):
            day = period.end if months > 0 else period.start - timedelta(days=1)
            period = self.calendar.period("month", day)
        return FiscalMonth(self.calendar, period)


def month_of(calendar: FiscalCalendar, day: date) -> Month | FiscalMonth:
    """The month of `calendar` in which `day` lies."""
    return Month.of(day) if calendar.by_month else FiscalMonth(calendar, calendar.period("month", day))


def month_named(calendar: FiscalCalendar, label: str) -> Month | FiscalMonth:
    """The month that is called `label`; a calendar month, 2026-10, is one in every calendar. BadInput for anything else."""
    period = period_named(calendar, label)
    if period.kind != "month":
        raise BadInput(f"{label} is a {period.kind}", remedy=f"Write a month, {calendar.label_shape('month')[1]}.")
    return FiscalMonth(calendar, period) if label.startswith("FY") else Month.parse(label)


def _search(calendar: FiscalCalendar, kind: PeriodKind, label: str) -> Period | None:
    """A fiscal year lies within a year of the calendar year that it is named after."""
    year = int(re.sub(r"\D.*", "", label.removeprefix("FY")))
    if not date.min.year + 2 <= year <= date.max.year - 2:
        return None
    day, last = date(year - 1, 1, 1), date(year + 2, 1, 15)
    while day < last:
        period = calendar.period(kind, day)
        if period.label == label:
            return period
        day += STEP
    return None
