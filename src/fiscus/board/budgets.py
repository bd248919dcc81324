"""The guardrails layer: budgets as they stand and as they will end, what breaks first, and what no budget steers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, cast

from fiscus.board.figures import added, day, less, money, near, percent, plural, room_query, share
from fiscus.board.frame import Frame
from fiscus.board.scope_spend import period_of
from fiscus.board.types import ESTIMATE, Exhibit, Kpi
from fiscus.guardrails.budgets.budget_amount import amount_of
from fiscus.guardrails.types import Budget, BudgetStatus
from fiscus.kernel.charts import ChartSeries, ChartSpec
from fiscus.kernel.money import ZERO, chance
from fiscus.kernel.rows import Query, Rows

RISKS_SHOWN: Final = 5
BULLETS_SHOWN: Final = 12
STATE_WORDS: Final = {"ok": "holds", "at_risk": "at risk", "breached": "breached"}
CONTROL_WORDS: Final = {
    "cap": "capped budget (soft or hard)",
    "budget": "watched budget",
    "policy": "purchase policy only",
    "none": "no budget and no policy",
}


@dataclass(frozen=True, slots=True)
class BudgetActual:
    """One budget in the fiscal period of the pack's month: its amount and what its scope took."""

    budget: Budget
    label: str
    amount: Decimal
    actual: Decimal


def statuses_query() -> Query:
    """sql/state_budget_statuses.sql."""
    return room_query("state_budget_statuses", {})


def taken(status: BudgetStatus) -> Decimal:
    """What the amount no longer has: actual, unbilled, held and committed never overlap."""
    return added([status.actual, status.unbilled, status.held, status.committed])


def overrun(status: BudgetStatus) -> Decimal:
    """The money that the forecast (P50), or what is taken already, puts over the amount."""
    return max(less(max(status.forecast_p50, taken(status)), status.amount), ZERO)


def by_risk(statuses: Sequence[BudgetStatus]) -> list[BudgetStatus]:
    """Breached first, then at risk; the surest and largest first."""
    order = {"breached": 0, "at_risk": 1, "ok": 2}
    return sorted(statuses, key=lambda s: (order[s.state], -overrun(s), -s.p_breach, s.budget_id))


def budget_actuals(rows: Rows, budgets: Sequence[Budget], frame: Frame) -> list[BudgetActual]:
    """Every budget, those without a charge at zero, in the order of the workspace."""
    found = {str(row[0]): cast("Decimal", row[1]) for row in rows.rows}
    lines = []
    for budget in budgets:
        period = period_of(budget, frame)
        lines.append(
            BudgetActual(budget, period.label, amount_of(budget, period, frame.calendar), found.get(budget.id, ZERO))
        )
    return lines


def company_budget(lines: Sequence[BudgetActual], frame: Frame) -> BudgetActual | None:
    """The month's budget over everything, in the company's currency; None when nobody wrote one."""
    whole = [x for x in lines if not x.budget.scope.filters and x.budget.currency == frame.currency]
    return next((line for line in whole if line.budget.period == "month"), None)


def actuals_exhibit(lines: Sequence[BudgetActual], query: Query, frame: Frame) -> Exhibit:
    """Budgets by the share that is used, the most used first, with bullet bars."""
    ranked = sorted(lines, key=lambda x: (-(share(x.actual, x.amount) or ZERO), x.budget.id))
    over = [line for line in lines if line.actual > line.amount]
    body = tuple(
        (
            x.budget.title, x.budget.owner, x.label, x.budget.currency, x.amount, x.actual,
            less(x.amount, x.actual), share(x.actual, x.amount),
        )
        for x in ranked
    )  # fmt: skip
    title = "No budget is written: nothing says how much may be spent"
    if lines:
        worst = max(over, key=lambda x: (x.actual - x.amount, x.budget.id), default=None)
        title = f"All {len(lines)} budgets hold so far"
        if worst is not None:
            by = money(worst.actual - worst.amount, worst.budget.currency)
            title = f"{len(over)} of {plural(len(lines), 'budget')} spent up; {worst.budget.title} is over by {by}"
    columns = (
        ("budget", "text"), ("owner", "text"), ("period", "text"), ("currency", "text"), ("amount", "own currency"),
        ("actual", "own currency"), ("left", "own currency"), ("used %", "%"),
    )  # fmt: skip
    note = "Budgets overlap (a team's is inside the company's), so that they are never added up."
    if not lines:
        note = "Write a file in budgets/ (docs/reference/budgets.md) and run `fiscus run`."
    chart = _bullets([x for x in ranked if x.budget.currency == frame.currency][:BULLETS_SHOWN], title, frame)
    return Exhibit("budget-actuals", "guardrails", title, columns, body, query, note, chart)


