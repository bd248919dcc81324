"""One decision on a spend that is asked for: judged where the ledger stands, its money held, stored with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache
from operator import attrgetter
from typing import Final, NamedTuple

from fiscus.cost.types import LakeVersion
from fiscus.flows.claim_approval import claim_approval, conclude, find_approval, return_approval
from fiscus.flows.learn_price_book import price_book
from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.let_through import claim_record, let_through
from fiscus.guardrails.approvals.types import Approval, WhyNot
from fiscus.guardrails.decisions.asked_record import asked_record, frozen_record
from fiscus.guardrails.decisions.begun import Begun
from fiscus.guardrails.decisions.decide import Judgement, Question, judge, prepare
from fiscus.guardrails.decisions.holding import HOLDS, held_amount, hold_for, hold_note
from fiscus.guardrails.decisions.intent import intent_digest
from fiscus.guardrails.decisions.lost_ledger import allowed_without, judge_without
from fiscus.guardrails.decisions.price_quotes import PriceQuotes
from fiscus.guardrails.ledger.commands import Reserve, Reserved, Verdict
from fiscus.guardrails.ledger.types import Account, Frozen, Hold
from fiscus.guardrails.ports import Quotes
from fiscus.guardrails.types import Decision, HeldMoney, Intent
from fiscus.kernel.actor import Actor
from fiscus.kernel.counters import Key, key_of
from fiscus.kernel.errors import BadInput, FiscusError, Unavailable, Where
from fiscus.kernel.money import from_nanos
from fiscus.kernel.quick_records import quickly

DECISIONS: Final = "fiscus_decisions_total"
POLICY_ERRORS: Final = "fiscus_policy_errors_total"
ALLOWED_WITHOUT: Final = "fiscus_failure_mode_allowed_total"
_decision: Final = quickly(Decision)
_reserving: Final = quickly(Reserve)
_held: Final = quickly(HeldMoney)
_RESULT: Final = attrgetter("result")
NOTHING_COVERS: Final = "No money is held: no budget covers it."
ONLY_JUDGED: Final = "No money is held: it was only judged."


def decide_intent(
    ws: Workspace,
    intent: Intent,
    *,
    key: str = "",
    hold: bool = True,
    approval_id: str = "",
    quotes: Quotes | None = None,
) -> Decision:
    """The verdict; given only once it is durable, with the money it allows held over every covering budget at once.

    `key`: the caller's own name for this request, so that asking again is answered as before and holds nothing twice.
    `hold` False: only judged and recorded, for a change that is proposed and not made yet; a yes to it is not used up.
    `approval_id`: a yes that was given to exactly this; it is used up by the verdict that it lets through.
    `quotes`: who prices the cheaper ways; None: the company's own price book.
    Raises BadInput (a requester, team or environment that nobody knows, a blank key), Conflict (the key was used for something
    else), NotFound (no such approval).
    Where the ledger cannot be reached each covering budget's fail mode answers: see `judge_without`.
    """
    if key and not key.strip():
        raise BadInput("The key is blank", remedy="Name the request, or leave the key out.", where=Where(key="key"))
    asked = settle_intent(ws, intent)
    question = prepare(asked, ws.rules, quotes or PriceQuotes(lambda: price_book(ws)))
    keep_rulebook(ws)
    begun = Begun(
        id=ws.ids.new("dec"),
        at=asked.at,
        intent=asked.intent,
        intent_digest=intent_digest(asked.intent),
        rulebook=ws.config.rulebook.digest if ws.config.rulebook else "",
        asked=asked_record(asked),
    )
    if not hold:
        seen = find_approval(ws, approval_id, begun)
        return conclude(ws, begun, _reserve(ws, question, _with(begun, seen), Coming(seen, key, hold=False)), None)
    claimed = claim_approval(ws, approval_id, begun) if approval_id else None
    try:
        given = _reserve(ws, question, _with(begun, claimed), Coming(claimed, key))
    except FiscusError:
        if isinstance(claimed, Approval):
            return_approval(ws, claimed.id, begun.id, "the decision was not given")
        raise
    if claimed is None and given.verdict != "require_approval":
        return given
    return conclude(ws, begun, given, claimed)


class Coming(NamedTuple):
    """What an intent comes with: a yes (or why it is none), the caller's key, and whether its money is to be held."""

    approval: Approval | WhyNot | None
    key: str
    hold: bool = True


def _with(begun: Begun, claimed: Approval | WhyNot | None) -> Begun:
    if claimed is None:
        return begun
    return begun._replace(asked={**begun.asked, **claim_record(claimed)})


