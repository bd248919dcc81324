"""CEL's tree narrowed to ours: typed, money and quantities folded, everything else refused by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, cast

from fiscus.guardrails.policies import cel_syntax as syntax
from fiscus.guardrails.policies.compile_closure import INT_MAX, pattern_fault
from fiscus.guardrails.policies.condition import (
    All,
    Any,
    Arithmetic,
    ArithmeticOp,
    Choose,
    Compare,
    CompareOp,
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
    TextOp,
    TextTest,
)
from fiscus.guardrails.policies.facts import Fact
from fiscus.guardrails.policies.pattern_weight import pattern_weight
from fiscus.kernel.errors import BadInput
from fiscus.kernel.limits import (
    CONDITION_DEPTH_MAX,
    CONDITION_LIST_ITEMS_MAX,
    CONDITION_NODES_MAX,
    CONDITION_PATTERN_WEIGHT_MAX,
)
from fiscus.kernel.money import to_nanos

_COMPARE: Final[Mapping[str, CompareOp]] = {
    "_==_": "==", "_!=_": "!=", "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=",
}  # fmt: skip
_ARITHMETIC: Final[Mapping[str, ArithmeticOp]] = {"_+_": "+", "_-_": "-", "_*_": "*"}
_TEXT_TESTS: Final = ("startsWith", "endsWith", "contains", "matches")
_SHOWN: Final = {
    "bool": "a yes or no", "text": "a text", "int": "a whole number", "money": "an amount of money", "quantity": "a quantity",
}  # fmt: skip
_LOGIC: Final = ("_&&_", "_||_")


class Refused(Exception):
    """Something that CEL has and conditions have not, or money that is not safe to compare."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Typed:
    """A node, what it is, and for money whose currency: a fact, a code of three letters, or None for zero."""

    node: Node
    type: Literal["bool", "text", "int", "money", "quantity"]
    currency: Fact | str | None = None


