"""What DuckDB and Spark write differently, so that a condition means the same on both.

Spark's texts are for Spark 3.5 and later, ANSI mode or not: what may fail is written with its try_ function, and texts carry no
character that its parser would replace. A MAP that lacks a key gives NULL on both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fiscus.kernel.java_pattern import java_pattern


@dataclass(frozen=True, slots=True)
class Dialect:
    """Each field writes one thing: literals, amounts as billionths, arithmetic on 64 bits, keys, tests of texts."""

    text: Callable[[str], str]
    integer: Callable[[int], str]
    nanos: Callable[[str], str]
    arithmetic: Callable[[str, str, str], str]
    key: Callable[[str, str], str]
    detail: Callable[[str, str], str]
    text_tests: Mapping[str, str]
    matched: Callable[[str, str], str]


def quoted(text: str) -> str:
    """A SQL string literal of DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def _detail(column: str, key: str) -> str:
    path = quoted("/" + key.replace("~", "~0").replace("/", "~1"))  # JSON pointer (RFC 6901): no wildcards
    return f"(CASE WHEN json_valid({column}) THEN json_extract_string({column}, {path}) END)"


_DUCKDB: Final = Dialect(
    text=quoted,
    integer=lambda value: f"{value}::BIGINT",
    nanos=lambda column: f"TRY_CAST(TRY_CAST({column} AS DECIMAL(28,9)) * 1000000000 AS BIGINT)",
    arithmetic=lambda op, left, right: f"TRY_CAST(CAST({left} AS HUGEINT) {op} {right} AS BIGINT)",
    key=lambda column, key: f"{column}[{quoted(key)}]",
    detail=_detail,
    text_tests={"startsWith": "starts_with", "endsWith": "ends_with", "contains": "contains"},
    matched=lambda value, pattern: f"regexp_matches({value}, {quoted(pattern)})",
)


def _spark_text(text: str) -> str:
    """Backslash is an escape in Spark, ${...} is replaced, and two literals side by side are joined."""
    plain = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"')
    return "'" + plain.replace("'", "\\'").replace("$", "\\u0024") + "'"


_TRY: Final = {"+": "try_add", "-": "try_subtract", "*": "try_multiply"}
_SPARK: Final = Dialect(
    text=_spark_text,
    integer=lambda value: f"CAST('{value}' AS BIGINT)",
    nanos=lambda column: f"try_cast(try_cast({column} AS DECIMAL(28,9)) * CAST(1000000000 AS DECIMAL(10,0)) AS BIGINT)",
    arithmetic=lambda op, left, right: f"{_TRY[op]}(CAST({left} AS BIGINT), CAST({right} AS BIGINT))",
    key=lambda column, key: f"try_element_at({column}, {_spark_text(key)})",
    detail=lambda column, key: f"try_element_at(from_json({column}, 'map<string,string>'), {_spark_text(key)})",
    text_tests={"startsWith": "startswith", "endsWith": "endswith", "contains": "contains"},
    matched=lambda value, pattern: f"rlike({value}, {_spark_text(java_pattern(pattern))})",
)
DIALECTS: Final[Mapping[str, Dialect]] = {"duckdb": _DUCKDB, "spark": _SPARK}
