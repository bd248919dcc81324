"""An answer as something to compare: columns and rows, each value with its type and digits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fiscus.kernel.rows import Rows


def shown(answer: Rows, sql: str) -> tuple[tuple[str, ...], list[object]]:
    """Rows in their order where the text asks for one, else in one of ours."""
    answer = _without(
        answer, "fingerprint"
    )  # of an allocation's inputs: a hash of the engine's own, kept with what it allocated
    rows: list[object] = [tuple(_value(value) for value in row) for row in answer.rows]
    ordered = "ORDER BY" in sql.rsplit(")", 1)[-1].upper()
    return answer.columns, rows if ordered else sorted(rows, key=repr)


def _value(value: object) -> object:
    match value:
        case datetime():
            return "time", value.isoformat()
        case Mapping():
            return "map", sorted((key, _value(item)) for key, item in value.items())
        case list() | tuple():
            return [_value(item) for item in value]
        case bool() | int() | str() | None:
            return value
    return type(value).__name__, str(value)


def _without(answer: Rows, name: str) -> Rows:
    if name not in answer.columns:
        return answer
    at = answer.columns.index(name)
    return Rows(answer.columns[:at] + answer.columns[at + 1 :], tuple(row[:at] + row[at + 1 :] for row in answer.rows))
