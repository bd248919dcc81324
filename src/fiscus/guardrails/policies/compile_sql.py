"""A checked condition as SQL over the `charges` view, or the rows of resources: true is a match, false is none, NULL is an error.

SQL's three-valued AND, OR and NOT are CEL's: an error beside a term that settles the matter does not count. Text facts are
never NULL here (a text that is not given is empty), so NULL comes only from what is an error in the closure too. What engines
write differently stands in sql_dialects.py; the meaning is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from fiscus.guardrails.policies.compare_amounts import amounts_sql
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
from fiscus.guardrails.policies.facts import Fact
from fiscus.guardrails.policies.sql_dialects import DIALECTS, Dialect, quoted
from fiscus.kernel.errors import BadConfig
from fiscus.kernel.limits import MATCHED_TEXT_CHARS_MAX

__all__ = ["compile_sql", "quoted"]
_OPERATOR: Final = {"==": "=", "!=": "<>"}


def compile_sql(node: Node, dialect: Literal["duckdb", "spark"] = "duckdb") -> str:
    """The SQL of `node`. Raises BadConfig for a fact that has no column (refused when a policy is loaded), or for a pattern that
    Spark's regular expressions cannot mean alike."""
    return _Compiler(DIALECTS[dialect]).sql(node)


@dataclass(frozen=True, slots=True)
class _Compiler:
    """One dialect's way through the tree."""

    dialect: Dialect

    def sql(self, node: Node) -> str:  # noqa: C901, PLR0911, PLR0912 one case a kind of node, in one table
        match node:
            case Constant(value):
                return self._constant(value)
            case FactValue(fact):
                return self._fact(fact)
            case MapValue(fact, key):
                return self._map_value(fact, key)
            case HasKey(fact, key):
                return f"({self._map_value(fact, key)} IS NOT NULL)"
            case HasFact(fact):
                column = _column(fact)
                return f"({self._fact(fact)} <> '')" if fact.type == "text" else f"({column} IS NOT NULL)"
            case All(terms):
                return "(" + " AND ".join(self.sql(term) for term in terms) + ")"
            case Any(terms):
                return "(" + " OR ".join(self.sql(term) for term in terms) + ")"
            case Not(term):
                return f"(NOT {self.sql(term)})"
            case Compare(op, left, right):
                if self.dialect is DIALECTS["duckdb"] and (amounts := amounts_sql(op, left, right)) is not None:
                    return amounts
                return f"({self.sql(left)} {_OPERATOR.get(op, op)} {self.sql(right)})"
            case OneOf(item, values):
                if not values:  # nothing is in an empty list; an error stays one
                    return f"(CASE WHEN {self.sql(item)} IS NOT NULL THEN false END)"
                return f"({self.sql(item)} IN ({', '.join(self._constant(value) for value in values)}))"
            case Arithmetic(op, left, right):
                return self.dialect.arithmetic(op, self.sql(left), self.sql(right))
            case Choose(condition, then, otherwise):
                sides = f"WHEN true THEN {self.sql(then)} WHEN false THEN {self.sql(otherwise)}"
                return f"(CASE {self.sql(condition)} {sides} END)"  # the test once: nested, it would grow by powers
            case TextTest("matches", text, argument):
                return self._matches(text, argument)
            case TextTest(op, text, argument):
                return f"{self.dialect.text_tests[op]}({self.sql(text)}, {self.sql(argument)})"
            case Size(text):
                return f"length({self.sql(text)})"
            case InCurrency(currency, other, value):
                theirs = self.dialect.text(other) if isinstance(other, str) else self._fact(other)
                return f"(CASE WHEN {self._fact(currency)} = {theirs} THEN {self.sql(value)} END)"
            case InTexts(_, fact):
                raise _without_column(fact)

    def _constant(self, value: str | int | bool) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        return self.dialect.integer(value) if isinstance(value, int) else self.dialect.text(value)

    def _fact(self, fact: Fact) -> str:
        column = _column(fact)
        if fact.type == "text":
            return f"coalesce({column}, '')" if fact.nullable else column
        if fact.type in {"money", "quantity"}:  # half away from zero at the ninth digit; beyond 64 bits: an error
            return self.dialect.nanos(column)
        return column

    def _map_value(self, fact: Fact, key: str) -> str:
        column = _column(fact)
        return self.dialect.detail(column, key) if fact.name == "charge.details" else self.dialect.key(column, key)

    def _matches(self, text: Node, pattern: Node) -> str:
        """A text that is chosen is matched where it is chosen, so that it stands once and not in the test of its length too."""
        assert isinstance(pattern, Constant)
        if isinstance(text, Choose):
            sides = (TextTest("matches", side, pattern) for side in (text.then, text.otherwise))
            return self.sql(Choose(text.condition, *sides))
        value = self.sql(text)
        matched = self.dialect.matched(value, str(pattern.value))
        return f"(CASE WHEN length({value}) <= {MATCHED_TEXT_CHARS_MAX} THEN {matched} END)"


def _column(fact: Fact) -> str:
    if fact.column is None:
        raise _without_column(fact)
    return fact.column


def _without_column(fact: Fact) -> BadConfig:
    return BadConfig(f"{fact.name} is no fact of a charge", remedy="Use a fact of `charge`.")
