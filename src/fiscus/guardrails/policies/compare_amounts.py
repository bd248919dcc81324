"""Amounts compared in DuckDB without computing their billionths.

Turning a decimal into an integer of billionths takes DuckDB half a microsecond a row, comparing decimals a fiftieth of that.
So where a comparison of two amounts can be settled on the decimals as they stand, it is: with the same answer to the last digit,
rounding half away from zero at the ninth decimal and the bounds of 64 bits included.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeGuard

from fiscus.guardrails.policies.condition import CompareOp, Constant, FactValue, InCurrency, Node
from fiscus.guardrails.policies.facts import Fact
from fiscus.guardrails.policies.sql_dialects import DIALECTS, quoted
from fiscus.kernel.money import COST_SCALE, EXACT

_NANO: Final = "0.000000001"
_LEAST_COST: Final = Decimal(1).scaleb(-COST_SCALE)
_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1
# op -> (true where left - right is so, false where it is so); in between the billionths themselves must tell.
_SETTLED: Final[Mapping[CompareOp, tuple[str, str]]] = {
    ">": (f">= {_NANO}", "<= 0"),
    ">=": (">= 0", f"<= -{_NANO}"),
    "<": (f"<= -{_NANO}", ">= 0"),
    "<=": ("<= 0", f">= {_NANO}"),
}
_MIRRORED: Final[Mapping[CompareOp, CompareOp]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_SQL: Final[Mapping[CompareOp, str]] = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def amounts_sql(op: CompareOp, left: Node, right: Node) -> str | None:
    """The comparison of a charge's amount or quantity with a constant or with another one; None for anything else."""
    guards: list[str] = []
    one, two = _bare(left, guards), _bare(right, guards)
    if isinstance(one, Constant):
        one, two, op = two, one, _MIRRORED[op]
    if not _is_amount(one):
        return None
    if isinstance(two, Constant) and isinstance(two.value, int):
        return _guarded([*guards, _in_range(one.fact)], _with_constant(op, str(one.fact.column), two.value))
    if not _is_amount(two):
        return None
    ranges = [_in_range(one.fact), _in_range(two.fact)]
    return _guarded([*guards, *ranges], _with_amount(op, one.fact, two.fact))


def bounded_sql(op: CompareOp, left: Node, right: Node) -> tuple[str, Decimal] | None:
    """`amounts_sql` of a cost and a constant with the constant set apart: SQL in which it is the column `bound`, and its value.

    Conditions that differ only in how much is too much are one condition then. None where there is no such constant.
    """
    guards: list[str] = []
    one, two = _bare(left, guards), _bare(right, guards)
    if isinstance(one, Constant):
        one, two, op = two, one, _MIRRORED[op]
    if not _is_amount(one) or one.fact.type != "money" or not isinstance(two, Constant) or op not in _SETTLED:
        return None
    nanos = int(two.value) + (1 if op in {">", "<="} else 0)
    half = EXACT.scaleb(EXACT.subtract(Decimal(nanos), Decimal("0.5")), -9)
    bound = (
        half if nanos > 0 else EXACT.add(half, _LEAST_COST)
    )  # above, on the grid of costs, is at least one step more
    test = f"{one.fact.column!s} {'>=' if op in {'>', '>='} else '<'} bound"
    return _guarded([*guards, _in_range(one.fact)], test), bound


def _bare(node: Node, guards: list[str]) -> Node:
    while isinstance(node, InCurrency):
        guards.append(_same_currency(node))
        node = node.value
    return node


def _same_currency(node: InCurrency) -> str:
    theirs = quoted(node.other) if isinstance(node.other, str) else _text(node.other)
    return f"{_text(node.currency)} = {theirs}"


def _text(fact: Fact) -> str:
    return f"coalesce({fact.column}, '')" if fact.nullable else str(fact.column)


def _is_amount(node: Node) -> TypeGuard[FactValue]:
    return isinstance(node, FactValue) and node.fact.root == "charge" and node.fact.type in {"money", "quantity"}


def _guarded(guards: list[str], test: str) -> str:
    return f"(CASE WHEN {' AND '.join(guards)} THEN {test} END)"


def _in_range(fact: Fact) -> str:
    column = str(fact.column)
    return f"{_at_least(column, _LEAST)} AND NOT {_at_least(column, _MOST + 1)}"


def _at_least(column: str, nanos: int) -> str:
    """Whether the column, rounded half away from zero to billionths, is at least `nanos`."""
    half = EXACT.scaleb(EXACT.subtract(Decimal(nanos), Decimal("0.5")), -9)
    return f"({column} {'>=' if nanos > 0 else '>'} {half:f})"


def _with_constant(op: CompareOp, column: str, nanos: int) -> str:
    reaches, passes = _at_least(column, nanos), _at_least(column, nanos + 1)
    match op:
        case ">=":
            return reaches
        case ">":
            return passes
        case "<":
            return f"(NOT {reaches})"
        case "<=":
            return f"(NOT {passes})"
        case "==":
            return f"({reaches} AND NOT {passes})"
        case "!=":
            return f"(NOT {reaches} OR {passes})"


def _with_amount(op: CompareOp, left: Fact, right: Fact) -> str:
    """Two amounts a billionth or more apart compare as they are; equal ones do too."""
    nanos = DIALECTS["duckdb"].nanos
    apart = f"{left.column} - {right.column}"
    exact = f"{nanos(str(left.column))} {_SQL[op]} {nanos(str(right.column))}"
    if op in _SETTLED:
        true, false = _SETTLED[op]
        return f"(CASE WHEN {apart} {true} THEN true WHEN {apart} {false} THEN false ELSE {exact} END)"
    same = "true" if op == "==" else "false"
    other = "false" if op == "==" else "true"
    far = f"{apart} >= {_NANO} OR {apart} <= -{_NANO}"
    return f"(CASE WHEN {apart} = 0 THEN {same} WHEN {far} THEN {other} ELSE {exact} END)"
