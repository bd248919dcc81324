"""Exchange rates in the form in which the European Central Bank publishes its history; the numbers are simulated."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import numpy as np

from fiscus.twin.timeline import Timeline

FILE: Final = "rates/eurofxref-hist.csv"
START: Final[Mapping[str, float]] = {"USD": 1.1460, "JPY": 171.20, "GBP": 0.8610, "CHF": 0.9390}  # units for one euro
STEP: Final = 0.0035  # a day's usual move, as a part of the rate
SEED: Final = 20_260_127  # the same walk for every company: rates are no secret of one
HOLIDAYS: Final = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})  # of the ECB's calendar; Easter is left out


def exchange_rates(timeline: Timeline) -> str:
    """A row for each working day from a week before the first simulated day to the day before the as-of day, newest first."""
    first = timeline.start - timedelta(days=7)
    days = [first + timedelta(days=n) for n in range((timeline.as_of - first).days)]
    open_days = [day for day in days if day.isoweekday() <= 5 and (day.month, day.day) not in HOLIDAYS]
    steps = np.random.default_rng(SEED).normal(0, STEP, (len(open_days), len(START)))
    walks = np.exp(np.cumsum(steps, axis=0)) * np.array(list(START.values()))
    rows = [f"{day}," + "".join(f"{rate:.4f}," for rate in walk) for day, walk in zip(open_days, walks, strict=True)]
    return "Date," + "".join(f"{code}," for code in START) + "\n" + "".join(f"{row}\n" for row in reversed(rows))
