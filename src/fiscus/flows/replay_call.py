"""A call that a lease let in, judged again and proven: by the facts and the rulebook of then, and by the seal of its lease.

Such a call has no record of its own in the chain: that would be a commit before each call leaves. What it was asked as is kept
with it; its digest is one of those that the lease's settlement is sealed with, and that settlement stands in the chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, cast

from fiscus.cost.ai.types import AiCall, CallFacts
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.backtests.enforced_level import enforced
from fiscus.guardrails.budgets.load_budgets import load_budgets
from fiscus.guardrails.decisions.decide import Question, prepare
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.doors.ai.call_facts import asked_again, proof_of
from fiscus.guardrails.ledger.leases import seal_of
from fiscus.guardrails.ledger.types import Hold, Rulebook
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.types import Intent, PolicyResult, Verdict
from fiscus.kernel.errors import NotFound
from fiscus.kernel.evidence import EvidenceRecord, seal
from fiscus.kernel.money import display_small, from_nanos

AFTER_ALL: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class CallReplay:
    """`same`: the policies of then say what was answered. `proven`: the chain says that just this call was let in and settled so.

    `rests_on`: where its money and its record are, in sentences; the last one says why it is not proven, where it is not.
    """

    decision_id: str
    verdict: Verdict
    replayed: Verdict
    same: bool
    rulebook: str
    asked: Intent
    policies: tuple[PolicyResult, ...]
    rests_on: tuple[str, ...]
    proven: bool
    differences: tuple[str, ...] = ()


def replay_call(ws: Workspace, call: AiCall) -> CallReplay:
    """Raises NotFound: it was refused before any policy was asked, or its facts or its rulebook were not kept."""
    facts = _facts(ws, call)
    question = _asked_again(ws, facts, call)
    said = [one.verdict for one in question.results]
    replayed: Verdict = "allow" if set(said) <= {"allow"} else "warn" if set(said) <= {"allow", "warn"} else "deny"
    if replayed == "allow" and call.asked and call.asked.past:
        replayed = "warn"  # by budgets that were over already, and only watch
    rests_on, proven = _rests_on(ws, call)
    differences = () if replayed == call.verdict else (f"verdict: was {call.verdict!r}, is {replayed!r}",)
    return CallReplay(
        decision_id=call.decision_id,
        verdict=cast("Verdict", call.verdict),
        replayed=replayed,
        same=not differences,
        rulebook=facts.rulebook,
        asked=question.asked.intent,
        policies=question.results,
        rests_on=rests_on,
        proven=proven,
        differences=differences,
    )


def _facts(ws: Workspace, call: AiCall) -> CallFacts:
    if call.state == "refused":
        raise NotFound(
            f"{call.decision_id} was refused before any policy was asked: {call.note}",
            remedy="There is nothing to judge again: the reason is all of it.",
        )
    facts = ws.calls.facts(call.asked.facts) if call.asked is not None else None
    if facts is None:
        shows = f"`fiscus ai calls --decision {call.decision_id}` shows the call."
        raise NotFound(f"What {call.decision_id} was judged by was not kept", remedy=shows)
    return facts


def _asked_again(ws: Workspace, facts: CallFacts, call: AiCall) -> Question:
    book = ws.ledger.store.rulebook(facts.rulebook)
    if book is None:
        raise NotFound(
            f"The rulebook of {call.decision_id} was not kept", remedy="The ledger was away when it was loaded."
        )
    return prepare(asked_again(facts, call), _rules(book, facts))


def _rules(book: Rulebook, facts: CallFacts) -> Rules:
    policies = enforced(load_policies(book.policies), frozenset((one[0], one[1]) for one in facts.hard))
    return Rules(policies, load_budgets(book.budgets, book.calendar), book.calendar)


# What it rests on


def _rests_on(ws: Workspace, call: AiCall) -> tuple[tuple[str, ...], bool]:
    spent = f"{_money(call.settled, call)} of the {_money(call.bound, call)} that it could cost"
    lease = ws.ledger.store.hold(call.hold_id) if call.hold_id else None
    if lease is None:
        why = "No budget covered it, so nothing was held and the chain has no record of it."
        return (f"It came to {spent}.", why), False
    accounts = ", ".join(lease.accounts)
    held = f"Its money was of {lease.id}: {_money(lease.bound, call)} held over {accounts} at {lease.at:%Y-%m-%d %H:%M:%S} UTC."
    records = ws.ledger.store.evidence_of(lease.id)
    said, proven = _sealed(ws, call, lease, records)
    return (f"It came to {spent}.", held, said), proven


def _sealed(ws: Workspace, call: AiCall, lease: Hold, records: Sequence[EvidenceRecord]) -> tuple[str, bool]:
    if lease.state == "held":
        return "The lease is not settled yet: its seal comes when it is handed in.", False
    found = [(one, entry) for one in records for entry in _settlements(one, lease.id)]
    if not found:
        return (
            "The lease expired, as when its worker dies: it was charged in full, and none of its calls is sealed.",
            False,
        )
    record, entry = found[-1]
    if seal(record.seq, record.at, record.kind, record.subject, record.actor, record.body, record.previous) != record:
        return f"Record {record.seq} of the chain was changed: `fiscus evidence verify` says where.", False
    until = (lease.settled_at or call.ended_at) + AFTER_ALL
    others = [one for one in ws.calls.calls(lease.at, until) if one.hold_id == lease.id and one.asked is not None]
    sealed, kept = str(entry.get("seal", "")), seal_of([proof_of(one) for one in others])
    if sealed != kept:
        many = sealed.partition(":")[0] or "no"
        return f"Record {record.seq} of the chain seals {many} calls, and not the {len(others)} that are stored.", False
    where = f"Record {record.seq} of the chain ({record.digest[:12]})"
    return f"{where} settles the lease and seals its {len(others)} calls, this one among them.", True


def _settlements(record: EvidenceRecord, hold_id: str) -> Sequence[Mapping[str, object]]:
    entries = record.body.get("entries")
    found = entries if isinstance(entries, list) else []
    return [
        one for one in found if isinstance(one, dict) and one.get("hold") == hold_id and one.get("what") == "settled"
    ]


def _money(amount: int, call: AiCall) -> str:
    return f"{display_small(from_nanos(amount))} {call.currency}"
