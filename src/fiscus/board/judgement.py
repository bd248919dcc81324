"""What the pack asks for and how it judges: the decisions requested, and one sentence with money and a verb."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from fiscus.actions.types import Action
from fiscus.board.budgets import by_risk, overrun, taken
from fiscus.board.figures import chance, day, money, near, percent, plural
from fiscus.board.frame import Frame
from fiscus.board.types import DecisionRequested, Kpi
from fiscus.guardrails.types import BudgetStatus, Finding
from fiscus.kernel.money import ZERO

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
    kpis: Sequence[Kpi], statuses: Sequence[BudgetStatus], decisions: Sequence[DecisionRequested], frame: Frame
) -> str:
    """Spend, where it ends against the budget, the first threat, what to do. Estimates are marked."""
    by_id = {kpi.id: kpi for kpi in kpis}
    spend = by_id["spend"].value or ZERO
    said = f"{frame.name} cost {money(spend, frame.currency)}"
    said += _ending(by_id, statuses, frame)
    risky = [s for s in by_risk(statuses) if s.state != "ok" and s.budget_id != _company_id(statuses, frame)]
    if risky:
        said += f"; {_threat(risky[0])}"
    if decisions:
        first = decisions[0]
        return f"{said}: decide {plural(len(decisions), 'request')} below, the first by {day(first.by)}."
    uncontrolled = by_id["uncontrolled-share"].value
    if uncontrolled:
        return f"{said}: bring the {percent(uncontrolled)} under no budget under one."
    return f"{said}: nothing needs a decision."


def _ending(kpis: dict[str, Kpi], statuses: Sequence[BudgetStatus], frame: Frame) -> str:
    company = next((s for s in statuses if s.budget_id == _company_id(statuses, frame)), None)
    if company is not None and company.period.label == str(frame.period):
        where = "over" if company.forecast_p50 > company.amount else "inside"
        by = abs(company.amount - company.forecast_p50)
        return (
            f" and is set to end {near(by, frame.currency)} {where} its {money(company.amount, frame.currency)} budget "
            f"(P(breach) {chance(company.p_breach)})"
        )
    forecast = kpis["forecast"].value
    if forecast is not None:
        return f" and is set to end near {near(forecast, frame.currency)}, with no company budget to hold it against"
    used = kpis["budget-used"].value
    return f", {percent(used)} of its budget" if used is not None else ""


def _company_id(statuses: Sequence[BudgetStatus], frame: Frame) -> str:
    """The budget that the sentence is about: the month's, the one with the largest amount in the company's currency."""
    months = [s for s in statuses if s.period.kind == "month" and s.currency == frame.currency]
    return max(months, key=lambda s: (s.amount, s.budget_id)).budget_id if months else ""


def _threat(status: BudgetStatus) -> str:
    if taken(status) > status.amount:
        return f"{status.title} is over its budget by {money(taken(status) - status.amount, status.currency)}"
    on = f" on {day(status.breach_day)}" if status.breach_day else ""
    return f"{status.title} will break its budget{on} by {near(overrun(status), status.currency)}"


def _budget(status: BudgetStatus, frame: Frame) -> DecisionRequested:
    over = taken(status) > status.amount
    verb = "Raise or stop" if over else "Raise or cut"
    amount = money(status.amount, status.currency)
    text = f"{verb}: {status.title}, {amount} for {status.period.label}, P(breach) {chance(status.p_breach)}"
    by: date = status.breach_day or status.period.end
    return DecisionRequested(text, overrun(status), status.currency, status.owner, max(by, frame.as_of))


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
    text = f"Approve {plan.kind} of {names}: {plan.reason} (estimate a month)"
    return DecisionRequested(text, plan.saving_per_month, plan.currency, owners, plan.expires_at.date())


def _largest(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (-f.amount, f.id))
