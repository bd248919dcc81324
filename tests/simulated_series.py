"""Simulated daily cost series with weekday rhythm, drift, autocorrelated noise and, where asked, a planted event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from fiscus.signals.types import DailySeries


def daily(
    values: Sequence[float], start: date = date(2026, 1, 1), key: str = "s", currency: str = "USD"
) -> DailySeries:
    return DailySeries(key, currency, start, tuple(Decimal(repr(round(float(value), 4))) for value in values))


def clean(random: np.random.Generator, days: int, start: date = date(2026, 1, 1)) -> np.ndarray:
    """One believable series: a level of 10 to 2,000 a day, weekends lower, slow growth, noise that remembers yesterday."""
    level = 10 ** random.uniform(1, 3.3)
    weekend = random.uniform(0.4, 1.0)
    growth = random.normal(0.0004, 0.0008)
    wander = np.cumsum(random.normal(0, random.uniform(0, 0.008), days))
    noise = np.zeros(days)
    shock = random.normal(0, random.uniform(0.02, 0.09), days)
    for day in range(days):
        noise[day] = (0.3 * noise[day - 1] if day else 0.0) + shock[day]
    weekdays = np.array([(start + timedelta(days=day)).weekday() for day in range(days)])
    rhythm = np.where(weekdays >= 5, weekend, 1.0)
    return level * rhythm * np.exp(growth * np.arange(days) + wander + noise)
