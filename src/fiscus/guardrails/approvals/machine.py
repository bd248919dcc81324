"""The states of an approval, and nothing between them: pure.

asked -> approved -> used
  |          |         `-> approved (given back: what it let through came to nothing)
  `----------+-> rejected, expired
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from fiscus.guardrails.approvals.types import Approval, ApprovalState, ApprovalStep, StepKind
from fiscus.guardrails.types import ApprovalNeeded, Decision, Intent
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.canonical import digest
from fiscus.kernel.errors import Conflict, IntegrityBroken

TRANSITIONS: Final[Mapping[ApprovalState, frozenset[ApprovalState]]] = {
    "asked": frozenset({"approved", "rejected", "expired"}),
    "approved": frozenset({"used", "rejected", "expired"}),
    "used": frozenset({"approved"}),
    "rejected": frozenset(),
    "expired": frozenset(),
}
WAITING: Final[tuple[ApprovalState, ...]] = ("asked", "approved")


def approval_digest(intent: Intent, policies: Mapping[str, str], expires_at: datetime) -> str:
    """What a yes binds: sha256(JCS(intent, policies that asked with their versions, expiry)) as 64 hex characters."""
    return digest({"intent": intent, "policies": policies, "expires_at": expires_at})


def asking(decision: Decision) -> Mapping[str, str]:
    """The policies (and caps) whose word was require_approval: id -> version."""
    return {one.policy_id: one.version for one in decision.policies if one.verdict == "require_approval"}


@dataclass(frozen=True, slots=True)
class Asking:
    """Who stands behind the question: authors of the policies that asked, and the cost centre of the team that pays."""

    authors: Mapping[str, str]
    cost_centre: str


def ask(approval_id: str, decision: Decision, behind: Asking, at: datetime) -> Approval:
    """The question that `decision` asks people. `at` starts its clock."""
    needed = decision.approval or ApprovalNeeded()
    policies = asking(decision)
    expires_at = at + timedelta(hours=needed.expires_hours)
    return Approval(
        id=approval_id,
        decision_id=decision.id,
        intent=decision.intent,
        intent_digest=decision.intent_digest,
        policies=policies,
        digest=approval_digest(decision.intent, policies, expires_at),
        needed=needed,
        authors=behind.authors,
        cost_centre=behind.cost_centre,
        reasons=decision.reasons,
        headroom=decision.headroom,
        watermark=decision.watermark,
        requested_by=decision.intent.requested_by,
        requested_at=at,
        expires_at=expires_at,
        state="asked",
        steps=(ApprovalStep(at, "asked", decision.intent.requested_by, "asserted", needed.reason),),
    )


def say_yes(approval: Approval, actor: Actor, at: datetime, note: str = "") -> Approval:
    """One more yes; approved once there are as many different people as it needs. Raises Conflict, IntegrityBroken.

    Whether the person may is `refusal` of `guardrails.approvals.who`, asked before.
    """
    check_binding(approval)
    _check_waiting(approval, at)
    if actor.person_id in approval.yes:
        raise Conflict(
            f"{actor.person_id} has said yes to {approval.id} already",
            remedy="Somebody else must say yes as well." if approval.state == "asked" else "Nothing is left to do.",
        )
    if approval.state != "asked":
        raise Conflict(f"Approval {approval.id} is approved already", remedy="Nothing is left to do.")
    enough = len(approval.yes) + 1 >= approval.needed.approvers
    if enough:
        return _moved(approval, "approved", _step(at, "approved", actor, note or f"approved digest {approval.digest}"))
    return replace(approval, steps=(*approval.steps, _step(at, "yes", actor, note or f"yes to {approval.digest}")))


def say_no(approval: Approval, actor: Actor, at: datetime, note: str = "") -> Approval:
    """Rejected, also after a yes as long as nothing was let through by it. Raises Conflict."""
    _check_waiting(approval, at)
    return _moved(approval, "rejected", _step(at, "rejected", actor, note or "rejected"))


def expire(approval: Approval, at: datetime) -> Approval:
    """Its time is over. Raises Conflict for one that waits no longer."""
    return _moved(approval, "expired", _step(at, "expired", FISCUS, "nobody used it in time"))


def use(approval: Approval, decision_id: str, actor: Actor, at: datetime) -> Approval:
    """Spent on the one decision that it lets through. Raises Conflict when somebody was faster, IntegrityBroken."""
    check_binding(approval)
    moved = _moved(approval, "used", _step(at, "used", actor, f"let {decision_id} through"))
    return replace(moved, used_by=decision_id)


def give_back(approval: Approval, decision_id: str, at: datetime, why: str) -> Approval:
    """The decision that used it let nothing through: it may be used again. Raises Conflict when another one used it."""
    if approval.used_by != decision_id:
        raise Conflict(f"Approval {approval.id} was used by {approval.used_by or 'nobody'}", remedy="Leave it.")
    return replace(_moved(approval, "approved", _step(at, "given_back", FISCUS, why)), used_by="")


def is_expired(approval: Approval, at: datetime) -> bool:
    """Past its time while it still waits for a yes or for its use."""
    return approval.state in WAITING and at >= approval.expires_at


def check_binding(approval: Approval) -> None:
    """What stands is what was asked. Raises IntegrityBroken when the stored question was changed afterwards."""
    if approval_digest(approval.intent, approval.policies, approval.expires_at) != approval.digest:
        raise IntegrityBroken(
            f"Approval {approval.id} is not what was asked any more",
            remedy="Do not use it. Run `fiscus evidence verify` to find who changed the record.",
        )


def _check_waiting(approval: Approval, at: datetime) -> None:
    if approval.state not in WAITING:
        raise Conflict(f"Approval {approval.id} is {approval.state} already", remedy="`fiscus approvals` shows it.")
    if at >= approval.expires_at:
        raise Conflict(
            f"Approval {approval.id} expired at {approval.expires_at:%Y-%m-%d %H:%M} UTC",
            remedy="Whoever wants the money asks again: `fiscus decide`.",
        )


def _moved(approval: Approval, state: ApprovalState, step: ApprovalStep) -> Approval:
    if state not in TRANSITIONS[approval.state]:
        raise Conflict(
            f"Approval {approval.id} is {approval.state} and cannot become {state}",
            remedy="`fiscus approvals` shows what stands now.",
        )
    return replace(approval, state=state, steps=(*approval.steps, step))


def _step(at: datetime, kind: StepKind, actor: Actor, note: str) -> ApprovalStep:
    return ApprovalStep(at, kind, actor.person_id, actor.proof, note)
