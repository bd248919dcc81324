"""What DuckDB and Spark mean differently, node by node of a parsed query, so that Spark's answer is DuckDB's.

A rule gets a node whose children are rewritten already. What no rule knows how to carry over is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sqlglot import exp

from fiscus.stores.lake.spark_casts import of_text
from fiscus.stores.lake.spark_json import json_exists, json_extract, json_keys, json_type
from fiscus.stores.lake.spark_lists import (
    array_slice,
    contained,
    discrete,
    flattened,
    least_entries,
    list_aggregate,
    summed,
    unnested,
    without_bits,
)
from fiscus.stores.lake.spark_nodes import CannotTranslate, Types, call, cast, escaped
from fiscus.stores.lake.spark_text import (
    joined,
    json_value,
    matched,
    matched_whole,
    replaced,
    split,
    textual,
    valid_json,
)

NUMBERS: Final = exp.DataType.INTEGER_TYPES | {exp.DataType.Type.INT128, exp.DataType.Type.UINT128}
KEPT: Final = "x__kept"
DATE, TIMES = exp.DataType.Type.DATE, {exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIMESTAMP}
FRACTIONS: Final = {exp.DataType.Type.DECIMAL, exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT}


def rewritten(query: exp.Query, types: Types) -> exp.Query:
    """`query` with Spark's meaning. Changes it in place. Raises CannotTranslate."""
    for node in reversed(list(query.walk(bfs=False))):
        rule = RULES.get(type(node))
        if rule is None:
            continue
        made = rule(node, types)
        if made is node:
            continue
        made.meta.setdefault("n", node.meta.get("n", -1))
        if node is query:
            assert isinstance(made, exp.Query)
            query = made
        else:
            node.replace(made)
    return query


def _hash(given: list[exp.Expression]) -> exp.Expression:
    """xxhash64 passes over a NULL, so that (NULL, a) and (a, NULL) would meet; whether each is NULL is hashed beside it."""
    parts = [part for one in given for part in (one, exp.Is(this=one.copy(), expression=exp.null()))]
    return call("xxhash64", *parts)


def _anonymous(node: exp.Expression, _: Types) -> exp.Expression:
    assert isinstance(node, exp.Anonymous)
    if node.args.get("fiscus"):
        return node
    rule = NAMED.get(node.name.lower())
    if rule is None:
        raise CannotTranslate(f"the function {node.name}")
    return rule(node.expressions)


def _divide(node: exp.Expression, _: Types) -> exp.Expression:
    """DuckDB's / is of two doubles, whatever they were."""
    return exp.Div(this=cast(node.this, "DOUBLE"), expression=cast(node.expression, "DOUBLE"), typed=False, safe=False)


def _subtract(node: exp.Expression, types: Types) -> exp.Expression:
    left, right = types.of(node.this), types.of(node.expression)
    if left == DATE and right == DATE:
        return cast(call("datediff", node.this, node.expression), "BIGINT")
    return _date_and_days(node, types)


def _date_and_days(node: exp.Expression, types: Types) -> exp.Expression:
    """Spark adds days of at most 32 bits to a date."""
    if types.of(node.this) == DATE and types.of(node.expression) in NUMBERS:
        node.set("expression", cast(node.expression, "INT"))
    return node


def _argument_of_extreme(node: exp.Expression, _: Types) -> exp.Expression:
    """DuckDB passes over rows whose argument is NULL."""
    given = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.null()))
    parent = node.parent
    if isinstance(parent, exp.Filter):
        where = parent.expression
        where.set("this", exp.And(this=exp.Paren(this=where.this.copy()), expression=given))
        return node
    some = node.args.get("count")
    found = call("min_by", node.this, node.expression, some) if some and isinstance(node, exp.ArgMin) else node.copy()
    return exp.Filter(this=found, expression=exp.Where(this=given))


def _cast(node: exp.Expression, types: Types) -> exp.Expression:
    """DuckDB rounds to whole numbers, half away from zero for decimals; Spark cuts. Text becomes a number through a decimal."""
    assert isinstance(node, exp.Cast)
    to, source = node.to.this, types.of(node.this)
    if (read := of_text(node, source)) is not None:
        return read
    if to == exp.DataType.Type.JSON:
        return node.this.copy()  # a document stays text
    if to in {exp.DataType.Type.INT128, exp.DataType.Type.UINT128}:
        node.set("to", exp.DataType.build("DECIMAL(38, 0)"))
    if to in NUMBERS and source == exp.DataType.Type.DECIMAL:
        node.set("this", call("round", node.this, exp.Literal.number(0)))
    elif to in NUMBERS and source in {exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT}:
        node.set("this", call("bround", node.this, exp.Literal.number(0)))
    elif to in NUMBERS and source in exp.DataType.TEXT_TYPES and not isinstance(node.this, exp.Literal):
        name, wide = ("try_cast" if isinstance(node, exp.TryCast) else "cast"), exp.DataType.build("DECIMAL(38, 9)")
        number = call(name, exp.Alias(this=node.this.copy(), alias=wide))
        node.set("this", call("round", number, exp.Literal.number(0)))
    elif to in exp.DataType.TEXT_TYPES and source is not None:
        return textual(node, source)
    return node


