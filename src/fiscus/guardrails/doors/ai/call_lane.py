"""What calls of the same kind have in common: who asks, which budgets cover them, every fact but those of the one call.

Found the long way once a second; in between a call costs a copy of its facts and one question to all policies at once. Both
ways give the same facts: tests hold them to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fiscus.cost.ai.types import CallFacts
from fiscus.guardrails.decisions.decide import Asked, Question, facts_asked
from fiscus.guardrails.decisions.holding import subjects_of
from fiscus.guardrails.doors.ai.asked_call import Bounded, input_tokens
from fiscus.guardrails.doors.ai.call_facts import facts_of
from fiscus.guardrails.ledger.lease_pools import Lane
from fiscus.guardrails.policies.policy_set import InForce
from fiscus.kernel.periods import midnight

DAY: Final = timedelta(days=1)
LANE_FOR: Final = timedelta(seconds=1)  # the hour, a freeze or a directory may have changed after it
SILENT: Final = frozenset({"allow", "warn"})

LaneKey = tuple[str, str, str, str, str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class CallLane:
    """`plain`: nothing but money and the policies can stand in the way of a call of this lane.

    `lease`: None where no budget covers it.
    """

    asked: Asked
    facts: Mapping[str, object]
    policies: InForce
    plain: bool
    subjects: tuple[str, ...]
    lease: Lane | None
    until: datetime
    kept: CallFacts

    def lets(self, one: Bounded) -> bool:
        """Whether no policy has anything to say of this call."""
        facts = dict(self.facts)
        facts["intent.amount"] = one.nanos
        facts["intent.input_tokens"] = input_tokens(one)
        facts["intent.stream"] = one.call.ask.stream
        if one.output_max is None:
            facts.pop("intent.max_tokens", None)
        else:
            facts["intent.max_tokens"] = one.output_max
        matched, unsure = self.policies.joint.ask(facts)
        return not matched and not unsure


def lane_key(one: Bounded) -> LaneKey:
    """Calls of one key share their lane."""
    call, ask = one.call, one.call.ask
    said = tuple(sorted(call.said.items())) if call.said else ()
    return call.caller.key_id, call.upstream.name, ask.model, call.user, ask.endpoint, ask.tier, said


def lane_of(question: Question, policies: InForce, rulebook: str = "") -> CallLane:
    """The lane of the call that `question` asks about. `rulebook`: the digest of what judges it."""
    asked = question.asked
    intent = asked.intent
    not_told = question.results[len(policies.policies) :]
    plain = all(one.verdict in SILENT for one in not_told) and not any(one.verdict == "warn" for one in not_told)
    return CallLane(
        asked=asked,
        facts=facts_asked(asked),
        policies=policies,
        plain=plain and all(budget.currency == intent.currency for budget in question.budgets),
        subjects=subjects_of(intent),
        lease=Lane(question.accounts, intent.currency, intent.provider, asked.at.date()) if question.accounts else None,
        until=min(asked.at + LANE_FOR, midnight(asked.at.date() + DAY)),  # what is asked for tomorrow is tomorrow's
        kept=facts_of(question, rulebook),
    )
