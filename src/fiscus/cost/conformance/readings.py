"""How a raw value is read: SQL for `name(Column)` in a test, by the kind that the column was delivered in.

Each reading is computed once a row however many rules ask for it. `number` is read as DOUBLE: it is compared, never summed.
Sources: attributes NumericFormat, DateTimeFormat, UnitFormat, CurrencyFormat, KeyValueFormat and JsonObjectFormat of FOCUS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fiscus.cost.conformance.currencies import ISO_4217

Kind = str
SPELLED_MAX: Final = 30
"""Words that are listed one by one. More of them are one text, which the desk takes apart once: a list takes longer to plan."""


def among(said: str, words: Sequence[str]) -> str:
    """SQL: whether `said` is one of `words`; of nothing, nothing is known."""
    quoted = [word.replace("'", "''") for word in words]
    if len(words) <= SPELLED_MAX or any("|" in word for word in words):
        return f"{said} IN (" + ", ".join(f"'{word}'" for word in quoted) + ")"
    return f"list_contains(string_split('{'|'.join(quoted)}', '|'), {said})"


UNIT_WORD: Final = r"[A-Za-z%°µ][A-Za-z0-9%°µ.\-]*( [A-Za-z0-9%°µ][A-Za-z0-9%°µ.\-]*)*"
UNIT: Final = rf"([0-9]+ )?{UNIT_WORD}([-/]([0-9]+ )?{UNIT_WORD})?"
_CURRENCY: Final = among("{x}", sorted(ISO_4217))

_DECIMALS: Final = (
    "length(split_part(split_part(lower({x}), 'e', 1), '.', 2))"
    " - coalesce(TRY_CAST(nullif(split_part(lower({x}), 'e', 2), '') AS INTEGER), 0)"
)
_WRITTEN: Final = f"least(12, {_DECIMALS.replace('{x}', 'CAST({x} AS VARCHAR)')})"

_LOOSE: Final = (
    r"((regexp_matches({x}, ',\s*[}\]]') OR contains({x}, 'NaN') OR contains({x}, 'Infinity')) AND"
    r""" regexp_matches(regexp_replace({x}, '"(\\.|[^"\\])*"', '""', 'g'), ',\s*[}\]]|NaN|Infinity'))"""
)
"""What DuckDB reads as JSON and no standard does, outside of texts: a comma before the end, NaN, an infinity."""

_TEXT: Final[Mapping[str, str]] = {
    "number": "TRY_CAST({x} AS DOUBLE)",
    "amount": "TRY_CAST({x} AS DECIMAL(38,12))",
    "moment": "TRY_CAST({x} AS TIMESTAMP)",
    "is_number": "least(TRY_CAST({x} AS DOUBLE) IS NOT NULL, regexp_full_match({x}, '[-0-9.eE]*'))",
    "is_decimal": "(TRY_CAST({x} AS DOUBLE) IS NOT NULL)",
    "is_time": "least({x} LIKE '____-__-__T__:__:__Z', TRY_CAST({x} AS TIMESTAMP) IS NOT NULL)",
    "is_moment": "(TRY_CAST({x} AS TIMESTAMP) IS NOT NULL)",
    "is_blank": "CASE WHEN {x} < '!' THEN trim({x}) = '' ELSE false END",
    "is_unit": f"regexp_full_match({{x}}, '{UNIT}')",
    "is_currency": f"({_CURRENCY})",
    "is_currency_or_virtual": f"({_CURRENCY} OR NOT regexp_full_match({{x}}, '[A-Za-z]{{3}}| *'))",
    "is_json": "(json_valid({x}) AND CASE WHEN json_valid({x}) THEN json_type({x}) END = 'OBJECT')",
    "json": "CASE WHEN json_valid({x}) THEN CAST({x} AS JSON) END",
    "elements": "CASE WHEN json_valid({x}) THEN json_extract({x}, '$.Elements[*]') END",
    "key_list": "CASE WHEN json_valid({x}) AND CASE WHEN json_valid({x}) THEN json_type({x}) END = 'OBJECT'"
    " THEN json_keys({x}) END",
    "is_flat": "(json_valid({x}) AND CASE WHEN json_valid({x}) THEN json_type({x}) END = 'OBJECT'"
    " AND NOT CASE WHEN json_valid({x}) THEN list_has_any(json_type({x}, '$.*'), ['OBJECT', 'ARRAY']) END)",
    "is_loose": _LOOSE,
    "decimals": _DECIMALS,
    "factor_decimals": _DECIMALS,
    "text": "{x}",
}
# A CASE, or it would pass for a reading that tells whether {x} is there.
_NEVER: Final = "CASE WHEN false THEN CAST(NULL AS {}) END"
_NO_TEXT: Final = _NEVER.format("VARCHAR")  # what has a type was not written down: how it is spelled is nobody's fault
_NUMBER: Final[Mapping[str, str]] = {
    **_TEXT,
    "number": "CAST({x} AS DOUBLE)",
    "is_number": "isfinite(CAST({x} AS DOUBLE))",
    "is_decimal": "true",
    "is_blank": "false",
    "text": _NO_TEXT,
    "moment": _NEVER.format("TIMESTAMP"),
    "is_time": "false",
    "is_moment": "false",
    "decimals": _WRITTEN,
    "factor_decimals": f"CASE WHEN {{x}} = floor({{x}}) THEN 0 ELSE {_WRITTEN} END",  # a whole DOUBLE is spelled 4.0
}
_STRIPPED: Final = (
    "CASE WHEN contains(CAST({x} AS VARCHAR), '.')"
    " THEN greatest(1, length(regexp_replace(split_part(CAST({x} AS VARCHAR), '.', 2), '0+$', '', 'g'))) ELSE 0 END"
)
_EXACT: Final[Mapping[str, str]] = {
    **_NUMBER,
    "is_number": "true",
    "decimals": _STRIPPED,
    "factor_decimals": f"CASE WHEN {{x}} = floor({{x}}) THEN 0 ELSE {_STRIPPED} END",
}
"""Whole numbers and decimals: none is infinite, and the zeros at the end of a decimal are its type's: nobody wrote them."""
_TIME: Final[Mapping[str, str]] = {
    **_TEXT,
    "moment": "CAST({x} AS TIMESTAMP)",
    "is_time": "true",
    "is_moment": "true",
    "is_blank": "false",
    "text": _NO_TEXT,
    "number": _NEVER.format("DOUBLE"),
    "amount": _NEVER.format("DECIMAL(38,12)"),
    "is_number": "false",
    "is_decimal": "false",
}
_PLAIN: Final[Mapping[str, str]] = {**_TEXT, "is_blank": "false"}
"""Text of a delivery in which no text is blank."""
READINGS: Final[Mapping[Kind, Mapping[str, str]]] = {
    "text": _TEXT,
    "plain": _PLAIN,
    "number": _NUMBER,
    "exact": _EXACT,
    "time": _TIME,
    "other": _TEXT,
}

