"""Anomalies: what stands outside its own past, told only when it is money."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from tests import simulated_series as simulated
from tests.fixtures.effort import sampled

from fiscus.signals.anomaly import Gates, detect, find_anomalies
from fiscus.signals.types import Anomaly, LabelledSeries

START = date(2025, 11, 1)
DAYS = 365
AS_OF = START + timedelta(days=DAYS)
PERCENT_ONLY = Gates(money=Decimal(0), money_without_past=Decimal(0))


def labelled(values, key: str = "s", start: date = START) -> LabelledSeries:
    return LabelledSeries(simulated.daily(values, start, key), f"owner-{key}", "team", "Service", "Vendor", "prod")


def steady(level: float = 100, days: int = DAYS, seed: int = 1, noise: float = 0.03) -> np.ndarray:
    return level * (1 + np.random.default_rng(seed).normal(0, noise, days))


def found(values, as_of: date = AS_OF) -> list[Anomaly]:
    return find_anomalies([labelled(values)], as_of)


@pytest.fixture(scope="module")
def year_of_clean() -> list[np.ndarray]:
    random = np.random.default_rng(11)
    return [simulated.clean(random, DAYS, START) for _ in range(150)]


def test_a_year_without_events_rings_less_than_once_a_series(year_of_clean) -> None:
    runs = detect([labelled(values, str(n)) for n, values in enumerate(year_of_clean)], AS_OF)
    assert len(runs) <= 150 * 0.5
    told = [run for run in runs if PERCENT_ONLY.open_for(run)]
    assert len(told) <= 150 * 0.1


@pytest.mark.parametrize("kind", sampled(["spike", "burst", "shift", "ramp"], every=2))
def test_planted_events_are_found_near_where_they_begin(year_of_clean, kind: str) -> None:
    random = np.random.default_rng(12)
    series, began = [], []
    for n, clean in enumerate(year_of_clean):
        values, day = clean.copy(), int(random.integers(120, 330))
        size = random.uniform(0.6, 2.0) * np.median(values[day - 28 : day])
        if kind == "ramp":
            values[day : day + 21] += size * np.linspace(0.05, 3, 21)
        else:
            values[day : {"spike": day + 1, "burst": day + 3, "shift": DAYS}[kind]] += size
        series.append(labelled(values, str(n)))
        began.append(START + timedelta(days=day))
    runs = find_anomalies(series, AS_OF, PERCENT_ONLY)
    hits = sum(
        any(run.owner == f"owner-{n}" and abs((run.start - day).days) <= 9 and run.end > day for run in runs)
        for n, day in enumerate(began)
    )
    assert hits >= 150 * 0.95
    assert len(runs) <= 150 * 1.2


def test_an_anomaly_says_what_came_and_what_was_expected() -> None:
    values = steady()
    values[200] = 600
    (anomaly,) = found(values)
    assert (anomaly.start, anomaly.end) == (START + timedelta(days=200), START + timedelta(days=201))
    assert anomaly.actual == 600
    assert anomaly.impact == anomaly.actual - anomaly.expected
    assert 95 < anomaly.expected < 105
    assert anomaly.low < anomaly.expected < anomaly.high < anomaly.actual


def test_days_in_a_row_are_one_anomaly_with_one_id_however_far_it_has_come() -> None:
    values = steady()
    values[200:210] += 150
    early = found(values, START + timedelta(days=203))
    late = found(values)
    assert [len(early), len(late)] == [1, 1]
    assert early[0].id == late[0].id
    assert (late[0].end - late[0].start).days == 10


def test_only_the_past_is_looked_at() -> None:
    values = steady()
    values[200:205] += 300
    changed = values.copy()
    changed[230:] *= 7
    as_of = START + timedelta(days=220)
    assert found(values, as_of) == found(changed, as_of)


def test_the_day_under_way_is_left_out() -> None:
    values = steady()
    values[-1] = 5000
    assert found(values, AS_OF - timedelta(days=1)) == []
    assert len(found(values)) == 1


def test_a_machine_left_on_is_one_anomaly_and_after_three_weeks_the_new_normal() -> None:
    values = steady()
    values[150:] += 80
    (anomaly,) = found(values)
    assert anomaly.start == START + timedelta(days=150)
    assert 20 <= (anomaly.end - anomaly.start).days <= 22


def test_a_quiet_weekend_and_a_busy_monday_are_no_news() -> None:
    days = [START + timedelta(days=n) for n in range(DAYS)]
    values = steady() * np.array([0.2 if day.weekday() >= 5 else 1.0 for day in days])
    assert found(values) == []
    values[days.index(date(2026, 8, 1))] = 100
    assert Gates(money=Decimal(50)).open_for(detect([labelled(values)], AS_OF)[0]), "a weekday's cost on a Saturday"


def test_a_batch_on_the_first_of_each_month_is_news_once() -> None:
    days = [START + timedelta(days=n) for n in range(DAYS)]
    values = steady() + np.array([500.0 if day.day == 1 and n > 60 else 0.0 for n, day in enumerate(days)])
    assert [anomaly.start for anomaly in found(values)] == [date(2026, 1, 1)]


def test_spend_on_some_days_only_is_measured_by_what_such_days_cost() -> None:
    random = np.random.default_rng(9)
    values = np.where(random.random(DAYS) < 0.2, random.uniform(50, 100, DAYS), 0.0)
    assert len(found(values)) <= 1
    values[300] = 2000
    assert found(values)[0].start == START + timedelta(days=300)


def test_spend_where_none_was_is_news_when_it_is_money() -> None:
    values = np.zeros(DAYS)
    values[300:] = 90
    (anomaly,) = found(values)
    assert (anomaly.start, anomaly.expected) == (START + timedelta(days=300), 0)
    values[300:] = 9
    assert found(values) == []


def test_gates_are_apart_from_detection() -> None:
    values = steady(level=10)
    values[200] = 25
    assert len(detect([labelled(values)], AS_OF)) == 1
    assert found(values) == []


@pytest.mark.parametrize("values", [[], [5.0], [0.0] * 60, [-3.0] * 60, [7.0] * 60])
def test_nothing_short_zero_negative_or_constant_rings(values) -> None:
    assert find_anomalies([labelled(values)], AS_OF) == []


def test_what_has_not_landed_is_not_a_fall_nor_a_rise() -> None:
    assert find_anomalies([labelled(steady(days=300)), labelled(steady(), "other")], AS_OF) == []


def test_twenty_per_cent_more_for_weeks_is_found_though_no_day_of_it_would_be() -> None:
    values = steady(noise=0.05)
    values[200:] *= 1.2
    runs = detect([labelled(values)], AS_OF)
    assert runs
    assert abs((runs[0].start - (START + timedelta(days=200))).days) <= 7
