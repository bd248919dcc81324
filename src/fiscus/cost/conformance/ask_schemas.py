"""JSON columns against the schema of their object: each distinct text is validated once.

Schemas of FOCUS 1.4 under `data/schemas-1.4` (CC-BY-4.0), without their descriptions.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from fiscus.cost.conformance.ask_groups import Groups
from fiscus.cost.conformance.patterns import CURRENCY, SHOWN
from fiscus.cost.conformance.ports import Desk
from fiscus.kernel.money import EXACT

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


def ask_schema(desk: Desk, column: str, name: str, money: str) -> Groups:
    """Rows whose text breaks the schema, with the first faults. `money`: SQL of what rows of one currency cost together."""
    rows = desk.query(
        f"SELECT {column}, {CURRENCY}, count(*), min(x__row), {money or 'NULL'} FROM delivery WHERE {column} IS NOT NULL"
        f" GROUP BY {column}, {CURRENCY} ORDER BY count(*) DESC, min(x__row) LIMIT {TEXTS_MAX + 1}"
    ).rows
    fault_of = cache(partial(_fault, schema_named(name)))
    faults = [
        (int(str(place)), int(str(count)), fault, str(currency or "without currency"), cost)
        for text, currency, count, place, cost in rows[:TEXTS_MAX]
        if (fault := fault_of(str(text)))
    ]
    costs: dict[str, Decimal] = {}
    for *_, currency, cost in faults:
        if isinstance(cost, Decimal) and cost:
            costs[currency] = EXACT.add(costs.get(currency, Decimal(0)), cost)
    first = sorted(fault[:3] for fault in faults)[:SHOWN]
    return Groups(
        broken=sum(fault[1] for fault in faults),
        places=tuple(f"{desk.place(place)}: {fault[:FAULT_CHARS_MAX]}" for place, _, fault in first),
        money=dict(sorted(costs.items())),
        note=f"only the {TEXTS_MAX:,} most frequent texts were held against the schema"
        if len(rows) > TEXTS_MAX
        else "",
    )


def _refused(constant: str) -> None:
    raise ValueError(constant)  # NaN and the infinities: Python reads them, JSON has none


def _fault(validator: Draft202012Validator, text: str) -> str:
    try:
        value: Any = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return "is no JSON"
    error = next(iter(validator.iter_errors(value)), None)
    return "" if error is None else f"{error.json_path}: {error.message}"
