"""Who is on what, until when: cases under escalation, most urgent money first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.spend_dimensions import SpendAsked
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import NotFound
from fiscus.kernel.money import display, total
from fiscus.kernel.periods import Month
from fiscus.ownership.types import Case, CaseState
from fiscus.signals.types import Anomaly

URGENCY: Final[Mapping[str, int]] = {"critical": 0, "high": 1, "medium": 2, "low": 3}
STATES: Final[tuple[CaseState, ...]] = ("open", "acknowledged", "closed")


@dataclass(frozen=True, slots=True)
class CasesShown:
    """Cases of the states asked for."""

    trust: DataTrust
    sentence: str
    cases: tuple[Case, ...]
    counts: Mapping[str, int]


def show_cases(
    ws: Workspace, states: tuple[CaseState, ...] = ("open", "acknowledged"), trust: DataTrust | None = None
) -> CasesShown:
    """Cases in `states`, open before acknowledged, then by severity and money."""
    with ws.state.read() as tx:
        every = tx.cases.all()
    shown = sorted((case for case in every if case.state in states), key=case_order)
    counts: dict[str, int] = {state: sum(case.state == state for case in every) for state in STATES}
    return CasesShown(trust or data_trust(ws), _sentence(ws, shown), tuple(shown), counts)


def show_case(ws: Workspace, case_id: str) -> Case:
    """One case with its history. NotFound when there is none."""
    with ws.state.read() as tx:
        case = tx.cases.get(case_id)
    if case is None:
        raise NotFound(f"There is no case {case_id!r}", remedy="`fiscus cases` lists them.")
    return case


def anomaly_of(ws: Workspace, case: Case) -> Anomaly | None:
    """The anomaly that a case is about; None for any other subject."""
    named = case.subject.evidence.get("anomaly")
    if named is None:
        return None
    with ws.state.read() as tx:
        return next((one for one in tx.anomalies.all() if one.id == named), None)


def spend_of(anomaly: Anomaly) -> SpendAsked:
    """The question whose answer shows an anomaly: its owner's spend on its service, by resource, in the months it touches."""
    return SpendAsked(
        group_by="resource",
        from_month=Month.of(anomaly.start),
        to_month=Month.of(anomaly.end - timedelta(days=1)),
        currency=anomaly.currency,
        filters=(("owner", anomaly.owner), ("service", anomaly.service), ("provider", anomaly.provider)),
    )


def case_order(case: Case) -> tuple[int, int, object, str]:
    """Open before acknowledged before closed; then severity; then money."""
    return STATES.index(case.state), URGENCY[case.subject.severity], -case.subject.amount, case.id


def _sentence(ws: Workspace, cases: list[Case]) -> str:
    waiting = [case for case in cases if case.state == "open"]
    if not waiting:
        return "No case waits for anyone." if not cases else f"{len(cases)} cases are in hand: nothing to decide now."
    first, home = waiting[0], ws.config.company.currency
    money = total([case.subject.amount for case in waiting if case.subject.currency == home])
    due = f" before {first.next_escalation_at:%d %b %H:%M} UTC" if first.next_escalation_at else ""
    return (
        f"{len(waiting)} open cases over {display(money, 0)} {home}: {first.assignee} must acknowledge "
        f"“{first.subject.title}”{due}."
    )
