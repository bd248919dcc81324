"""The facts `now.*`: the moment in UTC, where it stands in the company's fiscal year, and what is frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from fiscus.kernel.periods import FiscalCalendar

HOURS_KEPT_MAX: Final = 64
_KEPT: Final[dict[tuple[int, date, int], tuple[FiscalCalendar, Mapping[str, object]]]] = {}
"""By calendar, which is known by what it is: as long as it is kept, nothing else has its id."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A window [start, end) in which a company wants no changes. `environments` empty: all of them."""

    name: str
    start: datetime
    end: datetime
    environments: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)  # of fiscus.yaml

    def holds(self, at: datetime, environment: str) -> bool:
        """Whether it is on, for this environment."""
        return self.start <= at < self.end and (not self.environments or environment in self.environments)


def moment_facts(
    at: datetime, calendar: FiscalCalendar, freezes: Sequence[Freeze] = (), environment: str = ""
) -> Mapping[str, object]:
    """Every fact `now.*`. `now.freeze` names the freezes that are on for `environment`, those of all environments included."""
    frozen = tuple([freeze.name for freeze in freezes if freeze.holds(at, environment)])
    day, hour = at.date(), at.hour
    known = _KEPT.get((id(calendar), day, hour))
    if known is None:
        if len(_KEPT) >= HOURS_KEPT_MAX:
            _KEPT.clear()
        known = _KEPT[id(calendar), day, hour] = (calendar, _hour_facts(calendar, day, hour))
    return {**known[1], "now.freeze": frozen}


def _hour_facts(calendar: FiscalCalendar, day: date, hour: int) -> Mapping[str, object]:
    """What is the same for a whole hour."""
    stands = calendar.position(day)
    return {
        "now.hour": hour,
        "now.weekday": day.isoweekday(),
        "now.date": day.isoformat(),
        "now.fiscal_year": stands.year,
        "now.fiscal_quarter": stands.quarter,
        "now.fiscal_period": stands.period,
        "now.days_left_in_period": stands.days_left,
    }
