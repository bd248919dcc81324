"""What is wrong with a value that cannot be read: a fault is found in SQL, and of the value that has it said more exactly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import product
from typing import Final

from fiscus.cost.columns import FOCUS_1_4, SQL_TYPE, Column
from fiscus.cost.conformance.currencies import ISO_4217, WITHDRAWN
from fiscus.cost.datasets.columns import dataset_columns
from fiscus.cost.focus_names import DATASETS
from fiscus.cost.raw_values import SCALE
from fiscus.cost.types import InputFile, Source
from fiscus.kernel.errors import BadInput, Where

Fault = tuple[str, str, str, str]
"""As in FilePlan.faults: column, SQL that is true for a raw value at fault, message, remedy."""

NO_DECIMAL: Final = "is not a decimal number"
NO_OBJECT: Final = "is not a JSON object"
NO_DATE: Final = "is not a date that can be read without guessing"
ISO_EXAMPLE: Final = "Write ISO 8601 (2026-09-01T00:00:00Z)"
NUMBER: Final = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
ISO_8601: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
)
DAYS: Final = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d")
CLOCKS: Final = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
CODES: Final = "|".join(sorted(ISO_4217 | WITHDRAWN))  # of all tests this is the quickest: it is asked of every row


def refuse_wide_decimals(file: InputFile, columns: Sequence[Column]) -> None:
    """Raises BadInput for numbers that Parquet keeps in more than 38 digits: they would be read through floating point."""
    kinds = dict(zip(file.columns, file.types, strict=False))
    for column in columns:
        kind = kinds.get(column.name, "")
        if column.type in SCALE and kind.startswith("decimal256"):
            digits = kind.partition("(")[2].partition(",")[0]
            raise BadInput(
                f"{column.name} is a decimal of {digits} digits: more than 38 cannot be read exactly",
                remedy="Write it as DECIMAL(38,18), or as text.",
                where=Where(file=file.path, row=0, column=column.name),
            )


def decimal_fault(column: str, raw: str, value: str) -> Fault:
    """`value` is SQL of the number that `raw` says."""
    bad = f"{raw} IS NOT NULL AND ({value} IS NULL OR contains({raw}, '_'))"
    return column, bad, NO_DECIMAL, "Use digits and one point, no thousands separators."


def time_fault(column: str, raw: str, value: str, source: Source) -> Fault:
    """`value` is SQL of the instant that `raw` says."""
    bad = f"{raw} IS NOT NULL AND {value} IS NULL"
    if source.date_format:
        told = f"does not fit the declared format {source.date_format}"
        return column, bad, told, "Declare the format that the file has, or none where it is ISO 8601."
    return column, bad, NO_DATE, f"{ISO_EXAMPLE}, or declare the file's format with --date-format."


def currency_fault(column: str, code: str) -> Fault:
    """`code` is SQL of the currency."""
    return column, no_currency_sql(code), "is not an ISO 4217 code", "Write it as USD or EUR."


def no_currency_sql(code: str) -> str:
    """SQL, true where `code` is no code of ISO 4217, in force or withdrawn."""
    return f"(NOT regexp_full_match({code}, '{CODES}'))"


def more_exactly(column: str, value: str, message: str, remedy: str) -> tuple[str, str]:
    """(message, remedy) of a fault, by the value that has it."""
    if message == NO_DECIMAL:
        return _of_number(column, value) or (message, remedy)
    if message == NO_OBJECT:
        return _of_object(value) or (message, remedy)
    return _of_time(value) if message == NO_DATE else (message, remedy)


def _of_number(column: str, value: str) -> tuple[str, str] | None:
    if not NUMBER.fullmatch(value):
        return None
    precision, scale = (int(number) for number in re.findall("[0-9]+", SQL_TYPE[_types()[column]]))
    try:
        whole = Decimal(value.strip()).adjusted() + 1
    except InvalidOperation:  # an exponent past anything that a Decimal holds
        whole = precision
    if whole <= precision - scale:
        return None
    remedy = "Look at the export: is the value in its column, and in the unit that the column has?"
    return f"is too large: at most {precision - scale} digits before the point are kept", remedy


def _of_object(value: str) -> tuple[str, str] | None:
    """A key that stands twice: nobody can say which of its values is meant, and no map of the lake holds both."""
    pairs: list[list[tuple[str, object]]] = []  # of each object, the outermost last
    try:
        json.loads(value if value.lstrip().startswith("{") else f"{{{value}}}", object_pairs_hook=pairs.append)
    except (ValueError, RecursionError):
        return None
    keys = [key for key, _ in pairs[-1]] if pairs else []
    twice = next((key for key in keys if keys.count(key) > 1), None)
    return None if twice is None else (f"names the key {twice[:40]!r} twice", "Write each key once.")


def _of_time(value: str) -> tuple[str, str]:
    if ISO_8601.fullmatch(value) and not _is_time(value):
        return "is written as ISO 8601, but there is no such day or time", "Mend the date where the file was made."
    fitting = " or ".join(f"--date-format '{form}'" for form in _fitting(value))
    if not fitting:
        return NO_DATE, f"{ISO_EXAMPLE}, or declare the file's format with --date-format."
    which = ", whichever the file means" if " or " in fitting else ""
    return NO_DATE, f"{ISO_EXAMPLE}, or declare the file's format: {fitting}{which}."


def _fitting(value: str) -> Iterator[str]:
    for day, between, clock in product(DAYS, "/.-", CLOCKS):
        form = day.format(between) + clock
        try:
            datetime.strptime(value.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
        yield form


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _types() -> dict[str, str]:
    """The type of each column of any dataset that has numbers."""
    others = [column for dataset in DATASETS if dataset != "cost_and_usage" for column in dataset_columns(dataset)]
    return {column.name: column.type for column in (*others, *FOCUS_1_4)}
