"""Months and fiscal periods, all half-open [start, end) in UTC dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Self

from fiscus.kernel.errors import BadInput

PeriodKind = Literal["month", "quarter", "year"]
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, written 2026-09. This is the text in the lake's `x_BillingMonth`."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`2026-09` to Month; anything else raises `BadInput`."""
        match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
        if match is None:
            raise BadInput(f"{text!r} is not a month", remedy="Write a month as YYYY-MM, such as 2026-10.")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def start(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def end(self) -> date:
        return self.shift(1).start

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def shift(self, months: int) -> Month:
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)


@dataclass(frozen=True, slots=True)
class Period:
    """A fiscal period. `label` is unique within its kind, e.g. 2026-11, FY2027-Q4, FY2027."""

    kind: PeriodKind
    label: str
    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def contains(self, day: date) -> bool:
        return self.start <= day < self.end

    def months(self) -> Iterator[Month]:
        month = Month.of(self.start)
        while month.start < self.end:
            yield month
            month = month.shift(1)


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """Fiscal years that start on the first of `start_month`; named by the calendar year in which they end."""

    start_month: int = 1

    def period(self, kind: PeriodKind, day: date) -> Period:
        """The period of `kind` that contains `day`."""
        months_in = (day.month - self.start_month) % 12
        year_start = Month.of(day).shift(-months_in)
        width = _MONTHS[kind]
        first = year_start.shift(months_in // width * width)
        start, end = first.start, first.shift(width).start
        fiscal_year = year_start.shift(11).year
        labels = {"month": str(first), "quarter": f"FY{fiscal_year}-Q{months_in // 3 + 1}", "year": f"FY{fiscal_year}"}
        return Period(kind, labels[kind], start, end)


def midnight(day: date) -> datetime:
    """The UTC instant at which `day` begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def days_between(start: date, end: date) -> list[date]:
    """Each day of [start, end)."""
    return [start + timedelta(days=n) for n in range((end - start).days)]
