"""A case's life: opened, escalated by the clock, acknowledged, closed, opened again. Pure: state in, state out.

    open ──acknowledge──> acknowledged        the clock stands
    open, acknowledged ──close──> closed      by a person, or by Fiscus when the subject is gone
    closed ──reopen──> open                   by a person, or by Fiscus: it came back, or its money grew

While open it goes up by the clock: owner, manager, finance. Within a round it never goes down; a round ends when the case was
closed for CASE_FRESH_ROUND_DAYS. An assignee who leaves hands over on the same rung; what they had in hand is open again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.errors import Conflict
from fiscus.kernel.limits import CASE_FRESH_ROUND_DAYS, CASE_REOPEN_GROWTH_PERCENT
from fiscus.kernel.money import EXACT, display
from fiscus.ownership.answering import Answer, finance_answer, is_here, manager_answer, may_act, owner_answer
from fiscus.ownership.case_severity import is_worse
from fiscus.ownership.types import (
    Case,
    CaseEvent,
    CaseLevel,
    CaseSubject,
    Directory,
    EscalationLadder,
    EventKind,
    Severity,
)

LEVELS: Final[tuple[CaseLevel, ...]] = ("owner", "manager", "finance")  # upwards


@dataclass(frozen=True, slots=True)
class Rota:
    """Who can be reached now, and how long each may take."""

    directory: Directory
    ladder: EscalationLadder
    now: datetime

    @property
    def as_of(self) -> date:
        return self.now.date()


@dataclass(frozen=True, slots=True)
class NextRung:
    """Where a case goes when nobody acts, and when."""

    at: datetime
    level: CaseLevel
    answer: Answer


def open_case(case_id: str, subject: CaseSubject, rota: Rota) -> Case:
    """A new case with its owner."""
    answer = owner_answer(rota.directory, subject.owner, rota.as_of)
    event = CaseEvent(rota.now, "opened", FISCUS.person_id, _assigned(answer))
    due = _due(rota, "owner", subject.severity)
    return Case(case_id, subject, "open", "owner", answer.person.id, rota.now, due, (event,))


def see_again(case: Case, subject: CaseSubject, rota: Rota) -> Case:
    """The subject of `case` as it is seen now: news is taken in; a closed case opens again when that was not settled."""
    assert subject.key == case.subject.key
    if case.state == "closed":
        return _see_closed(case, subject, rota)
    after = replace(case, subject=subject, present=True)
    if is_worse(subject.severity, case.subject.severity):
        due = _due(rota, case.level, subject.severity) if case.next_escalation_at else None
        sooner = min(due, case.next_escalation_at) if due and case.next_escalation_at else None
        note = f"worse, {case.subject.severity} to {subject.severity}: {_figure(subject)}"
        after = _log(replace(after, next_escalation_at=sooner), rota, "updated", FISCUS, note)
    elif _shown(subject) != _shown(case.subject):
        after = _log_news(after, rota)
    if subject.owner != case.subject.owner and case.state == "open" and case.level == "owner":
        after = _hand_over(after, owner_answer(rota.directory, subject.owner, rota.as_of), rota, "the owner changed")
    return after


def lose_sight(case: Case, rota: Rota) -> Case:
    """The subject is gone: what was not closed is closed by Fiscus, as resolved."""
    if case.state == "closed":
        return replace(case, present=False) if case.present else case
    note = "resolved: it is no longer seen in the bills"
    return _close(replace(case, present=False), rota, FISCUS, note)


def keep_assigned(case: Case, rota: Rota) -> Case:
    """A case is never with somebody who left: it goes to who answers now, on the same rung."""
    if case.state == "closed" or is_here(rota.directory, case.assignee, rota.as_of):
        return case
    reason = f"{case.assignee} is no longer here"
    answer = _answer_on(case, rota)
    if case.state == "open":
        return _hand_over(case, answer, rota, reason)
    return _reopen(case, answer, rota, FISCUS, reason)


def escalate(case: Case, rota: Rota) -> Case:
    """One rung up when the time of this one is over; unchanged otherwise. The next rung has its full time from now."""
    step = next_rung(case, rota)
    if step is None or rota.now < step.at:
        return case
    note = f"not acknowledged by {case.assignee} in time; {_assigned(step.answer)}"
    up = replace(
        case,
        level=step.level,
        assignee=step.answer.person.id,
        next_escalation_at=_due(rota, step.level, case.subject.severity),
    )
    return _log(up, rota, "escalated", FISCUS, note)


def next_rung(case: Case, rota: Rota) -> NextRung | None:
    """When `case` goes up and to whom, as things stand now; None: acknowledged, closed, or with finance."""
    if case.state != "open" or case.next_escalation_at is None or case.level == "finance":
        return None
    if case.level == "owner" and (above := manager_answer(rota.directory, case.assignee, rota.as_of)):
        return NextRung(case.next_escalation_at, "manager", above)
    answer = finance_answer(rota.directory, case.assignee, rota.as_of)
    return NextRung(case.next_escalation_at, "finance", answer)


def acknowledge(case: Case, actor: Actor, note: str, rota: Rota) -> Case:
    """`actor` takes it in hand: they are the assignee from now on, and the clock stands. Raises Conflict, NotAllowed."""
    person = may_act(rota.directory, case, actor.person_id, rota.as_of)
    if case.state != "open":
        raise Conflict(
            f"{case.id} is {_standing(case)}",
            remedy=f"`fiscus case close {case.id} --as {actor.person_id}` when it is settled."
            if case.state == "acknowledged"
            else "Only an open case is acknowledged; it opens again by itself when the money is seen again.",
        )
    mine = replace(case, state="acknowledged", assignee=person.id, next_escalation_at=None)
    return _log(mine, rota, "acknowledged", actor, note)


def close(case: Case, actor: Actor, note: str, rota: Rota) -> Case:
    """`actor` says it is settled. It stays closed while the subject stays what it is. Raises Conflict, NotAllowed."""
    may_act(rota.directory, case, actor.person_id, rota.as_of)
    if case.state == "closed":
        raise Conflict(
            f"{case.id} is {_standing(case)}", remedy="Nothing is left to do; `fiscus cases` lists the rest."
        )
    return _close(case, rota, actor, note)


def reopen(case: Case, actor: Actor, note: str, rota: Rota) -> Case:
    """`actor` says it was not settled. Raises Conflict, NotAllowed."""
    may_act(rota.directory, case, actor.person_id, rota.as_of)
    if case.state != "closed":
        raise Conflict(f"{case.id} is {_standing(case)}", remedy="Only a closed case can be opened again.")
    case = _fresh_round(case, rota)
    return _reopen(case, _answer_on(case, rota), rota, actor, note)


def _see_closed(case: Case, subject: CaseSubject, rota: Rota) -> Case:
    grown = _limit(case.subject.amount) < subject.amount
    if case.present and not grown:
        return case
    reason = f"seen again: {_figure(subject)}"
    if case.present:
        reason = f"grew from {_figure(case.subject)} to {_figure(subject)}"
    case = _fresh_round(replace(case, subject=subject, present=True), rota)
    return _reopen(case, _answer_on(case, rota), rota, FISCUS, reason)


def _limit(amount: Decimal) -> Decimal:
    """More than this is news about a settled case."""
    return EXACT.multiply(amount, Decimal(100 + CASE_REOPEN_GROWTH_PERCENT)) / 100


def _fresh_round(case: Case, rota: Rota) -> Case:
    """Back at the owner after a long rest; else on the rung that it had reached."""
    closed_at = max(event.at for event in case.history if event.kind == "closed")
    rested = rota.now - closed_at >= timedelta(days=CASE_FRESH_ROUND_DAYS)
    return replace(case, level="owner") if rested else case


def _answer_on(case: Case, rota: Rota) -> Answer:
    """Who answers on the case's rung now."""
    owner = owner_answer(rota.directory, case.subject.owner, rota.as_of)
    if case.level == "owner":
        return owner
    if case.level == "manager" and (above := manager_answer(rota.directory, owner.person.id, rota.as_of)):
        return above
    return finance_answer(rota.directory, owner.person.id, rota.as_of)


