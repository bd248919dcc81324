"""The model under the forecasts: day of week × damped level and trend, with monthly lumps, fitted to many series at once.

Rows of a matrix are series, columns are days, the last column is the newest day; NaN stands before a series began. The level
follows robust exponential smoothing (Gelper, Fried, Croux 2010: the one-step error is clipped at a multiple of its running
scale, so one outlier hardly moves the level); four clipped errors in a row on one side are a shift, and are believed. The
damped trend is that of Gardner and McKenzie 1985. Rates of smoothing are chosen per series by the error of the next week.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

WINDOW_DAYS: Final = 126  # 18 weeks: each weekday 18 times, each day of the month about four times
DAMPING: Final = 0.9
RATES: Final = ((0.08, 0.0), (0.2, 0.0), (0.4, 0.0), (0.7, 0.0), (0.2, 0.05), (0.4, 0.15))
_CLIP: Final = 3.0
_SHIFT_DAYS: Final = 4
_LUMP_SIGMAS: Final = 6.0
_SELECT_AHEAD_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Fit:
    """One row a series: what the next day starts from, and the one-step errors that paths are drawn from.

    `seasonal` is (N, 7) by weekday, a factor where `multiplicative`, else an addition. `lumps` is (N, 32): what falls on day d
    of each month over the level, index 0 for the last day. `errors` is (N, W), NaN where there is none, relative to the level
    where `multiplicative`.
    """

    multiplicative: NDArray[np.bool_]
    seasonal: Floats
    lumps: Floats
    level: Floats
    trend: Floats
    alpha: Floats
    beta: Floats
    errors: Floats
    observed: Ints


def fit(values: Floats, last_day: date) -> Fit:
    """Fit every row of `values` (N, W); `last_day` is the day of the last column."""
    days = [last_day - timedelta(days=int(n)) for n in range(values.shape[1] - 1, -1, -1)]
    weekdays = np.array([day.weekday() for day in days])
    lumps, plain = _take_lumps(values, days)
    multiplicative = np.nanmin(plain, axis=1, initial=np.inf) > 0
    seasonal = _seasonal(plain, weekdays, multiplicative)
    by_day = seasonal[:, weekdays]
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = np.where(multiplicative[:, None], plain / by_day, plain - by_day)
    level, trend, alpha, beta, errors = _smooth(flat)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = errors / (flat - errors)
    errors = np.where(multiplicative[:, None], relative, errors)
    errors[~np.isfinite(errors)] = np.nan
    observed = np.isfinite(values).sum(axis=1)
    return Fit(multiplicative, seasonal, lumps, level, trend, alpha, beta, errors, observed)


def lump_bins(day: date) -> tuple[int, ...]:
    """The lump indexes that fall on `day`: its number, and 0 too when it ends its month."""
    return (day.day, 0) if (day + timedelta(days=1)).day == 1 else (day.day,)


def _take_lumps(values: Floats, days: list[date]) -> tuple[Floats, Floats]:
    """What recurs on one day of the month (a subscription on the first, tax on the last), and the values without it.

    A lump is a day of the month whose every occurrence in the window, at least two, stands six robust deviations off the
    14 days around it, on the same side.
    """
    lumps = np.zeros((values.shape[0], 32))
    around, scale = _local_median(values)
    off = values - around
    bar = _LUMP_SIGMAS * scale + 1e-12
    plain = values.copy()
    for index in range(32):
        columns = np.array([n for n, day in enumerate(days) if index in lump_bins(day)], dtype=np.int64)
        if len(columns) < 2:
            continue
        here = off[:, columns]
        seen = np.isfinite(here).sum(axis=1)
        up = (np.where(np.isfinite(here), here, np.inf) > bar[:, None]).all(axis=1)
        down = (np.where(np.isfinite(here), here, -np.inf) < -bar[:, None]).all(axis=1)
        is_lump = (seen >= 2) & (up | down)
        if is_lump.any():
            lumps[is_lump, index] = median_ignoring_nan(here[is_lump])
            cells = np.ix_(np.flatnonzero(is_lump), columns)
            plain[cells] = np.where(np.isfinite(values[cells]), around[cells], np.nan)
            off[cells] = 0.0  # a lump of the last day is not counted again as one of the 30th or 31st
    return lumps, plain


def _local_median(values: Floats) -> tuple[Floats, Floats]:
    """(N, W) median of the 15 days around each day, and (N,) the robust deviation from it. All-NaN windows stay NaN."""
    half = 7
    padded = np.pad(values, ((0, 0), (half, half)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=1)
    around = median_ignoring_nan(windows)
    return around, 1.4826 * median_ignoring_nan(np.abs(values - around))


def median_ignoring_nan(values: Floats) -> Floats:
    """Median over the last axis without NaN; NaN where nothing is left. Faster than nanmedian, and silent."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    count = np.isfinite(values).sum(axis=-1)
    ordered = np.sort(values, axis=-1)  # NaN sort to the end
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[-1] - 1)[..., None], axis=-1)[..., 0]
    return np.where(count > 0, (low + np.where(count % 2 == 0, high, low)) / 2, np.nan)


