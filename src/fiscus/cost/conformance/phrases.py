"""What a rule asks and what mends it, in our words: the sentences of the specification are not copied."""

from __future__ import annotations

from typing import Any, Final

from fiscus.cost.conformance.types import Check, Rule

_FORMS: Final = {
    "TypeString": "is text",
    "TypeDecimal": "is a decimal",
    "TypeDateTime": "is a date and time",
    "CheckDecimalValue": "is a valid number",
    "FormatString": "holds no empty text",
    "FormatNumeric": "is written as one plain number",
    "FormatDateTime": "is written as YYYY-MM-DDTHH:MM:SSZ, in UTC",
    "FormatUnit": "is written as a unit of measure",
    "FormatCurrency": "is a currency code",
    "CheckNationalCurrency": "is a code of ISO 4217",
    "FormatKeyValue": "is a JSON object of plain values",
    "FormatJSON": "is a JSON object",
    "CheckNoDuplicates": "stands on one row only",
    "JSONFormatString": "holds no empty text",
    "JSONFormatNumeric": "is a number",
    "JSONCheckPathNumericFormat": "is a number",
    "JSONFormatUnit": "is a unit of measure",
    "JSONCheckPathUnitFormat": "is a unit of measure",
    "JSONCheckPathKeyValueFormat": "holds plain values only",
    "JSONCheckPathKeyExists": "is there",
}
_REMEDIES: Final = {
    "Presence": "Add the column {entity} to the export.",
    "Type": "Export {entity} with the type that FOCUS gives it.",
    "Format": "Write {entity} as FOCUS writes it; the first rows show how it differs.",
    "Nullability": "Fill or empty {entity} on the rows shown: {title}.",
    "Validation": "Correct {entity} on the rows shown, or ask the vendor why: {title}.",
    "Composite": "Mend the rules below it.",
}
_VALUES_SHOWN: Final = 6


def title_of(rule: Rule) -> str:
    """One line: what must be true."""
    if rule.execution is not None:
        return rule.execution.title
    if rule.function == "Composite":
        return f"{rule.entity} keeps the rules below"
    said = phrase(rule.check)
    return f"{said} where {phrase(rule.when)}" if rule.when else said


def remedy_of(rule: Rule) -> str:
    """What to do about a broken rule."""
    return _REMEDIES[rule.function].format(entity=rule.entity, title=title_of(rule))


def phrase(check: Check) -> str:
    """A check in words."""
    if not isinstance(check, list):
        return "another rule holds" if check else "always"
    function, *operands = check
    if function in {"AND", "OR"}:
        return _joined(str(function), operands)
    return _single(str(function), operands)


def _joined(function: str, operands: list[Any]) -> str:
    if (
        function == "OR"
        and all(part[0] == "CheckValue" for part in operands)
        and len({part[1] for part in operands}) == 1
    ):
        shown = [str(part[2]) for part in operands[:_VALUES_SHOWN]]
        more = f" or {len(operands) - _VALUES_SHOWN} more" if len(operands) > _VALUES_SHOWN else ""
        return f"{operands[0][1]} is {', '.join(shown)}{more}"
    if function == "OR" and len(operands) > _VALUES_SHOWN and operands[0][0] == "AND":
        return f"{operands[0][1][1]} goes with its {operands[0][2][1]}"
    return (" and " if function == "AND" else " or ").join(phrase(part) for part in operands)


def _single(function: str, operands: list[Any]) -> str:
    column = str(operands[0])
    at = 2 if function == "JSONCheckPathSameValue" else 1
    path = operands[at] if "JSON" in function and len(operands) > at else "$"
    where = f"{column}{str(path)[1:]}"
    if function in _FORMS:
        return f"{where} {_FORMS[function]}"
    said = {
        "ColumnPresent": lambda: f"the file has the column {column}",
        "CheckValue": lambda: f"{column} is empty" if operands[1] is None else f"{column} is {operands[1]}",
        "CheckNotValue": lambda: f"{column} has a value" if operands[1] is None else f"{column} is not {operands[1]}",
        "CheckSameValue": lambda: f"{column} equals {operands[1]}",
        "CheckNotSameValue": lambda: f"{column} differs from {operands[1]}",
        "CheckGreaterOrEqualThanValue": lambda: f"{column} is {operands[1]} or more",
        "CheckDistinctCount": lambda: f"each {column} goes with one {operands[1]}",
        "ColumnByColumnEqualsColumnValue": lambda: f"{column} times {operands[1]} is {operands[2]}",
        "JSONCheckPathType": lambda: f"{where} is of type {operands[2]}",
        "JSONCheckPathKeyStartsWith": lambda: f"keys of {where} that FOCUS does not define begin with {operands[2]}",
        "JSONCheckPathValue": lambda: f"{where} is null",
        "JSONCheckPathNotValue": lambda: f"{where} has a value",
        "JSONCheckPathSameValue": lambda: f"{where} equals {operands[1]}",
        "JSONCheckPathDistinctParent": lambda: f"each {where} goes with one {str(operands[2])[2:]}",
    }
    return said[function]() if function in said else f"{function} holds for {column}"
