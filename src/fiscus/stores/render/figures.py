"""How one cell reads on paper: decimals by unit, thousands separated, negatives in parentheses, estimates marked."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from fiscus.board.types import ESTIMATE
from fiscus.kernel.money import display

NOTHING: Final = "–"
TEXT_UNITS: Final = frozenset({"text", "date"})
_PLACES: Final = {"%": 1, "P": 2, "count": 0, "millions": 0}


def places_of(unit: str) -> int:
    """Decimals of a unit on paper: prices of one thing need four, money in a table none."""
    plain = unit.removeprefix(ESTIMATE)
    return 4 if " per " in plain else _PLACES.get(plain, 0)


def is_number(unit: str) -> bool:
    """Whether a column of this unit stands right-aligned."""
    return unit not in TEXT_UNITS


def cell(value: object, unit: str) -> str:
    """One cell as text. A closing parenthesis is the caller's to align."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return number(Decimal(value), unit)
    if isinstance(value, datetime | date):
        return f"{value.day} {value:%b %Y}"
    return str(value)


def number(value: Decimal, unit: str) -> str:
    """A number by its unit; what is not nothing never reads 0, and no simulation is certain."""
    mark = ESTIMATE if unit.startswith(ESTIMATE) and value else ""  # nothing is nothing, not about nothing
    plain = unit.removeprefix(ESTIMATE)
    if plain == "P":
        return "> 0.99" if value >= Decimal("0.995") else "< 0.01" if value < Decimal("0.005") else f"{value:.2f}"
    places = places_of(unit)
    if value and abs(value) < Decimal("0.5").scaleb(-places):
        least = Decimal(1).scaleb(-places)
        return f"{mark}< {least}" if value > 0 else f"{mark}(< {least})"
    return mark + display(value, places)


def heading(name: str, unit: str) -> str:
    """The head of a column with its unit, where the unit says more than the name."""
    plain = unit.removeprefix(ESTIMATE)
    silent = {"text", "date", "count", "P", "own currency"}
    return name if plain in silent or "%" in name or " per " in plain else f"{name}, {plain}"
