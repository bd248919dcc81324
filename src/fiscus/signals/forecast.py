"""What a period will cost: its actual days exactly, the days to come as simulated paths.

Paths are a residual bootstrap of `baseline`: each path draws the model's own past errors in blocks of up to a week, moves its
level by them, and so widens with the horizon. Every draw is seeded by the series' key: the same series, the same forecast.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from fiscus.kernel.money import EXACT, ZERO, total
from fiscus.kernel.periods import Month
from fiscus.signals.baseline import DAMPING, WINDOW_DAYS, Fit, Floats, Ints, fit, lump_bins, median_ignoring_nan
from fiscus.signals.types import DailySeries, Forecast

PATHS: Final = 400
PATHS_LONG: Final = 200  # past 62 days: half the paths bound the time of a year's forecast
LONG_DAYS: Final = 62
FULL_MODEL_DAYS_MIN: Final = 21
_BLOCK_DAYS: Final = 7
_CHUNK_CELLS: Final = 2_000_000
_SHARE = Decimal("0.0001")
_CENT_OF_CENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """One period of one series. [`period_start`, `period_end`) in dates; `amount` is the budget, if any.

    `ahead` is what is known of the period's days after the series' last one, where some of it was billed before the rest.
    """

    series: DailySeries
    period_start: date
    period_end: date
    amount: Decimal | None = None
    ahead: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class _Window:
    """A request cut to what is known: `observed_end` is exclusive, `recent` the last days as floats, NaN in front."""

    request: ForecastRequest
    observed_end: date
    actuals: tuple[Decimal, ...]
    recent: Floats
    known: int


def forecast_period(
    series: DailySeries,
    period_end: date,
    as_of: date,
    amount: Decimal | None,
    *,
    period_start: date | None = None,
) -> Forecast:
    """The forecast of [`period_start`, `period_end`), by default the month that ends with `period_end`.

    Days before `as_of` that the series holds are actuals; the rest of the period is forecast, days that have not landed too.
    Costs in the series' currency. Under 21 known days the model is a bootstrap of what is known; with none it is zero.
    """
    start = period_start or Month.of(period_end - timedelta(days=1)).start
    return forecast_many([ForecastRequest(series, start, period_end, amount)], as_of)[0]


def forecast_many(requests: Sequence[ForecastRequest], as_of: date) -> list[Forecast]:
    """Forecasts in the order of `requests`, fitted together: 2,000 budgets of a month take a few seconds on one core."""
    windows = [_window(request, as_of) for request in requests]
    answers: dict[int, Forecast] = {}
    for members in _alike(windows):
        ahead = (windows[members[0]].request.period_end - windows[members[0]].observed_end).days
        if ahead <= 0:
            answers |= {n: _closed(windows[n], as_of) for n in members}
            continue
        per_chunk = max(1, _CHUNK_CELLS // (_paths(ahead) * ahead))
        for first in range(0, len(members), per_chunk):
            chunk = members[first : first + per_chunk]
            simulated = _simulate([windows[n] for n in chunk], ahead)
            answers |= {n: _answer(windows[n], paths, as_of) for n, paths in zip(chunk, simulated, strict=True)}
    return [answers[n] for n in range(len(requests))]


def spending_paths(series: DailySeries, as_of: date, days: int) -> tuple[date, Floats, str]:
    """(first day, running totals, method): each row a simulated path of `days` days from the first that is not known.

    What `forecast_many` draws its quantiles from, for whoever asks when a total is reached and not what a period comes to.
    """
    window = _window(ForecastRequest(series, as_of, as_of + timedelta(days=days)), as_of)
    simulated = _simulate([window], days)[0] if window.known else np.zeros((1, days))
    return window.observed_end, simulated.cumsum(axis=1), _method(window)


def _paths(ahead: int) -> int:
    return PATHS if ahead <= LONG_DAYS else PATHS_LONG


def _window(request: ForecastRequest, as_of: date) -> _Window:
    series = request.series
    known = max(0, min(len(series.values), (as_of - series.start).days))
    observed_end = series.start + timedelta(days=known) if known else min(as_of, request.period_end)
    skip = max(0, (request.period_start - series.start).days)
    stop = max(0, min(known, (request.period_end - series.start).days))
    actuals = tuple(series.values[skip:stop])
    recent = np.array([float(value) for value in series.values[max(0, known - WINDOW_DAYS) : known]], dtype=np.float64)
    spent = np.flatnonzero(recent)
    recent = recent[spent[0] :] if len(spent) else recent[:0]  # zeros before the first spend are not history
    padded = np.full(WINDOW_DAYS, np.nan)
    if len(recent):
        padded[-len(recent) :] = recent
    return _Window(request, observed_end, actuals, padded, len(recent))


def _alike(windows: Sequence[_Window]) -> Iterable[list[int]]:
    """Requests that share their last known day and their end are simulated in one matrix."""
    groups: dict[tuple[date, date], list[int]] = {}
    for n, window in enumerate(windows):
        groups.setdefault((window.observed_end, window.request.period_end), []).append(n)
    return groups.values()


def _simulate(windows: Sequence[_Window], ahead: int) -> Floats:
    """(N, paths, days) of daily cost from the day after the last known one."""
    recent = np.stack([window.recent for window in windows])
    first = windows[0].observed_end
    days = [first + timedelta(days=n) for n in range(ahead)]
    model = fit(recent, first - timedelta(days=1))
    picks = np.stack([_picks(window.request.series.key, ahead) for window in windows])
    full = np.array([_has_pattern(window) for window in windows])
    cost = np.where(full[:, None, None], _model_paths(model, picks, days), _resampled(recent, picks))
    some_negative = np.nanmin(recent, axis=1, initial=0.0) < 0
    return np.where(some_negative[:, None, None], cost, np.maximum(cost, 0.0))


def _has_pattern(window: _Window) -> bool:
    """Long enough, and spending on more days than not: else what was seen is drawn again as it was."""
    known = window.recent[np.isfinite(window.recent)]
    return len(known) >= FULL_MODEL_DAYS_MIN and bool(np.count_nonzero(known[-56:]) > 28)


def _picks(key: str, ahead: int) -> Floats:
    """(paths, days) uniform numbers in [0, 1): within a block they step on together, so errors keep their order."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    random = np.random.Generator(np.random.PCG64(seed))
    return random.random((_paths(ahead), -(-ahead // _BLOCK_DAYS))).repeat(_BLOCK_DAYS, axis=1)[:, :ahead]


def _draw(pool: Floats, sizes: Ints, picks: Floats) -> Floats:
    """Values of each row's pool (its last `sizes[n]` columns) at the picked places, walking on a day at a time in a block."""
    width = pool.shape[1]
    step = np.arange(picks.shape[2]) % _BLOCK_DAYS
    sizes_ = np.maximum(sizes, 1)[:, None, None]
    places = (np.floor(picks * sizes_).astype(np.int64) + step[None, None, :]) % sizes_
    flat = (width - sizes_ + places).reshape(pool.shape[0], -1)
    return np.take_along_axis(pool, flat, axis=1).reshape(picks.shape)


def _resampled(recent: Floats, picks: Floats) -> Floats:
    """Short or sporadic history: the last 56 known days drawn again; under a week, spread by a quarter of their size."""
    known = np.isfinite(recent).sum(axis=1)
    sizes = np.minimum(known, 56)
    drawn = np.nan_to_num(_draw(recent, sizes, picks))
    unsure = np.where((known > 0) & (known < 7), 0.5, 0.0)[:, None, None]
    return drawn * (1 + unsure * (picks[:, :, :1] - 0.5) * 2)


def _without_shifts(errors: Floats) -> Floats:
    """Errors clipped at eight robust deviations: the day a shift began was an error once, and is no noise to come."""
    spread = np.nan_to_num(1.4826 * median_ignoring_nan(np.abs(errors)))
    bound = 8 * np.maximum(spread, 0.02)[:, None]
    return np.clip(np.nan_to_num(errors), -bound, bound)


def _model_paths(model: Fit, picks: Floats, days: Sequence[date]) -> Floats:
    """The model run forward: level and trend move by the drawn errors; weekday and monthly lumps are laid over them."""
    pool = _without_shifts(model.errors)
    sizes = np.clip(model.observed - 14, 7, 91)  # the first fortnight only settles the level
    errors = _draw(pool, sizes, picks)
    errors = errors - np.stack([np.mean(row[-size:]) for row, size in zip(pool, sizes, strict=True)])[:, None, None]
    errors *= np.sqrt(1 + 8 / np.maximum(model.observed, 8))[
        :, None, None
    ]  # rates and weekdays were fitted to these errors
    level = np.repeat(model.level[:, None], picks.shape[1], axis=1)
    trend = np.repeat(model.trend[:, None], picks.shape[1], axis=1)
    factor = model.multiplicative[:, None]
    cost = np.empty(picks.shape)
    for n, day in enumerate(days):
        ahead = level + DAMPING * trend
        moved = np.where(factor, errors[:, :, n] * np.maximum(ahead, 0.0), errors[:, :, n])
        plain = ahead + moved
        by_day = model.seasonal[:, day.weekday()][:, None]
        lump = model.lumps[:, list(lump_bins(day))].sum(axis=1)[:, None]
        cost[:, :, n] = np.where(factor, plain * by_day, plain + by_day) + lump
        level = ahead + model.alpha[:, None] * moved
        trend = DAMPING * trend + (model.alpha * model.beta)[:, None] * moved
    return cost


def _answer(window: _Window, paths: Floats, as_of: date) -> Forecast:
    request = window.request
    first = window.observed_end
    inside = max(0, (request.period_start - first).days)  # a period that has not begun: the days before it are skipped
    paths = paths[:, inside:]
    actual = total(list(window.actuals))
    spent = paths.cumsum(axis=1)
    unseen = _unseen(spent, (as_of - first).days - inside, float(request.ahead))
    if request.ahead > ZERO:
        spent = np.maximum(spent, float(request.ahead))
    daily = np.quantile(paths, (0.1, 0.5, 0.9), axis=0)
    totals = [EXACT.add(actual, _decimal(value)) for value in np.quantile(spent[:, -1], (0.1, 0.5, 0.9))]
    p_breach, breach_day = _breach(window, actual, spent, first + timedelta(days=inside))
    return Forecast(
        key=request.series.key,
        as_of=as_of,
        days=tuple(first + timedelta(days=inside + n) for n in range(paths.shape[1])),
        p10=tuple(map(_decimal, daily[0])),
        p50=tuple(map(_decimal, daily[1])),
        p90=tuple(map(_decimal, daily[2])),
        actual_to_date=EXACT.add(actual, request.ahead),
        total_p10=totals[0],
        total_p50=totals[1],
        total_p90=totals[2],
        amount=request.amount,
        p_breach=p_breach,
        breach_day=breach_day,
        method=_method(window),
        training_days=window.known,
        unseen_p10=unseen[0],
        unseen_p50=unseen[1],
        unseen_p90=unseen[2],
    )


def _unseen(spent: Floats, days: int, ahead: float) -> list[Decimal]:
    """P10, P50 and P90 of what the first `days` days of each path cost beyond what is billed of them."""
    if days <= 0 or not spent.shape[1]:
        return [ZERO] * 3
    missing = np.maximum(spent[:, min(days, spent.shape[1]) - 1] - max(ahead, 0.0), 0.0)
    return [_decimal(value) for value in np.quantile(missing, (0.1, 0.5, 0.9))]


def _closed(window: _Window, as_of: date) -> Forecast:
    """A period whose every day is known: nothing to forecast."""
    actual = total(list(window.actuals))
    p_breach, breach_day = _breach(window, actual, np.zeros((1, 0)), window.request.period_end)
    return Forecast(
        key=window.request.series.key,
        as_of=as_of,
        days=(),
        p10=(),
        p50=(),
        p90=(),
        actual_to_date=actual,
        total_p10=actual,
        total_p50=actual,
        total_p90=actual,
        amount=window.request.amount,
        p_breach=p_breach,
        breach_day=breach_day,
        method="closed: actuals only",
        training_days=window.known,
    )


def _breach(window: _Window, actual: Decimal, spent: Floats, first: date) -> tuple[Decimal | None, date | None]:
    """(share of paths whose total is over the amount, median first day over it among those paths)."""
    amount = window.request.amount
    if amount is None:
        return None, None
    room = float(EXACT.subtract(amount, actual))
    if spent.shape[1] == 0:
        over = actual > amount
        return Decimal(int(over)), _day_crossed(window, amount) if over else None
    breaching = spent[:, -1] > room
    if not breaching.any():
        return Decimal(0), None
    share = _decimal(breaching.mean()).quantize(_SHARE)
    if actual > amount and (already := _day_crossed(window, amount)) is not None:
        return share, already
    crossed = (spent[breaching] > room).argmax(axis=1)
    return share, first + timedelta(days=int(np.median(crossed)))


def _day_crossed(window: _Window, amount: Decimal) -> date | None:
    """The actual day on which the running total went over `amount`."""
    running, start = Decimal(0), max(window.request.period_start, window.request.series.start)
    for n, value in enumerate(window.actuals):
        running = EXACT.add(running, value)
        if running > amount:
            return start + timedelta(days=n)
    return None


def _method(window: _Window) -> str:
    if window.known == 0:
        return "no history: zero"
    if not _has_pattern(window):
        return "bootstrap of known days"
    return "day of week × robust damped level, residual bootstrap"


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value))).quantize(_CENT_OF_CENT)
