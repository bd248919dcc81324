"""Which budgets will break, when, and how sure: the newest status of each, the surest breach first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from fiscus.flows.show_trust import DataTrust, data_trust, percent
from fiscus.flows.spend_dimensions import SpendAsked
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import BudgetStatus
from fiscus.kernel.charts import ChartSeries, ChartSpec
from fiscus.kernel.money import EXACT, ZERO, chance, display

CATEGORIES: Final = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")  # FOCUS 1.4, ChargeCategory


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One budget in its running period. `at_risk` is the money that the forecast (P50) puts over the amount, an estimate."""

    status: BudgetStatus
    used: Decimal | None  # percent of the amount that actual, unbilled, held and committed take
    at_risk: Decimal
    reach: Decimal  # the largest number of the line: the end of its scale
    asked: SpendAsked | None = None  # the question whose answer is `actual`; None: gone, or no whole months
    depth: int = 0  # how many budgets it stands inside
    unallocated: Decimal | None = None  # what its children were not given of its amount; negative: given too much


@dataclass(frozen=True, slots=True)
class BudgetsShown:
    """All budgets, largest expected overrun first, then surest; each followed by those inside it, in the same order."""

    trust: DataTrust
    sentence: str
    lines: tuple[BudgetLine, ...]
    chart: ChartSpec | None
    whole: BudgetLine | None = None  # the company's own month: every charge of its currency


def show_budgets(ws: Workspace, trust: DataTrust | None = None) -> BudgetsShown:
    """The newest statuses as `evaluate` stored them; each names the lake version that it rests on."""
    with ws.state.read() as tx:
        statuses = tx.budget_statuses.newest()
    lines = tuple(sorted((_line(ws, status) for status in statuses), key=_urgency))
    home = ws.config.company.currency
    tree = _as_tree(lines)
    return BudgetsShown(trust or data_trust(ws), _sentence(lines), tree, _chart(tree, home), _whole(ws, lines, home))


def _as_tree(lines: Sequence[BudgetLine]) -> tuple[BudgetLine, ...]:
    """`lines`, most urgent first, as a tree: the most urgent line leads, and brings along everything that it stands inside."""
    by_id = {line.status.budget_id: line for line in lines}
    inside: dict[str, list[BudgetLine]] = {}
    for line in lines:
        parent = line.status.parent if line.status.parent in by_id else ""
        inside.setdefault(parent, []).append(line)
    rank: dict[str, int] = {}  # of the most urgent line in each tree under a budget, itself included
    for number, line in enumerate(lines):
        at: BudgetLine | None = line
        while at is not None and at.status.budget_id not in rank:
            rank[at.status.budget_id] = number
            at = by_id.get(at.status.parent)
    tree: list[BudgetLine] = []
    waiting = [("", -1)]  # a budget and its depth; the last is next
    while waiting:
        above, depth = waiting.pop()
        if above:
            tree.append(replace(by_id[above], depth=depth))
        children = [line.status.budget_id for line in inside.get(above, ())]
        waiting += [(child, depth + 1) for child in sorted(children, key=lambda one: rank[one], reverse=True)]
    return tuple(tree)


def _whole(ws: Workspace, lines: Sequence[BudgetLine], home: str) -> BudgetLine | None:
    everything = {b.id for b in ws.config.budgets if not b.scope.filters and b.period == "month" and b.currency == home}
    return next((line for line in lines if line.status.budget_id in everything), None)


def spoken_for(status: BudgetStatus) -> Decimal:
    """What the amount no longer has: actual, unbilled, held and committed never overlap."""
    with_estimates = EXACT.add(status.actual, status.unbilled)
    return EXACT.add(with_estimates, EXACT.add(status.held, status.committed))


def _line(ws: Workspace, status: BudgetStatus) -> BudgetLine:
    taken = spoken_for(status)
    return BudgetLine(
        status=status,
        used=percent(taken, status.amount),
        at_risk=max(max(status.forecast_p50, taken) - status.amount, ZERO),
        reach=max(status.amount, taken, status.forecast_p90, Decimal(1)),
        asked=_asked(ws, status),
        unallocated=None if status.allocated is None else EXACT.subtract(status.amount, status.allocated),
    )


def _asked(ws: Workspace, status: BudgetStatus) -> SpendAsked | None:
    """Its scope, period, metric and treatment of tax and credits, as a question about spend."""
    budget = next((one for one in ws.config.budgets if one.id == status.budget_id), None)
    if budget is None or (status.period.start.day, status.period.end.day) != (1, 1):
        return None  # spend is asked by whole months
    left_out = {"Tax": budget.include_tax, "Credit": budget.include_credits}
    filters = [(dimension, value) for dimension, values in budget.scope.filters.items() for value in values]
    if not all(left_out.values()):
        filters += [("charge_category", name) for name in CATEGORIES if left_out.get(name, True)]
    months = list(status.period.months())
    return SpendAsked(
        group_by="service",
        bucket="day" if len(months) == 1 else "month",
        from_month=months[0],
        to_month=months[-1],
        metric=budget.metric,
        currency=budget.currency,
        filters=tuple(filters),
    )


def _urgency(line: BudgetLine) -> tuple[int, Decimal, Decimal, Decimal, str]:
    order = {"breached": 0, "at_risk": 1, "ok": 2}
    return order[line.status.state], -line.at_risk, -line.status.p_breach, line.status.headroom, line.status.budget_id


def _sentence(lines: Sequence[BudgetLine]) -> str:
    if not lines:
        return "No budget has been judged yet. Write one in budgets/ and run the loop."
    first = lines[0].status
    amount = f"{display(first.amount, 0)} {first.currency}"
    if first.state == "breached":
        over = display(spoken_for(first) - first.amount, 0)
        return f"{first.title} is over its {amount} by {over}. Stop what drives it, or ask {first.owner} to raise it."
    if first.state == "at_risk":
        day = f" on {first.breach_day.day} {first.breach_day:%b}" if first.breach_day else ""
        return (
            f"{first.title} will exceed its {amount}{day} (P {chance(first.p_breach)}). "
            f"Cut ≈ {display(lines[0].at_risk, 0)} {first.currency}, or approve as much more."
        )
    left = f"{display(first.headroom, 0)} {first.currency} left"
    return f"All {len(lines)} budgets hold: the tightest is {first.title} with {left}."


def _chart(lines: Sequence[BudgetLine], currency: str) -> ChartSpec | None:
    """Bullet bars of one currency on one scale."""
    shown = [line.status for line in lines if line.status.currency == currency]
    if not shown:
        return None
    return ChartSpec(
        id="budgets",
        kind="bullet",
        title=_sentence(lines),
        unit=currency,
        labels=tuple(status.title for status in shown),
        series=(
            ChartSeries("actual", tuple(s.actual for s in shown), "actual"),
            ChartSeries("unbilled (estimate)", tuple(s.unbilled for s in shown), "other"),
            ChartSeries("held", tuple(s.held for s in shown), "held"),
            ChartSeries("committed", tuple(s.committed for s in shown), "committed"),
            ChartSeries("forecast", tuple(s.forecast_p50 for s in shown), "p50"),
            ChartSeries("budget", tuple(s.amount for s in shown), "budget"),
        ),
    )
