"""What can be said of a file that lacks a column: that it lacks it, not that the column is empty on every row.

Else a rule would ask to empty one column because another, which it goes with, was not delivered. Where FOCUS lets a column be
absent, what a condition says it is not, it is not: no charge of a vendor without commitments is Unused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from fiscus.cost.conformance.types import Check, FocusColumn

_EMPTY: Final = re.compile(r"\b(\w+) IS NULL\b")
_NAME: Final = re.compile(r"'(?:[^']|'')*'|\b([A-Z][A-Za-z]+)\b")


@dataclass(frozen=True, slots=True)
class Lost:
    """A condition that no row can be said to meet, for want of `column`."""

    column: str


def sayable_of(check: Check, delivered: Collection[str], focus: Mapping[str, FocusColumn]) -> Check | Lost:
    """`check`, a condition, without the alternatives that nothing can be said of."""
    if not isinstance(check, list):
        return check
    function, *operands = check
    if function not in {"AND", "OR"}:
        column, value = str(operands[0]), operands[-1]
        if column in delivered or column not in focus:
            return check
        emptied = function == "CheckValue" and value is None
        denied = function == "CheckNotValue" and value is not None and not focus[column].nulls
        return Lost(column) if emptied or denied else check
    parts = [sayable_of(part, delivered, focus) for part in operands]  # type: ignore[arg-type]  # they are checks
    lost = [part for part in parts if isinstance(part, Lost)]
    if lost and (function == "AND" or len(lost) == len(parts)):
        return lost[0]
    return [function, *(part for part in parts if not isinstance(part, Lost))]


def sayable_sql(when: str, delivered: Collection[str], focus: Mapping[str, FocusColumn]) -> str:
    """`when`, SQL of a condition: a column that is not there is empty on no row."""
    return _EMPTY.sub(lambda said: "false" if _is_lost(said[1], delivered, focus) else said[0], when)


def lost_in(holds: str, delivered: Collection[str], focus: Mapping[str, FocusColumn]) -> str:
    """A column that the file lacks and `holds` asks for; not one of which it says itself what is so without it."""
    for found in _NAME.finditer(holds):
        name = found[1] or ""
        if _is_lost(name, delivered, focus) and (
            f"{name} IS NOT NULL" in holds or not re.search(rf"\b{name}\)? IS (NULL|DISTINCT)", holds)
        ):
            return name
    return ""


def _is_lost(name: str, delivered: Collection[str], focus: Mapping[str, FocusColumn]) -> bool:
    return name in focus and name not in delivered
