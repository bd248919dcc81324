"""Fiscal years: of months from any day, and of weeks with their 53rd."""

from __future__ import annotations

from datetime import date, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscus.kernel.periods import FiscalCalendar, PeriodKind, WeekPattern, YearEnd

NRF = FiscalCalendar(2, weeks="4-5-4", year_end=YearEnd("nearest", 6, 1), named_after="start")
CALENDARS = st.one_of(
    st.builds(
        FiscalCalendar,
        start_month=st.integers(1, 12),
        start_day=st.integers(1, 28),
        named_after=st.sampled_from(["end", "start"]),
    ),
    st.builds(
        FiscalCalendar,
        weeks=st.sampled_from(get_args(WeekPattern)),
        year_end=st.builds(YearEnd, st.sampled_from(["last", "nearest"]), st.integers(1, 7), st.integers(1, 12)),
        named_after=st.sampled_from(["end", "start"]),
    ),
)
DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@pytest.mark.parametrize(
    ("day", "label", "start", "end"),
    [
        # As the NRF publishes them: fiscal 2023 has 53 weeks and ends on 3 February 2024.
        (date(2023, 1, 29), "FY2023-P01", date(2023, 1, 29), date(2023, 2, 26)),
        (date(2023, 2, 26), "FY2023-P02", date(2023, 2, 26), date(2023, 4, 2)),
        (date(2024, 2, 3), "FY2023-P12", date(2023, 12, 31), date(2024, 2, 4)),
        (date(2024, 2, 4), "FY2024-P01", date(2024, 2, 4), date(2024, 3, 3)),
    ],
)
def test_a_retail_month_is_one_of_weeks(day: date, label: str, start: date, end: date) -> None:
    period = NRF.period("month", day)
    assert (period.label, period.start, period.end) == (label, start, end)


def test_the_years_of_53_weeks_are_those_that_the_nrf_names() -> None:
    years = [NRF.period("year", date(year, 6, 1)) for year in range(2000, 2025)]
    assert [year.label for year in years if year.days == 53 * 7] == ["FY2000", "FY2006", "FY2012", "FY2017", "FY2023"]


@pytest.mark.parametrize(
    ("year_end", "last_day"),
    [
        (YearEnd("last", 6, 9), date(2026, 9, 26)),  # the last Saturday of September
        (YearEnd("nearest", 6, 12), date(2027, 1, 2)),  # nearest to 31 December: over the new year
        (YearEnd("last", 5, 12), date(2026, 12, 25)),
    ],
)
def test_a_year_of_weeks_stops_where_its_rule_says(year_end: YearEnd, last_day: date) -> None:
    calendar = FiscalCalendar(weeks="4-4-5", year_end=year_end)
    year = calendar.period("year", last_day)
    assert (year.label, year.end) == ("FY2026", last_day + timedelta(days=1))
    assert calendar.period("year", year.end).label == "FY2027"


def test_a_year_that_starts_on_the_sixth_of_april_has_numbered_months() -> None:
    british = FiscalCalendar(4, 6)
    assert british.period("month", date(2026, 4, 5)).label == "FY2026-P12"
    period = british.period("month", date(2026, 5, 1))
    assert (period.label, period.start, period.end) == ("FY2027-P01", date(2026, 4, 6), date(2026, 5, 6))
    assert british.period("quarter", date(2027, 1, 5)).label == "FY2027-Q3"


@given(calendar=CALENDARS, day=DAYS, kind=st.sampled_from(get_args(PeriodKind)))
def test_every_day_is_in_one_period_that_borders_on_the_next(
    calendar: FiscalCalendar, day: date, kind: PeriodKind
) -> None:
    period = calendar.period(kind, day)
    assert period.start <= day < period.end
    assert calendar.period(kind, period.start) == period == calendar.period(kind, period.end - timedelta(days=1))
    after = calendar.period(kind, period.end)
    assert after.start == period.end
    assert after.label != period.label


@given(calendar=CALENDARS, day=DAYS)
def test_a_position_agrees_with_the_periods(calendar: FiscalCalendar, day: date) -> None:
    at, month = calendar.position(day), calendar.period("month", day)
    assert calendar.period("year", day).label == f"FY{at.year}"
    assert calendar.period("quarter", day).label == f"FY{at.year}-Q{at.quarter}"
    assert month.label == (str(day)[:7] if calendar.by_month else f"FY{at.year}-P{at.period:02d}")
    assert at.days_left == (month.end - day).days - 1


@given(calendar=CALENDARS, day=DAYS)
def test_quarters_and_years_are_whole_months_and_weeks_whole_weeks(calendar: FiscalCalendar, day: date) -> None:
    year, at, months = calendar.period("year", day), calendar.period("year", day).start, []
    while at < year.end:
        months.append(calendar.period("month", at))
        at = months[-1].end
    assert len(months) == 12
    assert at == year.end
    assert [calendar.period("quarter", month.start).start for month in months[::3]] == [m.start for m in months[::3]]
    if calendar.weeks:
        assert year.days in {52 * 7, 53 * 7}
        assert all(month.days % 7 == 0 for month in months)


@given(day=DAYS)
def test_weeks_follow_each_other_without_gap_or_overlap(day: date) -> None:
    for calendar in (
        FiscalCalendar(2),
        FiscalCalendar(weeks="4-4-5"),
        FiscalCalendar(weeks="4-5-4", named_after="start"),
    ):
        week = calendar.period("week", day)
        after = calendar.period("week", week.end)
        assert week.contains(day)
        assert (week.days, after.start) == (7, week.end)
        assert after.label != week.label
        if calendar.weeks:  # a week lies in one period of every kind
            assert all(
                calendar.period(kind, week.start) == calendar.period(kind, day) for kind in ("month", "quarter", "year")
            )
        else:
            assert week.start.isoweekday() == 1
