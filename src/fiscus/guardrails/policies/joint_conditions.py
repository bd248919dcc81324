"""Many conditions asked together: what they share is asked once, and one "no" settles all that stand behind it.

Rules of a company look alike: dozens begin with the same environment, provider or team. Each condition is a conjunction of terms;
the term that most conditions share is asked first, for all of them. Where it does not hold, none of them matches, whatever else
they say and whatever errors stand in the rest (an error beside a "no" does not count). Where a term has no answer, the
conditions that hold it are asked one by one by the exact closure, which decides whether the error counts.

So the joint answer is who matches and who has to be asked by itself; everybody else does not match.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fiscus.guardrails.policies.compile_closure import NO_ANSWER, compile_term
from fiscus.guardrails.policies.condition import All, Node, facts_used, walk

Facts = Mapping[str, object]
Pending = tuple[int, frozenset[Node]]  # a condition by its number, and those of its terms that were not asked yet


@dataclass(frozen=True, slots=True)
class _Branch:
    """A term; the conditions that match when it holds; what is asked when it holds; and all that stands behind it."""

    holds: Callable[[Facts], object]
    matched: tuple[int, ...]
    below: tuple[_Branch, ...]
    behind: tuple[int, ...]


class JointConditions:
    """The conditions of one target, by their place in the sequence that they were given in."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        pending = [(number, frozenset(_terms(node))) for number, node in enumerate(nodes)]
        self._always = tuple(number for number, terms in pending if not terms)
        self._branches = _branches([one for one in pending if one[1]])

    def ask(self, facts: Facts) -> tuple[list[int], list[int]]:
        """(the places of those that match, of those that must be asked by themselves), in no order. Never raises."""
        matched, unsure = list(self._always), list[int]()
        _ask(self._branches, facts, matched, unsure)
        return matched, unsure


def _terms(node: Node) -> list[Node]:
    """The conjuncts of a condition, nested ones included."""
    if isinstance(node, All):
        return [term for part in node.terms for term in _terms(part)]
    return [node]


def _branches(pending: Sequence[Pending]) -> tuple[_Branch, ...]:
    """The commonest term first, of equals the cheapest; those that do not have it after it."""
    branches = []
    while pending:
        shared = Counter(term for _, terms in pending for term in terms)
        term = min(shared, key=lambda one: (-shared[one], _cost(one), repr(one)))
        having = [(number, terms - {term}) for number, terms in pending if term in terms]
        pending = [one for one in pending if term not in one[1]]
        branches.append(
            _Branch(
                compile_term(term),
                tuple(number for number, rest in having if not rest),
                _branches([one for one in having if one[1]]),
                tuple(number for number, _ in having),
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