def _hand_over(case: Case, answer: Answer, rota: Rota, reason: str) -> Case:
    """To another assignee on the same rung, who has its full time; the same person keeps the clock that runs."""
    if answer.person.id == case.assignee:
        return case
    due = _due(rota, case.level, case.subject.severity)
    moved = replace(case, assignee=answer.person.id, next_escalation_at=due)
    return _log(moved, rota, "updated", FISCUS, f"{reason}; {_assigned(answer)}")


def _reopen(case: Case, answer: Answer, rota: Rota, actor: Actor, note: str) -> Case:
    due = _due(rota, case.level, case.subject.severity)
    again = replace(case, state="open", assignee=answer.person.id, next_escalation_at=due)
    return _log(again, rota, "reopened", actor, "; ".join(filter(None, (note, _assigned(answer)))))


def _close(case: Case, rota: Rota, actor: Actor, note: str) -> Case:
    return _log(replace(case, state="closed", next_escalation_at=None), rota, "closed", actor, note)


def _due(rota: Rota, level: CaseLevel, severity: Severity) -> datetime | None:
    """When a case that comes to `level` now goes up."""
    spans = {"owner": rota.ladder.to_manager, "manager": rota.ladder.to_finance}
    return rota.now + spans[level][severity] if level in spans else None


def _log(case: Case, rota: Rota, kind: EventKind, actor: Actor, note: str) -> Case:
    return replace(case, history=(*case.history, CaseEvent(rota.now, kind, actor.person_id, note)))


def _log_news(case: Case, rota: Rota) -> Case:
    """News that moves nobody: the last of several in a row is enough."""
    news = f"now {_figure(case.subject)}"
    last = case.history[-1]
    if last.kind == "updated" and last.note.startswith("now "):
        case = replace(case, history=case.history[:-1])
    return _log(case, rota, "updated", FISCUS, news)


def _assigned(answer: Answer) -> str:
    return f"{answer.person.name} must act: {answer.why}"


def _standing(case: Case) -> str:
    if case.state == "open":
        return f"open, with {case.assignee}"
    who = next(event.actor for event in reversed(case.history) if event.kind == case.state)
    return f"already {case.state}, by {who}"


def _figure(subject: CaseSubject) -> str:
    return f"{display(subject.amount)} {subject.currency}"


def _shown(subject: CaseSubject) -> tuple[str, str, str]:
    return display(subject.amount, 0), subject.currency, subject.severity
