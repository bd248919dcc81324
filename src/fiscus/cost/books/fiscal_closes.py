"""Which fiscal periods are closed by the calendar months that are signed. Pure.

Bills come by calendar months, so these are what is signed. A fiscal period is closed when every calendar month in which it has
days is: where fiscal periods cut months in two, that is more than the period, and never less.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from fiscus.kernel.periods import FiscalCalendar, Month, Period, PeriodKind

NAMED_MAX: Final = 4
KINDS: Final[tuple[PeriodKind, ...]] = ("month", "quarter", "year")


@dataclass(frozen=True, slots=True)
class FiscalClose:
    """A fiscal period with a signed month: the calendar `months` in which it has days, and those that are not signed."""

    label: str
    kind: PeriodKind
    months: tuple[str, ...]
    open_months: tuple[str, ...]
    closed: bool

    def sentence(self) -> str:
        """In plain words."""
        if self.closed:
            return f"{self.label} is closed: {self.months[0]} to {self.months[-1]} are signed."
        if len(self.open_months) > NAMED_MAX:
            return (
                f"{self.label} is not closed: {len(self.open_months)} of its {len(self.months)} months are not signed."
            )
        are = "is" if len(self.open_months) == 1 else "are"
        return f"{self.label} is not closed: {', '.join(self.open_months)} {are} not signed."


def fiscal_closes(calendar: FiscalCalendar, signed: Collection[str]) -> tuple[FiscalClose, ...]:
    """The fiscal periods in which some month of `signed` has days, newest first; months where they are no calendar months."""
    found: dict[str, Period] = {}
    for kind in KINDS[1:] if calendar.by_month else KINDS:
        for text in signed:
            month = Month.parse(text)
            day = month.start
            while day < month.end:
                period = calendar.period(kind, day)
                found[period.label] = period
                day = period.end
    newest = sorted(found.values(), key=lambda one: (one.end, one.start), reverse=True)
    return tuple(_closed(one, signed) for one in newest)


def _closed(period: Period, signed: Collection[str]) -> FiscalClose:
    months = tuple(str(month) for month in period.months())
    still_open = tuple(month for month in months if month not in signed)
    return FiscalClose(period.label, period.kind, months, still_open, not still_open)
