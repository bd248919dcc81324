"""A file of Contract Commitment, Billing Period or Invoice Detail becomes rows of FOCUS 1.4: one SELECT a shape of file.

The same promises as for charges: exact numbers, no guess at a date, and the first fault of a file by its row and column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fiscus.cost.columns import SQL_TYPE, Column
from fiscus.cost.conformance.choose import version_for
from fiscus.cost.datasets.columns import MAY_BE_EMPTY, NEEDED, PERIODS, choices, dataset_columns
from fiscus.cost.datasets.types import ALL, BILLING_MONTH, TABLES
from fiscus.cost.focus_names import Dataset
from fiscus.cost.period_faults import period_faults
from fiscus.cost.providers import canonical_sql
from fiscus.cost.raw_faults import Fault, currency_fault, decimal_fault, more_exactly, refuse_wide_decimals, time_fault
from fiscus.cost.raw_values import ROUND_MACRO, SCALE, decimal_of, is_long, quoted, sql_name, text_of, time_of
from fiscus.cost.types import FilePlan, InputFile, QualityFinding, Source
from fiscus.kernel.errors import BadInput, Where


def plan_dataset(files: Sequence[InputFile], dataset: Dataset, source: Source, delivery_id: str) -> FilePlan:
    """How `files` (of one shape) become rows of `dataset`. Raises BadInput for a header that is not of this dataset."""
    file = replace(files[0], has_null_text=any(each.has_null_text for each in files))
    _check_header(file, dataset, source)
    columns = dataset_columns(dataset)
    refuse_wide_decimals(file, columns)
    faults = _faults(file, dataset, source)
    known = {column.name for column in columns}
    version = version_for(dataset, known & set(file.columns))
    extra = [name for name in file.columns if name not in known]
    parts = [f"{_value(column, file, source)} AS {sql_name(column.name)}" for column in columns]
    at_fault = " OR ".join(f"coalesce({test}, false)" for _, test, _, _ in faults)
    parts += [
        f"'{version}' AS x_FocusVersion",
        f"'{delivery_id}' AS x_DeliveryId",
        f"{_extra(extra, file)} AS x_Extra",
        f"({at_fault}) AS x__fault",
        "false AS x__long",
    ]
    month = f"'{ALL}'" if TABLES[dataset].month == f"'{ALL}'" else BILLING_MONTH
    return FilePlan(
        file=file,
        files=tuple(files),
        version=version,
        prelude=ROUND_MACRO,
        select=f"SELECT *, {month} AS x_BillingMonth FROM (SELECT {', '.join(parts)} FROM input)",
        faults=faults,
        counts=_counts(file, columns),
        known=_known(file, dataset, version, extra),
        more_exactly=more_exactly,
    )


def _check_header(file: InputFile, dataset: Dataset, source: Source) -> None:
    filled = {"BillingCurrency"} if source.default_currency else set()
    missing = [name for name in NEEDED[dataset] if name not in {*file.columns, *filled}]
    if missing:
        raise BadInput(
            f"The header has no {', '.join(missing)}",
            remedy=f"A file of {dataset} needs it, spelled as FOCUS spells it. If it is of another dataset, say so: --dataset.",
            where=Where(file=file.path, row=0, column=missing[0]),
        )


def _value(column: Column, file: InputFile, source: Source) -> str:
    if column.type in SCALE:
        return decimal_of(column, file)
    if column.type == "time":
        return time_of(column, file, source)
    if column.name == "ServiceProviderName":
        return canonical_sql(text_of(column.name, file))
    if column.name == "BillingCurrency":
        return _currency(file, source)
    return text_of(column.name, file)


def _currency(file: InputFile, source: Source) -> str:
    default = quoted(source.default_currency) if source.default_currency else "NULL"
    return f"coalesce({text_of('BillingCurrency', file)}, {default})"


def _extra(names: Sequence[str], file: InputFile) -> str:
    if not names:
        return f"CAST(NULL AS {SQL_TYPE['map']})"
    keys = ", ".join(quoted(name) for name in names)
    return f"map([{keys}], [{', '.join(text_of(name, file) for name in names)}])"


def _faults(file: InputFile, dataset: Dataset, source: Source) -> tuple[Fault, ...]:
    columns = {column.name: column for column in dataset_columns(dataset)}
    faults = [
        fault
        for column in columns.values()
        if column.name in file.columns and (fault := _unreadable(column, file, source)) is not None
    ]
    for name in NEEDED[dataset]:
        if name not in MAY_BE_EMPTY:
            value = _value(columns[name], file, source)
            faults.append((name, f"{value} IS NULL", "is empty", "Every row needs it; export the file again."))
    for name, words in choices(dataset).items():
        if name in file.columns:
            listed = ", ".join(quoted(word) for word in words)
            remedy = f"FOCUS knows {', '.join(words)}."
            faults.append((name, f"{text_of(name, file)} NOT IN ({listed})", "is not a word of FOCUS", remedy))
    for start, end in PERIODS:
        if start in file.columns and end in file.columns and start in columns:
            first, last = (_value(columns[name], file, source) for name in (start, end))
            faults += period_faults(start, end, first, last)
    return tuple(faults)


def _unreadable(column: Column, file: InputFile, source: Source) -> Fault | None:
    """True for a value that says nothing of its column's type."""
    raw, value = text_of(column.name, file), _value(column, file, source)
    if column.type in SCALE:
        return decimal_fault(column.name, raw, value)
    if column.type == "time":
        return time_fault(column.name, raw, value, source)
    if column.type == "json":
        bad = f"{raw} IS NOT NULL AND NOT json_valid({raw})"
        return column.name, bad, "is not JSON", "Write it as a JSON object."
    if column.name.endswith("Currency"):
        return currency_fault(column.name, raw)
    return None


def _counts(file: InputFile, columns: Sequence[Column]) -> tuple[Fault, ...]:
    counts = []
    for column in columns:
        if column.type in SCALE and column.name in file.columns:
            raw, places = text_of(column.name, file), SCALE[column.type]
            test = f"{is_long(raw, places)} AND length(rtrim(digits_after({raw}), '0')) > {places}"
            counts.append(("rounded", column.name, test, "has more digits than the lake keeps; rounded half-even"))
    return tuple(counts)


def _known(file: InputFile, dataset: Dataset, version: str, extra: Sequence[str]) -> tuple[QualityFinding, ...]:
    found = [
        QualityFinding("extra_column", name, 0, f"is not a column of {dataset}; kept in x_Extra", "") for name in extra
    ]
    found += [
        QualityFinding("missing_column", column.name, 0, f"is mandatory in FOCUS {version} and not in the file")
        for column in dataset_columns(dataset)
        if column.level == "M" and column.since <= version and column.name not in file.columns
    ]
    return tuple(found)
