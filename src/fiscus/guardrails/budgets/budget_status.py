"""Where each budget stands in its running period: actual, headroom, forecast, how sure a breach is, and its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from fiscus.guardrails.budgets.budget_series import BudgetDays
from fiscus.guardrails.types import Budget, BudgetStatus, Threshold
from fiscus.kernel.money import EXACT, ZERO
from fiscus.kernel.periods import FiscalCalendar, Period
from fiscus.signals.forecast import ForecastRequest, forecast_many
from fiscus.signals.types import Forecast


def budget_statuses(
    budgets: Sequence[Budget],
    days: Mapping[str, BudgetDays],
    calendar: FiscalCalendar,
    as_of: date,
    lake_version: str,
) -> tuple[BudgetStatus, ...]:
    """One status a budget, in the order of `budgets`; all forecasts in one call. Amounts in each budget's own currency.

    Unbilled, held and committed are zero until the usage feed (estimates), the spend ledger (holds) and the contract data set
    (commitments) exist; headroom subtracts them already.
    """
    periods = [calendar.period(budget.period, as_of) for budget in budgets]
    requests = [
        ForecastRequest(days[budget.id].series, period.start, period.end, amount_of(budget, period))
        for budget, period in zip(budgets, periods, strict=True)
    ]
    forecasts = forecast_many(requests, as_of) if requests else []
    return tuple(
        _status(budget, period, forecast, lake_version)
        for budget, period, forecast in zip(budgets, periods, forecasts, strict=True)
    )


def amount_of(budget: Budget, period: Period) -> Decimal:
    """The amount of one period: its exception, else the amount of every period."""
    return budget.amounts.get(period.label, budget.amount)


def reached(thresholds: Sequence[Threshold], status: BudgetStatus) -> tuple[Threshold, ...]:
    """The thresholds that `status` has reached. With an amount of zero any cost reaches every share of it."""
    values = {"actual": status.actual, "forecast": status.forecast_p50}
    return tuple(
        threshold
        for threshold in thresholds
        if (
            status.p_breach >= threshold.share
            if threshold.on == "p_breach"
            else values[threshold.on] > ZERO and values[threshold.on] >= EXACT.multiply(status.amount, threshold.share)
        )
    )


def _status(budget: Budget, period: Period, forecast: Forecast, lake_version: str) -> BudgetStatus:
    amount = amount_of(budget, period)
    unbilled = held = committed = ZERO
    taken = EXACT.add(EXACT.add(forecast.actual_to_date, unbilled), EXACT.add(held, committed))
    headroom = EXACT.subtract(amount, taken)
    status = BudgetStatus(
        budget_id=budget.id,
        title=budget.title,
        owner=budget.owner,
        period=period,
        as_of=forecast.as_of,
        currency=budget.currency,
        amount=amount,
        actual=forecast.actual_to_date,
        unbilled=unbilled,
        held=held,
        committed=committed,
        headroom=headroom,
        forecast_p10=forecast.total_p10,
        forecast_p50=forecast.total_p50,
        forecast_p90=forecast.total_p90,
        p_breach=forecast.p_breach if forecast.p_breach is not None else ZERO,
        breach_day=forecast.breach_day,
        state="ok",
        lake_version=lake_version,
        cap=budget.cap,
    )
    return _with_state(status, budget.thresholds)


def _with_state(status: BudgetStatus, thresholds: Sequence[Threshold]) -> BudgetStatus:
    """Breached: the amount is spent. At risk: a threshold is reached."""
    if status.headroom < ZERO:
        return replace(status, state="breached")
    return replace(status, state="at_risk") if reached(thresholds, status) else status
