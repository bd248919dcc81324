"""What a decision would say of an intent now, without one being given: nothing is held, recorded or counted."""

from __future__ import annotations

from dataclasses import dataclass

from fiscus.flows.learn_price_book import price_book
from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.decide import judge, prepare
from fiscus.guardrails.decisions.holding import hold_for
from fiscus.guardrails.decisions.price_quotes import PriceQuotes
from fiscus.guardrails.types import ApprovalNeeded, Headroom, Intent, Option, PolicyResult, Verdict


@dataclass(frozen=True, slots=True)
class Preview:
    """As a Decision has them. `options`: cheaper ways, the largest saving first, whatever the verdict."""

    intent: Intent
    verdict: Verdict
    reasons: tuple[str, ...]
    policies: tuple[PolicyResult, ...]
    headroom: tuple[Headroom, ...]
    options: tuple[Option, ...]
    approval: ApprovalNeeded | None
    next_step: str


def preview_intent(ws: Workspace, intent: Intent) -> Preview:
    """Raises BadInput (a requester, team or environment that nobody knows), Unavailable (the ledger)."""
    asked = settle_intent(ws, intent)
    question = prepare(asked, ws.rules, PriceQuotes(lambda: price_book(ws)))
    subjects = hold_for(question, "", "").subjects
    frozen = {one.subject: one for one in ws.ledger.store.frozen() if one.subject in subjects}
    said = judge(question, ws.rules, ws.ledger.store.accounts(question.accounts), frozen)
    return Preview(
        asked.intent, said.verdict, said.reasons, said.policies, said.headroom, question.options, said.approval, said.next_step
    )  # fmt: skip
