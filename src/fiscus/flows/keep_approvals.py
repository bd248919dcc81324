"""Approvals by the clock: what nobody answered in time expires; half-way there, the next people up are asked as well."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fiscus.flows.ports import StateTx
from fiscus.flows.record_approvals import expire_if_due
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.notices import Told, question_mail
from fiscus.guardrails.approvals.types import Approval
from fiscus.guardrails.approvals.who import may_approve
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.limits import APPROVAL_ROUTED_MAX


@dataclass(frozen=True, slots=True)
class ApprovalsKept:
    """Ids by what one call did to them, and how many wait."""

    expired: tuple[str, ...]
    asked_further: tuple[str, ...]
    waiting: int


def keep_approvals(ws: Workspace) -> ApprovalsKept:
    """Each in its own right, all in one transaction; a second call at the same clock finds nothing to do."""
    expired, further = [], []
    with ws.state.begin() as tx:
        open_ones = tx.approvals.all(["asked", "approved"], limit=100_000)
        for approval in open_ones:
            current = expire_if_due(ws, tx, approval)
            if current.state == "expired":
                expired.append(current.id)
            elif current.state == "asked" and _ask_next(ws, tx, current):
                further.append(current.id)
    return ApprovalsKept(tuple(expired), tuple(further), len(open_ones) - len(expired))


def _ask_next(ws: Workspace, tx: StateTx, approval: Approval) -> bool:
    """Past half of its time, the next one up who was not asked yet; each once."""
    half = approval.requested_at + (approval.expires_at - approval.requested_at) / 2
    if ws.clock.now() < half or "email" not in ws.channels or len(approval.told) >= APPROVAL_ROUTED_MAX:
        return False
    may = may_approve(approval, ws.config.directory, ws.as_of)
    waiting_since = len([name for name in approval.told if name in may])
    following = next((name for name in may if name not in approval.told and name not in approval.yes), None)
    if following is None or waiting_since > approval.needed.approvers:
        return False  # nobody is left, or the next one was asked already
    told = Told(approval, ws.config.directory, may)
    tx.outbox.put(question_mail(told, following))
    tx.approvals.put(replace(approval, told=(*approval.told, following)))
    tx.evidence.append("approval.asked_further", approval.id, FISCUS, {"person": following, "digest": approval.digest})
    return True
