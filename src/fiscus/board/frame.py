"""Which money a pack speaks of: one month of one company, up to the as-of day, and the month before it to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from fiscus.kernel.fiscal_labels import FiscalMonth
from fiscus.kernel.periods import FiscalCalendar, Month, midnight


@dataclass(frozen=True, slots=True)
class Frame:
    """`end` is exclusive: the as-of day of a running month, else the month's end.

    `partial_since`: source -> the first of its newest days of which only a part has landed.
    """

    company: str
    currency: str
    calendar: FiscalCalendar
    period: Month | FiscalMonth
    as_of: date
    partial_since: Mapping[str, date] = field(default_factory=dict)
    reporting: str | None = None  # the reporting currency, where one is declared

    @property
    def start(self) -> date:
        return self.period.start

    @property
    def end(self) -> date:
        return min(self.period.end, self.as_of)

    @property
    def partial(self) -> bool:
        return self.as_of < self.period.end

    @property
    def before(self) -> date:
        """The first day of the month before."""
        return self.period.shift(-1).start

    @property
    def before_end(self) -> date:
        """As many days of the month before as this one has so far; the whole month when this one is whole."""
        if not self.partial:
            return self.start
        return min(self.before + (self.end - self.start), self.start)

    @property
    def name(self) -> str:
        """October 2026; November 2026 to the 19th."""
        last = self.end - timedelta(days=1)
        if isinstance(self.period, FiscalMonth):
            return f"{self.period} to {last.day} {last:%b}" if self.partial else str(self.period)
        return f"{self.start:%B %Y} to day {last.day}" if self.partial else f"{self.start:%B %Y}"

    def params(self) -> dict[str, object]:
        """What most queries bind: currency and the two windows, as UTC instants."""
        return {
            "currency": self.currency,
            "start": midnight(self.start),
            "until": midnight(self.end),
            "before": midnight(self.before),
            "before_until": midnight(self.before_end),
        }
