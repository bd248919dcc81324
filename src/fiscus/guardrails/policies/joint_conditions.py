"""Many conditions asked together: what they share is asked once, and one "no" settles all that stand behind it.

Rules of a company look alike: dozens begin with the same environment, provider or team. Each condition is a conjunction of terms;
the term that most conditions share is asked first, for all of them. Where it does not hold, none of them matches, whatever else
they say and whatever errors stand in the rest (an error beside a "no" does not count). Where a term has no answer, the
conditions that hold it are asked one by one by the exact closure, which decides whether the error counts.

All of that is one generated function (joint_function.py), which most questions go through without a call. Where it meets a term
without an answer, the branches are walked instead: they know who stands behind that term.

So the joint answer is who matches and who has to be asked by itself; everybody else does not match.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

from fiscus.guardrails.policies.compile_closure import NO_ANSWER, compile_term
from fiscus.guardrails.policies.condition import All, Node, facts_used, walk
from fiscus.guardrails.policies.joint_function import Step, compile_branches

Facts = Mapping[str, object]
Pending = dict[
    int, frozenset[int]
]  # a condition by its number -> those of its terms, by their rank, that were not asked yet
NOBODY: Final[Sequence[int]] = ()


@dataclass(frozen=True, slots=True)
class _Branch:
    """A term; the conditions that match when it holds; what is asked when it holds; and all that stands behind it."""

    term: Node
    holds: Callable[[Facts], object]
    matched: tuple[int, ...]
    below: tuple[_Branch, ...]
    behind: tuple[int, ...]


class JointConditions:
    """The conditions of one target, by their place in the sequence that they were given in."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        terms = [_terms(node) for node in nodes]
        ranked = sorted({term for several in terms for term in several}, key=lambda term: (_cost(term), repr(term)))
        rank = {term: number for number, term in enumerate(ranked)}
        pending = {number: frozenset(rank[term] for term in several) for number, several in enumerate(terms)}
        self._always = tuple(number for number, several in pending.items() if not several)
        self._branches = _branches({number: several for number, several in pending.items() if several}, ranked)
        self._step: Step = self._first_asked

    def ask(self, facts: Facts) -> tuple[Sequence[int], Sequence[int]]:
        """(the places of those that match, of those that must be asked by themselves), in no order. Never raises."""
        try:
            return self._step(facts), NOBODY
        except NO_ANSWER:
            matched, unsure = list(self._always), list[int]()
            _ask(self._branches, facts, matched, unsure)
            return matched, unsure

    def _first_asked(self, facts: Facts) -> list[int]:
        """Written when the first question comes: what is only searched by SQL is never asked."""
        self._step = compile_branches(self._always, self._branches)
        return self._step(facts)


def _terms(node: Node) -> list[Node]:
    """The conjuncts of a condition, nested ones included."""
    if isinstance(node, All):
        return [term for part in node.terms for term in _terms(part)]
    return [node]


def _branches(pending: Pending, ranked: Sequence[Node]) -> tuple[_Branch, ...]:
    """The commonest term first, of equals the cheapest; those that do not have it after it. Uses `pending` up."""
    holders = defaultdict[int, list[int]](list)
    for number, terms in pending.items():
        for term in terms:
            holders[term].append(number)
    commonest = [(-len(numbers), term) for term, numbers in holders.items()]
    heapify(commonest)
    branches = []
    while commonest:
        count, term = heappop(commonest)
        behind = [number for number in holders[term] if number in pending]
        if len(behind) != -count:  # some went behind a commoner one since
            if behind:
                heappush(commonest, (-len(behind), term))
            continue
        rest = {number: pending.pop(number) - {term} for number in behind}
        branches.append(
            _Branch(
                ranked[term],
                compile_term(ranked[term]),
                tuple(number for number in behind if not rest[number]),
                _branches({number: terms for number, terms in rest.items() if terms}, ranked),
                tuple(behind),
            )
        )
    return tuple(branches)


def _cost(term: Node) -> int:
    return sum(1 for _ in walk(term)) + len(facts_used(term))


def _ask(branches: Sequence[_Branch], facts: Facts, matched: list[int], unsure: list[int]) -> None:
    for branch in branches:
        try:
            holds = branch.holds(facts)
        except NO_ANSWER:
            unsure.extend(branch.behind)
            continue
        if holds:
            matched.extend(branch.matched)
            if branch.below:
                _ask(branch.below, facts, matched, unsure)
