"""A checked condition: the one tree that both compilers walk. Types are settled and money is folded; nothing is left to guess."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fiscus.guardrails.policies.facts import Fact

CompareOp = Literal["==", "!=", "<", "<=", ">", ">="]
ArithmeticOp = Literal["+", "-", "*"]
TextOp = Literal["startsWith", "endsWith", "contains", "matches"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, an integer (money and quantities: nano-units) or a truth value."""

    value: str | int | bool


@dataclass(frozen=True, slots=True)
class FactValue:
    """The value of a fact."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class MapValue:
    """The value under a key of a map fact; a missing key is an error."""

    fact: Fact
    key: str


@dataclass(frozen=True, slots=True)
class HasKey:
    """Whether a map fact has a value under a key. Never an error."""

    fact: Fact
    key: str


@dataclass(frozen=True, slots=True)
class HasFact:
    """Whether a fact is given: a text that is not empty, a number that is known. Never an error."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class All:
    """Every term holds. One that does not settles it, whatever errors stand beside it."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Some term holds. One that does settles it, whatever errors stand beside it."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; of an error, an error."""

    term: Node


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values of one type. Text compares by code point."""

    op: CompareOp
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class OneOf:
    """The item equals one of the constants."""

    item: Node
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class InTexts:
    """The text is in a fact that is a list of texts."""

    item: Node
    fact: Fact


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """64-bit integers; a result that does not fit is an error."""

    op: ArithmeticOp
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Choose:
    """`condition ? then : otherwise`; only the chosen side counts."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class TextTest:
    """A test of a text. `matches` is RE2, anywhere in the text, its pattern a constant."""

    op: TextOp
    text: Node
    argument: Node


@dataclass(frozen=True, slots=True)
class Size:
    """Code points of a text."""

    text: Node


@dataclass(frozen=True, slots=True)
class InCurrency:
    """`value`, where the two currencies are the same; an error where they are not."""

    currency: Fact
    other: Fact | str
    value: Node


Node = (
    Constant | FactValue | MapValue | HasKey | HasFact | All | Any | Not | Compare | OneOf | InTexts
    | Arithmetic | Choose | TextTest | Size | InCurrency
)  # fmt: skip


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything under it."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly under `node`."""
    match node:
        case All(terms) | Any(terms):
            return terms
        case Not(term):
            return (term,)
        case Compare(_, left, right) | Arithmetic(_, left, right) | TextTest(_, left, right):
            return left, right
        case OneOf(item, _) | InTexts(item, _) | Size(item) | InCurrency(_, _, item):
            return (item,)
        case Choose(condition, then, otherwise):
            return condition, then, otherwise
        case _:
            return ()


def facts_used(node: Node) -> frozenset[str]:
    """Names of the facts that the condition reads."""
    names = {
        part.fact.name for part in walk(node) if isinstance(part, FactValue | MapValue | HasKey | HasFact | InTexts)
    }
    for part in walk(node):
        if isinstance(part, InCurrency):
            names |= {part.currency.name} | ({part.other.name} if isinstance(part.other, Fact) else set())
    return frozenset(names)
