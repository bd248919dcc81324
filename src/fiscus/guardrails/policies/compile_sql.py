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
from fiscus.kernel.limits import MATCHED_TEXT_CHARS_MAX

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
            sides = f"WHEN true THEN {compile_sql(then)} WHEN false THEN {compile_sql(otherwise)}"
            return (
                f"(CASE {compile_sql(condition)} {sides} END)"  # the test stands once: nested, it would grow by powers
            )
        case TextTest("matches", text, argument):
            return _matches(text, argument)
        case TextTest(op, text, argument):
            return f"{_TEXT[op]}({compile_sql(text)}, {compile_sql(argument)})"
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


def _matches(text: Node, pattern: Node) -> str:
    """A text that is chosen is matched where it is chosen, so that it stands once and not in the test of its length too."""
    assert isinstance(pattern, Constant)
    if isinstance(text, Choose):
        return compile_sql(
            Choose(text.condition, *(TextTest("matches", t, pattern) for t in (text.then, text.otherwise)))
        )
    value = compile_sql(text)
    matched = f"regexp_matches({value}, {quoted(str(pattern.value))})"
    return f"(CASE WHEN length({value}) <= {MATCHED_TEXT_CHARS_MAX} THEN {matched} END)"


def _not_of_a_charge(fact: Fact) -> BadConfig:
    return BadConfig(f"{fact.name} is no fact of a charge", remedy="Use a fact of `charge`.")
