"""P11: finance is told before a budget breaks. What nobody can foresee (one dear day that breaks it by itself) stands apart."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
from tests.fixtures.judging import budgets_of
from tests.promises.report import promise
from tests.simulated_months import MONTH, MONTH_DAYS, START, SimulatedMonth, simulated_months

from fiscus.guardrails.budgets.budget_series import BudgetDays, open_book
from fiscus.guardrails.budgets.budget_status import budget_statuses
from fiscus.guardrails.types import BudgetStatus
from fiscus.kernel.periods import FiscalCalendar
from fiscus.signals.types import DailySeries

FORESEEABLE: Final = ("tight", "ramp", "step", "calm")
FORESEEN_SHARE_MIN: Final = 0.95
FALSE_ALARMS_MAX: Final = 0.05  # a budget-month


def test_p11_breaches_of_budgets_are_told_before_they_happen() -> None:
    with promise("P11", trials=96) as row:
        months = simulated_months(row.trials, row.seed)
        first = _first_alerts(months)
        breached = {month.key: month for month in months if month.breach_day is not None}
        row.faults = sum(sum(1 for days in month.late if days) for month in months)
        leads = {key: (_day_of(month) - first[key]).days for key, month in breached.items() if key in first}
        foreseeable = [key for key, month in breached.items() if month.kind in FORESEEABLE]
        told = [leads[key] for key in foreseeable if leads.get(key, -1) >= 0]
        bursts = [key for key, month in breached.items() if month.kind == "burst"]
        bursts_told = [key for key in bursts if leads.get(key, -1) >= 0]
        false = [month.key for month in months if month.key in first and month.key not in breached]
        calm = len(months) - len(breached)
        low, middle = (np.quantile(told, q) for q in (0.1, 0.5))
        row.note = (
            f"{len(told)} of {len(foreseeable)} foreseeable breaches told before, lead p10 {low:.0f} and p50 {middle:.0f} days; "
            f"{len(bursts_told)} of {len(bursts)} bursts; {len(false)} false alarms in {len(months)} budget-months "
            f"({len(false) / len(months):.3f} each, of {calm} that hold)."
        )
        if len(told) < FORESEEN_SHARE_MIN * len(foreseeable):
            row.violated(f"only {len(told)} of {len(foreseeable)} were told")
        if len(false) > FALSE_ALARMS_MAX * len(months):
            row.violated(f"{len(false)} false alarms")


def _day_of(month: SimulatedMonth) -> date:
    assert month.breach_day is not None
    return month.breach_day


def _first_alerts(months: list[SimulatedMonth]) -> dict[str, date]:
    """The first day on which something foresaw a breach: forecast, P(breach) or burn. That 80 % are spent foresees nothing."""
    lines = "\n".join(
        f"  - {{id: {month.key}, title: B, period: month, currency: USD, amount: {month.amount}, owner: web}}"
        for month in months
    )
    budgets = budgets_of(f"budgets:\n{lines}")
    found: dict[str, date] = {}
    for day in range(1, MONTH_DAYS):
        as_of = MONTH + timedelta(days=day)
        book = open_book(budgets, FiscalCalendar(2), as_of)
        days = {month.key: _bills(month, as_of) for month in months}
        for status in budget_statuses(book, days, "c1.a1"):
            if _foresees(status):
                found.setdefault(status.budget_id, as_of)
    return found


def _foresees(status: BudgetStatus) -> bool:
    return status.state == "at_risk" and any(alert.on != "actual" for alert in status.alerts)


def _bills(month: SimulatedMonth, as_of: date) -> BudgetDays:
    values = month.bills(as_of)
    series = DailySeries(month.key, "USD", START, values)
    by_day: dict[date, Decimal] = {START + timedelta(days=number): value for number, value in enumerate(values)}
    return BudgetDays(series, 1, True, by_day=by_day, covered_from=START)
