"""Running an approved action: claim it, look again, write the intent down, call the vendor once, read back.

The intent is durable before the call. Whatever happens after that, `reconcile_actions` finds out by reading, never by calling
a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

from fiscus.actions.belts import belt_refusals, sent_so_far
from fiscus.actions.drift import drift, drifted
from fiscus.actions.four_eyes import Approval, may_approve
from fiscus.actions.machine import DONE, idempotency_key, is_expired, move
from fiscus.actions.plan_digest import check_binding
from fiscus.actions.types import Action, ActionPreview, ActionState, Refusal, Target, TargetPreview
from fiscus.flows.reconcile_actions import reconcile_action, reconcile_actions, settle_action
from fiscus.flows.record_actions import (
    check_person,
    executor_of,
    is_paused,
    load_action,
    policy_owner,
    record_step,
    refuse,
    resumed_at,
    take_over,
    trip_breaker,
)
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.errors import BadInput, Conflict, FiscusError, NotAllowed, OutcomeUnknown, Unavailable

__all__ = ["apply_action", "preview_action", "reconcile_action", "reconcile_actions", "settle_action"]


def apply_action(ws: Workspace, action_id: str, actor: Actor) -> Action:
    """Run one approved action; returns it SUCCEEDED, SENT (not visible yet), FAILED, UNKNOWN, STALE or EXPIRED.

    An action already under way is reconciled instead: nothing is sent twice. Raises NotFound, NotAllowed (not approved, a belt,
    not a person), LimitExceeded (a belt), Conflict (already finished), Unavailable (nothing was sent), IntegrityBroken.
    """
    check_person(ws, action_id, actor)
    with ws.state.read() as tx:
        action = load_action(tx, action_id)
    if action.state in {"INTENT", "SENT", "UNKNOWN", "UNDOING"}:
        return reconcile_action(ws, action, actor)
    claimed = _claim(ws, action_id, actor)
    if claimed.state != "CLAIMED":
        return claimed
    try:
        executor = executor_of(ws, claimed.plan.kind)
        now = executor.observe([target.id for target in claimed.plan.targets])
        running = executor.inventory_size()
    except FiscusError as failed:
        _step(ws, claimed, "APPROVED", actor, f"not sent: {failed.message}")
        raise
    if moved := drifted(claimed.plan.targets, now):
        return _step(ws, claimed, "STALE", actor, "; ".join(moved))
    return _send(ws, _intend(ws, claimed, actor, running), actor)


def preview_action(ws: Workspace, action_id: str) -> ActionPreview:
    """A dry run of one action as things stand now; nothing is sent and nothing is stored. Raises NotFound."""
    with ws.state.read() as tx:
        action, everything, paused = load_action(tx, action_id), tx.actions.all(), is_paused(tx)
        resumed = resumed_at(tx)
    plan, note, running = action.plan, "", 0
    now: dict[str, Target] | None = None
    undo_kind: str | None = None
    try:
        executor = executor_of(ws, plan.kind)
        undo_kind = executor.undo_kind
        now = {target.id: target for target in executor.observe([target.id for target in plan.targets])}
        running = executor.inventory_size()
    except FiscusError as failed:
        note = f"What stands now could not be read: {failed.message}"
    so_far = sent_so_far(everything, plan.kind, ws.clock.now(), running, resumed)
    refusals = belt_refusals(plan, ws.config.belts, so_far, paused=paused) if action.state not in DONE else ()
    question = Approval(action, policy_owner(ws, plan.policy_id), ws.config.directory, ws.as_of)
    return ActionPreview(
        action_id=action.id,
        kind=plan.kind,
        state=action.state,
        reason=plan.reason,
        targets=tuple(_target_preview(target, now) for target in plan.targets),
        saving_per_month=plan.saving_per_month,
        currency=plan.currency,
        reversibility=plan.reversibility,
        undo_kind=undo_kind,
        blast_radius=plan.blast_radius,
        requested_by=action.requested_by,
        approved_by=action.approved_by,
        expires_at=plan.expires_at,
        may_approve=may_approve(question),
        refusals=refusals,
        note=note,
    )


def _target_preview(target: Target, now: dict[str, Target] | None) -> TargetPreview:
    current = now.get(target.id) if now is not None else None
    words = drift(target, current) if now is not None else "not known"
    observed = current.observed if current is not None else None
    return TargetPreview(target.id, target.name, target.owner, target.environment, target.observed, observed, words)


def _claim(ws: Workspace, action_id: str, actor: Actor) -> Action:
    """CLAIMED in a new epoch, or EXPIRED. A dead claimant's action is taken over: it can no longer reach INTENT."""
    with ws.state.begin() as tx:
        action = load_action(tx, action_id)
        if is_expired(action, ws.clock.now()):
            return record_step(tx, move(action, "EXPIRED", ws.clock.now(), FISCUS, "nobody ran it in time"), FISCUS)
        if action.state == "PROPOSED":
            raise NotAllowed(
                f"Action {action_id} is not approved", remedy="`fiscus approve` it first, as somebody else."
            )
        if action.state not in {"APPROVED", "CLAIMED"}:
            raise Conflict(
                f"Action {action_id} is {action.state} already", remedy="`fiscus actions` shows what stands."
            )
        check_binding(action)
        mine = take_over(tx, action)
        return record_step(tx, move(mine, "CLAIMED", ws.clock.now(), actor, f"claimed, epoch {mine.epoch}"), actor)


