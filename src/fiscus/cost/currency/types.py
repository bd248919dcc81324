"""What currencies speak of: where the rates are, what was published, and the rate of one day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal

RateDay = Literal["charge", "billing_period_end"]
GAP_DAYS: Final = 5  # a long weekend of the ECB's calendar is four days; Christmas and New Year leave at most as many


@dataclass(frozen=True, slots=True)
class Reporting:
    """`reporting` of fiscus.yaml: the currency, the rate files (name -> text), and how old a rate may be."""

    currency: str
    files: Mapping[str, str] = field(default_factory=dict)
    gap_days_max: int = GAP_DAYS
    on: RateDay = "charge"


@dataclass(frozen=True, slots=True)
class Published:
    """Rates as published: currency -> day -> units of it for one euro, days ascending. The euro itself is not among them."""

    per_euro: Mapping[str, Mapping[date, Decimal]]
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class DayRate:
    """What one unit of `currency` is in the reporting currency on `day`, by rates published on `published` (or before `day`)."""

    currency: str
    day: date
    rate: Decimal  # 12 decimals, half-even
    published: date


@dataclass(frozen=True, slots=True)
class MissingRate:
    """A currency and days for which nothing recent enough was published: their charges are not converted."""

    currency: str
    first: date
    last: date
    days: int
    why: str