class Lowering:
    """One condition's way from CEL's tree to ours; counts its nodes and its depth, and weighs its patterns."""

    def __init__(self, facts: Mapping[str, Fact]) -> None:
        self._facts = facts
        self._nodes = 0
        self._depth = 0
        self._weight = 0

    def condition(self, tree: syntax.Syntax) -> Node:
        """The whole condition. Raises Refused."""
        return self._bool(tree)

    def _lower(self, tree: syntax.Syntax) -> Typed:
        self._nodes += 1
        self._depth += 1
        if self._nodes > CONDITION_NODES_MAX or self._depth > CONDITION_DEPTH_MAX:
            raise Refused(
                f"The condition has more than {CONDITION_NODES_MAX} parts or is nested deeper than {CONDITION_DEPTH_MAX}",
                "Split the policy, or write a list with `in`.",
            )
        try:
            return self._one(tree)
        finally:
            self._depth -= 1

    def _one(self, tree: syntax.Syntax) -> Typed:
        match tree:
            case syntax.Constant(kind, value):
                return _constant(kind, value)
            case syntax.Name(name):
                return self._fact(name)
            case syntax.Select(operand, field, test):
                return self._key(operand, field, test=test)
            case syntax.Call(function, arguments):
                return self._call(function, arguments)
            case syntax.ListOf():
                raise Refused("A list stands alone", 'Write it after `in`: intent.model in ["a", "b"].')
            case syntax.Other(what):
                raise Refused(f"{what} is not supported in a condition", "A condition looks at one thing, once.")

    def _fact(self, name: str) -> Typed:
        fact = self._facts[name]
        if fact.type in {"map", "texts"}:
            raise Refused(f"{name} holds several values", f'Write {name}["key"] or "value" in {name}.')
        kind = cast('Literal["bool", "text", "int", "money", "quantity"]', fact.type)
        return Typed(FactValue(fact), kind, self._facts[fact.currency] if kind == "money" else None)

    def _map(self, tree: syntax.Syntax) -> Fact:
        fact = self._facts[tree.name] if isinstance(tree, syntax.Name) else None
        if fact is None or fact.type != "map":
            raise Refused("Only tags and details are read by key", 'Write charge.tags["team"].')
        return fact

    def _key(self, operand: syntax.Syntax, key: str, *, test: bool = False) -> Typed:
        fact = self._map(operand)
        if '"' in key or "\\" in key or "\0" in key:
            raise Refused(f"The key {key!r} holds a quote, a backslash or a NUL", "Name a plain key.")
        return Typed(HasKey(fact, key), "bool") if test else Typed(MapValue(fact, key), "text")

    def _call(self, function: str, arguments: tuple[syntax.Syntax, ...]) -> Typed:
        if function in _COMPARE:
            left, right = self._alike(arguments[0], arguments[1])
            return Typed(Compare(_COMPARE[function], left.node, right.node), "bool")
        if function in _LOGIC:
            terms = self._terms(function, arguments)
            return Typed(All(terms) if function == "_&&_" else Any(terms), "bool")
        if function in _ARITHMETIC:
            return self._arithmetic(_ARITHMETIC[function], arguments)
        if function in _TEXT_TESTS:
            return self._text_test(cast("TextOp", function), arguments)
        return self._other_call(function, arguments)

    def _other_call(self, function: str, arguments: tuple[syntax.Syntax, ...]) -> Typed:
        match function:
            case "!_":
                return Typed(Not(self._bool(arguments[0])), "bool")
            case "@in":
                return self._in(arguments[0], arguments[1])
            case "_[_]":
                if not isinstance(arguments[1], syntax.Constant) or arguments[1].kind != "string":
                    raise Refused("A key must be a text that is written out", 'Write charge.tags["team"].')
                return self._key(arguments[0], str(arguments[1].value))
            case "_?_:_":
                then, otherwise = self._alike(arguments[1], arguments[2])
                return Typed(
                    Choose(self._bool(arguments[0]), then.node, otherwise.node), then.type, _either(then, otherwise)
                )
            case "-_":
                inner = self._lower(arguments[0])
                return Typed(Arithmetic("-", Constant(0), inner.node), inner.type, inner.currency)
            case "size":
                return Typed(Size(self._text(arguments[0])), "int")
            case "money" | "quantity":
                return _folded(function, arguments[0])
            case "present":
                return self._present(arguments[0])
        shown = function.strip("_@").replace("_", " ")
        raise Refused(
            f"{shown!r} is not supported in a condition",
            "Use == != < <= > >= && || ! in has() ?: + - * startsWith endsWith contains matches size money() quantity().",
        )

    def _present(self, tree: syntax.Syntax) -> Typed:
        if not isinstance(tree, syntax.Name):
            raise Refused("has() asks for one fact or one key", "Write has(intent.name) or has(charge.tags.key).")
        return Typed(HasFact(self._facts[tree.name]), "bool")

    def _bool(self, tree: syntax.Syntax) -> Node:
        return self._expect(tree, "bool")

    def _text(self, tree: syntax.Syntax) -> Node:
        return self._expect(tree, "text")

    def _expect(self, tree: syntax.Syntax, kind: str) -> Node:
        found = self._lower(tree)
        if found.type != kind:
            raise Refused(
                f"Here stands {_SHOWN[found.type]} where {_SHOWN[kind]} must stand", "Compare like with like."
            )
        return found.node

    def _terms(self, function: str, arguments: tuple[syntax.Syntax, ...]) -> tuple[Node, ...]:
        """a && (b && c) as three terms: the order of terms does not matter."""
        flat: list[Node] = []
        for argument in arguments:
            if isinstance(argument, syntax.Call) and argument.function == function:
                flat.extend(self._terms(function, argument.arguments))
            else:
                flat.append(self._bool(argument))
        return tuple(flat)

    def _alike(self, left_tree: syntax.Syntax, right_tree: syntax.Syntax) -> tuple[Typed, Typed]:
        """Two values of one type; money of one currency, checked where it can only be known from the facts."""
        left, right = self._lower(left_tree), self._lower(right_tree)
        left, right = _zero_as(left, right), _zero_as(right, left)
        if left.type != right.type:
            raise Refused(f"This compares {_SHOWN[left.type]} with {_SHOWN[right.type]}", _money_remedy(left, right))
        return (_in_currency_of(left, right), _in_currency_of(right, left)) if left.type == "money" else (left, right)

    def _arithmetic(self, op: ArithmeticOp, arguments: tuple[syntax.Syntax, ...]) -> Typed:
        left, right = self._lower(arguments[0]), self._lower(arguments[1])
        if op == "*":
            if "int" not in {left.type, right.type}:
                message = f"This multiplies {_SHOWN[left.type]} by {_SHOWN[right.type]}"
                raise Refused(message, "Multiply by a whole number.")
            kind = right if left.type == "int" else left
            return Typed(Arithmetic(op, left.node, right.node), kind.type, kind.currency)
        if "text" in {left.type, right.type}:
            raise Refused("Texts are not added", "Compare each with its own text.")
        left, right = _zero_as(left, right), _zero_as(right, left)
        if left.type != right.type:
            raise Refused(f"This adds {_SHOWN[left.type]} and {_SHOWN[right.type]}", _money_remedy(left, right))
        if left.type == "money":
            left, right = _in_currency_of(left, right), _in_currency_of(right, left)
        return Typed(Arithmetic(op, left.node, right.node), left.type, _either(left, right))

    def _text_test(self, op: TextOp, arguments: tuple[syntax.Syntax, ...]) -> Typed:
        text, argument = self._text(arguments[0]), self._text(arguments[1])
        if op == "matches":
            if not isinstance(argument, Constant):
                raise Refused("A pattern must be written out", 'Write intent.model.matches("^gpt-").')
            self._weigh(str(argument.value))
            if fault := pattern_fault(str(argument.value)):
                raise Refused(
                    f"The pattern is not valid RE2: {fault}", "See https://github.com/google/re2/wiki/Syntax."
                )
        return Typed(TextTest(op, text, argument), "bool")

    def _weigh(self, pattern: str) -> None:
        self._weight += pattern_weight(pattern)
        if self._weight > CONDITION_PATTERN_WEIGHT_MAX:
            raise Refused(
                f"The patterns make more work than {CONDITION_PATTERN_WEIGHT_MAX:,} steps a letter",
                "Repeat less, and write a list with `in` instead of many alternatives.",
            )

    def _in(self, item_tree: syntax.Syntax, among: syntax.Syntax) -> Typed:
        if isinstance(among, syntax.Name):
            fact = self._facts[among.name]
            if fact.type == "texts":
                return Typed(InTexts(self._text(item_tree), fact), "bool")
            if isinstance(item_tree, syntax.Constant):
                return self._key(among, str(item_tree.value), test=True)
            raise Refused("A key must be a text that is written out", 'Write "team" in charge.tags.')
        if not isinstance(among, syntax.ListOf):
            raise Refused("`in` needs a list that is written out, or tags", 'Write intent.model in ["a", "b"].')
        if len(among.items) > CONDITION_LIST_ITEMS_MAX:
            raise Refused(f"The list has more than {CONDITION_LIST_ITEMS_MAX} items", "Use a pattern with matches().")
        item = self._lower(item_tree)
        values = [_constant(v.kind, v.value) for v in among.items if isinstance(v, syntax.Constant)]
        if (
            len(values) != len(among.items)
            or item.type not in {"text", "int"}
            or any(v.type != item.type for v in values)
        ):
            raise Refused(
                "A list after `in` holds texts or whole numbers that are written out", "Compare amounts with == or <."
            )
        return Typed(OneOf(item.node, tuple(cast("Constant", v.node).value for v in values)), "bool")


