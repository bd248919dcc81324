"""A decision that comes with an approval: claimed before the money is reserved, spent when it was, given back when it was not.

Claimed first, and durably: of two that come with one approval at once, one reserves. A process that dies between the two leaves
an approval used by a decision that was never given; who comes with it after that gets it back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fiscus.flows.ports import StateTx
from fiscus.flows.record_approvals import expire_if_due, load_approval, record_approval
from fiscus.flows.request_approval import next_step, request_approval
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.covers import approval_covers, differences
from fiscus.guardrails.approvals.machine import give_back, is_expired, use
from fiscus.guardrails.approvals.types import Approval, WhyNot
from fiscus.guardrails.approvals.who import dead_end
from fiscus.guardrails.decisions.begun import Begun
from fiscus.guardrails.types import Decision
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.errors import FiscusError, Unavailable
from fiscus.kernel.limits import APPROVAL_CLAIM_SECONDS


def claim_approval(ws: Workspace, approval_id: str, decision: Begun | Decision) -> Approval | WhyNot:
    """The approval as it stood, now used by `decision`; or why it does not cover its intent, recorded. Raises NotFound."""
    actor = Actor(decision.intent.requested_by)
    with ws.state.begin() as tx:
        approval = expire_if_due(ws, tx, _regained(ws, tx, load_approval(tx, approval_id)))
        found = approval_covers(approval, decision.intent_digest, {}, ws.clock.now())
        if not isinstance(found, WhyNot):
            record_approval(ws, tx, use(approval, decision.id, actor, ws.clock.now()), actor)
            return approval
        if found.code == "stale" and (moved := differences(approval.intent, decision.intent)):
            found = WhyNot("stale", f"{found.message}: {'; '.join(moved)}", found.remedy)
        _refuse(tx, approval, found, decision)
        return found


def find_approval(ws: Workspace, approval_id: str, decision: Begun | Decision) -> Approval | WhyNot | None:
    """For what is only judged: the yes that was named, else one that was given to exactly this. It is not used up."""
    now = ws.clock.now()
    with ws.state.read() as tx:
        if not approval_id:
            given = tx.approvals.waiting_for(decision.intent_digest)
            return next((one for one in given if one.state == "approved" and not is_expired(one, now)), None)
        approval = load_approval(tx, approval_id)
    found = approval_covers(approval, decision.intent_digest, {}, now)
    return found if isinstance(found, WhyNot) else approval


def conclude(ws: Workspace, asked: Begun, given: Decision, claimed: Approval | WhyNot | None) -> Decision:
    """What was given for what was asked: an approval that let nothing through goes back; a verdict that needs one asks for it.

    `given` is another decision than `asked` where the same key was answered before. Nothing here changes a verdict.
    """
    if isinstance(claimed, Approval) and not (given.id == asked.id and given.approval_id == claimed.id):
        why = next((one for one in given.reasons if claimed.id in one), f"{given.id} says {given.verdict} without it")
        return_approval(ws, claimed.id, asked.id, why)
    if given.verdict != "require_approval":
        return given
    try:
        approval = request_approval(ws, given)
    except FiscusError as refused:  # the verdict stands without it: who asked is told why nobody was asked
        return replace(given, next_step=f"Nobody was asked for a yes: {refused}")
    step = next_step(approval)
    if approval.state == "asked" and (stuck := dead_end(approval, ws.config.directory, ws.as_of)):
        step = f"{step} {stuck}"
    if isinstance(claimed, Approval) and claimed.id == approval.id:
        step = given.next_step  # it has its yes, and something else stands in its way
    elif claimed is not None:
        step = f"{given.next_step} {step}"
    return replace(given, approval_id=approval.id, next_step=step)


def return_approval(ws: Workspace, approval_id: str, decision_id: str, why: str) -> Approval:
    """`decision_id` used it and let nothing through after all: it may be used again. Raises NotFound, Conflict."""
    with ws.state.begin() as tx:
        approval = load_approval(tx, approval_id)
        returned = record_approval(ws, tx, give_back(approval, decision_id, ws.clock.now(), why), FISCUS)
        if "stale" in why:
            body = {"message": why, "code": "stale", "digest": approval.digest, "decision": decision_id}
            tx.evidence.append("approval.stale", approval_id, Actor(approval.requested_by), body)
        return returned


def in_other_hands(ws: Workspace, approval: Approval) -> bool:
    """Used a moment ago by a decision that is not given yet: whoever uses it is at it, or has died and leaves it soon."""
    if approval.state != "used" or _long_ago(ws, approval):
        return False
    try:
        return ws.ledger.store.decision(approval.used_by) is None
    except Unavailable:
        return True


def _long_ago(ws: Workspace, approval: Approval) -> bool:
    return ws.clock.now() - approval.steps[-1].at >= timedelta(seconds=APPROVAL_CLAIM_SECONDS)


def _regained(ws: Workspace, tx: StateTx, approval: Approval) -> Approval:
    """Out of the hands of a process that died before its decision was given."""
    if (
        approval.state != "used"
        or not _long_ago(ws, approval)
        or ws.ledger.store.decision(approval.used_by) is not None
    ):
        return approval
    why = f"{approval.used_by} was never given: its process died"
    return record_approval(ws, tx, give_back(approval, approval.used_by, ws.clock.now(), why), FISCUS)


def _refuse(tx: StateTx, approval: Approval, found: WhyNot, decision: Begun | Decision) -> None:
    body = {"message": found.message, "code": found.code, "digest": approval.digest, "decision": decision.id}
    kind = "approval.stale" if found.code == "stale" else "approval.refused"
    tx.evidence.append(kind, approval.id, Actor(decision.intent.requested_by), body)
