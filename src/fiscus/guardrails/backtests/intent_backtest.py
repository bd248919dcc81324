"""A policy on intents, tried on what was asked: on the decisions that were given, and on history replayed as intents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TypeVar

from fiscus.guardrails.backtests.add_up import Counted, Trial
from fiscus.guardrails.backtests.replayed_intents import MAPPING, Replayed, Replays, rows_of
from fiscus.guardrails.backtests.types import Hit, Source
from fiscus.guardrails.policies.contribution import contribution
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Decision, IntentKind, Policy
from fiscus.kernel.ids import content_id

Facts = Mapping[str, object]
_One = TypeVar("_One")


@dataclass(frozen=True, slots=True)
class _Told:
    """Where intents come from, how they were read there, and what of them was left out."""

    source: Source
    note: str
    cut: str


def decisions_trial(
    compiled: CompiledPolicy, kind: IntentKind, given: Sequence[Decision], facts: Callable[[Decision], Facts], cut: str = ""
) -> Trial:  # fmt: skip
    """Over the decisions of `kind` that were given; `facts` are those that the policy would be asked about."""
    told = _Told("decisions", "The intents as they were asked, whatever was decided then.", cut)
    return _trial(told, compiled, kind, given, facts, _of_decision)


def history_trial(
    compiled: CompiledPolicy, kind: IntentKind, history: Replays, facts: Callable[[Replayed], Facts]
) -> Trial:
    """Over charges gathered to intents; `facts` are those that a bill gives."""
    note = f"An approximation: {MAPPING[kind]}. What no bill says (who asked, the hour, tokens) is not given."
    hit = partial(_of_replay, compiled.policy, kind, history.until)
    return _trial(_Told("history", note, history.cut), compiled, kind, history.intents, facts, hit)


def _trial(
    told: _Told,
    compiled: CompiledPolicy,
    kind: IntentKind,
    asked: Sequence[_One],
    facts_of: Callable[[_One], Facts],
    hit_of: Callable[[_One], Hit],
) -> Trial:
    hits, errors = list[Hit](), 0
    for one in asked:
        facts = facts_of(one)
        result, _ = compiled.closures[kind](facts)
        if result == "match":
            hit = hit_of(one)
            hits.append(replace(hit, verdict=contribution(compiled, kind, result, facts, hit.day).verdict))
        errors += result == "error"
    note = told.note
    if errors:
        each = compiled.policy.on_error
        note += f" {errors:,} have no answer, which on_error: {each} decides; they are not among the matches."
    return Trial(told.source, kind, hits, Counted(len(asked), errors, note=note, cut=told.cut))


def _of_decision(decision: Decision) -> Hit:
    intent = decision.intent
    what = ", ".join(part for part in (intent.provider, intent.service, intent.product) if part) or intent.team
    return Hit(
        key=decision.id, title=f"{intent.kind}: {what or 'unnamed'}; {decision.verdict} was decided",
        day=decision.at.date(), owner=intent.requested_by, team=intent.team, environment=intent.environment,
        amount=intent.amount, currency=intent.currency, count=1, decision_id=decision.id,
    )  # fmt: skip


def _of_replay(policy: Policy, kind: IntentKind, until: date, one: Replayed) -> Hit:
    named = str(one.attributes.get("resource") or one.attributes.get("vendor") or one.attributes.get("model") or "")
    what = f"{named or one.service or 'unnamed'} of {one.provider or 'an unnamed provider'}"
    return Hit(
        key=content_id("hit", policy.id, kind, one),
        title=f"{one.day}: {what}",
        day=one.day, owner=one.owner, team=one.team, environment=one.environment,
        amount=one.amount, currency=one.currency, count=1, query=rows_of(kind, one, until),
    )  # fmt: skip
