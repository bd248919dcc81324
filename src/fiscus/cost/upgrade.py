"""FOCUS 1.0 to 1.4, upgraded to the canonical schema: one SELECT a file, over raw text columns.

Money and quantities are parsed exactly: a value with more digits than the lake keeps is rounded half-even on its decimal text,
never through a float; ordinary values pay nothing for that (the guard is a string length).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from fiscus.cost.columns import (
    BY_NAME,
    DROPPED_BY_1_4,
    FOCUS_1_4,
    REQUIRED_OF_A_FILE,
    SQL_TYPE,
    Column,
    promoted_column,
)
from fiscus.cost.period_faults import PERIODS, period_faults
from fiscus.cost.providers import canonical_sql, is_cloud_sql
from fiscus.cost.quality import count_plans, known_findings
from fiscus.cost.raw_faults import (
    NO_OBJECT,
    currency_fault,
    decimal_fault,
    more_exactly,
    no_currency_sql,
    refuse_wide_decimals,
    time_fault,
)
from fiscus.cost.raw_values import (
    ROUND_MACRO,
    SCALE,
    cleared_sql,
    decimal_of,
    is_long,
    quoted,
    sql_name,
    text_of,
    time_of,
)
from fiscus.cost.types import FilePlan, InputFile, Source
from fiscus.cost.versions import CONTRACT_KEYS, check_declared, keys_spelled, version_of
from fiscus.cost.views import billing_month_sql
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import INPUT_ALONE_BYTES_MIN
from fiscus.kernel.money import COST_SCALE

KEY_COLUMNS: Final = (
    "ServiceProviderName", "SubAccountId", "SubAccountName", "ServiceName", "ResourceId", "ResourceName", "ResourceType",
    "RegionId",
)  # fmt: skip
PROVIDER_COLUMNS: Final = (
    "ServiceProviderName",
    "ProviderName",
    "PublisherName",
    "HostProviderName",
    "InvoiceIssuerName",
)


def same_shape(files: Sequence[InputFile]) -> list[tuple[InputFile, ...]]:
    """Groups of files that one plan can convert: the same columns, in the same order, of the same types and form.

    A large file stands alone: most hold one billing month, and what holds one month is written once.
    """
    groups: dict[tuple[object, ...], list[InputFile]] = {}
    for file in files:
        alone = file.path if file.size_bytes >= INPUT_ALONE_BYTES_MIN else ""
        shape = (file.columns, file.types, file.form, file.delimiter, Path(file.path).suffix.lower(), alone)
        groups.setdefault(shape, []).append(file)
    return [tuple(group) for group in groups.values()]


def plan_files(
    files: Sequence[InputFile], source: Source, delivery_id: str, promote: Sequence[str], *, exact: bool = False
) -> FilePlan:
    """How `files` (of one shape) become canonical rows of the delivery. Raises BadInput for a header that is no FOCUS file's.

    Four layers: the text of each column, `typed` (each value parsed once), `judged` (is the row at fault), and the canonical
    columns. Without `exact` the plan is light and marks rows with more digits than the lake keeps (x__long); the caller then
    plans again, exactly.
    """
    file = replace(
        files[0],
        has_null_text=any(each.has_null_text for each in files),
        sample={name: value for each in reversed(files) for name, value in each.sample.items()},
    )
    _check_header(file, source)
    refuse_wide_decimals(file, FOCUS_1_4)
    check_declared(file, source.focus)
    exact = exact or any(_sample_is_long(column, each) for each in files for column in FOCUS_1_4)
    version = source.focus or version_of(file.columns)
    raw, file = file, replace(file, cleared=True)
    typed = [
        f"{_parsed(column, file, source, exact)} AS {_typed(column.name)}"
        for column in FOCUS_1_4
        if column.type in {*SCALE, "time"} and column.name in file.columns
    ]
    typed += [f"{_tags(file)} AS x__tags"]
    typed += [f"{canonical_sql(text_of(name, file))} AS x__{name}" for name in PROVIDER_COLUMNS]
    extra = [name for name in file.columns if name not in BY_NAME and name not in DROPPED_BY_1_4]
    parts = [f"{_expression(column, file, source)} AS {sql_name(column.name)}" for column in FOCUS_1_4]
    parts += [
        f"'{version}' AS x_FocusVersion",
        f"'{delivery_id}' AS x_DeliveryId",
        *(f"{text_of(name, file)} AS x_{name}" for name in DROPPED_BY_1_4),
        f"{_extra(extra, file)} AS x_Extra",
        f"{_key(file, source)} AS x_AssignmentKey",
        f"{_rounded_cells(file) if exact else '0'} AS x_RoundedCells",
        f"{_residue(file) if exact else 'CAST(0 AS DECIMAL(38,30))'} AS x_RoundingResidue",
        *(f"x__tags[{quoted(key)}] AS {sql_name(promoted_column(key))}" for key in promote),
        "x__fault",
        f"{'false' if exact else _any_long(file)} AS x__long",
        f"{billing_month_sql(_typed('BillingPeriodStart'))} AS x_BillingMonth",
    ]
    inner = f"SELECT *, {', '.join(typed)} FROM ({cleared_sql(raw)})"
    judged = f"SELECT *, {_at_fault(file, source)} AS x__fault FROM ({inner})"
    select = f"SELECT {', '.join(parts)} FROM ({judged})"
    return FilePlan(
        file=raw,
        files=tuple(files),
        version=version,
        prelude=ROUND_MACRO,
        select=select,
        faults=_faults(raw, source),
        counts=count_plans(raw, source),
        known=known_findings(raw, version, extra),
        more_exactly=more_exactly,
    )


def _at_fault(file: InputFile, source: Source) -> str:
    """SQL over `typed` rows: something of the row cannot be read or is missing."""
    bad = [
        f"({text_of(column.name, file)} IS NOT NULL AND {_typed(column.name)} IS NULL)"
        for column in FOCUS_1_4
        if column.type in {*SCALE, "time"} and column.name in file.columns
    ]
    bad += [f"({text_of(name, file)} IS NULL)" for name in REQUIRED_OF_A_FILE]
    bad += [
        f"coalesce(contains({sql_name(column.name)}, '_'), false)"
        for column in FOCUS_1_4
        if column.type in SCALE and column.name in file.columns
    ]
    bad += [
        f"({test})" for start, end in PERIODS for _, test, _, _ in period_faults(start, end, _typed(start), _typed(end))
    ]
    currency = _currency(file, source)
    bad.append(f"({currency} IS NULL OR {no_currency_sql(currency)})")
    if "Tags" in file.columns:
        bad.append(f"({text_of('Tags', file)} IS NOT NULL AND x__tags IS NULL)")
    return f"coalesce({' OR '.join(bad)}, true)"


def _any_long(file: InputFile) -> str:
    """SQL over raw rows: a number of the row has more digits than the lake keeps, or an exponent."""
    columns = [column for column in FOCUS_1_4 if column.type in SCALE and column.name in file.columns]
    tests = " OR ".join(is_long(text_of(column.name, file), SCALE[column.type]) for column in columns)
    return f"coalesce({tests}, false)"


def _sample_is_long(column: Column, file: InputFile) -> bool:
    value = file.sample.get(column.name, "")
    return column.type in SCALE and ("e" in value.lower() or len(value.partition(".")[2]) > SCALE[column.type])


def _typed(column: str) -> str:
    return sql_name(f"x__t_{column}")


def _parsed(column: Column, file: InputFile, source: Source, exact: bool) -> str:
    if column.type == "time":
        return time_of(column, file, source)
    return decimal_of(column, file) if exact else f"TRY_CAST({text_of(column.name, file)} AS {SQL_TYPE[column.type]})"


def _check_header(file: InputFile, source: Source) -> None:
    where = Where(file=file.path, row=0)
    missing = [name for name in REQUIRED_OF_A_FILE if name not in file.columns]
    if missing:
        raise BadInput(
            f"The header has no {', '.join(missing)}",
            remedy="Is this a FOCUS Cost and Usage file? Export it again with these columns, spelled as FOCUS spells them.",
            where=Where(file=file.path, row=0, column=missing[0]),
        )
    if "BillingCurrency" not in file.columns and source.default_currency is None:
        raise BadInput(
            "The file names no currency",
            remedy="Declare one: --default-currency USD, or default_currency in fiscus.yaml.",
            where=Where(file=where.file, row=0, column="BillingCurrency"),
        )


def _rounded_cells(file: InputFile) -> str:
    tests = [
        f"CAST(coalesce({is_long(raw, SCALE[c.type])} "
        f"AND length(rtrim(digits_after({raw}), '0')) > {SCALE[c.type]}, false) AS INTEGER)"
        for c in FOCUS_1_4
        if c.type in SCALE and c.name in file.columns
        for raw in [text_of(c.name, file)]
    ]
    return " + ".join(tests) or "0"


def _residue(file: InputFile) -> str:
    """What rounding took from BilledCost, in units of the currency at 30 digits: file value minus stored value."""
    raw, kind = text_of("BilledCost", file), "DECIMAL(38,30)"
    rest = f"TRY_CAST('0.{'0' * COST_SCALE}' || left(substr(digits_after({raw}), {COST_SCALE + 1}), 18) AS {kind})"
    up = f"CASE WHEN rounds_up({raw}, {COST_SCALE}) THEN CAST('0.{'0' * (COST_SCALE - 1)}1' AS {kind}) ELSE CAST(0 AS {kind}) END"
    signed = f"CASE WHEN starts_with(trim({raw}), '-') THEN -({rest} - {up}) ELSE {rest} - {up} END"
    long = f"{is_long(raw, COST_SCALE)} AND length(digits_after({raw})) > {COST_SCALE}"
    return f"CAST(CASE WHEN {long} THEN {signed} ELSE 0 END AS {kind})"


def _tags(file: InputFile) -> str:
    kind = SQL_TYPE["map"]
    if "Tags" not in file.columns:
        return f"CAST(NULL AS {kind})"
    raw = text_of("Tags", file)
    braced = f"CASE WHEN starts_with(ltrim({raw}), '{{') THEN {raw} ELSE '{{' || {raw} || '}}' END"
    return f"TRY_CAST(TRY_CAST({braced} AS JSON) AS {kind})"


def _expression(column: Column, file: InputFile, source: Source) -> str:
    special = {
        "ServiceProviderName": _service_provider, "HostProviderName": _host_provider, "BillingCurrency": _currency,
        "PricingCurrency": _pricing_currency, "InvoiceIssuerName": _issuer,
    }  # fmt: skip
    if column.name == "Tags":
        return "x__tags"
    if column.name in special:
        return special[column.name](file, source)
    if column.name == "PricingCurrencyEffectiveCost" and column.name not in file.columns:
        same = "PricingCurrency" not in file.columns  # then it is the billing currency, and the cost is the same cost
        return _typed("EffectiveCost") if same else f"CAST(NULL AS {SQL_TYPE['cost']})"
    if column.type in {*SCALE, "time"}:
        return _typed(column.name) if column.name in file.columns else f"CAST(NULL AS {SQL_TYPE[column.type]})"
    if column.name == "ContractApplied":
        return keys_spelled(text_of(column.name, file), CONTRACT_KEYS)
    return text_of(column.name, file)


def _service_provider(file: InputFile, source: Source) -> str:
    """ServiceProviderName; else, for a marketplace charge, its publisher (the seller), otherwise the old ProviderName."""
    del file, source
    sold = f"{is_cloud_sql('x__ProviderName')} AND x__PublisherName <> x__ProviderName"
    old = f"CASE WHEN {sold} THEN x__PublisherName ELSE coalesce(x__ProviderName, x__PublisherName) END"
    return f"coalesce(x__ServiceProviderName, {old}, x__InvoiceIssuerName)"


def _host_provider(file: InputFile, source: Source) -> str:
    del file, source
    return f"coalesce(x__HostProviderName, CASE WHEN {is_cloud_sql('x__ProviderName')} THEN x__ProviderName END)"


def _issuer(file: InputFile, source: Source) -> str:
    del source
    return f"coalesce({text_of('InvoiceIssuerName', file)}, {text_of('ProviderName', file)})"


def _currency(file: InputFile, source: Source) -> str:
    default = quoted(source.default_currency) if source.default_currency else "NULL"
    return f"coalesce({text_of('BillingCurrency', file)}, {default})"


def _pricing_currency(file: InputFile, source: Source) -> str:
    return f"coalesce({text_of('PricingCurrency', file)}, {_currency(file, source)})"


def _extra(names: Sequence[str], file: InputFile) -> str:
    if not names:
        return f"CAST(NULL AS {SQL_TYPE['map']})"
    keys = ", ".join(quoted(name) for name in names)
    values = ", ".join(text_of(name, file) for name in names)
    return f"map([{keys}], [{values}])"


def _key(file: InputFile, source: Source) -> str:
    """A stable signed 64-bit hash of what assignment rules can read: the low half of MD5 over the values, chr(31) between."""
    values = [quoted(source.name)]
    values += [f"coalesce({_expression(BY_NAME[name], file, source)}, '')" for name in KEY_COLUMNS]
    values.append(f"coalesce({text_of('Tags', file)}, '')")
    joined = " || chr(31) || ".join(values)
    return f"CAST(CAST(md5_number_lower({joined}) AS HUGEINT) - 9223372036854775808 AS BIGINT)"


def _faults(file: InputFile, source: Source) -> tuple[tuple[str, str, str, str], ...]:
    faults: list[tuple[str, str, str, str]] = []
    for column in FOCUS_1_4:
        if column.name not in file.columns and column.name != "BillingCurrency":
            continue
        raw = text_of(column.name, file)
        if column.type in SCALE:
            faults.append(decimal_fault(column.name, raw, decimal_of(column, file)))
        elif column.type == "time":
            faults.append(time_fault(column.name, raw, time_of(column, file, source), source))
        if column.name in REQUIRED_OF_A_FILE:
            faults.append((column.name, f"{raw} IS NULL", "is empty", "Every charge needs it; export the file again."))
    faults.append(
        ("BillingCurrency", f"{_currency(file, source)} IS NULL", "is empty", "Fill it, or declare --default-currency.")
    )
    faults.append(currency_fault("BillingCurrency", _currency(file, source)))
    for start, end in PERIODS:
        first, last = time_of(BY_NAME[start], file, source), time_of(BY_NAME[end], file, source)
        faults += period_faults(start, end, first, last)
    if "Tags" in file.columns:
        bad = f"{text_of('Tags', file)} IS NOT NULL AND {_tags(file)} IS NULL"
        faults.append(("Tags", bad, NO_OBJECT, 'Write tags as {"key": "value"}.'))
    return tuple(faults)
