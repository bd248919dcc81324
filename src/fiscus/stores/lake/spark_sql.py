"""One SQL text for every engine: DuckDB's dialect as Spark SQL that means the same, to the last digit.

sqlglot writes the syntax; `spark_rules` writes what the two engines mean differently. A text that cannot be carried over is
refused by name: it never runs as something else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.spark import Spark
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.tokens import TokenType

from fiscus.kernel.errors import BadQuery, FiscusError
from fiscus.stores.lake.spark_nodes import CannotTranslate, Types
from fiscus.stores.lake.spark_rules import rewritten

PLAIN_NAME: Final = re.compile(r"[A-Za-z_]\w*")  # needs no quotes
Schema = Mapping[str, Mapping[str, str]]  # view -> column -> DuckDB type
REMEDY: Final = (
    "Write it with what both engines have (docs/how-to/spark.md), or ask it of a workspace with engine: duckdb."
)


def parsed(sql: str) -> exp.Query:
    """The one query of `sql`. Raises BadQuery where it does not parse, is several, or is something other than a SELECT."""
    try:
        tokens = DuckDB().tokenize(sql)
        for token, after in zip(tokens, [*tokens[1:], None], strict=True):
            if token.token_type in {TokenType.CUBE, TokenType.ROLLUP} and (
                after is None or after.token_type is not TokenType.L_PAREN
            ):
                token.token_type = TokenType.VAR  # a name, as DuckDB reads it
        statements = [one for one in DuckDB().parser().parse(tokens, sql) if one is not None]
    except SqlglotError as broken:
        raise BadQuery(f"The SQL does not parse: {_first_line(broken)}", remedy="Mend it and ask again.") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise BadQuery(
            "Only one SELECT can be asked", remedy="Query the view `charges`; nothing can be changed from here."
        )
    return statements[0]


def spark_sql(query: exp.Query, params: Mapping[str, object] | None, schema: Schema) -> str:
    """`query` (parsed by `parsed`) with its `$name` parameters written out, in Spark's dialect. Raises BadQuery."""
    try:
        bound = _expanded(_named(_bound(query, params or {})), schema)
        return Spark().generate(
            rewritten(bound, _types(bound, schema)), copy=False, unsupported_level=sqlglot.ErrorLevel.RAISE
        )
    except (CannotTranslate, SqlglotError) as refused:
        raise BadQuery(f"The Spark engine cannot run this: {_first_line(refused)}", remedy=REMEDY) from None


def _bound(query: exp.Query, params: Mapping[str, object]) -> exp.Query:
    def bind(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Parameter | exp.Placeholder):
            return node
        name = node.name
        if name not in params:
            raise BadQuery(f"The parameter ${name} has no value", remedy="Give it one.")
        return literal(params[name])

    return query.copy().transform(bind)


def _named(query: exp.Query) -> exp.Query:
    """Columns without a name get DuckDB's: the expression, as it is written."""
    first = query
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    if isinstance(first, exp.Select):
        for item in first.expressions:
            if not item.output_name and not item.is_star and not item.find(exp.Star, exp.Explode):
                item.replace(
                    exp.alias_(item.copy(), item.sql(dialect="duckdb", normalize_functions="lower"), quoted=True)
                )
            elif isinstance(item, exp.Count) and item.is_star is False and isinstance(item.this, exp.Star):
                item.replace(exp.alias_(item.copy(), "count_star()", quoted=True))
    return query


def literal(value: object) -> exp.Expression:  # noqa: PLR0911  one a type, in one table
    """A Python value as the constant that DuckDB would bind: its type is written out."""
    match value:
        case None:
            return exp.null()
        case bool():
            return exp.Boolean(this=value)
        case int():
            return _typed(
                str(value),
                "INT" if -(2**31) <= value < 2**31 else "BIGINT" if -(2**63) <= value < 2**63 else "DECIMAL(38, 0)",
            )
        case Decimal():
            return _decimal(value)
        case float():
            return _typed(repr(value), "DOUBLE")
        case datetime():
            return _typed(value.isoformat(sep=" "), "TIMESTAMPTZ")
        case date():
            return _typed(value.isoformat(), "DATE")
        case str():
            return exp.Literal.string(value)
        case list() | tuple():
            return exp.Array(expressions=[literal(item) for item in value])
    raise CannotTranslate(f"a parameter of type {type(value).__name__}")


def _typed(text: str, kind: str) -> exp.Expression:
    return exp.cast(exp.Literal.string(text), kind, dialect="duckdb")


def _decimal(value: Decimal) -> exp.Expression:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise CannotTranslate(f"the number {value}")
    scale = max(0, -exponent)
    return _typed(f"{value:f}", f"DECIMAL({max(len(digits) + max(exponent, 0), scale, 1)}, {scale})")


def _expanded(query: exp.Query, schema: Schema) -> exp.Query:
    """`* REPLACE (...)` with its columns written out: Spark has no such thing."""
    if not any(star.args.get("replace") for star in query.find_all(exp.Star)):
        return query
    spelt = {name.name.lower(): name.name for name in query.find_all(exp.Identifier)}
    spelt |= {column.lower(): column for columns in schema.values() for column in columns}
    whole = _qualified(query, schema)
    assert isinstance(whole, exp.Query)
    for name in whole.find_all(
        exp.Identifier
    ):  # written out as a bare name in small letters; x_Tag_cost-centre is one too
        name.set("this", spelt.get(name.name, name.name))
        name.set("quoted", name.quoted or not PLAIN_NAME.fullmatch(name.name))
    return whole


def _qualified(query: exp.Query, schema: Schema) -> exp.Expression:
    return qualify(
        query, schema=dict(schema), dialect="duckdb", validate_qualify_columns=False, quote_identifiers=False,
        allow_partial_qualification=True,
    )  # fmt: skip


def _types(query: exp.Query, schema: Schema) -> Types:
    """The type of each expression, by the number that `rewritten` finds in its meta. What is not known is left out."""
    for number, node in enumerate(query.walk()):
        node.meta["n"] = number
    try:
        known = _qualified(query.copy(), schema)
        annotated = annotate_types(known, schema=dict(schema), dialect="duckdb")
    except (SqlglotError, KeyError, AttributeError, ValueError):
        return Types({})
    return Types({node.meta["n"]: node.type for node in annotated.walk() if "n" in node.meta and node.type is not None})


def _first_line(error: Exception) -> str:
    text = error.message if isinstance(error, FiscusError) else str(error)
    return text.splitlines()[0][:200] if text else type(error).__name__
