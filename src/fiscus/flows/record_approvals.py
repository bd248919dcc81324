"""Storing a step of an approval together with its evidence and the notices that tell people of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fiscus.flows.ports import StateTx
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.machine import expire, is_expired
from fiscus.guardrails.approvals.notices import Told, answer_mail, hook, question_mail
from fiscus.guardrails.approvals.types import Approval
from fiscus.guardrails.approvals.who import may_approve, route, still_may
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import NotAllowed, NotFound

PREFIX = "apr-"


def is_approval(name: str) -> bool:
    """Whether `name` is the id of an approval rather than of an action."""
    return name.startswith(PREFIX)


def load_approval(tx: StateTx, approval_id: str) -> Approval:
    """The approval. Raises NotFound."""
    approval = tx.approvals.get(approval_id)
    if approval is None:
        near = did_you_mean(approval_id, [one.id for one in tx.approvals.all(["asked", "approved"])])
        near = near if near.startswith("Did") else ""
        raise NotFound(f"There is no approval {approval_id!r}", remedy=f"{near} `fiscus approvals` lists them.".strip())
    return approval


def record_approval(ws: Workspace, tx: StateTx, approval: Approval, actor: Actor) -> Approval:
    """Store the newest step with its evidence, and queue who must hear of it. Returns it with who was told."""
    told = Told(approval, ws.config.directory, may_approve(approval, ws.config.directory, ws.as_of))
    stored, notices = approval, []
    if approval.state == "asked" and "email" in ws.channels:
        people = [name for name in route(approval, ws.config.directory, ws.as_of) if name not in approval.told]
        notices += [question_mail(told, name) for name in people]
        stored = replace(approval, told=(*approval.told, *people))
    elif "email" in ws.channels and (answer := answer_mail(told)) is not None:
        notices.append(answer)
    if "webhook" in ws.channels:
        notices.append(hook(told))
    tx.approvals.put(stored)
    tx.evidence.append(f"approval.{approval.steps[-1].kind}", approval.id, actor, _proof(approval))
    for notice in notices:
        tx.outbox.put(notice)
    return stored


def expire_if_due(ws: Workspace, tx: StateTx, approval: Approval) -> Approval:
    """Recorded as expired when its time is over; else as it stands."""
    now = ws.clock.now()
    return record_approval(ws, tx, expire(approval, now), FISCUS) if is_expired(approval, now) else approval


def refuse_approval(ws: Workspace, approval: Approval, actor: Actor, why: str) -> None:
    """Record that `actor` was refused, then raise NotAllowed with who may."""
    with ws.state.begin() as tx:
        body = {"message": why, "digest": approval.digest, "proof": actor.proof}
        tx.evidence.append("approval.refused", approval.id, actor, body)
    may = still_may(approval, ws.config.directory, ws.as_of)
    raise NotAllowed(why, remedy=f"May approve: {', '.join(may) or 'nobody in the directory'}.")


def _proof(approval: Approval) -> Mapping[str, object]:
    step = approval.steps[-1]
    body: dict[str, object] = {
        "digest": approval.digest,
        "intent_digest": approval.intent_digest,
        "decision": approval.decision_id,
        "amount": approval.intent.amount,
        "currency": approval.intent.currency,
        "state": approval.state,
        "yes": approval.yes,
        "needs": approval.needed.approvers,
        "note": step.note,
        "used_by": approval.used_by,
    }
    if step.kind == "asked":
        body |= {"intent": approval.intent, "policies": approval.policies, "expires_at": approval.expires_at}
    return body
