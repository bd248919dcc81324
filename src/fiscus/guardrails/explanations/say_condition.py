"""A checked condition in plain words. Money is shown as money, not as the billionths that it is compared in."""

from __future__ import annotations

from typing import Final

from fiscus.guardrails.policies.condition import (
    All,
    Any,
    Arithmetic,
    Choose,
    Compare,
    Constant,
    FactValue,
    HasFact,
    HasKey,
    InCurrency,
    InTexts,
    MapValue,
    Node,
    Not,
    OneOf,
    Size,
    TextTest,
)
from fiscus.kernel.money import from_nanos

_OPERATOR: Final = {
    "==": "is", "!=": "is not", "<": "is less than", "<=": "is at most", ">": "is more than", ">=": "is at least",
}  # fmt: skip
_TEXT: Final = {"startsWith": "begins with", "endsWith": "ends with", "contains": "contains", "matches": "matches"}


def say(node: Node) -> str:  # noqa: C901, PLR0911, PLR0912 one case a kind of node, in one table
    """`node` as a phrase, such as `intent.amount is more than 500 USD`."""
    match node:
        case All(terms):
            return " and ".join(_grouped(term, Any) for term in terms)
        case Any(terms):
            return " or ".join(_grouped(term, All) for term in terms)
        case Not(HasFact(fact)):
            return f"{fact.name} is not given"
        case Not(HasKey(fact, key)):
            return f"{fact.name} has no {key}"
        case Not(OneOf(item, values)):
            return f"{say(item)} is none of {', '.join(_value(value) for value in values)}"
        case Not(term):
            return f"not ({say(term)})"
        case Compare(op, left, right):
            scaled = _scaled(left) or _scaled(right)
            return f"{_side(left, scaled)} {_OPERATOR[op]} {_side(right, scaled)}"
        case OneOf(item, values):
            return f"{say(item)} is one of {', '.join(_value(value) for value in values)}"
        case InTexts(item, fact):
            return f"{fact.name} has {say(item)}"
        case HasFact(fact):
            return f"{fact.name} is given"
        case HasKey(fact, key):
            return f"{fact.name} has {key}"
        case MapValue(fact, key):
            return f"{fact.name}.{key}"
        case FactValue(fact):
            return fact.name
        case Constant(value):
            return _value(value)
        case Arithmetic(op, left, right):
            return f"{say(left)} {op} {say(right)}"
        case Choose(condition, then, otherwise):
            return f"{say(then)} if {say(condition)}, else {say(otherwise)}"
        case TextTest(op, text, argument):
            return f"{say(text)} {_TEXT[op]} {say(argument)}"
        case Size(text):
            return f"the length of {say(text)}"
        case InCurrency(_, _, value):
            return say(value)


def shown(value: object, *, nanos: bool = False, currency: str = "") -> str:
    """A fact's value as people read it; `nanos`: an amount or a quantity in billionths."""
    if value is None:
        return "not given"
    if nanos and isinstance(value, int):
        return f"{_plain(value)}{f' {currency}' if currency else ''}"
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or "none"
    return _value(value)


def _grouped(term: Node, looser: type) -> str:
    return f"({say(term)})" if isinstance(term, looser) else say(term)


def _scaled(node: Node) -> str:
    """money, quantity or nothing: in what the numbers beside this one are written."""
    if isinstance(node, InCurrency):
        return _scaled(node.value)
    if isinstance(node, FactValue) and node.fact.type in {"money", "quantity"}:
        return node.fact.type
    if isinstance(node, Arithmetic):
        return _scaled(node.left) or _scaled(node.right)
    return ""


def _side(node: Node, scaled: str) -> str:
    inner, currency = node, ""
    while isinstance(inner, InCurrency):
        currency = inner.other if isinstance(inner.other, str) else currency
        inner = inner.value
    if scaled and isinstance(inner, Constant) and isinstance(inner.value, int):
        return f"{_plain(inner.value)}{f' {currency}' if currency else ''}"
    return say(inner)


def _plain(nanos: int) -> str:
    text = f"{from_nanos(nanos):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)
