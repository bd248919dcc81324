"""Where each budget stands in its running period: what is spent, what is left, what is expected, and what needs somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from fiscus.guardrails.budgets.budget_amount import amount_of, carried_into
from fiscus.guardrails.budgets.budget_series import BudgetBook, BudgetDays
from fiscus.guardrails.budgets.budget_tree import allocated, children_of
from fiscus.guardrails.budgets.burn_rate import burn_alerts
from fiscus.guardrails.types import Budget, BudgetAlert, BudgetStatus, LedgerShare, Threshold
from fiscus.kernel.money import EXACT, ZERO, total
from fiscus.kernel.periods import Period
from fiscus.signals.forecast import ForecastRequest, forecast_many
from fiscus.signals.types import DailySeries, Forecast

NOTHING: Final = LedgerShare()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A budget in its running period, before its forecast."""

    budget: Budget
    period: Period
    days: BudgetDays
    amount: Decimal
    carried: Decimal


def budget_statuses(
    book: BudgetBook,
    days: Mapping[str, BudgetDays],
    lake_version: str,
    ledger: Mapping[str, LedgerShare] | None = None,
) -> tuple[BudgetStatus, ...]:
    """One status a budget, in the order of the book; all forecasts in two calls. Amounts in each budget's own currency.

    `ledger`: budget id -> what the spend ledger holds of its running period. What the ledger meters itself is not estimated
    (`BudgetDays.metered`), so that unbilled spend stands in exactly one place.
    """
    asked = [_asked(budget, days[budget.id], book) for budget in book.budgets]
    requests = [
        ForecastRequest(one.days.series, one.period.start, one.period.end, one.amount, _ahead(one.days, one.period))
        for one in asked
    ]
    forecasts = forecast_many(requests, book.as_of) if requests else []
    estimates = _estimates(asked, forecasts, book)
    shares = ledger or {}
    statuses = []
    for one, forecast, estimate in zip(asked, forecasts, estimates, strict=True):
        billed = _status(one, forecast, estimate, lake_version)
        statuses.append(_alerted(with_ledger(billed, shares.get(one.budget.id, NOTHING)), one))
    return _with_children(statuses, book, days)


def with_ledger(status: BudgetStatus, share: LedgerShare) -> BudgetStatus:
    """`status` with what the spend ledger knows now: its unbilled money stands beside the estimate of the rest; headroom and
    state follow. The newest share replaces the one before, so that asking twice changes nothing.
    """
    metered = EXACT.subtract(share.unbilled, status.metered)
    status = replace(
        status,
        unbilled=EXACT.add(status.unbilled, metered),
        unbilled_p10=EXACT.add(status.unbilled_p10, metered),
        unbilled_p90=EXACT.add(status.unbilled_p90, metered),
        metered=share.unbilled,
        held=share.held,
        committed=share.committed,
    )
    taken = total([status.actual, status.unbilled, status.held, status.committed])
    return _with_state(replace(status, headroom=EXACT.subtract(status.amount, taken)))


def reached(thresholds: Sequence[Threshold], status: BudgetStatus) -> tuple[BudgetAlert, ...]:
    """The thresholds that `status` has reached. With an amount of zero any cost reaches every share of it."""
    values = {"actual": status.actual, "forecast": status.forecast_p50}
    alerts = []
    for threshold in thresholds:
        if threshold.on == "p_breach":
            if status.p_breach >= threshold.share:
                alerts.append(BudgetAlert("p_breach", status.p_breach, threshold.share))
            continue
        value = values[threshold.on]
        if value > ZERO and value >= EXACT.multiply(status.amount, threshold.share):
            part = EXACT.divide(value, status.amount) if status.amount > ZERO else Decimal(1)
            alerts.append(BudgetAlert(threshold.on, round(part, 4), threshold.share))
    return tuple(alerts)


def _asked(budget: Budget, days: BudgetDays, book: BudgetBook) -> _Asked:
    period = book.calendar.period(budget.period, book.as_of)

    def known(before: Period) -> tuple[Decimal, bool]:
        return days.actual(before.start, before.end), days.covers(before.start, before.end)

    carried = carried_into(budget, period, book.calendar, known)
    amount = EXACT.add(amount_of(budget, period, book.calendar), carried)
    return _Asked(budget, period, days, amount, carried)


