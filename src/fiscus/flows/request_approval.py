"""From a verdict that needs a yes to people who are asked for it: once for one question, by mail and signed webhook.

The question, its evidence and its notices are stored in one transaction. The same question again, while it waits, is asked once.
"""

from __future__ import annotations

from collections.abc import Mapping

from fiscus.flows.ports import StateTx
from fiscus.flows.record_approvals import PREFIX, expire_if_due, record_approval
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.machine import Asking, ask, asking, is_expired
from fiscus.guardrails.approvals.types import Approval
from fiscus.guardrails.types import Decision
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, LimitExceeded
from fiscus.kernel.limits import APPROVALS_WAITING_PER_REQUESTER_MAX


def request_approval(ws: Workspace, decision: Decision) -> Approval:
    """The approval that `decision` needs: the one that was asked for already, or a new one, stored with whom it was sent to.

    Raises BadInput for a verdict that needs none, LimitExceeded when its requester has too many waiting.
    """
    if decision.verdict != "require_approval":
        raise BadInput(f"{decision.id} needs no approval: it says {decision.verdict}", remedy="Do what it says.")
    now, actor = ws.clock.now(), Actor(decision.intent.requested_by)
    with ws.state.read() as tx:  # whoever asks in a loop takes no writer's turn
        for waiting in tx.approvals.waiting_for(decision.intent_digest):
            if waiting.policies == asking(decision) and not is_expired(waiting, now):
                return waiting
        _check_limit(tx, actor)
    with ws.state.begin() as tx:
        if (known := _known(ws, tx, decision)) is not None:
            return known
        _check_limit(tx, actor)
        approval_id = PREFIX + decision.id.rpartition("-")[2]
        if tx.approvals.get(approval_id) is not None:
            approval_id = ws.ids.new("apr")
        asked = ask(approval_id, decision, _behind(ws, decision), now)
        return record_approval(ws, tx, asked, actor)


def next_step(approval: Approval) -> str:
    """What whoever asked does next, in words."""
    if approval.state == "approved":
        return f"It is approved by {' and '.join(approval.yes)}: ask again with the approval {approval.id}."
    told = f" {', '.join(approval.told)} got a mail." if approval.told else ""
    return f"Have it approved, by somebody else: fiscus approve {approval.id}.{told}"


def _known(ws: Workspace, tx: StateTx, decision: Decision) -> Approval | None:
    """Exactly this question, by the same person, under the same versions of the policies that ask."""
    for waiting in tx.approvals.waiting_for(decision.intent_digest):
        current = expire_if_due(ws, tx, waiting)
        if current.state in {"asked", "approved"} and current.policies == asking(decision):
            return current
    return None


def _check_limit(tx: StateTx, actor: Actor) -> None:
    waiting = tx.approvals.asked_by(actor.person_id)
    if waiting >= APPROVALS_WAITING_PER_REQUESTER_MAX:
        raise LimitExceeded(
            f"{waiting} questions of {actor.person_id} wait for a yes already",
            remedy="Have those decided or taken back first: `fiscus approvals`.",
        )


def _behind(ws: Workspace, decision: Decision) -> Asking:
    """Who wrote the policies that ask (people; a team is not one pair of eyes), and who pays."""
    authors: dict[str, str] = {}
    for policy_id in asking(decision):
        owner = ws.config.policy_owners.get(policy_id, "")
        if owner in ws.config.directory.people:
            authors[owner] = f"{authors[owner]} and {policy_id}" if owner in authors else f"the policy {policy_id}"
    return Asking(authors, _cost_centre(ws, decision))


def _cost_centre(ws: Workspace, decision: Decision) -> str:
    teams: Mapping[str, object] = ws.config.directory.teams
    return ws.config.directory.teams[decision.intent.team].cost_centre if decision.intent.team in teams else ""
