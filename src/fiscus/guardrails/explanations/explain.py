"""Terms of a condition with their answers: as the closure gives them for an intent, as SQL gives them for a charge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from fiscus.guardrails.decisions.policy_words import excepted
from fiscus.guardrails.explanations.say_condition import say, shown
from fiscus.guardrails.policies.compile_closure import Facts, Result, compile_closure
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.condition import All, Any, FactValue, Node, Not, children, facts_used
from fiscus.guardrails.policies.contribution import contribution, day_asked
from fiscus.guardrails.policies.facts import Fact, facts_of
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Policy, PolicyTarget, Verdict
from fiscus.kernel.rows import Query

_ANSWER: Final[Mapping[object, Result]] = {True: "match", False: "no_match", None: "error"}
_SAYS: Final[Mapping[Result, str]] = {"match": "true", "no_match": "false", "error": "error"}
Answer = tuple[Result, str]


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a condition. `answer`: true, false or error; `why` says what an error lacks; `values` of the facts it reads."""

    says: str
    answer: str
    why: str
    values: Mapping[str, str]
    joined: str  # all, any or not: how `terms` make the answer; empty for a part that has none
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a policy says what it says about one thing. `verdict` is what it contributes, after its level."""

    policy_id: str
    version: str
    title: str
    level: str
    target: PolicyTarget
    about: str
    result: Result
    verdict: Verdict
    sentence: str
    terms: tuple[Term, ...]


def intent_answers(node: Node, facts: Facts) -> Mapping[Node, Answer]:
    """Every yes-or-no part of `node`, answered by the closure."""
    return {part: compile_closure(part)(facts) for part in _parts(node)}


def charge_query(node: Node, row_filter: str) -> Query:
    """One row: what SQL answers for each part of `node`, and the facts that it reads, of the dearest charge that is meant.

    `row_filter` is SQL from a person; it is asked under the bounds of such.
    """
    parts = [f"{compile_sql(part)} AS part_{number}" for number, part in enumerate(_parts(node))]
    facts = [f"{_fact_sql(fact)} AS fact_{number}" for number, fact in enumerate(_facts(node, "charge"))]
    about = (
        "concat_ws(', ', CAST(CAST(ChargePeriodStart AS DATE) AS VARCHAR), ChargeCategory, ServiceProviderName, ServiceName, "
        "nullif(ResourceId, ''), CAST(CAST(EffectiveCost AS DECIMAL(28,2)) AS VARCHAR) || ' ' || BillingCurrency) AS about"
    )
    columns = ", ".join([about, "count(*) OVER () AS among", *parts, *facts])
    order = "EffectiveCost DESC, BilledCost DESC, ChargePeriodStart, ResourceId"
    return Query(f"SELECT {columns} FROM counted_charges WHERE ({row_filter}\n) ORDER BY {order} LIMIT 1", {})


def charge_answers(node: Node, row: Sequence[object]) -> tuple[str, int, Mapping[Node, Answer], dict[str, object]]:
    """(the charge, how many were meant, answers, facts) of the row that `charge_query` gave."""
    parts, facts = list(_parts(node)), _facts(node, "charge")
    answers = {part: (_ANSWER[row[2 + n]], "") for n, part in enumerate(parts)}
    values = {fact.name: row[2 + len(parts) + n] for n, fact in enumerate(facts)}
    return str(row[0]), cast("int", row[1]), answers, values


def explain(
    compiled: CompiledPolicy, target: PolicyTarget, node: Node, about: str, answers: Mapping[Node, Answer], facts: Facts
) -> Explanation:  # fmt: skip
    """The whole condition with its terms, and what it comes to, exceptions included."""
    result, why = answers[node]
    policy, added = compiled.policy, contribution(compiled, target, result, facts, day_asked(facts))
    terms = node.terms if isinstance(node, All | Any) else (node,)
    return Explanation(
        policy_id=policy.id, version=policy.version, title=policy.title, level=policy.level, target=target, about=about,
        result=result, verdict=added.verdict, sentence=_sentence(policy, target, result, why, added.verdict) + excepted(added),
        terms=tuple(_term(term, answers, facts, facts_of(target)) for term in terms),
    )  # fmt: skip


def _sentence(policy: Policy, target: PolicyTarget, result: Result, why: str, verdict: Verdict) -> str:
    observed = target in {"charge", "resource", "budget", "anomaly", "invoice"}
    if result == "no_match":
        return f"{policy.id} does not match, and says nothing."
    if result == "error":
        lacks = f" ({why})" if why else ""
        return f"{policy.id} has no answer{lacks}; on_error: {policy.on_error} at level {policy.level} makes that {verdict}."
    if observed:
        return f"{policy.id} matches: it counts towards a finding of kind {policy.finding}."
    asked = f"asks for {policy.effect}, which its level {policy.level} makes {verdict}"
    return f"{policy.id} matches and {asked if verdict != policy.effect else f'says {verdict}'}."


def _term(node: Node, answers: Mapping[Node, Answer], facts: Facts, known: Mapping[str, Fact]) -> Term:
    result, why = answers[node]
    joined, below = "", tuple[Node, ...]()
    if isinstance(node, All | Any):
        joined, below = ("all" if isinstance(node, All) else "any"), node.terms
    elif isinstance(node, Not) and isinstance(node.term, All | Any):
        joined, below = "not", (node.term,)
    values = {} if below else {name: _shown(known[name], facts) for name in sorted(facts_used(node))}
    return Term(
        say(node), _SAYS[result], why, values, joined, tuple(_term(one, answers, facts, known) for one in below)
    )


def _shown(fact: Fact, facts: Facts) -> str:
    currency = str(facts.get(fact.currency, "")) if fact.type == "money" else ""
    return shown(facts.get(fact.name), nanos=fact.type in {"money", "quantity"}, currency=currency)


def _parts(node: Node) -> Iterator[Node]:
    """The yes-or-no parts that are shown: the whole, and the terms of what joins terms."""
    yield node
    if isinstance(node, All | Any | Not):
        for child in children(node):
            yield from _parts(child)


def _facts(node: Node, target: PolicyTarget) -> list[Fact]:
    known = facts_of(target)
    names = facts_used(node) | {known[name].currency for name in facts_used(node) if known[name].type == "money"}
    return [known[name] for name in sorted(names)]


def _fact_sql(fact: Fact) -> str:
    return str(fact.column) if fact.type == "map" else compile_sql(FactValue(fact))
