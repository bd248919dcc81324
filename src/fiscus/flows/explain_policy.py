"""Why a policy says what it says about one intent, or about one charge: term by term, with the values that it saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.decide import facts_asked
from fiscus.guardrails.explanations.explain import (
    Explanation,
    charge_answers,
    charge_query,
    explain,
    intent_answers,
)
from fiscus.guardrails.explanations.say_condition import say
from fiscus.guardrails.explanations.say_demand import say_demand
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Intent
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.kernel.money import display


@dataclass(frozen=True, slots=True)
class PolicyExplained:
    """What a policy demands, in words, where nothing is asked about it in particular."""

    policy_id: str
    version: str
    title: str
    level: str
    owner: str
    reason: str
    remedy: str
    file: str
    line: int
    says: Mapping[str, str]  # target -> its condition in plain words
    asks: tuple[str, ...] = ()  # what it asks for where it matches, who says yes, what is excepted


def loaded(ws: Workspace, policy_id: str) -> CompiledPolicy:
    """The policy as it is enforced. Raises NotFound."""
    compiled = ws.config.policies.get(policy_id)
    if compiled is None:
        known = [one.policy.id for one in ws.config.policies]
        remedy = did_you_mean(policy_id, known) if known else "Write one in policies/."
        raise NotFound(f"There is no policy {policy_id!r}", remedy=remedy)
    return compiled


def explain_policy(ws: Workspace, policy_id: str) -> PolicyExplained:
    """What it demands. Raises NotFound."""
    compiled = loaded(ws, policy_id)
    policy = compiled.policy
    says: dict[str, str] = {target: say(node) for target, node in compiled.conditions.items()}
    if policy.detector:
        says = {"series": f"the detector {policy.detector} finds something"}
    return PolicyExplained(
        policy.id, policy.version, policy.title, policy.level, policy.owner, policy.reason, policy.remedy, policy.file,
        policy.line, says, say_demand(compiled),
    )  # fmt: skip


def explain_intent(ws: Workspace, policy_id: str, intent: Intent) -> Explanation:
    """What the policy says of `intent`, settled as it is before a decision. Nothing is decided or recorded.

    Raises NotFound; BadInput for an intent that cannot be settled or that the policy does not judge.
    """
    compiled = loaded(ws, policy_id)
    node = compiled.conditions.get(intent.kind)
    if node is None:
        raise _not_judged(compiled, intent.kind)
    asked = settle_intent(ws, intent)
    facts = facts_asked(asked)
    about = (
        f"{intent.kind} of up to {display(asked.intent.amount)} {asked.intent.currency} by {asked.intent.requested_by}"
    )
    return explain(compiled, intent.kind, node, about, intent_answers(node, facts), facts)


def explain_charge(ws: Workspace, policy_id: str, row_filter: str) -> Explanation:
    """What the policy says of the dearest charge that `row_filter` (SQL over `charges`) means.

    Raises NotFound for a policy that is not there or a filter that means nothing; BadInput, BadQuery, LimitExceeded.
    """
    compiled = loaded(ws, policy_id)
    node = compiled.conditions.get("charge")
    if node is None:
        raise _not_judged(compiled, "charge")
    query = charge_query(node, row_filter)
    rows: Sequence[tuple[Any, ...]] = ws.lake.ask(query.sql, query.params).rows
    if not rows:
        raise NotFound(f"No charge meets {row_filter!r}", remedy="Widen the filter, such as \"ResourceId = 'i-1'\".")
    about, among, answers, facts = charge_answers(node, rows[0])
    more = f" (the dearest of {among:,} that meet the filter)" if among > 1 else ""
    return explain(compiled, "charge", node, f"{about}{more}", answers, facts)


def _not_judged(compiled: CompiledPolicy, target: str) -> BadInput:
    judged = ", ".join(compiled.conditions) or f"series, by the detector {compiled.policy.detector}"
    return BadInput(f"{compiled.policy.id} does not judge {target}", remedy=f"It judges {judged}.")
