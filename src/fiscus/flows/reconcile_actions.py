"""Finding out what became of actions whose executor died, whose answer was lost, or whose effect takes time: by reading."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fiscus.actions.machine import IN_FLIGHT, is_expired, is_silent, last_entry, move
from fiscus.actions.types import Action, ActionState, Outcome
from fiscus.actions.undo_plan import undo_plan
from fiscus.flows.record_actions import check_person, executor_of, load_action, record_step, take_over, trip_breaker
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.errors import FiscusError
from fiscus.kernel.limits import ACTION_LEASE_SECONDS, ACTION_RETRY_HOURS, ACTION_UNKNOWN_MINUTES_MAX

LEASE = timedelta(seconds=ACTION_LEASE_SECONDS)
UNRESOLVED_FACT = "actions.unresolved"


def reconcile_actions(ws: Workspace) -> Sequence[Action]:
    """Read back every action that is under way or just done, expire what waited too long. Returns those that changed.

    Nothing is sent. What stays unknown for too long is stored as the fact `actions.unresolved`, for a case.
    """
    with ws.state.read() as tx:
        everything = tx.actions.all()
    changed = [after for before in everything if (after := reconcile_action(ws, before, FISCUS)).state != before.state]
    unresolved = _unresolved(ws)
    with ws.state.read() as tx:
        known = tx.facts.get(UNRESOLVED_FACT)
    if unresolved != (known or []):
        with ws.state.begin() as tx:
            tx.facts.put(UNRESOLVED_FACT, unresolved)
    return changed


def reconcile_action(ws: Workspace, action: Action, actor: Actor) -> Action:
    """One action, one step further if the world lets us tell; a vendor that cannot be reached changes nothing."""
    now = ws.clock.now()
    if is_expired(action, now):
        return _step(ws, action, ("EXPIRED",), actor, "nobody ran it in time")
    silent = is_silent(action, now, LEASE)
    if action.state == "CLAIMED":
        return (
            _step(ws, action, ("APPROVED",), actor, "its executor died before it sent anything") if silent else action
        )
    if not _needs_reading(ws, action):
        return action
    outcome = _read_back(ws, action)
    if outcome is None:
        return action
    states = _next_states(action, outcome, silent=silent)
    return _step(ws, action, states, actor, f"read back: {outcome.note}", outcome) if states else action


def settle_action(ws: Workspace, action_id: str, actor: Actor, *, happened: bool, note: str) -> Action:
    """A person says what became of an UNKNOWN action that nothing can read back. Raises Conflict, NotFound, NotAllowed."""
    check_person(ws, action_id, actor)
    with ws.state.begin() as tx:
        mine = take_over(tx, load_action(tx, action_id))
        state: ActionState = "RECONCILED" if happened else "FAILED"
        return record_step(tx, move(mine, state, ws.clock.now(), actor, f"settled by a person: {note}"), actor)


def _needs_reading(ws: Workspace, action: Action) -> bool:
    """Under way, done but not confirmed, or failed by silence so lately that it may still take effect."""
    if action.state in IN_FLIGHT or action.state == "SUCCEEDED":
        return True
    recent = ws.clock.now() - action.journal[-1].at < timedelta(hours=ACTION_RETRY_HOURS)
    return action.state == "FAILED" and recent and last_entry(action, "UNKNOWN", "SENT") is not None


def _read_back(ws: Workspace, action: Action) -> Outcome | None:
    """What the vendor shows now; None when it cannot be asked."""
    try:
        executor = executor_of(ws, action.plan.kind)
        if action.state != "UNDOING":
            return executor.read_back(action.plan)
        assert executor.undo_kind is not None
        return executor_of(ws, executor.undo_kind).read_back(undo_plan(action, executor.undo_kind))
    except FiscusError:
        return None


def _next_states(action: Action, outcome: Outcome, *, silent: bool) -> tuple[ActionState, ...]:
    """Where what was read leads. Not (yet) there is only final once its executor has been silent for a whole lease."""
    if outcome.done is True:
        return _when_done(action)
    if not silent:
        return ()
    if outcome.done is None:
        return ("UNKNOWN",) if action.state in {"INTENT", "SENT"} else ()
    gone: dict[ActionState, tuple[ActionState, ...]] = {
        "INTENT": ("UNKNOWN", "FAILED"),
        "SENT": ("FAILED",),
        "UNKNOWN": ("FAILED",),
        "UNDOING": ("RECONCILED",),
        "SUCCEEDED": ("ROLLED_BACK",),  # somebody put it back by hand: released, not repeated
    }
    return gone.get(action.state, ())


def _when_done(action: Action) -> tuple[ActionState, ...]:
    done: dict[ActionState, tuple[ActionState, ...]] = {
        "INTENT": ("UNKNOWN", "RECONCILED"),
        "SENT": ("SUCCEEDED",),
        "UNKNOWN": ("RECONCILED",),
        "SUCCEEDED": ("RECONCILED",),
        "UNDOING": ("ROLLED_BACK",),
        "FAILED": ("RECONCILED",),
    }
    return done.get(action.state, ())


def _step(
    ws: Workspace,
    action: Action,
    states: Sequence[ActionState],
    actor: Actor,
    note: str,
    outcome: Outcome | None = None,
) -> Action:
    """Take the action over and store the steps. When somebody else moved it meanwhile, what they found stands."""
    with ws.state.begin() as tx:
        stored = load_action(tx, action.id)
        if (stored.epoch, stored.state, len(stored.journal)) != (action.epoch, action.state, len(action.journal)):
            return stored
        moved = take_over(tx, stored)
        for state in states:
            observed = outcome.observed if outcome is not None else {}
            moved = record_step(tx, move(moved, state, ws.clock.now(), actor, note, observed), actor)
        if {"FAILED", "UNKNOWN"} & set(states):
            trip_breaker(ws, tx, moved.plan.kind)
        return moved


def _unresolved(ws: Workspace) -> list[dict[str, str]]:
    limit = timedelta(minutes=ACTION_UNKNOWN_MINUTES_MAX)
    with ws.state.read() as tx:
        stuck = [a for a in tx.actions.all(IN_FLIGHT) if is_silent(a, ws.clock.now(), limit)]
    return [
        {
            "action": action.id,
            "state": action.state,
            "kind": action.plan.kind,
            "since": action.journal[-1].at.isoformat(),
            "targets": ", ".join(target.id for target in action.plan.targets),
            "note": action.journal[-1].note,
        }
        for action in stuck
    ]
