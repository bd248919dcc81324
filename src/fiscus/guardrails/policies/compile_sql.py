"""A checked condition as DuckDB SQL over the `charges` view: true is a match, false is none, NULL is an error.

SQL's three-valued AND, OR and NOT are CEL's: an error beside a term that settles the matter does not count. Text facts are
never NULL here (a text that is not given is empty), so NULL comes only from what is an error in the closure too.
"""

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
from fiscus.guardrails.policies.facts import Fact
from fiscus.kernel.errors import BadConfig

_TEXT: Final = {"startsWith": "starts_with", "endsWith": "ends_with", "contains": "contains"}
_OPERATOR: Final = {"==": "=", "!=": "<>"}


def compile_sql(node: Node) -> str:  # noqa: C901, PLR0911, PLR0912 one case a kind of node, in one table
    """The SQL of `node`. Raises BadConfig for a fact that a charge does not have; those are refused when a policy is loaded."""
    match node:
        case Constant(value):
            return _constant(value)
        case FactValue(fact):
            return _fact(fact)
        case MapValue(fact, key):
            return _map_value(fact, key)
        case HasKey(fact, key):
            return f"({_map_value(fact, key)} IS NOT NULL)"
        case HasFact(fact):
            column = _column(fact)
            return f"({_fact(fact)} <> '')" if fact.type == "text" else f"({column} IS NOT NULL)"
        case All(terms):
            return "(" + " AND ".join(compile_sql(term) for term in terms) + ")"
        case Any(terms):
            return "(" + " OR ".join(compile_sql(term) for term in terms) + ")"
        case Not(term):
            return f"(NOT {compile_sql(term)})"
        case Compare(op, left, right):
            return f"({compile_sql(left)} {_OPERATOR.get(op, op)} {compile_sql(right)})"
        case OneOf(item, values):
            if not values:  # nothing is in an empty list; an error stays one
                return f"(CASE WHEN {compile_sql(item)} IS NOT NULL THEN false END)"
            return f"({compile_sql(item)} IN ({', '.join(_constant(value) for value in values)}))"
        case Arithmetic(op, left, right):
            return f"TRY_CAST(CAST({compile_sql(left)} AS HUGEINT) {op} {compile_sql(right)} AS BIGINT)"
        case Choose(condition, then, otherwise):
            test = compile_sql(condition)
            return f"(CASE WHEN {test} THEN {compile_sql(then)} WHEN NOT {test} THEN {compile_sql(otherwise)} END)"
        case TextTest(op, text, argument):
            return _text_test(op, compile_sql(text), argument)
        case Size(text):
            return f"length({compile_sql(text)})"
        case InCurrency(currency, other, value):
            theirs = quoted(other) if isinstance(other, str) else _fact(other)
            return f"(CASE WHEN {_fact(currency)} = {theirs} THEN {compile_sql(value)} END)"
        case InTexts(_, fact):
            raise _not_of_a_charge(fact)


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def _constant(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value}::BIGINT" if isinstance(value, int) else quoted(value)


def _column(fact: Fact) -> str:
    if fact.column is None:
        raise _not_of_a_charge(fact)
    return fact.column


def _fact(fact: Fact) -> str:
    column = _column(fact)
    if fact.type == "text":
        return f"coalesce({column}, '')" if fact.nullable else column
    if fact.type in {"money", "quantity"}:  # half away from zero at the ninth digit; beyond 64 bits: an error
        return f"TRY_CAST(TRY_CAST({column} AS DECIMAL(28,9)) * 1000000000 AS BIGINT)"
    return column


def _map_value(fact: Fact, key: str) -> str:
    column = _column(fact)
    if fact.name == "charge.details":
        path = quoted("/" + key.replace("~", "~0").replace("/", "~1"))  # JSON pointer (RFC 6901): no wildcards
        return f"(CASE WHEN json_valid({column}) THEN json_extract_string({column}, {path}) END)"
    return f"{column}[{quoted(key)}]"


def _text_test(op: str, text: str, argument: Node) -> str:
    if op == "matches":
        assert isinstance(argument, Constant)
        return f"regexp_matches({text}, {quoted(str(argument.value))})"
    return f"{_TEXT[op]}({text}, {compile_sql(argument)})"


def _not_of_a_charge(fact: Fact) -> BadConfig:
    return BadConfig(f"{fact.name} is no fact of a charge", remedy="Use a fact of `charge`.")