def _bullets(lines: Sequence[BudgetActual], title: str, frame: Frame) -> ChartSpec | None:
    if not lines:
        return None
    percents = tuple(share(line.actual, line.amount) for line in lines)
    return ChartSpec(
        id="budget-actuals",
        kind="bullet",
        title=title,
        unit="% of the budget",
        labels=tuple(line.budget.title for line in lines),
        series=(
            ChartSeries("actual", percents, "actual"),
            ChartSeries("budget", tuple(Decimal(100) for _ in lines), "budget"),
        ),
        note=f"{frame.name}; the {len(lines)} most used of {frame.currency}",
    )


def forecasts_exhibit(statuses: Sequence[BudgetStatus]) -> Exhibit:
    """Each budget's running period as it was judged last: quantiles of its end, P(breach), its day."""
    ranked = by_risk(statuses)
    body = tuple(
        (
            s.title, s.owner, s.period.label, s.currency, s.amount, s.actual, s.forecast_p10, s.forecast_p50, s.forecast_p90,
            s.p_breach, s.breach_day, STATE_WORDS[s.state],
        )
        for s in ranked
    )  # fmt: skip
    own = "own currency"
    columns = (
        ("budget", "text"), ("owner", "text"), ("period", "text"), ("currency", "text"), ("amount", own), ("actual", own),
        ("P10", ESTIMATE + own), ("P50", ESTIMATE + own), ("P90", ESTIMATE + own), ("P(breach)", "P"), ("on", "date"),
        ("state", "text"),
    )  # fmt: skip
    title = "No budget has been forecast yet: run the loop with a budget written"
    note = ""
    if ranked:
        risky = [s for s in ranked if s.state != "ok"]
        title = f"None of {plural(len(ranked), 'budget')} is on its way to breach"
        if risky:
            first = risky[0]
            verb = "are" if len(risky) > 1 else "is"
            by = near(overrun(first), first.currency)
            title = f"{len(risky)} of {len(ranked)} budgets {verb} breached or at risk; {first.title} by {by}"
        note = f"Judged as of {day(ranked[0].as_of)} on lake {ranked[0].lake_version}; P10 to P90 hold 8 in 10 simulated paths."
    return Exhibit("budget-forecasts", "guardrails", title, columns, body, statuses_query(), note, basis="state")


def risks_exhibit(statuses: Sequence[BudgetStatus]) -> Exhibit:
    """The five budgets that cost most if nobody does anything."""
    risky = [s for s in by_risk(statuses) if s.state != "ok"][:RISKS_SHOWN]
    body = tuple(
        (
            s.title, s.owner, s.currency, s.amount, overrun(s), max(less(s.forecast_p90, s.amount), ZERO), s.p_breach,
            s.breach_day,
        )
        for s in risky
    )  # fmt: skip
    columns = (
        ("budget", "text"), ("owner", "text"), ("currency", "text"), ("amount", "own currency"),
        ("over at P50", ESTIMATE + "own currency"), ("over at P90", ESTIMATE + "own currency"), ("P(breach)", "P"),
        ("on", "date"),
    )  # fmt: skip
    title = "No budget is at risk" if statuses else "No budget has been judged, so that no risk can be named"
    if risky:
        title = (
            f"{risky[0].title} costs most if nobody acts: {near(overrun(risky[0]), risky[0].currency)} over its budget"
        )
    return Exhibit("top-risks", "board", title, columns, body, statuses_query(), "", basis="state")


