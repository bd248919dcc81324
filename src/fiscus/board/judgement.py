"""What the pack asks for and how it judges: the decisions requested, and one sentence with money and a verb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from fiscus.actions.types import Action
from fiscus.board.budgets import BudgetActual, by_risk, overrun, taken
from fiscus.board.figures import day, money, near, percent, plural
from fiscus.board.frame import Frame
from fiscus.board.types import DecisionRequested, Kpi
from fiscus.guardrails.types import BudgetStatus, Finding
from fiscus.kernel.money import ZERO, chance

BUDGETS_ASKED: Final = 3
FINDINGS_ASKED: Final = 2
ACTIONS_ASKED: Final = 2
APPROVAL_KIND: Final = "marketplace_unapproved"
ANSWER_DAYS: Final = 7  # for what has no day of its own


def decisions_requested(
    statuses: Sequence[BudgetStatus], findings: Sequence[Finding], actions: Sequence[Action], frame: Frame
) -> tuple[DecisionRequested, ...]:
    """What waits for a person with authority: budgets to raise or cut, purchases to accept, actions to approve. By date."""
    asked = [
        *(
            _budget(s, frame)
            for s in [s for s in by_risk(statuses) if overrun(s) > ZERO and s.state != "ok"][:BUDGETS_ASKED]
        ),
        *(_purchase(f, frame) for f in _largest([f for f in findings if f.kind == APPROVAL_KIND])[:FINDINGS_ASKED]),
    ]
    waiting = sorted((a for a in actions if a.state == "PROPOSED"), key=lambda a: (-a.plan.saving_per_month, a.id))
    asked += [_action(action) for action in waiting[:ACTIONS_ASKED]]
    return tuple(sorted(asked, key=lambda d: (d.by, -d.amount, d.text)))


def unowned_decision(unowned: Decimal, pool: str, frame: Frame) -> tuple[DecisionRequested, ...]:
    """Money that nobody owns needs a name before the month is closed."""
    if unowned <= ZERO:
        return ()
    text = "Name an owner for the spend that has none, or confirm that the pool keeps it"
    return (DecisionRequested(text, unowned, frame.currency, pool, max(frame.period.end, frame.as_of)),)


def sentence(
    kpis: Sequence[Kpi],
    company: BudgetActual | None,
    statuses: Sequence[BudgetStatus],
    decisions: Sequence[DecisionRequested],
    frame: Frame,
) -> str:
    """Spend, where it ends against the budget, the first threat, what to do. Estimates are marked."""
    by_id = {kpi.id: kpi for kpi in kpis}
    own = company.budget.id if company else ""
    said = f"{frame.name} cost {money(by_id['spend'].value or ZERO, frame.currency)}"
    said += _ending(by_id, company, next((s for s in statuses if s.budget_id == own), None), frame)
    risky = [s for s in by_risk(statuses) if s.state != "ok" and s.budget_id != own]
    if risky:
        since = "" if frame.partial else f"as of {day(frame.as_of)}, "
        said += f"; {since}{_threat(risky[0])}"
    if decisions:
        return f"{said}: decide {plural(len(decisions), 'request')} below, the first by {day(decisions[0].by)}."
    uncontrolled = by_id["uncontrolled-share"].value
    if uncontrolled:
        return f"{said}: bring the {percent(uncontrolled)} that no budget or policy covers under one."
    return f"{said}: nothing needs a decision."


def _ending(kpis: Mapping[str, Kpi], company: BudgetActual | None, status: BudgetStatus | None, frame: Frame) -> str:
    if status is not None and status.period.label == str(frame.period):
        where = "over" if status.forecast_p50 > status.amount else "inside"
        by = near(abs(status.amount - status.forecast_p50), frame.currency)
        return f" and is set to end {by} {where} its {money(status.amount, frame.currency)} budget"
    if company is not None:
        return f", {percent(kpis['budget-used'].value)} of its {money(company.amount, frame.currency)} budget"
    forecast = kpis["forecast"].value
    if forecast is not None:
        return f" and is set to end at {near(forecast, frame.currency)}, with no company budget to hold it against"
    return ", with no company budget to hold it against"


def _threat(status: BudgetStatus) -> str:
    if taken(status) > status.amount:
        return f"{status.title} is over its budget by {money(taken(status) - status.amount, status.currency)}"
    on = f" on {day(status.breach_day)}" if status.breach_day else ""
    return f"{status.title} will break its budget{on} by {near(overrun(status), status.currency)}"


def _budget(status: BudgetStatus, frame: Frame) -> DecisionRequested:
    over = taken(status) > status.amount
    verb = "Raise or stop" if over else "Raise or cut"
    amount = money(status.amount, status.currency)
    text = f"{verb}: {status.title}, {amount} for {status.period.label}, P {chance(status.p_breach)}"
    by: date = status.breach_day or status.period.end
    return DecisionRequested(text, overrun(status), status.currency, status.owner, max(by, frame.as_of), estimate=True)


def _purchase(finding: Finding, frame: Frame) -> DecisionRequested:
    return DecisionRequested(
        f"Accept or return: {finding.title}",
        finding.amount,
        finding.currency,
        finding.owner,
        frame.as_of + timedelta(days=ANSWER_DAYS),
    )


def _action(action: Action) -> DecisionRequested:
    plan = action.plan
    names = ", ".join(target.name for target in plan.targets)
    owners = ", ".join(sorted({target.owner for target in plan.targets}))
    text = f"Approve {plan.kind} of {names}: {plan.reason} (a month)"
    return DecisionRequested(text, plan.saving_per_month, plan.currency, owners, plan.expires_at.date(), estimate=True)


def _largest(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (-f.amount, f.id))
