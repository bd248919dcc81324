"""A policy on intents, tried on what was asked: on the decisions that were given, and on history replayed as intents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fiscus.guardrails.backtests.add_up import Counted, Trial
from fiscus.guardrails.backtests.replayed_intents import MAPPING, Replayed, rows_of
from fiscus.guardrails.backtests.types import Hit, Source
from fiscus.guardrails.policies.contribution import contribution
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Decision, IntentKind, Policy
from fiscus.kernel.ids import content_id

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Tried:
    """One intent as the policy saw it: what the policy would have contributed, and the hit where that is something."""

    result: str
    hit: Hit


def decisions_trial(
    compiled: CompiledPolicy, kind: IntentKind, given: Sequence[Decision], facts: Callable[[Decision], Facts]
) -> Trial:
    """Over the decisions of `kind` that were given; `facts` are those that the policy would be asked about."""
    tried = [_tried(compiled, kind, facts(one), _of_decision(one)) for one in given]
    return _trial("decisions", compiled, kind, tried, "The intents as they were asked, whatever was decided then.")


def history_trial(
    compiled: CompiledPolicy, kind: IntentKind, history: Iterable[Replayed], facts: Callable[[Replayed], Facts]
) -> Trial:
    """Over charges gathered to intents; `facts` are those that a bill gives."""
    tried = [_tried(compiled, kind, facts(one), _of_replay(compiled.policy, kind, one)) for one in history]
    note = f"An approximation: {MAPPING[kind]}. What no bill says (who asked, the hour, tokens) is not given."
    return _trial("history", compiled, kind, tried, note)


def _tried(compiled: CompiledPolicy, kind: IntentKind, facts: Facts, hit: Hit) -> _Tried:
    result, _ = compiled.closures[kind](facts)
    return _Tried(result, replace(hit, verdict=contribution(compiled, kind, result, facts, hit.day).verdict))


def _trial(source: Source, compiled: CompiledPolicy, kind: IntentKind, tried: Sequence[_Tried], note: str) -> Trial:
    hits = [one.hit for one in tried if one.result == "match"]
    errors = [one for one in tried if one.result == "error"]
    if errors:
        each = compiled.policy.on_error
        note += f" {len(errors):,} have no answer, which on_error: {each} decides; they are not among the matches."
    return Trial(source, kind, hits, Counted(len(tried), len(errors), note=note))


def _of_decision(decision: Decision) -> Hit:
    intent = decision.intent
    what = ", ".join(part for part in (intent.provider, intent.service, intent.product) if part) or intent.team
    return Hit(
        key=decision.id, title=f"{intent.kind}: {what or 'unnamed'}; {decision.verdict} was decided",
        day=decision.at.date(), owner=intent.requested_by, team=intent.team, environment=intent.environment,
        amount=intent.amount, currency=intent.currency, count=1, decision_id=decision.id,
    )  # fmt: skip


def _of_replay(policy: Policy, kind: IntentKind, one: Replayed) -> Hit:
    named = str(one.attributes.get("resource") or one.attributes.get("vendor") or one.attributes.get("model") or "")
    what = f"{named or one.service or 'unnamed'} of {one.provider or 'an unnamed provider'}"
    return Hit(
        key=content_id("hit", policy.id, kind, one.day.isoformat(), one.team, one.environment, one.service, named, one.currency),
        title=f"{one.day}: {what}",
        day=one.day, owner=one.owner, team=one.team, environment=one.environment,
        amount=one.amount, currency=one.currency, count=1, query=rows_of(kind, one),
    )  # fmt: skip
