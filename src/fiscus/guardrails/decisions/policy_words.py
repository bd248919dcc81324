"""What the policies say of one intent: a result each, who must approve, and the cheaper ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from fiscus.guardrails.decisions.approval_needed import approval_needed
from fiscus.guardrails.decisions.cheaper_options import NoQuotes, cheaper_options
from fiscus.guardrails.policies.contribution import Contribution, contribution, weakened
from fiscus.guardrails.policies.policy_set import CompiledPolicy, InForce, PolicySet, PolicyWords
from fiscus.guardrails.ports import Quotes
from fiscus.guardrails.types import Intent, Option, Policy, PolicyResult
from fiscus.kernel.money import display_small
from fiscus.kernel.quick_records import quickly

NO_QUOTES = NoQuotes()
_result: Final = quickly(PolicyResult)
FactsOf = Callable[[Intent], Mapping[str, object]]


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
        return asked.silent
    asking, judging = _Asking(intent, facts, day, _money(intent)), asked.policies
    results, said = list(asked.silent.results), sorted(matched)
    for place in said:
        results[place] = _matched(judging[place], asking)
    if unsure:
        said = sorted({*matched, *unsure})
        for place in unsure:
            results[place] = _word(judging[place], asking)
    wanting = [judging[place].policy for place in said if results[place].verdict == "require_approval"]
    offering = [judging[place].policy for place in said if _offers(judging[place].policy, results[place])]
    return PolicyWords(
        tuple(results),
        _cheaper(asking, facts_of, asked, offering, quotes) if offering else (),
        approval_needed(intent, wanting) if wanting else None,
    )


class _Asking(NamedTuple):
    """An intent with its facts and its money in words, put once for every policy."""

    intent: Intent
    facts: Mapping[str, object]
    day: date
    money: str


def _money(intent: Intent) -> str:
    return f"{display_small(intent.amount)} {intent.currency}"


def _offers(policy: Policy, word: PolicyResult) -> bool:
    return bool(policy.options) and word.result == "match" and word.verdict != "allow"


def _cheaper(
    asking: _Asking, facts_of: FactsOf, asked: InForce, offering: Sequence[Policy], quotes: Quotes
) -> tuple[Option, ...]:
    """The ways that are offered and that no policy would deny."""

    def denied(other: Intent) -> bool:
        there = _Asking(other, facts_of(other), asking.day, _money(other))
        return any(_word(compiled, there).verdict == "deny" for compiled in asked.policies)

    return cheaper_options(asking.intent, offering, quotes, denied)


def _matched(compiled: CompiledPolicy, asking: _Asking) -> PolicyResult:
    """The word of a policy that matches."""
    policy, reason = compiled.policy, f"{asking.money}: {compiled.says}"
    if not compiled.exceptions:
        return _result(policy.id, policy.version, policy.level, "match", weakened(policy.effect, policy.level), reason)
    added = contribution(compiled, asking.intent.kind, "match", asking.facts, asking.day)
    return _result(policy.id, policy.version, policy.level, "match", added.verdict, reason + excepted(added))


def _word(compiled: CompiledPolicy, asking: _Asking) -> PolicyResult:
    kind = asking.intent.kind
    result, why = compiled.closures[kind](asking.facts)
    if result == "no_match":
        return compiled.silent
    if result == "match":
        return _matched(compiled, asking)
    policy, added = compiled.policy, contribution(compiled, kind, result, asking.facts, asking.day)
    reason = f"{policy.title}: this could not be judged ({why}), and the policy says on_error: {policy.on_error}."
    return _result(policy.id, policy.version, policy.level, result, added.verdict, reason + excepted(added))


def excepted(added: Contribution) -> str:
    """What exceptions had to do with it, as sentences that follow the reason; empty where nothing."""
    told = ""
    if added.exception is not None:
        by = added.exception.exception
        told = f" Excepted until {by.until} by {by.owner}: {by.reason}"
    if added.unread:
        told += f" An exception could not be judged and does not apply ({'; '.join(added.unread)})."
    return told
