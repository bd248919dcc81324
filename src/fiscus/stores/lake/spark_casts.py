"""Text as numbers and times on Spark, read as DuckDB reads it; and numbers as the text that DuckDB writes.

Each engine takes writings that the other refuses (1d, 1_000, 2026, 2026/1/1): a text is cast where DuckDB would, of the form that
Spark understands. What is left is said in docs/how-to/spark.md: 24:00, infinity and epoch as times.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from fiscus.stores.lake.spark_nodes import call, cast, literal

DIGITS: Final = r"[0-9]+(?:_[0-9]+)*"
SPACE: Final = r"[ \t\n\x0B\f\r]*"
NUMBER: Final = rf"\A{SPACE}[+-]?(?:{DIGITS}\.?(?:{DIGITS})?|\.{DIGITS})(?:[eE][+-]?{DIGITS})?{SPACE}\z"
WORD: Final = rf"(?i)\A{SPACE}[+-]?(?:inf|infinity|nan){SPACE}\z"
NOT_OF_A_NUMBER: Final = r"[_ \t\n\x0B\f\r]"
CLOCK: Final = r"[T ] *([0-9]{1,2}:[0-9]{1,2})(:[0-9]{1,2}(?:\.[0-9]{1,6})?)?\.?[0-9]*"
ZONE: Final = r"(?: *(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)| [A-Za-z_]+(?:/[A-Za-z_]+)*)?"
TIME: Final = rf"\A{SPACE}([0-9]{{1,6}})([-/ \\])([0-9]{{1,2}})\2([0-9]{{1,2}})(?:{CLOCK}{ZONE} *)?\z"
EXPONENTS: Final = ((r"\.0E", "E"), (r"E([0-9])", "E+$1"), (r"E([+-])([0-9])\z", "E$10$2"), ("Infinity", "inf"))
DOUBLES: Final = {exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT}
MOMENTS: Final = {exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ}


def of_text(node: exp.Cast, source: exp.DataType.Type | None) -> exp.Expression | None:
    """TRY_CAST of a text to a number or a time. None: nothing to do."""
    to = node.to.this
    if not isinstance(node, exp.TryCast) or not (source is None or source in exp.DataType.TEXT_TYPES):
        return None
    text = cast(node.this, "STRING") if source is None else node.this
    if to in DOUBLES or to == exp.DataType.Type.DECIMAL:
        plain = call("regexp_replace", text, literal(NOT_OF_A_NUMBER), literal(""))
        forms = [NUMBER, WORD] if to in DOUBLES else [NUMBER]
        cases = [exp.If(this=_like(text, form), true=_try(plain, node.to)) for form in forms]
        return exp.Case(ifs=cases)
    if to in MOMENTS:
        return exp.Case(ifs=[exp.If(this=_like(text, TIME), true=_try(_moment(text), node.to))])
    return None


def _moment(text: exp.Expression) -> exp.Expression:
    """Year-month-day hour:minute:second, as Spark reads it: the zone plays no part in a time without one."""
    year = call("regexp_extract", text, literal(TIME), exp.Literal.number(1))
    width = call("greatest", exp.Literal.number(4), call("length", year))
    rest = call("regexp_replace", text, literal(TIME), literal("-$3-$4 $5$6"))
    return call("trim", call("concat", call("lpad", year, width, literal("0")), rest))


def double_as_text(number: exp.Expression) -> exp.Expression:
    """As DuckDB writes it: 0.12, 1.0, 20000000000.0; and from 10^16 on, or below 0.0001, 1e+16 and 1.5e-05."""
    size = call("abs", number)
    usual = exp.or_(
        exp.EQ(this=number.copy(), expression=exp.Literal.number(0)),
        exp.and_(
            exp.GTE(this=size.copy(), expression=exp.Literal.number("1e-4")),
            exp.LT(this=size.copy(), expression=exp.Literal.number("1e16")),
        ),
    )
    digits = cast(cast(number, "DECIMAL(38, 20)"), "STRING")
    written = cast(number, "STRING")
    for form, instead in EXPONENTS:
        written = call("regexp_replace", written, literal(form), literal(instead))  # type: ignore[assignment]  # still an expression
    return exp.Case(
        ifs=[exp.If(this=usual, true=call("regexp_replace", digits, literal(r"(\.[0-9]+?)0*\z"), literal("$1")))],
        default=call("lower", written),
    )


def _like(text: exp.Expression, form: str) -> exp.Expression:
    return exp.RegexpLike(this=text.copy(), expression=literal(form))


def _try(text: exp.Expression, kind: exp.DataType) -> exp.Expression:
    return call("try_cast", exp.Alias(this=text.copy(), alias=kind.copy()))
