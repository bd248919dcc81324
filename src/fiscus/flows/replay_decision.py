"""A decision judged again from its evidence: by the same rulebook, facts and accounts the verdict must be the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from fiscus.flows.record_approvals import load_approval
from fiscus.flows.replay_call import CallReplay, replay_call
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.let_through import as_claimed, let_through
from fiscus.guardrails.approvals.types import Approval, WhyNot, WhyNotCode
from fiscus.guardrails.backtests.enforced_level import enforced
from fiscus.guardrails.budgets.load_budgets import load_budgets
from fiscus.guardrails.decisions.asked_record import asked_of, frozen_of
from fiscus.guardrails.decisions.decide import judge, prepare
from fiscus.guardrails.decisions.intent import intent_digest
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.ledger.types import Account, Rulebook, account_key
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.types import Decision, Headroom, Verdict
from fiscus.kernel.errors import IntegrityBroken, NotFound
from fiscus.kernel.money import to_nanos


@dataclass(frozen=True, slots=True)
class Replay:
    """`same`: verdict, reasons and every policy's result are what was answered. `differences` says what is not.

    `call`: of a call that a lease let in, which has no decision of its own in the chain.
    """

    decision_id: str
    verdict: Verdict
    replayed: Verdict
    same: bool
    rulebook: str
    differences: tuple[str, ...]
    call: CallReplay | None = None


def replay_decision(ws: Workspace, decision_id: str) -> Replay:
    """Raises NotFound (the decision, or the rulebook that it was judged by), IntegrityBroken (its intent was changed)."""
    given = ws.ledger.store.decision(decision_id)
    if given is None:
        if (call := ws.calls.call_of_decision(decision_id)) is not None:
            return _of_call(replay_call(ws, call))
        raise NotFound(f"There is no decision {decision_id!r}", remedy="The page of policies lists the newest.")
    if intent_digest(given.intent) != given.intent_digest:
        raise IntegrityBroken(
            f"The intent of {decision_id} is not what was asked",
            remedy="Run `fiscus evidence verify` to find the record.",
        )
    book = ws.ledger.store.rulebook(given.rulebook)
    if book is None:
        raise NotFound(f"The rulebook of {decision_id} was not kept", remedy="It was given before rulebooks were kept.")
    rules = rules_of(book, given)
    question = prepare(asked_of(given), rules)
    plain = judge(question, rules, _accounts(given), frozen_of(given))
    judged, _ = let_through(question, plain, _claimed(ws, given), given.intent_digest)
    differences = tuple(
        f"{name}: was {before!r}, is {after!r}"
        for name, before, after in (
            ("verdict", given.verdict, judged.verdict),
            ("reasons", given.reasons, judged.reasons),
            ("policies", given.policies, judged.policies),
        )
        if before != after
    )
    return Replay(decision_id, given.verdict, judged.verdict, not differences, given.rulebook, differences)


def _of_call(one: CallReplay) -> Replay:
    return Replay(one.decision_id, one.verdict, one.replayed, one.same, one.rulebook, one.differences, one)


def rules_of(book: Rulebook, given: Decision) -> Rules:
    """A kept rulebook, loaded as the workspace loads its files; a policy is hard where it counted as hard then."""
    proven = frozenset((one.policy_id, one.version) for one in given.policies if one.level == "hard")
    policies = enforced(load_policies(book.policies), proven)
    return Rules(policies, load_budgets(book.budgets, book.calendar), book.calendar)


def _claimed(ws: Workspace, given: Decision) -> Approval | WhyNot | None:
    """The yes that it came with, as it stood then; or why that did not cover it."""
    said = given.asked.get("approval")
    if not isinstance(said, Mapping):
        return None
    if "message" in said:
        return WhyNot(cast("WhyNotCode", said["code"]), str(said["message"]), str(said["remedy"]))
    with ws.state.read() as tx:
        return as_claimed(load_approval(tx, str(said["id"])))


def _accounts(given: Decision) -> Mapping[str, Account]:
    """The accounts as they were seen: what was estimated and what was metered are one here, and judged as one."""
    return {account_key(row.budget_id, row.period_label): _account(row) for row in given.headroom}


def _account(row: Headroom) -> Account:
    return Account(
        budget_id=row.budget_id,
        period=row.period_label,
        currency=row.currency,
        cap=row.cap,
        amount=to_nanos(row.amount),
        actual=to_nanos(row.actual),
        unbilled=to_nanos(row.unbilled),
        held=to_nanos(row.held),
        committed=to_nanos(row.committed),
        frozen=row.frozen,
        billed_until=row.billed_until,
    )
