"""Days of excess, found with nothing but the days before them, for many series at once.

What is expected is a level (median of the last fortnight's weekly means) times the weekday's factor over eight weeks; its
deviation is the median absolute relative residual of six weeks. A day is outside when it stands far over that, or when a
one-sided CUSUM (Page 1954) of the standardised excess passes its bar: so a shift or ramp too small for any one day is found,
and dated back to where it began. Days of a run teach the level what was expected, not what came, until the run has lasted
three weeks: then it is the new normal. What recurs a month apart (a batch on the first) is no news the second time.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fiscus.signals.baseline import Floats, median_ignoring_nan

Bools: TypeAlias = NDArray[np.bool_]

TRAINING_DAYS_MIN: Final = 14  # before it, a series has no past to be outside of
NEW_NORMAL_DAYS: Final = 21
SPIKE_SIGMAS: Final = 5.0
CUSUM_SLACK: Final = 1.5
CUSUM_BAR: Final = 9.0
CUSUM_CAP: Final = 4.0  # what one day may add, so that one spike alone does not ring the slow bell
NOISE_SHARE_MIN: Final = 0.04  # no series is believed to be steadier than this
SCORE_MAX: Final = 99.0
_LEVEL_DAYS: Final = 14
_WEEKS: Final = 8
_RESIDUAL_DAYS: Final = 42
_SPORADIC_DAYS: Final = 56
_SPORADIC_SHARE: Final = 0.25
_LUMP_SIGMAS: Final = 3.0


class ExcessRuns:
    """The detector's memory and its answer. (N, T) each: expected cost, its deviation, excess in deviations, outside or not."""

    def __init__(self, values: Floats) -> None:
        self.values = values
        self.expected, self.deviation, self.score = (np.zeros_like(values) for _ in range(3))
        self.outside: Bools = np.zeros(values.shape, dtype=bool)
        self._taught = values.copy()
        self._weekly, self._relative = np.full_like(values, np.nan), np.full_like(values, np.nan)
        series = values.shape[0]
        self._cusum, self._lasted = np.zeros(series), np.zeros(series, dtype=np.int64)
        self._began = np.zeros(series, dtype=np.int64)

    def judge(self, day: int) -> None:
        """Judge column `day` by the columns before it, then learn from it."""
        self._expect(day)
        z = self.score[:, day]
        grown = np.maximum(0.0, self._cusum + np.clip(z, -CUSUM_CAP, CUSUM_CAP) - CUSUM_SLACK)
        self._began = np.where((self._cusum == 0) & (grown > 0), day, self._began)
        self._cusum = grown
        over = z > CUSUM_SLACK
        rings = over & ((z > SPIKE_SIGMAS) | (grown > CUSUM_BAR)) & self._is_news(day)
        rings &= day >= TRAINING_DAYS_MIN
        running = (self._lasted > 0) & over
        inside = (rings | running) & (self._lasted < NEW_NORMAL_DAYS)
        for row in np.flatnonzero(inside & (self._lasted == 0) & (grown > CUSUM_BAR)):
            self._date_back(int(row), day)
        normal_now = (rings | running) & (self._lasted >= NEW_NORMAL_DAYS)
        for row in np.flatnonzero(normal_now):
            self._accept(int(row), day)
        self.outside[:, day] = inside
        self._lasted = np.where(inside, self._lasted + 1, 0)
        self._cusum = np.where(inside | normal_now, 0.0, self._cusum)
        self._learn(day, inside)

    def _expect(self, day: int) -> None:
        with np.errstate(divide="ignore", invalid="ignore"):
            level = median_ignoring_nan(self._weekly[:, max(0, day - _LEVEL_DAYS) : day])
            same = [day - 7 * week for week in range(1, _WEEKS + 1) if day - 7 * week >= 6]
            factor = np.ones(len(level))
            if len(same) >= 2:
                factor = median_ignoring_nan(self._taught[:, same] / self._weekly[:, same])
            factor = np.where(np.isfinite(factor), np.clip(factor, 0.0, 7.0), 1.0)
            expected = np.maximum(np.nan_to_num(level) * factor, 0.0)
            noise = median_ignoring_nan(np.abs(self._relative[:, max(0, day - _RESIDUAL_DAYS) : day]))
            share = np.maximum(1.4826 * np.nan_to_num(noise, nan=0.25), NOISE_SHARE_MIN)
            deviation = np.maximum(share * expected, 0.05 * share * np.abs(np.nan_to_num(level)) + 1e-6)
            z = np.nan_to_num((self.values[:, day] - expected) / deviation)
        self.expected[:, day], self.deviation[:, day] = expected, deviation
        self.score[:, day] = np.clip(z, -SCORE_MAX, SCORE_MAX)

    def _is_news(self, day: int) -> Bools:
        """Not what came a month ago too, and in a series that spends on some days only, more than it ever did of late."""
        now = self.values[:, day]
        month = slice(max(0, day - 34), max(0, day - 25))
        lump = np.where(self.score[:, month] > _LUMP_SIGMAS, np.nan_to_num(self.values[:, month]), 0.0)
        recent = np.nan_to_num(self.values[:, max(0, day - _SPORADIC_DAYS) : day])
        idle = (recent <= 0).sum(axis=1) / max(1, recent.shape[1])
        sporadic = (idle > _SPORADIC_SHARE) & (idle < 1)
        highest = np.where(sporadic, recent.max(axis=1, initial=0.0), 0.0)
        bar = np.maximum(lump.max(axis=1, initial=0.0), np.where(self._lasted > 0, 0.0, highest))
        news: Bools = now > 1.1 * bar
        return news

    def _date_back(self, row: int, day: int) -> None:
        """A slow rise began where its sum left zero, not where it rang."""
        first = max(int(self._began[row]), day - NEW_NORMAL_DAYS)
        risen = slice(first, day)
        self.outside[row, risen] = self.score[row, risen] > CUSUM_SLACK / 2
        self._taught[row, risen] = self.expected[row, risen]
        self._relative[row, risen] = np.nan
        self._reweek(row, first, day)

    def _accept(self, row: int, day: int) -> None:
        """Three weeks of it: what came is now what is expected."""
        first = max(0, day - NEW_NORMAL_DAYS)
        self._taught[row, first:day] = self.values[row, first:day]
        self._reweek(row, first, day)

    def _reweek(self, row: int, first: int, end: int) -> None:
        for day in range(max(first, 6), end):
            self._weekly[row, day] = self._taught[row, day - 6 : day + 1].mean()

    def _learn(self, day: int, inside: Bools) -> None:
        self._taught[:, day] = np.where(inside, self.expected[:, day], self.values[:, day])
        if day >= 6:
            self._weekly[:, day] = self._taught[:, day - 6 : day + 1].mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = (self.values[:, day] - self.expected[:, day]) / self.expected[:, day]
        self._relative[:, day] = np.where(inside | ~np.isfinite(relative), np.nan, relative)


def excess_runs(values: Floats) -> ExcessRuns:
    """Judge every day of (N, T) daily cost, oldest column first. NaN: not landed."""
    seen = ExcessRuns(values)
    for day in range(values.shape[1]):
        seen.judge(day)
    return seen
