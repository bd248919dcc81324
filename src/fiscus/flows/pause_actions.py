"""The kill switch: from the moment it is stored, no action gets as far as its vendor call, on any worker."""

from __future__ import annotations

from fiscus.flows.record_actions import INCIDENT_FACT, PAUSED_FACT, RESUMED_FACT, check_person
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor


def pause_actions(ws: Workspace, actor: Actor, note: str) -> None:
    """Stop every send that has not begun. Survives a restart; ends with `resume_actions`. Raises NotAllowed."""
    _set(ws, actor, note, paused=True)


def resume_actions(ws: Workspace, actor: Actor, note: str) -> None:
    """Allow sends again. Raises NotAllowed."""
    _set(ws, actor, note, paused=False)


def _set(ws: Workspace, actor: Actor, note: str, *, paused: bool) -> None:
    check_person(ws, "actions", actor)
    with ws.state.begin() as tx:
        body = {"by": actor.person_id, "at": ws.clock.now(), "note": note}
        tx.facts.put(PAUSED_FACT, body if paused else None)
        tx.evidence.append("action.paused" if paused else "action.resumed", "actions", actor, body)
        if not paused:  # whoever resumes has looked at what went wrong: it is over, and not held against what comes
            tx.facts.put(RESUMED_FACT, body)
            tx.facts.put(INCIDENT_FACT, None)
