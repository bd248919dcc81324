"""Cases opened, brought up to date, escalated by the clock and closed when their subject is gone; and what people do with them.

Everything that one call changes, its evidence and its notices included, is stored in one transaction: a run that dies leaves
nothing half done, and a second run at the same clock finds nothing to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from fiscus.flows.case_subjects import case_subjects
from fiscus.flows.data_subjects import data_subjects
from fiscus.flows.ports import StateTx
from fiscus.flows.renewal_subjects import renewal_subjects
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import NotAllowed, NotFound
from fiscus.ownership.case_machine import (
    Rota,
    acknowledge,
    close,
    escalate,
    keep_assigned,
    lose_sight,
    open_case,
    reopen,
    see_again,
)
from fiscus.ownership.case_notices import Told, hooks, mails, must_be_told
from fiscus.ownership.types import Case, CaseEvent, CaseSubject

RECORDED: Final = frozenset({"opened", "escalated", "acknowledged", "closed", "reopened"})


@dataclass(frozen=True, slots=True)
class EscalationSummary:
    """What one call did: ids of cases by what happened to them, open ones left, and notices that were queued."""

    opened: tuple[str, ...]
    escalated: tuple[str, ...]
    reopened: tuple[str, ...]
    closed: tuple[str, ...]
    open: int
    notices: int

    def sentences(self) -> Sequence[str]:
        """The same in plain words."""
        moved = f"{len(self.opened)} cases opened, {len(self.reopened)} opened again, {len(self.escalated)} escalated"
        rest = f"{len(self.closed)} resolved; {self.open} wait for someone, {self.notices} notices queued."
        return [f"{moved}, {rest}"]


@dataclass(frozen=True, slots=True)
class _Change:
    before: Case | None
    after: Case

    @property
    def events(self) -> Sequence[CaseEvent]:
        return self.after.history[len(self.before.history) if self.before else 0 :]


def escalate_cases(ws: Workspace) -> EscalationSummary:
    """Bring every case in line with what stands now and with the clock. Raises BadConfig when nobody is left to answer."""
    about_data = data_subjects(ws)
    with ws.state.begin() as tx:
        known = {case.subject.key: case for case in tx.cases.all()}
        found = (*case_subjects(ws, tx), *renewal_subjects(ws, tx), *about_data)
        subjects = {subject.key: subject for subject in found}
        rota = rota_of(ws)
        ids = {case.id for case in known.values()}
        changes = [_seen(ids, known.get(key), subject, rota) for key, subject in sorted(subjects.items())]
        gone = [case for key, case in sorted(known.items()) if key not in subjects]
        changes += [_Change(case, lose_sight(case, rota)) for case in gone]
        queued = _store(ws, tx, [change for change in changes if change.before != change.after], FISCUS)
    return _summary(changes, queued)


def acknowledge_case(ws: Workspace, case_id: str, actor: Actor, note: str = "") -> Case:
    """`actor` has it in hand: the clock stands. Raises NotFound, Conflict, NotAllowed."""
    return _act(ws, case_id, actor, lambda case, rota: acknowledge(case, actor, note, rota))


def close_case(ws: Workspace, case_id: str, actor: Actor, note: str = "") -> Case:
    """`actor` says that it is settled. Raises NotFound, Conflict, NotAllowed."""
    return _act(ws, case_id, actor, lambda case, rota: close(case, actor, note, rota))


def reopen_case(ws: Workspace, case_id: str, actor: Actor, note: str = "") -> Case:
    """`actor` says that it was not settled. Raises NotFound, Conflict, NotAllowed."""
    return _act(ws, case_id, actor, lambda case, rota: reopen(case, actor, note, rota))


def rota_of(ws: Workspace) -> Rota:
    """Who can be reached now."""
    return Rota(ws.config.directory, ws.config.ladder, ws.clock.now())


def _act(ws: Workspace, case_id: str, actor: Actor, move: Callable[[Case, Rota], Case]) -> Case:
    try:
        with ws.state.begin() as tx:
            before = _load(tx, case_id)
            after = move(before, rota_of(ws))
            _store(ws, tx, [_Change(before, after)], actor)
            return after
    except NotAllowed as refusal:
        with ws.state.begin() as tx:
            tx.evidence.append("case.refused", case_id, actor, {"message": refusal.message})
        raise


def _load(tx: StateTx, case_id: str) -> Case:
    case = tx.cases.get(case_id) or tx.cases.get(f"case-{case_id}")
    if case is None:
        near = did_you_mean(case_id, [one.id for one in tx.cases.all(("open", "acknowledged"))])
        near = near if near.startswith("Did") else ""
        raise NotFound(f"There is no case {case_id!r}", remedy=f"{near} `fiscus cases` lists them.".strip())
    return case


def _seen(ids: set[str], case: Case | None, subject: CaseSubject, rota: Rota) -> _Change:
    if case is None:
        ids.add(new := _free_id(ids, subject.key))
        return _Change(None, open_case(new, subject, rota))
    return _Change(case, escalate(keep_assigned(see_again(case, subject, rota), rota), rota))


def _free_id(taken: AbstractSet[str], key: str) -> str:
    """`case-` and eight letters of the subject's digest, more when another case has them."""
    letters = hashlib.sha256(key.encode()).hexdigest()
    candidates = (f"case-{letters[:length]}" for length in range(8, len(letters) + 1))
    return next(candidate for candidate in candidates if candidate not in taken)


def _store(ws: Workspace, tx: StateTx, changes: Sequence[_Change], actor: Actor) -> int:
    """Cases, evidence and notices of this transaction. Returns how many notices were new."""
    rota = rota_of(ws)
    for change in changes:
        tx.cases.put(change.after)
        for event in change.events:
            if event.kind in RECORDED:
                tx.evidence.append(f"case.{event.kind}", change.after.id, actor, _proof(change.after, event))
    mailed = [Told(c.after, c.events[-1]) for c in changes if c.events and must_be_told(c.before, c.after)]
    notices = mails(mailed, rota)
    if "webhook" in ws.channels:
        steps = [Told(c.after, e) for c in changes for e in c.events[-1:] if e.kind in RECORDED]
        notices += hooks(steps, rota)
    return sum(tx.outbox.put(notice) for notice in notices)


def _proof(case: Case, event: CaseEvent) -> Mapping[str, object]:
    subject = case.subject
    return {
        "note": event.note,
        "state": case.state,
        "level": case.level,
        "assignee": case.assignee,
        "title": subject.title,
        "amount": subject.amount,
        "currency": subject.currency,
        "severity": subject.severity,
        "subject": subject.key,
        "next_escalation_at": case.next_escalation_at,
        "evidence": subject.evidence if event.kind == "opened" else {},
    }


def _summary(changes: Sequence[_Change], queued: int) -> EscalationSummary:
    def ids(kind: str) -> tuple[str, ...]:
        return tuple(c.after.id for c in changes if any(event.kind == kind for event in c.events))

    waiting = sum(change.after.state == "open" for change in changes)
    return EscalationSummary(ids("opened"), ids("escalated"), ids("reopened"), ids("closed"), waiting, queued)
