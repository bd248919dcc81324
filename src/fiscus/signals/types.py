"""Numbers about series: forecasts with intervals, anomalies, unit economics. Estimates; never mixed with actuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class DailySeries:
    """Cost a day in one currency, no gaps: `values[i]` is the cost of `start + i days`."""

    key: str
    currency: str
    start: date
    values: Sequence[Decimal]


@dataclass(frozen=True, slots=True)
class LabelledSeries:
    """A series and whose spend it is; owner and service are looked at apart so that one's saving never hides another's excess."""

    series: DailySeries
    owner: str
    team: str
    service: str
    provider: str
    environment: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """Daily quantiles for `days`, and of the total of the period: actual to date plus what is to come.

    `p_breach` is the share of simulated paths whose period total is over `amount` (None without an amount), `breach_day` the
    median day on which the paths that breach do so. `unseen` is what the days before `as_of` that no bill covers yet are
    expected to cost, over what is billed of them already.
    """

    key: str
    as_of: date
    days: tuple[date, ...]
    p10: tuple[Decimal, ...]
    p50: tuple[Decimal, ...]
    p90: tuple[Decimal, ...]
    actual_to_date: Decimal
    total_p10: Decimal
    total_p50: Decimal
    total_p90: Decimal
    amount: Decimal | None
    p_breach: Decimal | None
    breach_day: date | None
    method: str
    training_days: int
    unseen_p10: Decimal = Decimal(0)
    unseen_p50: Decimal = Decimal(0)
    unseen_p90: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Contribution:
    """How much of an anomaly's excess one dimension value explains."""

    dimension: str
    value: str
    excess: Decimal


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A run of days outside the expected band of (owner, service). `impact` is actual minus expected over the run."""

    id: str
    owner: str
    team: str
    service: str
    provider: str
    environment: str
    currency: str
    start: date
    end: date  # exclusive
    actual: Decimal
    expected: Decimal
    low: Decimal
    high: Decimal
    impact: Decimal
    score: Decimal
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitCost:
    """EffectiveCost per unit of a driver over a period. `volume` zero gives no `cost_per_unit`."""

    name: str
    unit: str
    currency: str
    cost: Decimal
    volume: Decimal
    cost_per_unit: Decimal | None
    dimensions: Mapping[str, str]
