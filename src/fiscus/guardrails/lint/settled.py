"""Conditions whose answer is settled before anything is asked: constants folded, contradictions and tautologies found.

Sound, not complete: what is called settled is, whatever the facts; what is not settled may still be. An error is no match, so
a condition that can only be an error never matches.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fiscus.guardrails.policies.condition import (
    All,
    Any,
    Compare,
    CompareOp,
    Constant,
    FactValue,
    HasFact,
    HasKey,
    InCurrency,
    MapValue,
    Node,
    Not,
    OneOf,
    TextTest,
)
from fiscus.guardrails.policies.possible_facts import RANGES

_COMPARE: Final = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_OPPOSITE: Final[Mapping[CompareOp, CompareOp]] = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED: Final[Mapping[CompareOp, CompareOp]] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
ALWAYS_GIVEN: Final = ("intent.amount", "now.hour", "now.weekday")


def settled(node: Node) -> bool | None:  # noqa: PLR0911 one case a kind of node, in one table
    """True: it holds wherever it has an answer. False: it never does. None: it depends."""
    match node:
        case Constant(value) if isinstance(value, bool):
            return value
        case All(terms):
            return _all(terms)
        case Any(terms):
            return _any(terms)
        case Not(term):
            inner = settled(term)
            if inner is None:
                return False if _bounds([node]) is None else None
            return not inner
        case Compare(op, Constant(left), Constant(right)):
            return bool(_COMPARE[op](left, right))
        case OneOf(item, values):
            return (item.value in values) if isinstance(item, Constant) else (None if values else False)
        case TextTest(op, Constant(text), Constant(argument)) if op != "matches":
            tests = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}
            return bool(tests[op](str(text), str(argument)))
    if _bounds([node]) is None:
        return False
    return True if _always_given(node) and _bounds([Not(node)]) is None else None


def _always_given(node: Node) -> bool:
    """A comparison of what every intent has, and in no stated currency: it cannot be an error."""
    sides = (node.left, node.right) if isinstance(node, Compare) else ()
    facts = [side.fact.name for side in sides if isinstance(side, FactValue)]
    plain = all(isinstance(side, FactValue | Constant) for side in sides)
    return bool(facts) and plain and all(name in ALWAYS_GIVEN for name in facts)


def _all(terms: tuple[Node, ...]) -> bool | None:
    answers = [settled(term) for term in terms]
    if False in answers or _bounds(terms) is None:
        return False
    return True if all(answers) else None


def _any(terms: tuple[Node, ...]) -> bool | None:
    answers = [settled(term) for term in terms]
    if True in answers:
        return True
    if all(answer is False for answer in answers):
        return False
    # a || !a holds wherever `a` has an answer: what cannot be missing is asked by has() alone.
    return True if any(isinstance(t, HasFact | HasKey) and Not(t) in terms for t in terms) else None


@dataclass(slots=True)
class _Bounds:
    """What several terms together leave of one value. Texts by sets, numbers by their least and greatest."""

    only: frozenset[object] | None = None
    never: set[object] = field(default_factory=set)
    least: int | None = None
    greatest: int | None = None

    def empty(self) -> bool:
        if self.only is not None and not {one for one in self.only if one not in self.never and self._within(one)}:
            return True
        return self.least is not None and self.greatest is not None and self.least > self.greatest

    def _within(self, one: object) -> bool:
        if not isinstance(one, int):
            return True
        return (self.least is None or one >= self.least) and (self.greatest is None or one <= self.greatest)


def _bounds(terms: Iterable[Node]) -> Mapping[Node, _Bounds] | None:
    """What the terms leave of each value that they speak of; None when they contradict each other."""
    kept: dict[Node, _Bounds] = {}
    currencies: dict[str, str] = {}
    missing, given = set[Node](), set[Node]()
    for term in terms:
        for fact, code in _currencies(term):
            if currencies.setdefault(fact, code) != code:
                return None
        (missing if isinstance(term, Not) else given).add(term.term if isinstance(term, Not) else term)
        for value, op, constants in _said(term):
            limits = RANGES.get(value.fact.name, (None, None)) if isinstance(value, FactValue) else (None, None)
            _narrow(kept.setdefault(value, _Bounds(least=limits[0], greatest=limits[1])), op, constants)
    if missing & given:
        return None
    return None if any(bounds.empty() for bounds in kept.values()) else kept


def _said(term: Node) -> Iterable[tuple[Node, CompareOp, tuple[object, ...]]]:
    """(value, operator, constants) of a term that compares one value with constants."""
    turned = isinstance(term, Not)
    inner = term.term if isinstance(term, Not) else term
    if isinstance(inner, OneOf) and isinstance(inner.item, FactValue | MapValue):
        yield inner.item, "!=" if turned else "==", inner.values
    elif isinstance(inner, Compare):
        left, right, op = _plain(inner.left), _plain(inner.right), inner.op
        if isinstance(left, Constant):
            left, right, op = right, left, _MIRRORED[op]
        if isinstance(left, FactValue | MapValue) and isinstance(right, Constant):
            yield left, _OPPOSITE[op] if turned else op, (right.value,)
    elif isinstance(inner, FactValue):
        yield inner, "==", (not turned,)


def _narrow(bounds: _Bounds, op: CompareOp, constants: tuple[object, ...]) -> None:
    if op == "==":
        bounds.only = frozenset(constants) if bounds.only is None else bounds.only & frozenset(constants)
    elif op == "!=":
        bounds.never |= set(constants)
    elif isinstance(number := constants[0], int):
        if op in {">", ">="}:
            bounds.least = max(number + (op == ">"), bounds.least if bounds.least is not None else number)
        else:
            bounds.greatest = min(number - (op == "<"), bounds.greatest if bounds.greatest is not None else number)


def _plain(node: Node) -> Node:
    return _plain(node.value) if isinstance(node, InCurrency) else node


def _currencies(term: Node) -> Iterable[tuple[str, str]]:
    """The currencies that the two sides of a comparison ask for."""
    inner = term.term if isinstance(term, Not) else term
    if isinstance(inner, Compare):
        for side in (inner.left, inner.right):
            if isinstance(side, InCurrency) and isinstance(side.other, str):
                yield side.currency.name, side.other
