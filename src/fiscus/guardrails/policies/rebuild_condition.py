"""A checked condition with parts of it replaced: the shape stays, and the meaning changes only where somebody says so."""

from __future__ import annotations

from collections.abc import Callable

from fiscus.guardrails.policies.condition import (
    All,
    Any,
    Arithmetic,
    Choose,
    Compare,
    InCurrency,
    InTexts,
    Node,
    Not,
    OneOf,
    Size,
    TextTest,
)

Change = Callable[[Node], Node | None]


def rebuilt(node: Node, change: Change) -> Node:  # noqa: C901, PLR0911, PLR0912 one case a kind of node, in one table
    """`node` with each part for which `change` gives another one; it is asked from the top, None means: look inside."""
    if (changed := change(node)) is not None:
        return changed

    def inside(part: Node) -> Node:
        return rebuilt(part, change)

    match node:
        case All(terms):
            return All(tuple(map(inside, terms)))
        case Any(terms):
            return Any(tuple(map(inside, terms)))
        case Not(term):
            return Not(inside(term))
        case Compare(op, left, right):
            return Compare(op, inside(left), inside(right))
        case Arithmetic(operation, left, right):
            return Arithmetic(operation, inside(left), inside(right))
        case TextTest(test, text, argument):
            return TextTest(test, inside(text), inside(argument))
        case OneOf(item, values):
            return OneOf(inside(item), values)
        case InTexts(item, fact):
            return InTexts(inside(item), fact)
        case Size(text):
            return Size(inside(text))
        case InCurrency(currency, other, value):
            return InCurrency(currency, other, inside(value))
        case Choose(condition, then, otherwise):
            return Choose(inside(condition), inside(then), inside(otherwise))
        case _:
            return node