def _seasonal(plain: Floats, weekdays: Ints, multiplicative: NDArray[np.bool_]) -> Floats:
    """(N, 7): the robust effect of each weekday against its week, normalised to 1 (or 0); none under three weeks."""
    count = plain.shape[1]
    padded = np.pad(plain, ((0, 0), (3, 3)), mode="edge") if count else plain
    week = np.lib.stride_tricks.sliding_window_view(padded, 7, axis=1).mean(axis=2)
    week[:, :3] = np.nan  # the centred week is whole only inside
    week[:, count - 3 :] = np.nan
    neutral = np.where(multiplicative, 1.0, 0.0)[:, None] * np.ones((1, 7))
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(multiplicative[:, None], plain / week, plain - week)
    found = np.stack([median_ignoring_nan(effect[:, weekdays == day]) for day in range(7)], axis=1)
    centre = found.mean(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(multiplicative[:, None], found / centre, found - centre)
    usable = np.isfinite(found).all(axis=1) & (np.isfinite(plain).sum(axis=1) >= 21) & (found != 0).all(axis=1)
    usable &= ~multiplicative | (found > 0.02).all(axis=1)
    return np.where(usable[:, None], found, neutral)


def _smooth(flat: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Level, trend, rates and one-step errors of the best rates of each series."""
    rows = np.arange(flat.shape[0])
    levels, trends, errors = _run(flat, np.array(RATES))
    losses = np.stack([_loss(flat, level, trend) for level, trend in zip(levels, trends, strict=True)])
    best = np.argmin(losses, axis=0)
    rates = np.array(RATES)[best]
    return levels[best, rows, -1], trends[best, rows, -1], rates[:, 0], rates[:, 1], errors[best, rows]


def _run(flat: Floats, rates: Floats) -> tuple[Floats, Floats, Floats]:
    """Robust damped smoothing through all columns: (R, N, W) level and trend after each day, one-step error of each day.

    All `rates` (R, 2) go through the days together: most companies have few series, and each step costs the same for few.
    """
    alpha, beta = rates[:, :1], rates[:, 1:]
    shape = (len(rates), *flat.shape)
    levels, trends, errors = np.zeros(shape), np.zeros(shape), np.full(shape, np.nan)
    first = median_ignoring_nan(_first_week(flat))
    level = np.broadcast_to(np.nan_to_num(first), shape[:2])
    trend, run = np.zeros(shape[:2]), np.zeros(shape[:2])
    scale = 1.4826 * np.nan_to_num(median_ignoring_nan(np.abs(_first_week(flat) - first[:, None])))
    for day in range(flat.shape[1]):
        ahead = level + DAMPING * trend
        error = flat[:, day] - ahead
        known = np.isfinite(error)
        bound = _CLIP * np.maximum(scale, 1e-9 + 0.01 * np.abs(ahead))
        used = np.where(known, np.clip(error, -bound, bound), 0.0)
        level = np.where(known, ahead + alpha * used, level)
        trend = np.where(known, DAMPING * trend + beta * alpha * used, trend)
        beyond = np.where(known & (np.abs(error) > bound), np.sign(error), 0.0)
        run = np.where(beyond == 0, 0.0, np.where(beyond * run > 0, run + beyond, beyond))
        if day >= _SHIFT_DAYS and (shifted := np.abs(run) >= _SHIFT_DAYS).any():
            level = np.where(shifted, flat[:, day - _SHIFT_DAYS + 1 : day + 1].mean(axis=1), level)
            run = np.where(shifted, 0.0, run)
        wider = np.minimum(np.abs(np.nan_to_num(error)), 2 * bound)  # a shift widens the bound, so it is believed soon
        scale = np.where(known, 0.85 * scale + 0.15 * 1.2533 * wider, scale)
        levels[:, :, day], trends[:, :, day], errors[:, :, day] = level, trend, error
    return levels, trends, errors


def _first_week(flat: Floats) -> Floats:
    """(N, 14): the first fourteen known days of each row; a row's NaN all stand in front."""
    width = flat.shape[1]
    start = width - np.isfinite(flat).sum(axis=1)
    columns = np.minimum(start[:, None] + np.arange(min(14, width))[None, :], width - 1)
    return np.take_along_axis(flat, columns, axis=1)


def _loss(flat: Floats, levels: Floats, trends: Floats) -> Floats:
    """(N,) median over origins of |mean of the next seven days - its forecast|; zero where too short to tell."""
    width, ahead = flat.shape[1], _SELECT_AHEAD_DAYS
    if width <= ahead + 14:
        return np.zeros(flat.shape[0])
    future = np.lib.stride_tricks.sliding_window_view(flat, ahead, axis=1).mean(axis=2)[:, 1:]
    damped = np.mean(np.cumsum(DAMPING ** np.arange(1, ahead + 1)))
    forecast = levels[:, : future.shape[1]] + damped * trends[:, : future.shape[1]]
    missed = np.abs(future - forecast)[:, 14:]
    known = np.isfinite(missed)
    loss: Floats = np.where(known, missed, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return loss