def _ahead(days: BudgetDays, period: Period, *, unmetered: bool = False) -> Decimal:
    """What is billed of the period's days from the first one on that not every source has delivered."""
    start = max(days.billed_until, period.start)
    metered = total([cost for day, cost in days.metered.items() if day >= start]) if unmetered else ZERO
    return EXACT.subtract(days.ahead, metered)


def _estimates(asked: Sequence[_Asked], forecasts: Sequence[Forecast], book: BudgetBook) -> list[Forecast]:
    """The forecasts whose unseen days are the estimate of unbilled spend: without what the ledger meters itself."""
    own = [number for number, one in enumerate(asked) if one.days.metered]
    requests = [
        ForecastRequest(
            _unmetered(asked[n].days), asked[n].period.start, asked[n].period.end, None,
            _ahead(asked[n].days, asked[n].period, unmetered=True),
        )
        for n in own
    ]  # fmt: skip
    found = list(forecasts)
    for number, forecast in zip(own, forecast_many(requests, book.as_of) if requests else [], strict=True):
        found[number] = forecast
    return found


def _unmetered(days: BudgetDays) -> DailySeries:
    series = days.series
    values = [
        EXACT.subtract(cost, days.metered.get(series.start + timedelta(days=n), ZERO))
        for n, cost in enumerate(series.values)
    ]
    return replace(series, values=tuple(values))


def _status(asked: _Asked, forecast: Forecast, estimate: Forecast, lake_version: str) -> BudgetStatus:
    budget = asked.budget
    return BudgetStatus(
        budget_id=budget.id,
        title=budget.title,
        owner=budget.owner,
        period=asked.period,
        as_of=forecast.as_of,
        currency=budget.currency,
        amount=asked.amount,
        actual=forecast.actual_to_date,
        unbilled=estimate.unseen_p50,
        held=ZERO,
        committed=ZERO,
        headroom=ZERO,  # with_ledger settles it
        forecast_p10=forecast.total_p10,
        forecast_p50=forecast.total_p50,
        forecast_p90=forecast.total_p90,
        p_breach=forecast.p_breach if forecast.p_breach is not None else ZERO,
        breach_day=forecast.breach_day,
        state="ok",
        lake_version=lake_version,
        cap=budget.cap,
        unbilled_p10=estimate.unseen_p10,
        unbilled_p90=estimate.unseen_p90,
        carried=asked.carried,
        billed_until=min(asked.days.billed_until, forecast.as_of),
        parent=budget.parent,
    )


def _alerted(status: BudgetStatus, asked: _Asked) -> BudgetStatus:
    """With every reason to look at it: thresholds that are reached, and windows in which it burns too fast."""
    until = status.billed_until or status.as_of
    money = (status.amount, status.headroom)
    burn = burn_alerts(asked.budget.burn, asked.days.by_day, until, status.period, money)
    return _with_state(replace(status, alerts=(*reached(asked.budget.thresholds, status), *burn)))


def _with_state(status: BudgetStatus) -> BudgetStatus:
    """Breached: the amount is spent. At risk: something of it needs somebody."""
    if status.headroom < ZERO:
        return replace(status, state="breached")
    return replace(status, state="at_risk" if status.alerts else "ok")


def _with_children(
    statuses: Sequence[BudgetStatus], book: BudgetBook, days: Mapping[str, BudgetDays]
) -> tuple[BudgetStatus, ...]:
    """What the children of each may spend in its period, and have."""
    children = children_of(book.budgets)
    found = []
    for status in statuses:
        mine = children.get(status.budget_id, ())
        if mine:
            period = status.period
            actuals = [days[child.id].actual(period.start, period.end) for child in mine]
            status = replace(  # noqa: PLW2901 one status, step by step
                status, allocated=allocated(mine, period, book.calendar), children_actual=total(actuals)
            )
        found.append(status)
    return tuple(found)
