"""What the policies say of one intent: a result each, who must approve, and the cheaper ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from fiscus.guardrails.decisions.approval_needed import approval_needed
from fiscus.guardrails.decisions.cheaper_options import NoQuotes, cheaper_options
from fiscus.guardrails.policies.contribution import Contribution, contribution
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet
from fiscus.guardrails.ports import Quotes
from fiscus.guardrails.types import ApprovalNeeded, Intent, Option, PolicyResult
from fiscus.kernel.money import display

NO_QUOTES = NoQuotes()
FactsOf = Callable[[Intent], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class PolicyWords:
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
    asked = policies.in_force(intent.kind, day)
    facts = facts_of(intent)
    results, loud = [], list[tuple[CompiledPolicy, PolicyResult]]()
    for compiled in asked:
        result = _word(compiled, intent, facts, day)
        results.append(result)
        if result.result != "no_match":
            loud.append((compiled, result))
    if not loud:
        return PolicyWords(tuple(results))

    def denied(other: Intent) -> bool:
        there = facts_of(other)
        return any(_word(compiled, other, there, day).verdict == "deny" for compiled in asked)

    offer = [
        one.policy for one, said in loud if one.policy.options and said.result == "match" and said.verdict != "allow"
    ]
    wanting = [one.policy for one, said in loud if said.verdict == "require_approval"]
    return PolicyWords(
        results=tuple(results),
        options=cheaper_options(intent, offer, quotes, denied) if offer else (),
        approval=approval_needed(intent, wanting) if wanting else None,
    )


def _word(compiled: CompiledPolicy, intent: Intent, facts: Mapping[str, object], day: date) -> PolicyResult:
    result, why = compiled.closures[intent.kind](facts)
    if result == "no_match":
        return compiled.silent
    policy, added = compiled.policy, contribution(compiled, intent.kind, result, facts, day)
    if result == "match":
        reason = f"{display(intent.amount)} {intent.currency}: {policy.title}. {policy.reason}"
    else:
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
