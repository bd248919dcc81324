"""The action state machine: which state may follow which, and nothing else may.

    PROPOSED -> APPROVED -> CLAIMED -> INTENT -> SENT -> SUCCEEDED -> RECONCILED -> VERIFIED -> UNDOING -> ROLLED_BACK

INTENT is durable before the vendor is called. UNKNOWN (the answer was lost) is left only by reading back, never by trying again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from fiscus.actions.types import Action, ActionState, JournalEntry, Plan
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import Conflict

TRANSITIONS: Final[Mapping[ActionState, frozenset[ActionState]]] = {
    "PROPOSED": frozenset({"APPROVED", "REJECTED", "EXPIRED", "STALE"}),
    "APPROVED": frozenset({"CLAIMED", "REJECTED", "EXPIRED", "STALE"}),
    # Back to APPROVED: the claimant gave up, or died, before it could have sent anything.
    "CLAIMED": frozenset({"INTENT", "CLAIMED", "APPROVED", "STALE", "EXPIRED"}),
    # Back to APPROVED: the vendor could not be reached, so that nothing was sent.
    "INTENT": frozenset({"SENT", "FAILED", "UNKNOWN", "APPROVED"}),
    "SENT": frozenset({"SUCCEEDED", "FAILED", "UNKNOWN"}),
    "UNKNOWN": frozenset({"RECONCILED", "FAILED"}),
    # Out of FAILED: what was not there when its lease ended took effect after all.
    "FAILED": frozenset({"RECONCILED"}),
    # To ROLLED_BACK without us: somebody put it back by hand, and a person wins over the product.
    "SUCCEEDED": frozenset({"RECONCILED", "VERIFIED", "UNDOING", "ROLLED_BACK"}),
    "RECONCILED": frozenset({"VERIFIED", "UNDOING", "ROLLED_BACK"}),
    "VERIFIED": frozenset({"UNDOING", "ROLLED_BACK"}),
    # Back to RECONCILED: the undo did not happen, the action still stands.
    "UNDOING": frozenset({"ROLLED_BACK", "RECONCILED", "UNDOING"}),
    "REJECTED": frozenset(),
    "STALE": frozenset(),
    "EXPIRED": frozenset(),
    "ROLLED_BACK": frozenset(),
}
IN_FLIGHT: Final[tuple[ActionState, ...]] = ("CLAIMED", "INTENT", "SENT", "UNKNOWN", "UNDOING")
DONE: Final[tuple[ActionState, ...]] = ("SUCCEEDED", "RECONCILED", "VERIFIED")
WAITING: Final[tuple[ActionState, ...]] = ("PROPOSED", "APPROVED")
OPEN: Final[tuple[ActionState, ...]] = (*WAITING, *IN_FLIGHT)


def propose(action_id: str, plan: Plan, requested_by: Actor, at: datetime) -> Action:
    """A new action in PROPOSED."""
    entry = JournalEntry(at, "PROPOSED", requested_by.person_id, plan.reason)
    return Action(action_id, plan, "PROPOSED", requested_by.person_id, None, None, 0, at, (entry,))


def move(
    action: Action,
    state: ActionState,
    at: datetime,
    actor: Actor,
    note: str,
    observed: Mapping[str, object] | None = None,
) -> Action:
    """`action` in `state` with one more journal entry. Raises Conflict when the table above does not allow it."""
    if state not in TRANSITIONS[action.state]:
        raise Conflict(
            f"Action {action.id} is {action.state} and cannot become {state}",
            remedy="`fiscus actions` shows what stands now.",
        )
    entry = JournalEntry(at, state, actor.person_id, note, observed or {})
    return replace(action, state=state, journal=(*action.journal, entry))


def is_expired(action: Action, at: datetime) -> bool:
    """Past its approval deadline while still waiting."""
    return action.state in WAITING and at >= action.plan.expires_at


def last_entry(action: Action, *states: ActionState) -> JournalEntry | None:
    """The newest journal entry in one of `states`."""
    return next((entry for entry in reversed(action.journal) if entry.state in states), None)


def is_silent(action: Action, at: datetime, lease: timedelta) -> bool:
    """Whoever moved it last has said nothing for a whole lease."""
    return at - action.journal[-1].at >= lease


def idempotency_key(action: Action) -> str:
    """One key for each claim of an action: a vendor that knows such keys can tell a repeat."""
    return f"{action.id}:{action.epoch}"
