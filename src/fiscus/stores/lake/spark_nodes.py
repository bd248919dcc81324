"""Small pieces of parsed SQL that the rules for Spark are written with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp


class CannotTranslate(Exception):
    """Names what has no equal on Spark."""


@dataclass(frozen=True, slots=True)
class Types:
    """The type of each expression of a query, by its number; what is not known is None."""

    by_number: Mapping[int, exp.DataType]

    def of(self, node: exp.Expression) -> exp.DataType.Type | None:
        while isinstance(node, exp.Paren):
            node = node.this
        if isinstance(node, exp.Cast):
            return node.to.this
        known = self.by_number.get(node.meta.get("n", -1))
        return known.this if known is not None and known.this != exp.DataType.Type.UNKNOWN else None


def call(name: str, *arguments: exp.Expression) -> exp.Anonymous:
    """A function of Spark, as it is spelt there."""
    return exp.Anonymous(this=name, expressions=[one.copy() for one in arguments], fiscus=True)


def literal(value: str) -> exp.Expression:
    """A text, as a literal."""
    return exp.Literal.string(value)


def cast(node: exp.Expression, kind: str) -> exp.Cast:
    return exp.Cast(this=node.copy(), to=exp.DataType.build(kind, dialect="spark"))


def escaped(node: exp.Expression, _: Types) -> exp.Expression:
    return node


def given(node: exp.Expression) -> exp.Expression:
    """`node` IS NOT NULL."""
    return exp.Not(this=exp.Is(this=node.copy(), expression=exp.null()))
