"""What needs someone now: breaches ahead, cases, approvals, unowned money and late bills, by money and urgency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from fiscus.flows.show_actions import WAITS_FOR, capitalised, effect
from fiscus.flows.show_approvals import approval_line
from fiscus.flows.show_budgets import show_budgets, spoken_for
from fiscus.flows.show_cases import URGENCY
from fiscus.flows.show_spend import SpendShown, show_spend
from fiscus.flows.show_trust import DataTrust, Figure, data_trust
from fiscus.flows.spend_dimensions import REPORTED, SpendAsked
from fiscus.flows.workspace import Workspace
from fiscus.kernel.money import ZERO, chance, display
from fiscus.ownership.types import Case

DUTY: Final[Mapping[str, str]] = {
    "Cut or raise": "{who} must cut spend or have it raised",
    "Steer": "{who} must steer against it",
    "Acknowledge": "{who} must acknowledge it",
    "Review": "{who} must review it",
    "Approve": "approve or reject it",
    "Apply": "it is approved, apply it",
    "Read back": "read back what happened",
    "Assign": "{who} must give it owners",
    "Chase": "{who} must chase it",
}
Kind = Literal["budget", "case", "finding", "action", "approval", "unowned", "source"]


@dataclass(frozen=True, slots=True)
class TodayItem:
    """One thing to do. `urgency` 0 is now, 3 can wait; `kind` and `id` say where to go; an estimate is marked as one."""

    kind: Kind
    id: str
    title: str
    verb: str
    amount: Decimal
    currency: str
    estimate: bool
    urgency: int
    who: str
    due: datetime | None = None
    people: tuple[str, ...] = ()  # everybody who may do it, where that is known by name


@dataclass(frozen=True, slots=True)
class TodayShown:
    """Things to do, most urgent first, then most money; and spend of the month so far."""

    trust: DataTrust
    sentence: str
    items: tuple[TodayItem, ...]
    spend: SpendShown
    reported: Figure | None = (
        None  # of all currencies, where a reporting currency is declared; what has no rate is not in it
    )


def show_today(ws: Workspace, person: str | None = None, trust: DataTrust | None = None) -> TodayShown:
    """Everything that waits; of one `person` (id) only what waits for them or their team, when given."""
    trust = trust or data_trust(ws)
    items = sorted((*_budgets(ws, trust), *_stored(ws), *_data(ws, trust)), key=_order)
    if person is not None:
        team = p.team if (p := ws.config.directory.people.get(person)) else None
        items = [item for item in items if _is_for(item, person, team)]
    spend = show_spend(ws, SpendAsked(), trust)
    reported = show_spend(ws, SpendAsked(currency=REPORTED), trust).total if ws.config.reporting else None
    return TodayShown(trust, _sentence(items, spend), tuple(items), spend, reported)


def _is_for(item: TodayItem, person: str, team: str | None) -> bool:
    if item.people:
        return person in item.people
    return item.who in {person, team} or item.verb == "Approve"


def _order(item: TodayItem) -> tuple[int, Decimal, str]:
    return item.urgency, -item.amount, item.id


def _budgets(ws: Workspace, trust: DataTrust) -> Iterator[TodayItem]:
    """Budgets in trouble that no case has taken up: one that has is waited for as a case, or is in hand."""
    with ws.state.read() as tx:
        taken_up = {budget_of(case) for case in tx.cases.all(["open", "acknowledged"])}
    for line in show_budgets(ws, trust).lines:
        status = line.status
        if status.state == "ok" or (status.budget_id, status.period.label) in taken_up:
            continue
        breached = status.state == "breached"
        day = f" on {status.breach_day.day} {status.breach_day:%b}" if status.breach_day else ""
        title = (
            f"{status.title} is over budget"
            if breached
            else f"{status.title} will break{day} (P {chance(status.p_breach)})"
        )
        verb, urgency = ("Cut or raise", 0) if breached else ("Steer", 1)
        amount = max(spoken_for(status) - status.amount, ZERO) if breached else line.at_risk
        estimate = not breached or bool(status.unbilled)
        yield TodayItem(
            "budget", status.budget_id, title, verb, amount, status.currency, estimate, urgency, status.owner
        )


def budget_of(case: Case) -> tuple[str, str] | None:
    """(budget id, period label) that a case is about; None for any other subject."""
    evidence = case.subject.evidence
    if case.subject.kind != "budget":
        return None
    params = evidence.get("params")
    named = evidence.get("budget") or (params.get("budget_id") if isinstance(params, Mapping) else None)
    return str(named), case.subject.key.rsplit("|", 1)[-1]


def _stored(ws: Workspace) -> Iterator[TodayItem]:
    """Cases, findings that no case took up, and actions that wait."""
    with ws.state.read() as tx:
        cases, findings, actions = tx.cases.all(["open"]), tx.findings.all(), tx.actions.all()
        asked = [approval_line(ws, approval) for approval in tx.approvals.all(["asked"])]
        known = {case.subject.key for case in tx.cases.all()}
    for case in cases:
        s = case.subject
        due = case.next_escalation_at
        yield TodayItem(
            "case",
            case.id,
            s.title,
            "Acknowledge",
            s.amount,
            s.currency,
            s.kind == "budget",
            URGENCY[s.severity],
            case.assignee,
            due,
        )
    for finding in findings:
        about_a_budget = "budget_id" in finding.params  # the budget itself stands above
        if not about_a_budget and not any(finding.id in key for key in known):
            yield TodayItem(
                "finding",
                finding.id,
                finding.title,
                "Review",
                finding.amount,
                finding.currency,
                False,
                2,
                finding.owner,
            )
    for line in asked:
        if line.state == "asked":
            wanted = line.approval.intent
            title = f"{capitalised(line.effect)}, asked for by {line.approval.requested_by}"
            yield TodayItem(
                "approval", line.approval.id, title, "Approve", wanted.amount, wanted.currency, False, 1,
                ", ".join(line.may_approve[:2]) or "nobody", line.approval.expires_at, line.may_approve,
            )  # fmt: skip
    for action in actions:
        verb = {"approval": "Approve", "run": "Apply", "read_back": "Read back"}.get(WAITS_FOR.get(action.state, ""))
        if verb is not None:
            plan = action.plan
            where = ", ".join(sorted({target.environment for target in plan.targets if target.environment}))
            title = f"{capitalised(effect(action))}{f' in {where}' if where else ''}"
            who = ", ".join(sorted({target.owner for target in plan.targets}))
            yield TodayItem(
                "action", action.id, title, verb, plan.saving_per_month, plan.currency, True,
                0 if action.state == "UNKNOWN" else 1, who, plan.expires_at,
            )  # fmt: skip


def _data(ws: Workspace, trust: DataTrust) -> Iterator[TodayItem]:
    for one in trust.unowned:
        if one.unowned.value > ZERO:
            title = f"{one.share} % of this month has no owner"
            pool = ws.config.directory.default_pool
            yield TodayItem("unowned", one.currency, title, "Assign", one.unowned.value, one.currency, False, 2, pool)
    for source in trust.stale:
        late = "never delivered" if source.days_behind is None else f"is {source.days_behind} days behind"
        pool = ws.config.directory.default_pool
        yield TodayItem(
            "source",
            source.source,
            f"{source.source} {late}",
            "Chase",
            ZERO,
            ws.config.company.currency,
            False,
            3,
            pool,
        )


def _sentence(items: list[TodayItem], spend: SpendShown) -> str:
    if not items:
        return f"Nothing needs you now. {spend.sentence}"
    first = items[0]
    amount = display(first.amount, 0)
    mark = "≈ " if first.estimate else ""
    told = first.currency in first.title  # a title that names money needs no second amount beside it
    money = f" ({mark}{amount} {first.currency})" if first.amount and not told else ""
    due = f" by {first.due.day} {first.due:%b %H:%M} UTC" if first.due else ""
    others = "one more waits" if len(items) == 2 else f"{len(items) - 1} more wait"
    more = f" {others.capitalize()}." if len(items) > 1 else ""
    return f"{first.title}{money}: {DUTY[first.verb].format(who=first.who)}{due}.{more}"
