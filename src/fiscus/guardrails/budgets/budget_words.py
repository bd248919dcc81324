"""Where a budget stands, in plain words with the money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from fiscus.guardrails.types import BudgetAlert, BudgetStatus
from fiscus.kernel.money import EXACT, ZERO, display

_HUNDRED: Final = Decimal(100)
_TEXTS: Final = {"actual": "actual", "forecast": "forecast (P50)", "p_breach": "P(breach)"}


def alert_words(alert: BudgetAlert) -> str:
    """`forecast (P50) ≥ 1 of the amount`; `3.2 times the budget's pace over 3 days and over the last day (more than 3)`."""
    if alert.window is None:
        of = "" if alert.on == "p_breach" else " of the amount"
        return f"{_TEXTS[alert.on]} ≥ {alert.bound.normalize():f}{of}"
    long, short = alert.window.long_days, alert.window.short_days
    last = "the last day" if short == 1 else f"the last {short} days"
    return (
        f"{display(alert.value, 1)} times the budget's pace over {long} days and over {last} "
        f"(more than {alert.bound.normalize():f})"
    )


def standing_words(status: BudgetStatus) -> str:
    """Actual, what is spent and not billed yet, held, committed, carried, and what is expected."""
    low, high = display(status.forecast_p10, 0), display(status.forecast_p90, 0)
    amount = f"{display(status.amount, 0)} {status.currency}"
    if status.carried > ZERO:
        amount += f" ({display(status.carried, 0)} of it carried over)"
    elif status.carried < ZERO:
        amount += f" ({display(-status.carried, 0)} were overspent before)"
    parts = [f"Actual {display(status.actual)} of {amount} before {status.as_of}"]
    estimate = EXACT.subtract(status.unbilled, status.metered)
    if estimate > ZERO:
        lower, upper = (
            display(EXACT.subtract(x, status.metered), 0) for x in (status.unbilled_p10, status.unbilled_p90)
        )
        interval = "" if lower == upper else f" ({lower} to {upper})"  # ends that read the same tell nothing
        about = f"≈ {shown}" if (shown := display(estimate, 0)) != "0" else "< 1"
        parts.append(f"{about} on no bill yet{interval}")
    known = ((status.metered, "metered and not billed"), (status.held, "held"), (status.committed, "committed"))
    parts += [f"{display(money)} {words}" for money, words in known if money]
    return (
        f"{', '.join(parts)}; expected by the period's end ≈ {display(status.forecast_p50, 0)} {status.currency} "
        f"(80 % between {low} and {high})."
    )


def overrun(status: BudgetStatus) -> Decimal:
    """What is over the amount: spent if breached, else what the forecast (P50) puts over it; never negative."""
    if status.headroom < ZERO:
        return -status.headroom
    return max(EXACT.subtract(status.forecast_p50, status.amount), ZERO)


def inside_words(inside: Sequence[BudgetStatus]) -> str:
    """Which of the budgets inside one need somebody themselves: the largest, and how many there are."""
    first = max(inside, key=lambda status: (overrun(status), status.budget_id))
    verb = "is over" if first.state == "breached" else "is at risk"
    by = f" by {display(over, 0)} {first.currency}" if (over := overrun(first)) > ZERO else ""
    others = f"; {len(inside) - 1} more need somebody too" if len(inside) > 1 else ""
    return f"Inside it, {first.title} {verb}{by}{others}."


def used_words(status: BudgetStatus) -> str:
    """Percent of the amount that is spoken for, without decimals."""
    taken = EXACT.subtract(status.amount, status.headroom)
    return display(EXACT.divide(EXACT.multiply(taken, _HUNDRED), status.amount), 0) if status.amount else "100"


def day_words(day: date) -> str:
    """`on 26 Nov`."""
    return f"on {day.day} {day:%b}"
