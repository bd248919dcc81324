"""Rules of the attributes (NumericFormat, DateTimeFormat, ...): asked of every column that is written in the format.

Values that are well formed keep every rule of their format, so only columns that hold others are looked at in detail. Of JSON
that is not so: a valid object may hold a key twice. Its values are asked by `hidden_sql`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fiscus.cost.conformance.readings import spell_readings
from fiscus.cost.conformance.row_tests import RowTest
from fiscus.cost.conformance.sku_properties import unit_faults
from fiscus.cost.conformance.types import DeliveredColumn, FocusColumn

_NOTHING: Final = ("null", "none", "nan", "n/a", "na", "<null>", "\\\\n", "not applicable", "unknown", "-", "undefined")
_LISTED: Final = "||" + "|".join(_NOTHING) + "|"
_LOWER: Final = ", ".join(f"'{word}'" for word in _NOTHING)
WORDS: Final = frozenset({"any", "text", "required_text", "custom_text"})
"""Kinds of rules that only a blank text or a word for nothing can break."""
_SHORT: Final = "CASE WHEN strlen({x}) IN (1, 2, 3, 4, 6, 7, 9, 14) THEN"  # no word for nothing has another length
WELL_FORMED: Final = {
    "number": "is_number({x})",
    "time": "is_time({x})",
    "currency": "is_currency({x})",
    "unit": "NOT ({miscased} OR {unlisted}) AND is_unit({x})",
    "json": "is_json({x})",
    "keyvalue": "is_flat({x})",
    "any": f"NOT ({_SHORT} lower({{x}}) IN ('null', 'none', 'nan', 'n/a', 'na', '<null>') ELSE false END)",
    "text": "NOT (is_blank({x}) OR "
    f"{_SHORT} lower({{x}}) IN ('not applicable', 'n/a', 'unknown', '-', 'undefined') ELSE false END)",
}
HIDING: Final = frozenset({"json", "keyvalue"})
"""Kinds whose well formed values may break a rule of their format all the same."""
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
    custom = [column for column in delivered if column.name.startswith("x_") and column.kind != "other"]
    if kind in _FORMAT_OF:
        return [c.name for c in known if focus[c.name].format.startswith(_FORMAT_OF[kind])]
    if kind == "names":
        return [c.name for c in known if c.kind == "text" and c.name.endswith(("Name", "Description", "Tags"))]
    if kind in _CUSTOM_ENDINGS:
        return [c.name for c in custom if c.name.endswith(_CUSTOM_ENDINGS[kind])]
    if kind == "custom_text":
        return [c.name for c in custom if c.kind == "text"]
    if kind == "any":
        return [c.name for c in known if c.kind == "text"]
    texts = [c.name for c in known if c.kind == "text" and focus[c.name].type == "String"]
    return [name for name in texts if not focus[name].nulls] if kind == "required_text" else texts


def odd_words(delivered: Sequence[DeliveredColumn], focus: Mapping[str, FocusColumn]) -> Mapping[str, RowTest]:
    """By column: whether a text of it is blank or a word for nothing. Nearly none is, and then nothing else asks.

    Text of a CSV file is compared with the words as they are commonly written, once its length allows one; of Parquet, functions
    of one column are computed once for each repeated value. Numbers and times are not asked: a word is no number.
    """
    tests: dict[str, RowTest] = {}
    for column in delivered:
        if column.kind == "text" and not is_typed(column.name, focus):
            x = f'"{column.name}"'
            if column.native == "CSV":
                said = f"CASE WHEN strlen({x}) <= 14 THEN {x} < '!' OR lower({x}) IN ({_LOWER}) ELSE {x} < '!' END"
            else:
                said = f"contains('{_LISTED}', '|' || lower(trim({x})) || '|')"
            tests[column.name] = RowTest("true", f"coalesce({said}, false)")
    return tests


def is_typed(column: str, focus: Mapping[str, FocusColumn]) -> bool:
    """Whether FOCUS calls the column a number or a time."""
    return column in focus and focus[column].type in {"Decimal", "Date/Time"}


def screen(kind: str, columns: Sequence[str], focus: Mapping[str, FocusColumn]) -> Mapping[str, RowTest]:
    """One test a column: does it hold a value that is not well formed? By column; empty for kinds that are asked directly."""
    if kind not in WELL_FORMED:
        return {}
    form_of = {
        c: WELL_FORMED[("number" if focus[c].type == "Decimal" else "time") if is_typed(c, focus) else kind]
        for c in columns
    }
    return {
        column: RowTest(f"{column} IS NOT NULL", f"NOT coalesce({_said(form_of[column], column)}, false)")
        for column in columns
    }


def hidden_sql(column: str, faults: Sequence[str]) -> str:
    """The statement that counts the values of `column`, each once, that show one of `faults` though they may be well formed."""
    shown = " OR ".join(
        f"coalesce({spell_readings(_said(fault, 'value'), lambda _: 'text')}, false)" for fault in faults
    )
    # any_value keeps the faults from being asked of every row: what is grouped by would be.
    values = f"SELECT any_value({column}) AS value FROM delivery WHERE {column} IS NOT NULL GROUP BY {column}"
    return f"SELECT count_if({shown}) FROM ({values})"


def detail(fault: str, columns: Sequence[str]) -> RowTest:
    """The rule itself, over `columns`: broken where one of them shows the fault."""
    judged = " OR ".join(f"{column} IS NOT NULL" for column in columns)
    broken = " OR ".join(f"coalesce({_guarded(_said(fault, c), c)}, false)" for c in columns)
    return RowTest(f"({judged})", f"({broken})")


def _guarded(said: str, column: str) -> str:
    """A plain function says nothing of nothing, and is asked once for each repeated value; anything else stands behind a CASE."""
    return said if said.startswith("contains(") else f"CASE WHEN {column} IS NOT NULL THEN {said} END"


def _said(text: str, column: str) -> str:
    miscased, unlisted = unit_faults(column)
    text = text.replace("{miscased}", miscased).replace("{unlisted}", unlisted)
    text = text.replace("unit_miscased({x})", miscased).replace("unit_unlisted({x})", unlisted)
    return text.replace("{x}", column)
