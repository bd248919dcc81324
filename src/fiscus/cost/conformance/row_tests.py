"""Official checks of one row, compiled to SQL conditions: when a row is judged, and when it breaks the rule.

The language is the compact form of the requirements model (tools/import_focus_rules.py). A missing value breaks no rule but those
that ask for one: every condition is written so that it is never NULL. Checks inside JSON run element by element.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fiscus.cost.conformance.readings import among
from fiscus.cost.conformance.types import Check
from fiscus.kernel.errors import BadConfig

ALWAYS: Final = "true"
HALF: Final = 0.5000001  # a half, and what doubles leave of it
FACTORS_SHARE: Final = 0.01
_READING_OF: Final = {
    "TypeDecimal": "is_decimal",
    "TypeDateTime": "is_moment",
    "CheckDecimalValue": "is_decimal",
    "FormatNumeric": "is_number",
    "FormatDateTime": "is_time",
    "FormatUnit": "is_unit",
    "FormatCurrency": "is_currency_or_virtual",
    "CheckNationalCurrency": "is_currency",
    "FormatKeyValue": "is_flat",
    "FormatJSON": "is_json",
}
_JSON_TYPES: Final = {
    "Array": "'ARRAY'",
    "Object": "'OBJECT'",
    "String": "'VARCHAR'",
    "Decimal": "'DOUBLE', 'BIGINT', 'UBIGINT', 'HUGEINT'",
}
_ELEMENTS: Final = "$.Elements[*]"
_UNIT_IN_JSON: Final = "regexp_full_match(e->>'{key}', '([0-9]+ )?[A-Za-z%][A-Za-z0-9% .\\-]*([-/][A-Za-z0-9 ]+)?')"


@dataclass(frozen=True, slots=True)
class RowTest:
    """`when`: the rows that are judged; `broken`: those of them that break the rule. SQL over `delivery`, never NULL."""

    when: str
    broken: str


def both(left: str, right: str) -> str:
    """`left` AND `right`, without the trivial."""
    parts = [part for part in (left, right) if part != ALWAYS]
    return " AND ".join(dict.fromkeys(parts)) or ALWAYS


def condition(check: Check) -> str:
    """`check` as a condition on rows: which rows a rule speaks of."""
    if check is None or isinstance(check, str):
        return ALWAYS
    function, *operands = check
    if function in {"AND", "OR"}:
        parts = [condition(part) for part in operands]  # type: ignore[arg-type]  # operands of AND and OR are checks
        return "(" + f" {function} ".join(parts) + ")"
    if str(function).startswith("JSON"):
        column, name = str(operands[0]), str(function)
        return f"coalesce(len(list_filter(elements({column}), lambda e: {_element(name, operands)})) > 0, false)"
    if function == "CheckValue":
        column, value = str(operands[0]), operands[1]
        return f"{column} IS NULL" if value is None else f"({column} IS NOT NULL AND {_equals(column, value)})"
    if function == "CheckNotValue":
        column, value = str(operands[0]), operands[1]
        return f"{column} IS NOT NULL" if value is None else f"NOT coalesce({_equals(column, value)}, false)"
    if function == "CheckNotSameValue":
        return f"({operands[0]} <> {operands[1]}) IS TRUE"
    raise BadConfig(f"No row condition is known for {function}", remedy="Teach row_tests.py, or correct the rule.")


def row_test(check: list[Any]) -> RowTest | None:
    """The test of one official check; None where it is no matter of a single row."""
    function, *operands = check
    if function in _READING_OF:
        column = operands[0]
        return RowTest(f"{column} IS NOT NULL", f"NOT {_READING_OF[function]}({column})")
    compile_ = _COMPILERS.get(function)
    if compile_ is not None:
        return compile_(operands)
    if function in {"AND", "OR"}:
        return _either(function, operands)
    return _json_test(function, operands) if str(function).startswith("JSON") else None


def _value(operands: list[Any]) -> RowTest:
    column, value = operands
    if value is None:
        return RowTest(ALWAYS, f"{column} IS NOT NULL")
    return RowTest(f"{column} IS NOT NULL", f"NOT coalesce({_equals(column, value)}, false)")


def _not_value(operands: list[Any]) -> RowTest:
    column, value = operands
    if value is None:
        return RowTest(ALWAYS, f"{column} IS NULL")
    return RowTest(f"{column} IS NOT NULL", f"coalesce({_equals(column, value)}, false)")


def _same(operands: list[Any]) -> RowTest:
    a, b = operands
    return RowTest(f"({a} IS NOT NULL AND {b} IS NOT NULL)", f"({a} <> {b}) IS TRUE")


def _at_least(operands: list[Any]) -> RowTest:
    column, value = operands
    judged = f"number({column}) IS NOT NULL"
    return RowTest(judged, f"number({column}) < {float(value)}")


def _product(operands: list[Any]) -> RowTest:
    """price x quantity = cost, as exactly as the three were written.

    The cost may be rounded at its last place, never by more than half of one. What half a unit of the last place of price and
    quantity makes is allowed up to FACTORS_SHARE of the product; one that is written whole is exact, and makes nothing.
    """
    a, b, result = operands
    judged = f"(number({a}) IS NOT NULL AND number({b}) IS NOT NULL AND number({result}) IS NOT NULL)"
    gap = f"abs(number({a}) * number({b}) - number({result}))"
    rounded = f"{HALF} * pow(10, -greatest(decimals({result}), 0))"
    factors = " + ".join(
        f"CASE WHEN factor_decimals({one}) > 0 THEN abs(number({other})) * pow(10, -(factor_decimals({one}))) ELSE 0 END"
        for one, other in ((a, b), (b, a))
    )
    written = f"({rounded} + least({HALF} * ({factors}), {FACTORS_SHARE} * abs(number({a}) * number({b}))))"
    return RowTest(judged, f"CASE WHEN misses({a}, {b}, {result}) THEN {gap} > {written} ELSE false END")


def _no_text_faults(operands: list[Any]) -> RowTest:
    """StringHandling: no value that is empty or only spaces."""
    column = operands[0]
    return RowTest(f"{column} IS NOT NULL", f"is_blank({column})")


_COMPILERS: Final[dict[str, Callable[[list[Any]], RowTest]]] = {
    "CheckValue": _value,
    "CheckNotValue": _not_value,
    "CheckSameValue": _same,
    "CheckGreaterOrEqualThanValue": _at_least,
    "ColumnByColumnEqualsColumnValue": _product,
    "FormatString": _no_text_faults,
    "TypeString": lambda operands: RowTest(f"{operands[0]} IS NOT NULL", "false"),  # whatever a text file holds is text
}


def _either(function: str, operands: list[Any]) -> RowTest:
    """AND breaks when one part breaks; OR when every part does. Lists of values become one look-up."""
    listed = _one_of(operands) if function == "OR" else None
    if listed is not None:
        return listed
    tests = [row_test(part) for part in operands]
    if None in tests:
        raise BadConfig(f"No row test is known for {operands}", remedy="Teach row_tests.py, or correct the rule.")
    kept = [test for test in tests if test is not None]
    judged = " OR ".join(dict.fromkeys(f"({test.when})" for test in kept))
    joined = (" OR " if function == "AND" else " AND ").join(f"({both(test.when, test.broken)})" for test in kept)
    return RowTest(f"({judged})", f"({joined})")


def _one_of(operands: list[Any]) -> RowTest | None:
    if all(part[0] == "CheckValue" and isinstance(part[2], str) for part in operands):
        if len(columns := {part[1] for part in operands}) != 1:
            return None
        column = columns.pop()
        return RowTest(f"{column} IS NOT NULL", f"NOT ({among(column, [part[2] for part in operands])})")
    if not all(
        part[0] == "AND" and len(part) == 3 and all(p[0] == "CheckValue" for p in part[1:]) for part in operands
    ):
        return None
    (_, first, second), *_ = operands
    a, b = first[1], second[1]
    pairs = [f"{part[1][2]}~{part[2][2]}" for part in operands]
    judged = f"({a} IS NOT NULL AND {b} IS NOT NULL)"
    return RowTest(judged, "NOT (" + among(f"{a} || '~' || {b}", pairs) + ")")


def _equals(column: str, value: object) -> str:
    return f"{column} = {_text(value)}" if isinstance(value, str) else f"number({column}) = {value}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _json_test(function: str, operands: list[Any]) -> RowTest | None:
    """A check of what stands under `Elements`: broken when the root, or one element, breaks it."""
    column, path = str(operands[0]), str(operands[1])
    judged = f"{column} IS NOT NULL"
    if function == "JSONCheckPathDistinctParent":
        return None
    if path == "$.Elements":
        broken = (
            f"coalesce(json_type(json_extract(json({column}), '$.Elements')), '') NOT IN ({_JSON_TYPES[operands[2]]})"
        )
    else:
        fault = _element_fault(function, operands)
        broken = f"coalesce(len(list_filter(elements({column}), lambda e: {fault})) > 0, false)"
    return RowTest(judged, broken)


def json_row_test(when: Check, check: list[Any]) -> RowTest | None:
    """A check and its condition that both speak of the elements of one column: judged element by element."""
    assert isinstance(when, list)
    column = str(check[1])
    guard, fault = _element(str(when[0]), when[1:]), _element_fault(str(check[0]), check[1:])
    judged = f"coalesce(len(list_filter(elements({column}), lambda e: {guard})) > 0, false)"
    return RowTest(judged, f"coalesce(len(list_filter(elements({column}), lambda e: {guard} AND {fault})) > 0, false)")


def _key(path: object) -> str:
    return str(path).removeprefix(_ELEMENTS).removeprefix(".")


def _type_of(path: object) -> str:
    """The JSON type of the element, or of one of its keys; 'NULL' also where the key is missing."""
    key = _key(path)
    return f"coalesce(json_type(json_extract(e, '$.{key}')), 'NULL')" if key else "json_type(e)"


def _element(function: str, operands: list[Any]) -> str:
    """Whether the element `e` meets the condition."""
    kind = _type_of(operands[1])
    if function == "JSONCheckPathKeyExists":
        return f"json_exists(e, '$.{_key(operands[1])}')"
    if function in {"JSONCheckPathValue", "JSONCheckPathNotValue"} and operands[2] is None:
        return f"{kind} {'=' if function == 'JSONCheckPathValue' else '<>'} 'NULL'"
    raise BadConfig(f"No element condition is known for {function}", remedy="Teach row_tests.py, or correct the rule.")


def _element_fault(function: str, operands: list[Any]) -> str:
    """Whether the element `e` breaks the check."""
    if function == "JSONCheckPathSameValue":  # column, other column, path, path in the other
        return f"coalesce(e->>'$.{_key(operands[2])}' <> {operands[1]}, false)"
    column, path = str(operands[0]), operands[1]
    kind, key = _type_of(path), _key(path)
    if function in {"JSONCheckPathKeyExists", "JSONCheckPathValue", "JSONCheckPathNotValue"}:
        return f"NOT ({_element(function, operands)})"
    if function == "JSONCheckPathType":
        allowed = _JSON_TYPES[operands[2]] + (", 'NULL'" if key else "")
        return f"{kind} NOT IN ({allowed})"
    if function == "JSONCheckPathKeyValueFormat":
        return "(json_type(e) <> 'OBJECT' OR list_has_any(json_type(e, '$.*'), ['OBJECT', 'ARRAY']))"
    if function == "JSONCheckPathKeyStartsWith":
        known = ", ".join(_text(name) for name in operands[3])
        return (
            f"(json_type(e) = 'OBJECT' AND len(list_filter(json_keys(e), lambda k: k NOT IN ({known})"
            f" AND NOT starts_with(k, {_text(operands[2])}))) > 0)"
        )
    faults = {
        "JSONFormatString": f"({kind} = 'VARCHAR' AND trim(e->>'$.{key}') = '')",
        "JSONFormatNumeric": f"{kind} NOT IN ({_JSON_TYPES['Decimal']}, 'NULL')",
        "JSONCheckPathNumericFormat": f"{kind} NOT IN ({_JSON_TYPES['Decimal']}, 'NULL')",
        "JSONFormatUnit": f"({kind} <> 'NULL' AND NOT {_UNIT_IN_JSON.format(key='$.' + key)})",
        "JSONCheckPathUnitFormat": f"({kind} <> 'NULL' AND NOT {_UNIT_IN_JSON.format(key='$.' + key)})",
    }
    if function not in faults:
        raise BadConfig(f"No element check is known for {function} of {column}", remedy="Teach row_tests.py.")
    return f"coalesce({faults[function]}, false)"