def _intend(ws: Workspace, claimed: Action, actor: Actor, running: int) -> Action:
    """INTENT, stored, or a refusal by a belt. Belts and kill switch are judged in the transaction that stores the intent."""
    at = ws.clock.now()
    with ws.state.begin() as tx:
        so_far = sent_so_far(tx.actions.all(), claimed.plan.kind, at, running, resumed_at(tx))
        refusals = belt_refusals(claimed.plan, ws.config.belts, so_far, paused=is_paused(tx))
        if claimed.plan.expires_at <= at:
            late = Refusal(
                "expiry", f"Action {claimed.id} expired at {claimed.plan.expires_at}", "Let it be planned again."
            )
            refusals = (late, *refusals)
        if not refusals:
            note = f"about to send, key {idempotency_key(claimed)}"
            return record_step(tx, move(claimed, "INTENT", at, actor, note), actor)
        words = "; ".join(refusal.message for refusal in refusals)
        state: ActionState = "EXPIRED" if refusals[0].belt == "expiry" else "APPROVED"
        record_step(tx, move(claimed, state, at, actor, f"not sent: {words}"), actor)
    return _refused(ws, claimed, actor, refusals)


def _refused(ws: Workspace, action: Action, actor: Actor, refusals: Sequence[Refusal]) -> Action:
    refuse(ws, action.id, actor, refusals)
    return action


def _send(ws: Workspace, intent: Action, actor: Actor) -> Action:
    """The one vendor call, and what is known after it."""
    try:
        receipt = executor_of(ws, intent.plan.kind).send(intent.plan, idempotency_key(intent))
    except OutcomeUnknown as lost:
        return reconcile_action(ws, _step(ws, intent, "UNKNOWN", actor, lost.message), actor)
    except Unavailable as unreachable:
        _step(ws, intent, "APPROVED", actor, f"nothing was sent: {unreachable.message}")
        raise
    except BadInput as refused:
        return _step(ws, intent, "FAILED", actor, f"refused: {refused.message}")
    return reconcile_action(ws, _step(ws, intent, "SENT", actor, f"receipt {receipt}"), actor)


def _step(ws: Workspace, action: Action, state: ActionState, actor: Actor, note: str) -> Action:
    """One stored step. When a reconciler took the action over meanwhile, what it found stands."""
    with ws.state.begin() as tx:
        stored = load_action(tx, action.id)
        if stored.epoch != action.epoch:
            return stored
        stepped = record_step(tx, move(action, state, ws.clock.now(), actor, note), actor)
        if state in {"FAILED", "UNKNOWN"}:
            trip_breaker(ws, tx, action.plan.kind)
        return stepped
