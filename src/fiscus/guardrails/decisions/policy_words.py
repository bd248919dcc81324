"""What the policies say of one intent: a result each, who must approve, and the cheaper ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from fiscus.guardrails.decisions.approval_needed import approval_needed
from fiscus.guardrails.decisions.cheaper_options import NoQuotes, cheaper_options
from fiscus.guardrails.policies.contribution import Contribution, contribution, weakened
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet
from fiscus.guardrails.ports import Quotes
from fiscus.guardrails.types import ApprovalNeeded, Intent, Option, PolicyResult
from fiscus.kernel.money import display

NO_QUOTES = NoQuotes()
FactsOf = Callable[[Intent], Mapping[str, object]]


class PolicyWords(NamedTuple):
    """One result a policy in force, in the order of ids; `approval` and `options` are of those whose word is not weakened away.

    `approval` None: no policy wants one.
    """

    results: tuple[PolicyResult, ...]
    options: tuple[Option, ...] = ()
    approval: ApprovalNeeded | None = None


def policy_words(
    intent: Intent, facts_of: FactsOf, policies: PolicySet, day: date, quotes: Quotes = NO_QUOTES
) -> PolicyWords:
    """Asks every policy on the kind of the intent that is in force on `day`. Pure, and the order of policies does not matter.

    `facts_of`: the typed facts of an intent in the situation of this one; asked again for each cheaper way.
    """
    asked = policies.asked(intent.kind, day)
    facts = facts_of(intent)
    matched, unsure = asked.joint.ask(facts)
    if not matched and not unsure:
        return PolicyWords(asked.silent)
    results, loud = list(asked.silent), list[tuple[CompiledPolicy, PolicyResult]]()
    asking = _Asking(intent, facts, day, f"{display(intent.amount)} {intent.currency}")
    for place in sorted((*matched, *unsure)):
        compiled = asked.policies[place]
        results[place] = result = _matched(compiled, asking) if place in matched else _word(compiled, asking)
        if result.result != "no_match":
            loud.append((compiled, result))

    def denied(other: Intent) -> bool:
        there = _Asking(other, facts_of(other), day, f"{display(other.amount)} {other.currency}")
        return any(_word(compiled, there).verdict == "deny" for compiled in asked.policies)

    offer = [
        one.policy for one, said in loud if one.policy.options and said.result == "match" and said.verdict != "allow"
    ]
    wanting = [one.policy for one, said in loud if said.verdict == "require_approval"]
    return PolicyWords(
        results=tuple(results),
        options=cheaper_options(intent, offer, quotes, denied) if offer else (),
        approval=approval_needed(intent, wanting) if wanting else None,
    )


class _Asking(NamedTuple):
    """An intent with its facts and its money in words, put once for every policy."""

    intent: Intent
    facts: Mapping[str, object]
    day: date
    money: str


def _matched(compiled: CompiledPolicy, asking: _Asking) -> PolicyResult:
    """The word of a policy that matches."""
    policy, reason = compiled.policy, f"{asking.money}: {compiled.says}"
    if not compiled.exceptions:
        return PolicyResult(
            policy.id, policy.version, policy.level, "match", weakened(policy.effect, policy.level), reason
        )
    added = contribution(compiled, asking.intent.kind, "match", asking.facts, asking.day)
    return PolicyResult(policy.id, policy.version, policy.level, "match", added.verdict, reason + excepted(added))


def _word(compiled: CompiledPolicy, asking: _Asking) -> PolicyResult:
    kind = asking.intent.kind
    result, why = compiled.closures[kind](asking.facts)
    if result == "no_match":
        return compiled.silent
    if result == "match":
        return _matched(compiled, asking)
    policy, added = compiled.policy, contribution(compiled, kind, result, asking.facts, asking.day)
    reason = f"{policy.title}: this could not be judged ({why}), and the policy says on_error: {policy.on_error}."
    return PolicyResult(policy.id, policy.version, policy.level, result, added.verdict, reason + excepted(added))


def excepted(added: Contribution) -> str:
    """What exceptions had to do with it, as sentences that follow the reason; empty where nothing."""
    told = ""
    if added.exception is not None:
        by = added.exception.exception
        told = f" Excepted until {by.until} by {by.owner}: {by.reason}"
    if added.unread:
        told += f" An exception could not be judged and does not apply ({'; '.join(added.unread)})."
    return told
