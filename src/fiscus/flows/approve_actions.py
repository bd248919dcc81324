"""Saying yes or no to a planned action: four eyes, and exactly what was shown."""

from __future__ import annotations

from dataclasses import replace

from fiscus.actions.four_eyes import Approval, refusal
from fiscus.actions.machine import is_expired, move
from fiscus.actions.plan_digest import plan_digest
from fiscus.actions.types import Action
from fiscus.flows.ports import StateTx
from fiscus.flows.record_actions import check_person, load_action, policy_owner, record_step, refuse
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.errors import Conflict, IntegrityBroken


def approve_action(ws: Workspace, action_id: str, actor: Actor) -> Action:
    """APPROVED, bound to the digest of the plan as it stands.

    Raises NotFound, Conflict (not waiting, or expired), NotAllowed (four eyes: says why and who may), IntegrityBroken.
    """
    with ws.state.read() as tx:
        action = load_action(tx, action_id)
    question = Approval(action, policy_owner(ws, action.plan.policy_id), ws.config.directory, ws.as_of)
    if (why := refusal(question, actor.person_id)) is not None:
        refuse(ws, action_id, actor, [why])
    with ws.state.begin() as tx:
        action = load_action(tx, action_id)
        if not (expired := _expire(ws, tx, action)):
            if plan_digest(action.plan) != action.plan.digest:
                raise IntegrityBroken(
                    f"The plan of action {action_id} was changed after it was made",
                    remedy="Run `fiscus evidence verify`, and let Fiscus plan it again.",
                )
            approved = move(action, "APPROVED", ws.clock.now(), actor, f"approved digest {action.plan.digest}")
            bound = replace(approved, approved_by=actor.person_id, approved_digest=action.plan.digest)
            return record_step(tx, bound, actor)
    assert expired
    raise Conflict(
        f"Action {action_id} expired at {action.plan.expires_at}", remedy="The next `fiscus run` plans it again."
    )


def reject_action(ws: Workspace, action_id: str, actor: Actor, note: str) -> Action:
    """REJECTED; its targets are left alone for two weeks. Any live person may say no. Raises NotFound, Conflict, NotAllowed."""
    check_person(ws, action_id, actor)
    with ws.state.begin() as tx:
        action = load_action(tx, action_id)
        rejected = move(action, "REJECTED", ws.clock.now(), actor, note or "rejected")
        return record_step(tx, rejected, actor)


def _expire(ws: Workspace, tx: StateTx, action: Action) -> bool:
    """Record it as EXPIRED when its time is over; True when it was."""
    if not is_expired(action, ws.clock.now()):
        return False
    record_step(tx, move(action, "EXPIRED", ws.clock.now(), FISCUS, "nobody ran it in time"), FISCUS)
    return True