def _bracket(node: exp.Expression, types: Types) -> exp.Expression:
    (index,) = node.expressions
    if isinstance(index, exp.Slice):
        return array_slice(node.this, index)
    if types.of(index) in exp.DataType.TEXT_TYPES or index.is_string:
        return call("try_element_at", node.this, index)
    return node


def _like(node: exp.Expression, _: Types) -> exp.Expression:
    """DuckDB's LIKE has no escape character until it is told one; Spark's is the backslash."""
    if isinstance(node.parent, exp.Escape) or (node.expression.is_string and "\\" not in node.expression.name):
        return node
    return exp.Escape(this=node.copy(), expression=exp.Literal.string("\x01"))


def _escape(node: exp.Expression, _: Types) -> exp.Expression:
    """Spark lets only what means something be escaped."""
    pattern, mark = node.this.expression, node.expression.name
    if pattern.is_string and mark:
        kept, rest = "", iter(pattern.name)
        for letter in rest:
            after = next(rest, "") if letter == mark else ""
            kept += letter + after if not after or after in {"%", "_", mark} else after
        node.this.set("expression", exp.Literal.string(kept))
    return node


def _by_name(node: exp.Expression, _: Types) -> exp.Expression:
    """UNION ALL BY NAME: each side has every column, in one order."""
    assert isinstance(node, exp.SetOperation)
    if not node.args.get("by_name"):
        return node
    left, right = node.this, node.expression
    names = list(dict.fromkeys([*left.named_selects, *right.named_selects]))
    if "*" in names:
        raise CannotTranslate("UNION BY NAME of *")
    for side, query in (("this", left), ("expression", right)):
        own = set(query.named_selects)
        columns = [
            exp.column(name, quoted=True) if name in own else exp.alias_(exp.null(), name, quoted=True)
            for name in names
        ]
        node.set(side, exp.select(*columns).from_(query.copy().subquery("side")))
    node.set("by_name", None)
    return node


def _date_trunc(node: exp.Expression, types: Types) -> exp.Expression:
    """A date that is cut is a time without a zone in DuckDB: one that shows itself has none in Spark either."""
    if types.of(node.this) == DATE and not isinstance(node.parent, exp.Cast):
        return cast(node.copy(), "TIMESTAMP_NTZ")
    return node


def _table(node: exp.Expression, _: Types) -> exp.Expression:
    if isinstance(node.this, exp.GenerateSeries):
        return _range(node)
    if not isinstance(node.this, exp.Identifier) or node.args.get("db"):
        raise CannotTranslate(f"reading from {node.sql(dialect='duckdb')[:60]}")
    return node


def _range(node: exp.Expression) -> exp.Expression:
    """range(a, b) as a table of numbers; what it is called stays."""
    series = node.this
    if not series.args.get("is_end_exclusive"):
        raise CannotTranslate("generate_series as a table; use range")
    bounds = [bound for bound in (series.args.get("start"), series.args.get("end"), series.args.get("step")) if bound]
    node.set("this", call("range", *bounds))
    return node


def _cte(node: exp.Expression, _: Types) -> exp.Expression:
    node.set("materialized", None)
    return node


def _average(node: exp.Expression, types: Types) -> exp.Expression:
    if types.of(node.this) not in {exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT}:
        node.set("this", cast(node.this, "DOUBLE"))
    return node


def _select(node: exp.Expression, types: Types) -> exp.Expression:
    """QUALIFY is a condition on the finished rows: they are made first, each with whether it is kept."""
    node = unnested(node, types)
    qualify = node.args.get("qualify")
    if qualify is None:
        return node
    assert isinstance(node, exp.Select)
    inner, moved = node.copy(), {part: node.args.get(part) for part in ("with_", "order", "limit")}
    for part in ("qualify", *moved):
        inner.set(part, None)
    inner = inner.select(exp.alias_(qualify.this.copy(), KEPT), copy=False)
    star = exp.Star(except_=[exp.to_identifier(KEPT)])
    outer = exp.select(star).from_(inner.subquery("judged")).where(exp.column(KEPT))
    for part, value in moved.items():
        if value is not None:
            outer.set(part, value.copy())
    for column in outer.args["order"].find_all(exp.Column) if moved["order"] is not None else ():
        column.set("table", None)
    return outer