def _constant(kind: str, value: syntax.Literal) -> Typed:
    names: Mapping[str, Literal["bool", "text", "int"]] = {"bool": "bool", "string": "text", "int": "int"}
    if kind not in names or value is None:
        raise Refused(f"A {kind} is not supported in a condition", 'Write whole numbers, texts, or money("50.00 USD").')
    if isinstance(value, str) and "\0" in value:
        raise Refused("A text holds a NUL character, which no bill can hold", "Take it out.")
    return Typed(Constant(value), names[kind])


def _folded(function: str, tree: syntax.Syntax) -> Typed:
    text = str(tree.value) if isinstance(tree, syntax.Constant) else ""
    pattern = r"\s*(-?[0-9][0-9_,]*(?:\.[0-9]+)?)" + (r"\s+([A-Z]{3})\s*" if function == "money" else r"\s*")
    found = re.fullmatch(pattern, text)
    example = 'money("50.00 USD")' if function == "money" else 'quantity("23.5")'
    if found is None:
        raise Refused(f"{function}({text!r}) cannot be read", f"Write it as {example}.")
    try:
        nanos = to_nanos(Decimal(found[1].replace(",", "").replace("_", "")))
    except (BadInput, InvalidOperation):
        raise Refused(f"{text!r} is finer than a billionth", f"Write it as {example}.") from None
    if abs(nanos) > INT_MAX:
        raise Refused(f"{text!r} is larger than 64 bits of billionths hold", "Write an amount under 9 billion.")
    if function == "quantity":
        return Typed(Constant(nanos), "quantity")
    return Typed(Constant(nanos), "money", found[2])


def _zero_as(value: Typed, other: Typed) -> Typed:
    """A bare 0 is zero of anything; every other bare number beside money is a mistake of nine digits."""
    if value.node == Constant(0) and value.type == "int" and other.type in {"money", "quantity"}:
        return Typed(value.node, other.type)
    return value


def _money_remedy(left: Typed, right: Typed) -> str:
    if "money" in {left.type, right.type}:
        return 'Write an amount with its currency: money("50.00 USD").'
    return 'Write a quantity as quantity("23.5"); compare like with like.'


def _in_currency_of(value: Typed, other: Typed) -> Typed:
    """`value`, an error where its currency is not that of `other`. Two stated currencies are compared here and now."""
    ours, theirs = value.currency, other.currency
    if ours is None or theirs is None or ours == theirs:
        return value
    if isinstance(ours, str) and isinstance(theirs, str):
        raise Refused(f"{ours} and {theirs} are compared", "Write both amounts in one currency.")
    if isinstance(ours, str):
        return Typed(InCurrency(cast("Fact", theirs), ours, value.node), "money", theirs)
    return Typed(InCurrency(ours, theirs, value.node), "money", ours) if isinstance(theirs, Fact) else value


def _either(left: Typed, right: Typed) -> Fact | str | None:
    known = [c for c in (left.currency, right.currency) if c is not None]
    return next((c for c in known if isinstance(c, Fact)), known[0] if known else None)
