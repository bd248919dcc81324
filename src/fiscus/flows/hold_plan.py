"""The money of a plan that is applied next: held over its budgets under a key of the plan, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.settle_hold import release_hold
from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import intent_digest
from fiscus.guardrails.types import Decision, Intent
from fiscus.kernel.errors import FiscusError, Unavailable
from fiscus.kernel.money import to_nanos

LET_IN: Final = frozenset({"allow", "warn"})
HOLDS_READ_MAX: Final = 10_000
TRIES_MAX: Final = 5  # a plan whose money was released so often is not being applied


def hold_total(ws: Workspace, intent: Intent) -> Decision:
    """The decision on the sum with one vendor, its money held, with the yes that was given to exactly this, if any.

    The same plan again (its intent holds a digest of its resources) is answered as before and holds nothing twice; one whose
    money was released since is held anew. A verdict that does not let it in holds nothing and uses up no yes.
    Raises as `decide_intent`.
    """
    asked = settle_intent(ws, intent).intent
    if (held := _held(ws, asked)) is not None:
        return held
    prefix = f"terraform:{intent_digest(asked)[:32]}:"
    decision = decide_intent(ws, intent, hold=False)
    if decision.verdict not in LET_IN or decision.ledger == "lost":
        return decision
    approval_id = decision.approval_id
    for number in range(TRIES_MAX):
        decision = decide_intent(ws, intent, key=f"{prefix}{number}", approval_id=approval_id)
        hold = ws.ledger.store.hold(decision.hold.id) if decision.hold and decision.ledger == "kept" else None
        if decision.verdict in LET_IN and not (hold is not None and hold.state == "released"):
            break
    return decision


def _held(ws: Workspace, asked: Intent) -> Decision | None:
    """What was decided when the money of exactly this was held, if it still is."""
    bound, wanted = to_nanos(asked.amount), intent_digest(asked)
    try:
        for hold in ws.ledger.store.holds(("held",), HOLDS_READ_MAX):
            if (hold.bound, hold.provider) == (bound, asked.provider):
                decision = ws.ledger.store.decision(hold.decision_id)
                if decision is not None and decision.intent_digest == wanted:
                    return decision
    except Unavailable:
        pass  # the decision that is asked for next says so, and its budgets answer for it
    return None


def release_all(ws: Workspace, decisions: Sequence[Decision]) -> tuple[str, ...]:
    """Nothing of the plan may be applied: what it held is free again. The holds that could not be released, which then expire."""
    stuck = []
    for decision in decisions:
        if decision.hold is not None:
            try:
                release_hold(ws, decision.hold.id, "the plan as a whole may not be applied")
            except FiscusError:
                stuck.append(decision.hold.id)
    return tuple(stuck)