def _weekday(node: exp.Expression, _: Types) -> exp.Expression:
    """isodow: Monday is 1. dayofweek: Sunday is 0."""
    if isinstance(node, exp.DayOfWeekIso):
        return exp.Paren(this=exp.Add(this=call("weekday", node.this), expression=exp.Literal.number(1)))
    return exp.Paren(this=exp.Sub(this=call("dayofweek", node.this), expression=exp.Literal.number(1)))


def _map(node: exp.Expression, _: Types) -> exp.Expression:
    """MAP {'a': 'b'} is map('a', 'b')."""
    fields = node.this.expressions
    if not all(isinstance(field, exp.PropertyEQ) for field in fields):
        raise CannotTranslate("a MAP of lists")
    pairs = [part for field in fields for part in (exp.Literal.string(field.this.name), field.expression)]
    made = call("map", *pairs)
    return made if fields else cast(made, "MAP<STRING, STRING>")


def _grouping(node: exp.Expression, _: Types) -> exp.Expression:
    """grouping(a, b) has one bit each, a's the highest."""
    columns = node.expressions
    bits = [
        exp.Mul(
            this=cast(call("grouping", column), "BIGINT"), expression=exp.Literal.number(2 ** (len(columns) - 1 - n))
        )
        for n, column in enumerate(columns)
    ]
    made: exp.Expression = bits[0]
    for bit in bits[1:]:
        made = exp.Add(this=made, expression=bit)
    return exp.Paren(this=made)


def _any_value(node: exp.Expression, _: Types) -> exp.Expression:
    """DuckDB's is one that is there."""
    return call("any_value", node.this, exp.true())


def _finite(number: exp.Expression) -> exp.Expression:
    return exp.LT(this=call("abs", number), expression=cast(exp.Literal.string("Infinity"), "DOUBLE"))


def _refused(node: exp.Expression, _: Types) -> exp.Expression:
    raise CannotTranslate(f"{node.sql(dialect='duckdb')[:60]}")


# Functions by name that sqlglot does not know as DuckDB's, and how Spark spells them; every other one is refused.
NAMED: Final[Mapping[str, Callable[[list[exp.Expression]], exp.Expression]]] = {
    "hash": _hash,
    "json_valid": lambda given: valid_json(given[0]),
    "bit_count": lambda given: without_bits(given[0]),
    "list_extract": lambda given: call("try_element_at", given[0], cast(given[1], "INT")),
    "error": lambda given: call("raise_error", *given),
    "epoch_us": lambda given: call("unix_micros", *given),
    "strlen": lambda given: call("octet_length", *given),
    "regexp_split_to_array": split,
    "json_exists": json_exists,
    "list_sum": summed,
    "isfinite": lambda given: _finite(given[0]),
}
RULES: Final[Mapping[type[exp.Expression], Callable[[exp.Expression, Types], exp.Expression]]] = {
    exp.Literal: escaped,
    exp.Anonymous: _anonymous,
    exp.Div: _divide,
    exp.Sub: _subtract,
    exp.Add: _date_and_days,
    exp.ArgMax: _argument_of_extreme,
    exp.ArgMin: _argument_of_extreme,
    exp.ArrayAgg: list_aggregate,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Bracket: _bracket,
    exp.Union: _by_name,
    exp.Escape: _escape,
    exp.Like: _like,
    exp.ILike: _like,
    exp.TimestampTrunc: _date_trunc,
    exp.DateTrunc: _date_trunc,
    exp.JSONExtractScalar: json_value,
    exp.RegexpLike: matched,
    exp.Table: _table,
    exp.CTE: _cte,
    exp.Avg: _average,
    exp.Select: _select,
    exp.ToMap: _map,
    exp.DayOfWeekIso: _weekday,
    exp.DayOfWeek: _weekday,
    exp.Grouping: _grouping,
    exp.Median: _refused,
    exp.PercentileCont: _refused,
    exp.Quantile: _refused,
    exp.RegexpReplace: replaced,
    exp.RegexpFullMatch: matched_whole,
    exp.DPipe: joined,
    exp.JSONType: json_type,
    exp.JSONExtract: json_extract,
    exp.JSONKeys: json_keys,
    exp.Min: least_entries,
    exp.AnyValue: _any_value,
    exp.Flatten: flattened,
    exp.ArrayContains: contained,
    exp.PercentileDisc: discrete,
    exp.ArrayOverlaps: lambda node, _: call("arrays_overlap", node.this, node.expression),
    exp.ParseJSON: lambda node, _: node.this.copy(),  # a document stays text
    exp.RegexpExtract: _refused,
}
