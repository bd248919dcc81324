"""A rate for each day that charges need, through the euro; days without one are named, never given a rate of one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from fiscus.cost.currency.read_rates import EURO
from fiscus.cost.currency.types import DayRate, MissingRate, Published, Reporting
from fiscus.kernel.money import EXACT

SCALE: Final = Decimal(1).scaleb(-12)


def day_rates(
    published: Published, reporting: Reporting, needed: Mapping[str, Iterable[date]]
) -> tuple[list[DayRate], list[MissingRate]]:
    """Rates for `needed` (currency -> days), and what there is none for.

    A day takes the last rates published on it or before, at most `gap_days_max` days earlier, both of the same day:
    rate = units of the reporting currency for a euro / units of the currency for a euro, at 12 decimals, half-even. The
    reporting currency itself needs none: one is one, on every day.
    """
    rates: list[DayRate] = []
    missing: list[MissingRate] = []
    for currency in sorted(needed):
        days = sorted(set(needed[currency]))
        if currency == reporting.currency:
            rates += [DayRate(currency, day, Decimal(1), day) for day in days]
            continue
        table = _cross(published, currency, reporting.currency)
        known = sorted(table)
        without: list[date] = []
        for day in days:
            place = bisect_right(known, day) - 1
            if place >= 0 and (day - known[place]).days <= reporting.gap_days_max:
                rates.append(DayRate(currency, day, table[known[place]], known[place]))
            else:
                without.append(day)
        if without:
            why = _why(published, currency, reporting, without)
            missing.append(MissingRate(currency, without[0], without[-1], len(without), why))
    return rates, missing


def _cross(published: Published, currency: str, reporting: str) -> dict[date, Decimal]:
    """Day of publication -> reporting units for one unit of `currency`, of days on which both were published."""
    of = None if currency == EURO else published.per_euro.get(currency, {})
    to = None if reporting == EURO else published.per_euro.get(reporting, {})
    days = set(of if of is not None else to or {}) & set(to if to is not None else of or {})
    one = Decimal(1)
    found = {
        day: EXACT.divide(one if to is None else to[day], one if of is None else of[day]).quantize(SCALE, context=EXACT)
        for day in days
    }
    return {day: rate for day, rate in found.items() if rate}


def _why(published: Published, currency: str, reporting: Reporting, days: list[date]) -> str:
    for code in (currency, reporting.currency):
        if code != EURO and code not in published.per_euro:
            return f"no file has a rate of {code}"
    if published.last is not None and days[0] > published.last:
        return f"the files end on {published.last}"
    if published.first is not None and days[-1] < published.first:
        return f"the files begin on {published.first}"
    return f"nothing was published within {reporting.gap_days_max} days before"
