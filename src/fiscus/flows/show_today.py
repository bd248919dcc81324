"""What needs someone now: breaches ahead, cases, approvals, unowned money and late bills, by money and urgency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from fiscus.flows.show_actions import WAITS_FOR, effect
from fiscus.flows.show_budgets import show_budgets
from fiscus.flows.show_cases import URGENCY
from fiscus.flows.show_spend import SpendShown, show_spend
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.spend_dimensions import SpendAsked
from fiscus.flows.workspace import Workspace
from fiscus.kernel.money import ZERO, display

Kind = Literal["budget", "case", "finding", "action", "unowned", "source"]


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


@dataclass(frozen=True, slots=True)
class TodayShown:
    """Things to do, most urgent first, then most money; and spend of the month so far."""

    trust: DataTrust
    sentence: str
    items: tuple[TodayItem, ...]
    spend: SpendShown


def show_today(ws: Workspace, person: str | None = None, trust: DataTrust | None = None) -> TodayShown:
    """Everything that waits; of one `person` (id) only what waits for them or their team, when given."""
    trust = trust or data_trust(ws)
    items = sorted((*_budgets(ws, trust), *_stored(ws), *_data(ws, trust)), key=_order)
    if person is not None:
        team = p.team if (p := ws.config.directory.people.get(person)) else None
        items = [item for item in items if item.who in {person, team} or item.verb == "Approve"]
    spend = show_spend(ws, SpendAsked(), trust)
    return TodayShown(trust, _sentence(items, spend), tuple(items), spend)


def _order(item: TodayItem) -> tuple[int, Decimal, str]:
    return item.urgency, -item.amount, item.id


def _budgets(ws: Workspace, trust: DataTrust) -> Iterator[TodayItem]:
    for line in show_budgets(ws, trust).lines:
        status = line.status
        if status.state == "ok":
            continue
        breached = status.state == "breached"
        day = f" on {status.breach_day}" if status.breach_day else ""
        title = (
            f"{status.title} is over budget" if breached else f"{status.title} will break{day} (P = {status.p_breach})"
        )
        verb, urgency = ("Cut or raise", 0) if breached else ("Steer", 1)
        yield TodayItem(
            "budget", status.budget_id, title, verb, line.at_risk, status.currency, not breached, urgency, status.owner
        )


def _stored(ws: Workspace) -> Iterator[TodayItem]:
    """Cases, findings that no case took up, and actions that wait."""
    with ws.state.read() as tx:
        cases, findings, actions = tx.cases.all(["open"]), tx.findings.all(), tx.actions.all()
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
            False,
            URGENCY[s.severity],
            case.assignee,
            due,
        )
    for finding in findings:
        if finding.id not in known and not any(finding.id in key for key in known):
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
    for action in actions:
        verb = {"approval": "Approve", "run": "Apply", "read_back": "Read back"}.get(WAITS_FOR.get(action.state, ""))
        if verb is not None:
            plan = action.plan
            title = f"{effect(action).capitalize()}: {plan.reason}"
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
    mark = "≈ " if first.estimate else ""
    money = f" ({mark}{display(first.amount, 0)} {first.currency})" if first.amount else ""
    more = f" {len(items) - 1} more below." if len(items) > 1 else ""
    return f"{first.verb}: {first.title}{money}, {first.who}.{more}"
