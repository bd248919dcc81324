"""The money of a plan that is applied next: held over its budgets under a key of the plan, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.settle_hold import release_hold
from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import intent_digest
from fiscus.guardrails.ledger.types import Answered
from fiscus.guardrails.types import Decision, Intent
from fiscus.kernel.errors import Conflict, FiscusError, LimitExceeded, Unavailable

LET_IN: Final = frozenset({"allow", "warn"})
TIMES_MAX: Final = 1_000  # each is one look at the ledger; a plan that was given back so often is not being applied


def hold_total(ws: Workspace, intent: Intent) -> Decision:
    """The decision on the sum with one vendor, its money held, with the yes that was given to exactly this, if any.

    The same plan again (its intent holds a digest of its resources) is answered as before and holds nothing twice; one whose
    money was released since is held anew. A verdict that does not let it in holds nothing and uses up no yes.
    Raises as `decide_intent`, LimitExceeded (released too often), Conflict (released by somebody while it was asked for).
    """
    plan = f"terraform:{intent_digest(settle_intent(ws, intent).intent)[:32]}"
    try:
        key, standing = _place(ws, plan)
    except Unavailable:
        key, standing = f"{plan}:0", None  # the decision that is asked for next says so, and its budgets answer for it
    if standing is not None:
        return standing
    seen = decide_intent(ws, intent, hold=False)
    if seen.verdict not in LET_IN or seen.ledger == "lost":
        return seen
    decision = decide_intent(ws, intent, key=key, approval_id=seen.approval_id)
    if decision.hold is not None and decision.ledger == "kept":
        hold = ws.ledger.store.hold(decision.hold.id)
        if hold is not None and hold.state == "released":
            raise Conflict(f"The money of {hold.id} was released while it was asked for", remedy="Run the gate again.")
    return decision


def _place(ws: Workspace, plan: str) -> tuple[str, Decision | None]:
    """The first key of the plan that is good to ask under, and what was decided there where its money is held."""
    for number in range(TIMES_MAX):
        key = f"{plan}:{number}"
        known = ws.ledger.store.answered(key)
        if known is None or not _is_spent(known):
            return key, known.decision if known and known.hold and known.hold.state == "held" else None
    raise LimitExceeded(
        f"The money of this plan was released {TIMES_MAX:,} times", remedy="Plan anew with another resource or tag."
    )


def _is_spent(known: Answered) -> bool:
    """Its money was given back, or it was not let in: what is asked now is another question."""
    if known.hold is not None:
        return known.hold.state == "released"
    return known.decision is None or known.decision.verdict not in LET_IN


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
