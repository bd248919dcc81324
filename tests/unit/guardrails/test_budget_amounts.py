"""What a budget may spend in a period: lines, growth, and what earlier periods left, from their own actuals to the last digit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.judging import budgets_of

from fiscus.guardrails.budgets.budget_amount import amount_of, carried_into
from fiscus.guardrails.budgets.load_budgets import load_budgets
from fiscus.guardrails.types import Budget
from fiscus.kernel.errors import BadConfig
from fiscus.kernel.periods import FiscalCalendar, Month, Period, PeriodKind, YearEnd

CALENDAR = FiscalCalendar(2)
NOVEMBER = CALENDAR.period("month", date(2026, 11, 1))
MONEY = st.decimals(0, 10**6, places=6)


def _budget(more: str, period: str = "month", amount: str = "1000") -> Budget:
    return budgets_of(
        f"budgets:\n  - {{id: b, title: B, period: {period}, currency: USD, amount: {amount}, owner: web, {more}}}"
    )[0]


def _amount(budget: Budget, day: date, kind: PeriodKind = "month") -> Decimal:
    return amount_of(budget, CALENDAR.period(kind, day), CALENDAR)


def test_an_amount_grows_by_compound_percent_from_its_date() -> None:
    budget = _budget('growth: [{percent: "2.5", every: month, from: 2026-09-01}]')
    assert [_amount(budget, date(2026, month, 1)) for month in (8, 9, 10, 11)] == [
        Decimal(1000), Decimal(1000), Decimal(1025), Decimal("1050.625"),
    ]  # fmt: skip


def test_a_quarterly_rate_holds_for_the_three_months_of_a_quarter() -> None:
    budget = _budget("growth: [{percent: 10, every: quarter, from: 2026-05-01}]")
    assert [_amount(budget, date(2026, month, 1)) for month in (5, 7, 8, 10, 11)] == [1000, 1000, 1100, 1100, 1210]


def test_a_step_sets_the_amount_and_growth_counts_from_it() -> None:
    budget = _budget("growth: [{percent: 10, every: month, from: 2026-08-01}, {amount: 5000, from: 2026-10-01}]")
    assert [_amount(budget, date(2026, month, 1)) for month in (9, 10, 11)] == [1100, 5000, 5500]


def test_a_line_for_a_period_goes_before_growth() -> None:
    budget = _budget('growth: [{percent: 10, every: month, from: 2026-08-01}], amounts: {2026-11: "7.5"}')
    assert (_amount(budget, date(2026, 11, 1)), _amount(budget, date(2026, 12, 1))) == (
        Decimal("7.5"),
        Decimal("1464.1"),
    )


@pytest.mark.parametrize(
    ("rollover", "carried"),
    [("none", 0), ("unused", 500), ("overspend", 0), ("both", 150)],
)
def test_rollover_takes_what_it_says_from_the_months_of_the_fiscal_year(rollover: str, carried: int) -> None:
    """A thousand a month since February. Overspend is paid off by October; unused money is lost where July overspends it."""
    spent = {3: 1300, 6: 850, 7: 1200, 9: 700, 10: 800}
    budget = _budget(f"rollover: {rollover}")

    def known(period: Period) -> tuple[Decimal, bool]:
        return Decimal(spent.get(period.start.month, 1000)), True

    assert carried_into(budget, NOVEMBER, CALENDAR, known) == carried


def test_what_is_handed_on_has_a_cap_of_its_own() -> None:
    budget = _budget("rollover: both, rollover_max: 100")
    assert carried_into(budget, NOVEMBER, CALENDAR, lambda _: (Decimal(0), True)) == 100
    assert carried_into(budget, NOVEMBER, CALENDAR, lambda _: (Decimal(9000), True)) == -100


def test_money_of_a_period_whose_bills_are_not_whole_is_not_handed_on_but_its_overspend_is() -> None:
    budget = _budget("rollover: both, rollover_from: 2026-10-05")
    assert carried_into(budget, NOVEMBER, CALENDAR, lambda _: (Decimal(400), False)) == 0
    assert carried_into(budget, NOVEMBER, CALENDAR, lambda _: (Decimal(1400), False)) == -400
    assert carried_into(budget, NOVEMBER, CALENDAR, lambda _: (Decimal(400), True)) == 600


def test_a_year_hands_on_to_the_next_year() -> None:
    budget = _budget("rollover: unused", period="year")
    year = CALENDAR.period("year", date(2026, 11, 1))
    seen = []

    def known(period: Period) -> tuple[Decimal, bool]:
        seen.append(period.label)
        return Decimal(100), True

    assert (carried_into(budget, year, CALENDAR, known), seen) == (900, ["FY2026"])


@given(spent=st.lists(MONEY, min_size=9, max_size=9))
def test_rolling_both_over_loses_and_makes_no_money(spent: list[Decimal]) -> None:
    """What was given in ten months is what was spent in nine and what the tenth may spend, whatever was spent."""
    budget = _budget("rollover: both")
    months = [Month(2026, 2).shift(n) for n in range(9)]
    by_month = dict(zip(months, spent, strict=True))
    carried = carried_into(budget, NOVEMBER, CALENDAR, lambda period: (by_month[Month.of(period.start)], True))
    assert sum(spent) + 1000 + carried == 10 * 1000


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("growth: [{percent: 5, from: 2026-08-01}]", "Write amount, or percent with every"),
        ("growth: [{percent: 5, every: month, amount: 4, from: 2026-08-01}]", "one step or one rate"),
        ("growth: [{percent: 500, every: month, from: 2026-08-01}]", "500 percent is no growth"),
        ("growth: [{percent: 5, every: month, from: August}]", "'August' is no date"),
        ("growth: [{percent: 5, every: day, from: 2026-08-01}]", "'day' is not one of"),
        (
            "growth: [{percent: 5, every: month, from: 2026-08-01}, {percent: 5, every: year, from: 2026-08-01}]",
            "A second rate of growth",
        ),
        ("rollover: some", "'some' is not one of"),
        ("rollover_max: 5", "rollover_max without rollover"),
        ("rollover: unused, rollover_max: -5", "-5 is no amount"),
        ("burn: [{long_days: 3, short_days: 3, factor: 2}]", "not shorter than the long one"),
        ("burn: [{long_days: 3, short_days: 1, factor: 1}]", "a number above 1"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_remedy(more: str, said: str) -> None:
    with pytest.raises(BadConfig) as refused:
        _budget(more)
    assert said in str(refused.value)
    assert refused.value.where is not None
    assert refused.value.where.line == 2


RETAIL = FiscalCalendar(2, weeks="4-4-5", year_end=YearEnd("nearest", 6, 1), named_after="start")


@pytest.mark.parametrize(
    ("more", "amount", "carried"),
    [
        # Ten a day since the year began on 1 February: 280 in a month of four weeks, 350 in one of five. Worked out by hand.
        ("amounts: {FY2026-P10: 512.25}", "512.25", "0"),
        ("rollover: unused", "300", "0"),  # the fives eat what the fours left
        ("rollover: both", "300", "-30"),
        ("rollover: overspend", "300", "-70"),
        ("amounts: {FY2026-P08: 400, FY2026-P09: 400}, rollover: unused, rollover_from: 2026-09-01", "300", "170"),
        (
            "amounts: {FY2026-P08: 400, FY2026-P09: 400}, rollover: unused, rollover_from: 2026-09-01, rollover_max: 100",
            "300",
            "100",
        ),
        ('growth: [{percent: "10", every: quarter, from: 2026-05-03}]', "363", "0"),
        ('growth: [{percent: "10", every: month, from: 2026-08-30}]', "363", "0"),
        ('growth: [{percent: "10", every: year, from: 2024-02-04}]', "363", "0"),
        (
            'growth: [{percent: "10", every: month, from: 2026-02-01}, {amount: 450, from: 2026-09-27}]',
            "495",
            "0",
        ),
    ],
)
def test_a_year_of_4_4_5_weeks_comes_to_what_one_works_out_by_hand(more: str, amount: str, carried: str) -> None:
    text = f"budgets:\n  - {{id: b, title: B, period: month, currency: USD, amount: 300, owner: web, {more}}}"
    (budget,) = load_budgets({"budgets/test.yaml": text}, RETAIL)
    period = RETAIL.period("month", date(2026, 11, 20))
    assert (period.label, period.start, period.end) == ("FY2026-P10", date(2026, 11, 1), date(2026, 11, 29))

    def known(before: Period) -> tuple[Decimal, bool]:
        return Decimal(10 * before.days), True

    assert amount_of(budget, period, RETAIL) == Decimal(amount)
    assert carried_into(budget, period, RETAIL, known) == Decimal(carried)