def _reserve(ws: Workspace, question: Question, begun: Begun, coming: Coming) -> Decision:
    """Judge it under the ledger's lock, hold its money, and answer once both are durable."""
    asked_for = hold_for(question, ws.ids.new("hold"), begun.id)

    def on_accounts(accounts: Sequence[Account], frozen: Mapping[str, Frozen]) -> Verdict:
        by_key = dict(zip(asked_for.accounts, accounts, strict=True))
        plain = judge(question, ws.rules, by_key, frozen)
        judged, approval = let_through(question, plain, coming.approval, begun.intent_digest)
        holds = coming.hold and judged.verdict in HOLDS and bool(accounts)
        amount = held_amount(judged.verdict, question.options, asked_for.bound)
        until = min([one.billed_until for one in accounts if one.billed_until], default=None)
        seen = begun
        if frozen or approval:
            asked = {**begun.asked, "frozen": frozen_record(frozen)} if frozen else begun.asked
            seen = begun._replace(asked=asked, approval_id=approval)
        return Verdict(
            holds,
            _given(seen, judged, _watermark(ws.lake.version(), until), asked_for if holds else None, amount),
            amount,
        )

    reserve = _reserving(
        asked_for, on_accounts, lambda key: _unknown(ws, question, key), coming.key, begun.intent_digest
    )
    try:
        answer = ws.ledger.ask(reserve)
    except Unavailable as lost:
        return _decide_without(ws, question, begun, lost)
    assert isinstance(answer, Reserved)
    assert answer.decision is not None
    _count(ws, answer.decision)
    return answer.decision


def _count(ws: Workspace, decision: Decision) -> None:
    ws.counters.more(_counted(decision.verdict, decision.intent.kind))
    if "error" in map(_RESULT, decision.policies):
        for result in decision.policies:
            if result.result == "error":
                ws.counters.count(POLICY_ERRORS, policy=result.policy_id, verdict=result.verdict)


@cache
def _counted(verdict: str, kind: str) -> Key:
    return key_of(DECISIONS, verdict=verdict, kind=kind)


def _given(begun: Begun, judged: Judgement, watermark: str, hold: Hold | None, amount: int) -> Decision:
    held = None
    if hold is not None:
        held = _held(hold.id, from_nanos(amount), hold.currency, hold.expires_at)
        note = hold_note(begun.intent, held.amount, hold.expires_at)
    elif judged.verdict in HOLDS:
        note = ONLY_JUDGED if judged.headroom else NOTHING_COVERS
    else:
        note = "No money is held: it may not be spent as it stands."
    if judged.unasked:
        more = f" and {len(judged.unasked) - 5} more" if len(judged.unasked) > 5 else ""
        note += (
            f" Caps on something that the intent does not state were not asked: {', '.join(judged.unasked[:5])}{more}."
        )
    return _decision(
        id=begun.id,
        at=begun.at,
        intent=begun.intent,
        intent_digest=begun.intent_digest,
        verdict=judged.verdict,
        reasons=judged.reasons,
        policies=judged.policies,
        headroom=judged.headroom,
        next_step=judged.next_step,
        watermark=watermark,
        money_held=held is not None,
        note=note,
        options=judged.options,
        approval=judged.approval,
        approval_id=begun.approval_id,
        hold=held,
        rulebook=begun.rulebook,
        asked=begun.asked,
    )


@lru_cache(64)
def _watermark(lake: LakeVersion, billed_until: date | None) -> str:
    return f"lake {lake}; bills before {billed_until or 'any day: run `fiscus run`'}, the ledger as it stands"


def _unknown(ws: Workspace, question: Question, key: str) -> Account | None:
    """What to open where the ledger has no account: one of which nobody knows where it stands. A cap holds on that."""
    day = question.asked.at.date()
    for budget in question.budgets:
        if ws.rules.account(budget, day) == key:
            return Account(budget.id, ws.rules.period(budget, day).label, budget.currency, budget.cap, 0)
    return None


def _decide_without(ws: Workspace, question: Question, begun: Begun, lost: Unavailable) -> Decision:
    """The ledger is gone: what each covering budget says of that. Counted; evidence goes to the state store if it is there."""
    judged = judge_without(question, ws.rules, lost.message)
    given = replace(_given(begun, judged, "none: the ledger cannot be reached", None, 0), ledger="lost")
    if allowed_without(judged.verdict):
        given = replace(
            given, note="No money is held: the ledger cannot be reached, and the budgets' fail mode lets it pass."
        )
        ws.counters.count(ALLOWED_WITHOUT, environment=given.intent.environment, kind=given.intent.kind)
    _count(ws, given)
    try:
        with ws.state.begin() as tx:
            tx.evidence.append(
                "decision.without_ledger", given.id, Actor(given.intent.requested_by), {"decision": given}
            )
    except FiscusError:
        ws.counters.count("fiscus_decisions_unrecorded_total", verdict=given.verdict)
    return given


def keep_rulebook(ws: Workspace) -> None:
    """Once a process; a ledger that is gone is met again, and answered for, when the money is asked for."""
    if ws.rules.kept or ws.config.rulebook is None:
        return
    try:
        ws.ledger.store.keep_rulebook(ws.config.rulebook)
        ws.rules.kept = True
    except Unavailable:
        return
