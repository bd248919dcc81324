"""Taking an action back: the same care as doing it. Intent first, one call, read back."""

from __future__ import annotations

from fiscus.actions.belts import paused_refusal
from fiscus.actions.machine import DONE, idempotency_key, move
from fiscus.actions.ports import Executor
from fiscus.actions.types import Action, ActionState, Plan
from fiscus.actions.undo_plan import undo_plan
from fiscus.flows.reconcile_actions import reconcile_action
from fiscus.flows.record_actions import (
    check_person,
    executor_of,
    is_paused,
    load_action,
    record_step,
    refuse,
    take_over,
)
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, Conflict, NotAllowed, OutcomeUnknown, Unavailable


def undo_action(ws: Workspace, action_id: str, actor: Actor) -> Action:
    """ROLLED_BACK, or UNDOING while it cannot be seen yet. What somebody already put back is only recorded.

    Raises NotFound, NotAllowed (cannot be undone, paused, not a person), Conflict (nothing to undo, a target is gone),
    Unavailable (nothing was sent), BadInput (the vendor refused; the action stands).
    """
    check_person(ws, action_id, actor)
    with ws.state.read() as tx:
        action, paused = load_action(tx, action_id), is_paused(tx) or ws.config.belts.paused
    if action.state == "UNDOING":
        return reconcile_action(ws, action, actor)
    if action.state not in DONE:
        raise Conflict(
            f"Action {action_id} is {action.state}: there is nothing to undo", remedy="`fiscus actions` shows it."
        )
    if paused:
        refuse(ws, action_id, actor, [paused_refusal()])
    undo, plan = _undo_of(ws, action)
    if undo.read_back(plan).done is True:
        return _step(ws, action, "ROLLED_BACK", actor, "somebody had put it back already: nothing was sent")
    undoing = _intend(ws, action, actor, plan)
    try:
        receipt = undo.send(plan, idempotency_key(undoing))
    except OutcomeUnknown as lost:
        return reconcile_action(ws, _step(ws, undoing, "UNDOING", actor, lost.message), actor)
    except (Unavailable, BadInput) as refused:
        _step(ws, undoing, "RECONCILED", actor, f"not undone: {refused.message}")
        raise
    return reconcile_action(ws, _step(ws, undoing, "UNDOING", actor, f"receipt {receipt}"), actor)


def _undo_of(ws: Workspace, action: Action) -> tuple[Executor, Plan]:
    """The executor and the plan that take `action` back, its targets as they stand now."""
    kind = executor_of(ws, action.plan.kind).undo_kind
    if kind is None:
        raise NotAllowed(f"{action.plan.kind} cannot be undone", remedy="Do what is needed by hand.")
    undo = executor_of(ws, kind)
    now = undo.observe([target.id for target in action.plan.targets])
    if gone := {target.id for target in action.plan.targets} - {target.id for target in now}:
        raise Conflict(f"{', '.join(sorted(gone))} is not there any more", remedy="It can only be made anew.")
    return undo, undo_plan(action, kind, now)


def _intend(ws: Workspace, action: Action, actor: Actor, plan: Plan) -> Action:
    """UNDOING, stored before the call; the kill switch is judged in the same transaction."""
    with ws.state.begin() as tx:
        stored = load_action(tx, action.id)
        if stored.state not in DONE:
            raise Conflict(f"Action {action.id} is {stored.state} by now", remedy="`fiscus actions` shows it.")
        if is_paused(tx):
            raise NotAllowed(paused_refusal().message, remedy=paused_refusal().remedy)
        mine = take_over(tx, stored)
        note = f"about to send {plan.kind}, key {idempotency_key(mine)}"
        return record_step(tx, move(mine, "UNDOING", ws.clock.now(), actor, note), actor)


def _step(ws: Workspace, action: Action, state: ActionState, actor: Actor, note: str) -> Action:
    """One stored step; when somebody else took the action over meanwhile, what they found stands."""
    with ws.state.begin() as tx:
        stored = load_action(tx, action.id)
        if stored.epoch != action.epoch:
            return stored
        return record_step(tx, move(action, state, ws.clock.now(), actor, note), actor)
