"""Months and fiscal periods, all half-open [start, end) in UTC dates."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, Self

from fiscus.kernel.errors import BadInput

PeriodKind = Literal["week", "month", "quarter", "year"]
WeekPattern = Literal["4-4-5", "4-5-4", "5-4-4"]
YEARS: Final = range(1000, 9000)  # what is before or after can be asked of each of them
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, written 2026-09. This is the text in the lake's `x_BillingMonth`."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`2026-09` to Month; anything else raises `BadInput`."""
        match = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text)
        if match is None or int(match[1]) not in YEARS:
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
    """A fiscal period. `label` is unique within its kind, e.g. 2026-11 or FY2027-P10, FY2027-Q4, FY2027."""

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


def day_named(text: str) -> date:
    """2026-10-05 as a day that can be asked about; BadInput for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.year not in YEARS:
        raise BadInput(f"{text!r} is not a date", remedy="Write it as YYYY-MM-DD.")
    return day


_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class YearEnd:
    """Where a year of whole weeks ends: the `last` such weekday of `month`, or the one `nearest` to its last day.

    `weekday` is ISO: 1 Monday to 7 Sunday. The nearest one may fall up to three days into the next month.
    """

    rule: Literal["last", "nearest"] = "nearest"
    weekday: int = 6
    month: int = 1

    def __str__(self) -> str:
        month, day = _MONTH_NAMES[self.month - 1], _WEEKDAYS[self.weekday - 1]
        return f"the last {day} of {month}" if self.rule == "last" else f"the {day} nearest to the last day of {month}"

    def of(self, year: int) -> date:
        """The last day of the fiscal year that ends with `month` of the calendar year `year`."""
        last = Month(year, self.month).end - timedelta(days=1)
        back = (last.isoweekday() - self.weekday) % 7
        return last - timedelta(days=back) if self.rule == "last" or back <= 3 else last + timedelta(days=7 - back)


@dataclass(frozen=True, slots=True)
class FiscalPosition:
    """Where a day stands: fiscal year by its name, quarter 1 to 4, period 1 to 12, days of the period after this one."""

    year: int
    quarter: int
    period: int
    days_left: int


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """Fiscal years that start on `start_day` of `start_month`, or, with `weeks`, years of whole weeks that stop at `year_end`.

    A year is named by the calendar year in which it ends or starts, as `named_after` says. A month that is a calendar month is
    labelled as one, 2026-11; any other is a numbered period, FY2027-P10. A week is one of the year of weeks, FY2027-W43, else the
    ISO week (ISO 8601: Monday to Sunday), 2026-W47.

    Years of weeks: 52 of them, in quarters of 13, each quarter in periods of so many weeks as `weeks` says. A year whose
    `year_end` lies 53 weeks after the one before has its 53rd week in the last period, so that week never moves a quarter
    (the rule of the National Retail Federation's 4-5-4 calendar, nrf.com/resources/4-5-4-calendar: Saturday nearest to 31
    January, a 53rd week in its fiscal 2006, 2012, 2017 and 2023; the NRF names a year after its start).
    """

    start_month: int = 1
    start_day: int = 1  # to 28: a day that every month has
    weeks: WeekPattern | None = None
    year_end: YearEnd = YearEnd()  # only with `weeks`
    named_after: Literal["end", "start"] = "end"

    @property
    def by_month(self) -> bool:
        """Whether its periods are calendar months."""
        return self.weeks is None and self.start_day == 1

    def period(self, kind: PeriodKind, day: date) -> Period:
        """The period of `kind` that contains `day`."""
        if kind == "week":
            return self._week(day)
        year, starts = self._year(day)
        number = bisect_right(starts, day) - 1  # of the month in the year, from 0
        width = _MONTHS[kind]
        first = number // width * width
        name = self._name(year)
        month = str(Month.of(starts[number])) if self.by_month else f"FY{name}-P{number + 1:02d}"
        labels = {"month": month, "quarter": f"FY{name}-Q{number // 3 + 1}", "year": f"FY{name}"}
        return Period(kind, labels[kind], starts[first], starts[first + width])

    def makes_up(self, part: PeriodKind, whole: PeriodKind) -> bool:
        """Whether every `whole` is made of whole periods of `part`. Weeks make up months only in a year of weeks."""
        if part == "week" and self.weeks is None:
            return whole == "week"
        order = ("week", "month", "quarter", "year")
        return order.index(part) <= order.index(whole)

    def position(self, day: date) -> FiscalPosition:
        """Where `day` stands in its fiscal year."""
        year, starts = self._year(day)
        number = bisect_right(starts, day) - 1
        left = (starts[number + 1] - day).days - 1
        return FiscalPosition(self._name(year), number // 3 + 1, number + 1, left)

    def label_shape(self, kind: PeriodKind) -> tuple[str, str]:
        """What a label of `kind` looks like: a regular expression and, for people, its shape."""
        if kind == "week":
            number = "W(0[1-9]|[1-4][0-9]|5[0-3])"
            return (rf"\d{{4}}-{number}", "YYYY-Wnn") if self.weeks is None else (rf"FY\d{{4}}-{number}", "FYyyyy-Wnn")
        if kind == "month":
            return (
                (r"\d{4}-(0[1-9]|1[0-2])", "YYYY-MM") if self.by_month else (r"FY\d{4}-P(0[1-9]|1[0-2])", "FYyyyy-Pnn")
            )
        return (r"FY\d{4}-Q[1-4]", "FYyyyy-Qn") if kind == "quarter" else (r"FY\d{4}", "FYyyyy")

    def __str__(self) -> str:
        if self.weeks is None:
            starts = f"starts in month {self.start_month}" + (f" on day {self.start_day}" if self.start_day > 1 else "")
        else:
            starts = f"has weeks of {self.weeks}, ends on {self.year_end}"
        return f"The fiscal year {starts} and bears the year in which it {self.named_after}s."

    def _week(self, day: date) -> Period:
        if self.weeks is None:
            iso = day.isocalendar()
            start = day - timedelta(days=iso.weekday - 1)
            return Period("week", f"{iso.year:04d}-W{iso.week:02d}", start, start + timedelta(weeks=1))
        year, starts = self._year(day)
        number = (day - starts[0]).days // 7
        start = starts[0] + timedelta(weeks=number)
        return Period("week", f"FY{self._name(year)}-W{number + 1:02d}", start, start + timedelta(weeks=1))

    def _name(self, ends: int) -> int:
        if self.named_after == "end":
            return ends
        if self.weeks is None:
            return ends if (self.start_month, self.start_day) == (1, 1) else ends - 1
        return ends if self.year_end.month == 12 else ends - 1

    def _year(self, day: date) -> tuple[int, Sequence[date]]:
        """The calendar year in which the fiscal year of `day` should end, the first days of its months and of the next year."""
        if self.weeks is None:
            first = Month(day.year, self.start_month)
            if day < first.start.replace(day=self.start_day):
                first = first.shift(-12)
            ends = first.year if (self.start_month, self.start_day) == (1, 1) else first.year + 1
            return ends, [first.shift(n).start.replace(day=self.start_day) for n in range(13)]
        ends = day.year if day <= self.year_end.of(day.year) else day.year + 1
        if day <= self.year_end.of(ends - 1):  # in the first days of January, of a year that ran over
            ends -= 1
        start, after = (self.year_end.of(year) + timedelta(days=1) for year in (ends - 1, ends))
        widths = [int(weeks) for weeks in self.weeks.split("-")] * 4
        return ends, [start + timedelta(weeks=sum(widths[:n])) for n in range(12)] + [after]


def midnight(day: date) -> datetime:
    """The UTC instant at which `day` begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def days_between(start: date, end: date) -> list[date]:
    """Each day of [start, end)."""
    return [start + timedelta(days=n) for n in range((end - start).days)]
