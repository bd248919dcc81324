"""The facts `now.*`: the moment in UTC, where it stands in the company's fiscal year, and what is frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from fiscus.kernel.periods import FiscalCalendar, FiscalPosition


@dataclass(frozen=True, slots=True)
class Freeze:
    """A window [start, end) in which a company wants no changes. `environments` empty: all of them."""

    name: str
    start: datetime
    end: datetime
    environments: tuple[str, ...] = ()

    def holds(self, at: datetime, environment: str) -> bool:
        """Whether it is on, for this environment."""
        return self.start <= at < self.end and (not self.environments or environment in self.environments)


def moment_facts(
    at: datetime, calendar: FiscalCalendar, freezes: Sequence[Freeze] = (), environment: str = ""
) -> Mapping[str, object]:
    """Every fact `now.*`. `now.freeze` names the freezes that are on for `environment`, those of all environments included."""
    stands = _position(calendar, at.date())
    return {
        "now.hour": at.hour,
        "now.weekday": at.isoweekday(),
        "now.date": at.date().isoformat(),
        "now.fiscal_year": stands.year,
        "now.fiscal_quarter": stands.quarter,
        "now.fiscal_period": stands.period,
        "now.days_left_in_period": stands.days_left,
        "now.freeze": tuple(freeze.name for freeze in freezes if freeze.holds(at, environment)),
    }


@lru_cache(maxsize=64)
def _position(calendar: FiscalCalendar, day: date) -> FiscalPosition:
    return calendar.position(day)