def budget_kpis(
    company: BudgetActual | None, query: Query, statuses: Sequence[BudgetStatus], frame: Frame
) -> tuple[Kpi, ...]:
    """How much of the company's month is used, how likely it breaks, and how many budgets are not well."""
    risky = [s for s in statuses if s.state != "ok"]
    if company is None:
        say = f"Nobody wrote a monthly budget in {frame.currency} without a scope; add one in budgets/."
        used = Kpi("budget-used", "Company budget used", None, "%", "share", say, query)
    else:
        part = share(company.actual, company.amount)
        say = f"{money(company.actual, frame.currency)} of {money(company.amount, frame.currency)} ({company.budget.title})."
        used = Kpi("budget-used", "Company budget used", part, "%", "share", say, query)
    status = next((s for s in statuses if company and s.budget_id == company.budget.id), None)
    if status is not None and status.period.label == str(frame.period):
        say = f"Ends at {near(status.forecast_p50, frame.currency)} of {money(status.amount, frame.currency)}."
        breach = Kpi(
            "p-breach",
            "P(breach), company budget",
            status.p_breach,
            "P",
            "forecast",
            say,
            statuses_query(),
            basis="state",
        )
    else:
        say = "Only the running month is judged, by `fiscus run`."
        breach = Kpi(
            "p-breach", "P(breach), company budget", None, "P", "forecast", say, statuses_query(), basis="state"
        )
    worst = by_risk(risky)[0] if risky else None
    say = (
        f"Of {len(statuses)}; the first is {worst.title} (P {chance(worst.p_breach)})."
        if worst
        else f"Of {len(statuses)}."
    )
    count = Kpi(
        "budgets-at-risk",
        "Budgets at risk",
        Decimal(len(risky)),
        "count",
        "count",
        say,
        statuses_query(),
        basis="state",
    )
    return used, breach, count


def forecast_kpi(company: BudgetActual | None, statuses: Sequence[BudgetStatus], frame: Frame) -> Kpi | None:
    """The month-end forecast of the company's budget, so that the pack never shows two; None where it was not judged."""
    status = next((s for s in statuses if company and s.budget_id == company.budget.id), None)
    if status is None or status.period.label != str(frame.period) or not frame.partial:
        return None
    low, high = status.forecast_p10, status.forecast_p90
    kept = "with" if company and company.budget.include_tax else "without"
    say = f"8 in 10 simulated paths end in this range; what the budget counts, {kept} tax."
    value, query = status.forecast_p50, statuses_query()
    return Kpi("forecast", "Month-end forecast", value, frame.currency, "forecast", say, query, low, high, "state")


def coverage_exhibit(rows: Rows, query: Query, frame: Frame) -> tuple[Exhibit, Kpi]:
    """How the month's spend is steered, each charge under its strongest control; what is under none is uncontrolled."""
    found = {str(c): (cast("Decimal", cost), int(cast("int", n))) for c, cost, n in rows.rows}
    whole = added(cost for cost, _ in found.values())
    body = tuple(
        (words, found.get(key, (ZERO, 0))[0], share(found.get(key, (ZERO, 0))[0], whole), found.get(key, (ZERO, 0))[1])
        for key, words in CONTROL_WORDS.items()
    )
    loose = found.get("none", (ZERO, 0))[0]
    part = share(loose, whole)
    title = f"{money(loose, frame.currency)} ({percent(part)}) is under no budget and no policy"
    columns = (("strongest control", "text"), ("cost", frame.currency), ("share %", "%"), ("charges", "count"))
    note = "A budget without a scope watches the total and steers nothing: it does not count here."
    capped = found.get("cap", (ZERO, 0))[0]
    say = f"{money(loose, frame.currency)}; only {money(capped, frame.currency)} is under a cap that is enforced."
    exhibit = Exhibit("control-coverage", "guardrails", title, columns, body, query, note)
    kpi = Kpi(
        "uncontrolled-share",
        "Uncontrolled spend",
        part,
        "%",
        "share",
        say,
        query,
    )
    return exhibit, kpi
