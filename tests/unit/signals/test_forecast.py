"""A forecast says what a period will cost, how sure it is, and when a budget breaks."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from tests import simulated_series as simulated

from fiscus.signals.forecast import ForecastRequest, forecast_many, forecast_period
from fiscus.signals.types import Forecast

START = date(2025, 11, 1)
AS_OF = date(2026, 11, 10)
KNOWN = (AS_OF - START).days
NOVEMBER_END = date(2026, 12, 1)


def flat(amount: float, days: int = KNOWN) -> list[float]:
    return [amount] * days


def november(values: list[float], amount: str | None = None, start: date = START) -> Forecast:
    return forecast_period(
        simulated.daily(values, start), NOVEMBER_END, AS_OF, None if amount is None else Decimal(amount)
    )


@pytest.fixture(scope="module")
def scored() -> tuple[list[Forecast], np.ndarray, np.ndarray]:
    """200 simulated budgets ten days into a month: forecasts, what the month really cost, and the seasonal naive guess."""
    random = np.random.default_rng(20261120)
    requests, truth, naive = [], [], []
    for n in range(200):
        values = np.round(simulated.clean(random, 365, START), 4)
        series = simulated.daily(values, START, f"budget-{n}")
        requests.append(ForecastRequest(series, START + timedelta(days=325), START + timedelta(days=355)))
        known = values[325:335].sum()
        truth.append(values[325:355].sum())
        naive.append(known + np.resize(values[328:335], 20).sum())
    return forecast_many(requests, START + timedelta(days=335)), np.array(truth), np.array(naive)


def test_eighty_per_cent_intervals_hold_about_eighty_per_cent_of_months(scored) -> None:
    forecasts, truth, _ = scored
    inside = [f.total_p10 <= Decimal(str(t)) <= f.total_p90 for f, t in zip(forecasts, truth, strict=True)]
    assert 0.70 <= np.mean(inside) <= 0.90


def test_the_month_is_forecast_better_than_by_repeating_last_week(scored) -> None:
    forecasts, truth, naive = scored
    ours = np.array([float(f.total_p50) for f in forecasts])
    assert np.abs(ours - truth).sum() < np.abs(naive - truth).sum()
    assert np.mean(np.abs(ours - truth) / truth) < np.mean(np.abs(naive - truth) / truth)


def test_daily_intervals_hold_their_days(scored) -> None:
    random = np.random.default_rng(5)
    shares = []
    for n in range(60):
        values = np.round(simulated.clean(random, 200, START), 4)
        as_of = START + timedelta(days=180)
        f = forecast_period(simulated.daily(values, START, f"d{n}"), START + timedelta(days=200), as_of, None)
        ahead = values[180:200][-len(f.days) :]
        shares.append(
            np.mean([low <= Decimal(str(v)) <= high for low, v, high in zip(f.p10, ahead, f.p90, strict=True)])
        )
    assert 0.65 <= np.mean(shares) <= 0.92


def test_what_was_spent_is_exact_and_quantiles_are_ordered() -> None:
    values = [Decimal("0.1")] * KNOWN
    f = forecast_period(replace(simulated.daily([1], START), values=values), NOVEMBER_END, AS_OF, Decimal(4))
    assert f.actual_to_date == Decimal("0.9")
    assert f.total_p10 <= f.total_p50 <= f.total_p90
    assert [day.isoformat() for day in (f.days[0], f.days[-1])] == ["2026-11-10", "2026-11-30"]


def test_the_same_series_gives_the_same_forecast_whatever_stands_beside_it() -> None:
    random = np.random.default_rng(3)
    series = [simulated.daily(simulated.clean(random, KNOWN, START), START, f"k{n}") for n in range(5)]
    requests = [ForecastRequest(s, date(2026, 11, 1), NOVEMBER_END, Decimal(900)) for s in series]
    together = forecast_many(requests, AS_OF)
    assert together == [forecast_many([request], AS_OF)[0] for request in requests]
    assert list(reversed(together)) == forecast_many(list(reversed(requests)), AS_OF)


def test_a_constant_series_is_forecast_without_doubt() -> None:
    f = november(flat(100), "3000")
    assert f.total_p10 == f.total_p50 == f.total_p90 == Decimal(3000)
    assert f.p_breach == 0
    assert november(flat(100), "2999").p_breach == 1


@pytest.mark.parametrize("days", [0, 30])
def test_no_spend_is_forecast_as_none(days: int) -> None:
    f = november(flat(0, days), "10", AS_OF - timedelta(days=days))
    assert (f.total_p90, f.p_breach, f.training_days) == (0, 0, 0)
    assert f.method == "no history: zero"


def test_one_known_day_is_believed_but_not_trusted() -> None:
    f = november([50], "2000", AS_OF - timedelta(days=1))
    assert f.actual_to_date == 50
    assert f.total_p10 < Decimal(50 * 22) < f.total_p90


def test_a_series_of_month_to_date_only_draws_on_its_own_days() -> None:
    f = november([90, 110, 100, 95, 105, 100, 100, 90, 110], "3500", date(2026, 11, 1))
    assert Decimal(2800) < f.total_p10 < f.total_p90 < Decimal(3200)
    assert f.method == "bootstrap of known days"


def test_credits_may_make_a_series_negative_and_spend_never_is() -> None:
    random = np.random.default_rng(1)
    refunds = november(list(-50 + random.normal(0, 5, KNOWN)))
    assert refunds.total_p90 < 0
    spend = november(list(np.abs(random.normal(1, 3, KNOWN))))
    assert min(spend.p10) >= 0


def test_what_falls_on_one_day_of_each_month_is_expected_on_that_day() -> None:
    days = [START + timedelta(days=n) for n in range(KNOWN)]
    f = november([1000.0 + (20_000 if day.day == 28 else 0) for day in days])
    assert f.total_p50 == pytest.approx(Decimal(50_000), rel=Decimal("0.01"))
    assert max(f.p50) == f.p50[f.days.index(date(2026, 11, 28))]


def test_what_falls_on_the_last_day_of_each_month_is_counted_once() -> None:
    days = [START + timedelta(days=n) for n in range(KNOWN)]
    f = november([1000.0 + (9_000 if (day + timedelta(days=1)).day == 1 else 0) for day in days])
    assert f.total_p50 == pytest.approx(Decimal(39_000), rel=Decimal("0.01"))


def test_a_shift_that_lasts_is_believed_within_a_week() -> None:
    f = november(flat(100, KNOWN - 8) + flat(400, 8), "5000")
    assert f.total_p50 > 8_000
    assert f.p_breach == 1


def test_the_day_of_breach_is_when_the_money_runs_out() -> None:
    random = np.random.default_rng(4)
    f = november(list(100 + random.normal(0, 3, KNOWN)), "2050")
    assert f.p_breach == 1
    assert f.breach_day in {date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)}


def test_a_budget_already_broken_names_the_day_it_broke() -> None:
    f = november(flat(100), "450")
    assert (f.p_breach, f.breach_day) == (1, date(2026, 11, 5))


def test_a_closed_period_is_actuals_only() -> None:
    f = forecast_period(simulated.daily(flat(10), START), date(2026, 11, 1), AS_OF, Decimal(309))
    assert (f.total_p10, f.total_p90, f.days) == (310, 310, ())
    assert (f.p_breach, f.breach_day) == (1, date(2026, 10, 31))


def test_days_that_have_not_landed_are_forecast_too() -> None:
    f = november(flat(100, KNOWN - 3))
    assert f.days[0] == AS_OF - timedelta(days=3)
    assert f.total_p50 == 3000


def test_a_later_day_in_the_series_is_not_looked_at() -> None:
    assert november(flat(100) + flat(9999, 5)) == november(flat(100))


def test_a_quarter_starts_where_it_is_told_to() -> None:
    f = forecast_period(simulated.daily(flat(10), START), date(2027, 2, 1), AS_OF, None, period_start=date(2026, 11, 1))
    assert f.actual_to_date == 90
    assert f.total_p50 == 920


@pytest.mark.thorough
def test_two_thousand_budgets_take_seconds() -> None:
    random = np.random.default_rng(2)
    series = [
        simulated.daily(simulated.clean(random, 126, AS_OF - timedelta(days=126)), AS_OF - timedelta(days=126), f"k{n}")
        for n in range(500)
    ]
    requests = [ForecastRequest(s, date(2026, 11, 1), NOVEMBER_END, Decimal(900)) for s in series]
    started = time.process_time()
    forecast_many(requests, AS_OF)
    assert time.process_time() - started < 3, "500 budgets; 2,000 would take four times as long"
