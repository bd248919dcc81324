"""Rules of the attributes (NumericFormat, DateTimeFormat, ...): asked of every column that is written in the format.

Values that are well formed keep every rule of their format, so only columns that hold others are looked at in detail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fiscus.cost.conformance.row_tests import RowTest
from fiscus.cost.conformance.sku_properties import unit_faults
from fiscus.cost.conformance.types import DeliveredColumn, FocusColumn

WELL_FORMED: Final = {
    "number": "is_number({x})",
    "time": "is_time({x})",
    "currency": "is_currency({x})",
    "unit": "NOT ({miscased} OR {unlisted}) AND is_unit({x})",
    "json": "is_json({x})",
    "keyvalue": "is_flat({x})",
    "any": "NOT ({x} IN ('NULL', 'null', 'Null', 'None', 'none', 'NaN', 'nan', 'N/A', 'n/a', 'NA', 'na', '<null>'))",
    "text": "NOT (is_blank({x}) OR lower({x}) IN ('not applicable', 'n/a', 'unknown', '-', 'undefined'))",
}
_FORMAT_OF: Final = {
    "number": ("Numeric", "Decimal"),
    "time": ("Date/Time",),
    "currency": ("Currency",),
    "unit": ("Unit",),
    "keyvalue": ("Key-Value", "KeyValue"),
    "json": ("JSON",),
}
_CUSTOM_ENDINGS: Final = {
    "custom_number": ("Cost", "Price", "Quantity", "Rate", "Amount"),
    "custom_time": ("Start", "End", "Date", "Time", "Created", "Updated"),
    "custom_currency": ("Currency",),
}


def columns_for(kind: str, delivered: Sequence[DeliveredColumn], focus: Mapping[str, FocusColumn]) -> list[str]:
    """The delivered columns that an attribute rule of this kind speaks of."""
    known = [column for column in delivered if column.name in focus]
    custom = [column for column in delivered if column.name.startswith("x_")]
    if kind in _FORMAT_OF:
        return [c.name for c in known if focus[c.name].format.startswith(_FORMAT_OF[kind])]
    if kind in _CUSTOM_ENDINGS:
        return [c.name for c in custom if c.name.endswith(_CUSTOM_ENDINGS[kind])]
    if kind == "custom_text":
        return [c.name for c in custom if c.kind == "text"]
    if kind == "any":
        return [c.name for c in known if c.kind == "text"]
    texts = [c.name for c in known if c.kind == "text" and focus[c.name].type == "String"]
    return [name for name in texts if not focus[name].nulls] if kind == "required_text" else texts


def screen(kind: str, columns: Sequence[str]) -> Mapping[str, RowTest]:
    """One test a column: does it hold a value that is not well formed? By column; empty for kinds that are asked directly."""
    form = WELL_FORMED.get(kind)
    if form is None:
        return {}
    return {
        column: RowTest(f"{column} IS NOT NULL", f"{column} IS NOT NULL AND NOT coalesce({_said(form, column)}, false)")
        for column in columns
    }


def detail(fault: str, columns: Sequence[str]) -> RowTest:
    """The rule itself, over `columns`: broken where one of them shows the fault."""
    judged = " OR ".join(f"{column} IS NOT NULL" for column in columns)
    broken = " OR ".join(f"coalesce(CASE WHEN {c} IS NOT NULL THEN {_said(fault, c)} END, false)" for c in columns)
    return RowTest(f"({judged})", f"({broken})")


def _said(text: str, column: str) -> str:
    miscased, unlisted = unit_faults(column)
    text = text.replace("{miscased}", miscased).replace("{unlisted}", unlisted)
    text = text.replace("unit_miscased({x})", miscased).replace("unit_unlisted({x})", unlisted)
    return text.replace("{x}", column)
