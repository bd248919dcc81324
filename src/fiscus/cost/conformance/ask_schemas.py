"""JSON columns against the schema of their object: each distinct text is validated once.

Schemas of FOCUS 1.4 under `data/schemas-1.4` (CC-BY-4.0), without their descriptions.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from fiscus.cost.conformance.ask_groups import Groups
from fiscus.cost.conformance.patterns import SHOWN
from fiscus.cost.conformance.ports import Desk

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

TEXTS_MAX: Final = 50_000  # distinct texts of one column that are validated; the most frequent ones
FAULT_CHARS_MAX: Final = 160


@cache
def schema_named(name: str) -> Draft202012Validator:
    """The validator of a column's object."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415  a tenth of a second that only JSON columns of 1.4 need

    path = resources.files("fiscus.cost.conformance").joinpath("data/schemas-1.4").joinpath(f"{name}.json")
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def ask_schema(desk: Desk, column: str, name: str) -> Groups:
    """Rows whose text breaks the schema, with the first faults."""
    rows = desk.query(
        f"SELECT {column}, count(*), min(x__row) FROM delivery WHERE {column} IS NOT NULL GROUP BY {column}"
        f" ORDER BY count(*) DESC, min(x__row) LIMIT {TEXTS_MAX}"
    ).rows
    validator = schema_named(name)
    faults = [
        (int(str(place)), int(str(count)), fault)
        for text, count, place in rows
        if (fault := _fault(validator, str(text)))
    ]
    first = sorted(faults)[:SHOWN]
    places = tuple(f"{desk.place(place)}: {fault[:FAULT_CHARS_MAX]}" for place, _, fault in first)
    return Groups(broken=sum(count for _, count, _ in faults), places=places)


def _fault(validator: Draft202012Validator, text: str) -> str:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return "is no JSON"
    error = next(iter(validator.iter_errors(value)), None)
    return "" if error is None else f"{error.json_path}: {error.message}"
