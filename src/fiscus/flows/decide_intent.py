"""One decision on a spend that is asked for: judged on the newest budget statuses, stored with its evidence."""

from __future__ import annotations

from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.decide import NO_MONEY_HELD, decide
from fiscus.guardrails.decisions.intent import intent_digest
from fiscus.guardrails.types import Decision, Intent
from fiscus.kernel.actor import Actor


def decide_intent(ws: Workspace, intent: Intent) -> Decision:
    """The verdict; given only once it is stored. Raises BadInput for a requester, team or environment that nobody knows.

    Fails closed: a store that cannot be reached raises Unavailable, and whoever asks must not spend.
    """
    asked = settle_intent(ws, intent)
    with ws.state.begin() as tx:
        statuses = {status.budget_id: status for status in tx.budget_statuses.newest()}
        judged = decide(asked, ws.config.policies, ws.config.budgets, statuses)
        newest = max((status.as_of for status in statuses.values()), default=None)
        decision = Decision(
            id=ws.ids.new("dec"),
            at=asked.at,
            intent=asked.intent,
            intent_digest=intent_digest(asked.intent),
            verdict=judged.verdict,
            reasons=judged.reasons,
            policies=judged.policies,
            headroom=judged.headroom,
            next_step=judged.next_step,
            watermark=f"lake {ws.lake.version()}; budgets judged on bills before {newest or 'any day: run `fiscus run`'}",
            money_held=False,
            note=_note(judged.unasked),
            options=judged.options,
            approval=judged.approval,
        )
        tx.decisions.put(decision)
        tx.evidence.append("decision.given", decision.id, Actor(asked.intent.requested_by), {"decision": decision})
    return decision


def _note(unasked: tuple[str, ...]) -> str:
    if not unasked:
        return NO_MONEY_HELD
    names = ", ".join(unasked[:5]) + (f" and {len(unasked) - 5} more" if len(unasked) > 5 else "")
    return f"{NO_MONEY_HELD} Caps on something that the intent does not state were not asked: {names}."