_CALL: Final = re.compile(rf"\b({'|'.join(sorted(_TEXT, key=len, reverse=True))})\(([A-Za-z_]\w*)\)")

_MISSES: Final = re.compile(r"\bmisses\((\w+), (\w+), (\w+)\)")
"""Whether the first two do not multiply to the third, at nine digits: asked by several rules, computed once a row."""


_FILLED: Final = re.compile(r"\b(number|amount|moment)\((\w+)\) IS (NOT )?NULL")
"""A value with a type of its own reads as nothing only where there is none."""
_LAZY: Final = frozenset({"decimals", "factor_decimals"})
"""Readings that are dear and stand behind a CASE: read where it is met, not on every row."""


def alias_readings(sql: str, kind_of: Callable[[str], Kind], needed: dict[str, str]) -> str:
    """`sql` with each `reading(Column)` replaced by a name; `needed` gains name -> SQL of those not seen before."""

    def filled(call: re.Match[str]) -> str:
        typed = kind_of(call[2]) in ({"time"} if call[1] == "moment" else {"number", "exact"})
        return f"{call[2]} IS {call[3] or ''}NULL" if typed else call[0]

    def missed(call: re.Match[str]) -> str:
        a, b, result = (READINGS[kind_of(name)]["number"].replace("{x}", f'"{name}"') for name in call.groups())
        name = f"misses__{'__'.join(call.groups())}"
        needed[name] = f"abs({a} * {b} - {result}) > 1e-9 * abs({result})"
        return name

    def named(call: re.Match[str]) -> str:
        reading, column = call.groups()
        said = READINGS[kind_of(column)][reading]
        if said in {"true", "false"}:
            return said
        if reading in _LAZY:
            return "(" + said.replace("{x}", f'"{column}"') + ")"
        name = f"{reading}__{column}"
        needed[name] = said.replace("{x}", f'"{column}"')
        return name

    return _CALL.sub(named, _MISSES.sub(missed, _FILLED.sub(filled, sql)))


_BLANK: Final = re.compile(r"\bis_blank\((\w+)\)")


def blanks_of(*texts: str) -> frozenset[str]:
    """The columns that these conditions ask for blank text."""
    return frozenset(column for sql in texts for column in _BLANK.findall(sql))


def spell_readings(sql: str, kind_of: Callable[[str], Kind]) -> str:
    """`sql` with each `reading(Column)` written out in place: for statements that are asked alone."""
    return _CALL.sub(lambda c: READINGS[kind_of(c[2])][c[1]].replace("{x}", f'"{c[2]}"'), sql)
