"""Charges as a FOCUS file of a chosen version: its names, types, formats, and no null where it allows none.

What a column must not leave empty and an older vendor never told is said as the version itself would: the service's category of
last resort, the account's plainest kind. Every such cell is counted, so that nobody takes it for the vendor's word. Units are
spelled as UnitFormat has them (`unit_format.py`); no amount changes.
Source: the column tables of FOCUS 1.2, 1.3 and 1.4 (type, format, allows nulls), DateTimeFormat, NumericFormat, KeyValueFormat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from fiscus.cost.columns import Column
from fiscus.cost.unit_format import focus_unit
from fiscus.cost.version_views import focus_columns
from fiscus.kernel.periods import Month
from fiscus.kernel.rows import Query

ExportVersion = Literal["1.2", "1.3", "1.4"]
ExportForm = Literal["csv", "parquet"]
EXPORT_VERSIONS: Final[tuple[ExportVersion, ...]] = ("1.2", "1.3", "1.4")

# Where the versions allow no null: what stands there when the bill has nothing, as SQL over `charges`.
SAID_INSTEAD: Final = {
    "BillingAccountType": "'Billing account'",
    "ChargeFrequency": "CASE WHEN ChargeCategory = 'Usage' THEN 'Usage-Based' ELSE 'One-Time' END",
    "ContractedCost": "coalesce(EffectiveCost, 0)",
    "ListCost": "coalesce(ContractedCost, EffectiveCost, 0)",
    "InvoiceIssuerName": "ServiceProviderName",
    "ServiceCategory": "'Other'",
    "ServiceName": "'Other'",
    "ServiceSubcategory": "'Other (' || coalesce(ServiceCategory, 'Other') || ')'",
    "BillingAccountId": "x_SourceId",
}
# Only beside the other: the type of what there is none of would be a contradiction.
ONLY_WITH: Final = {"SubAccountType": ("SubAccountId", "'Sub account'"), "SkuMeter": ("SkuId", "ChargeDescription")}
UNITS: Final = ("CommitmentDiscountUnit", "ConsumedUnit", "PricingUnit")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which charges: of `months`, both inclusive (None: all), and of `sources` (none named: all)."""

    months: tuple[Month, Month] | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written. `select` gives the file's columns in its order.

    `filled` counts what is said instead; `left_out` what a bill says and the version allows only beside another column.
    """

    version: ExportVersion
    form: ExportForm
    select: Query
    filled: Query
    left_out: Query
    totals: Query


def plan_export(version: ExportVersion, form: ExportForm, chosen: Chosen, units: Sequence[str] = ()) -> Export:
    """How the charges of `chosen` become one file. `units` are those that stand in it."""
    where, params = _where(chosen)
    columns = [(column, _filled(column, sql, units)) for column, sql in focus_columns(version)]
    parts = ", ".join(f'{_written(column, sql, form)} AS "{column.name}"' for column, sql in columns)
    empty = ", ".join(
        f'count(*) FILTER ({_lacks(column, sql)}) AS "{column.name}"'
        for column, sql in focus_columns(version)
        if column.name in SAID_INSTEAD or column.name in ONLY_WITH
    )
    alone = ", ".join(
        f'count(*) FILTER ({sql} IS NOT NULL AND {ONLY_WITH[column.name][0]} IS NULL) AS "{column.name}"'
        for column, sql in focus_columns(version)
        if column.name in ONLY_WITH
    )
    return Export(
        version=version,
        form=form,
        select=Query(f"SELECT {parts} FROM charges WHERE {where}", params),
        filled=Query(f"SELECT {empty} FROM charges WHERE {where}", params),
        left_out=Query(f"SELECT {alone} FROM charges WHERE {where}", params),
        totals=Query(
            "SELECT BillingCurrency, count(*), sum(BilledCost), sum(EffectiveCost) FROM charges "
            f"WHERE {where} GROUP BY BillingCurrency ORDER BY BillingCurrency",
            params,
        ),
    )


def units_query(chosen: Chosen) -> Query:
    """The units that the chosen charges are told in."""
    where, params = _where(chosen)
    each = " UNION ".join(f"SELECT {column} AS unit FROM charges WHERE {where}" for column in UNITS)
    return Query(f"SELECT unit FROM ({each}) WHERE unit IS NOT NULL ORDER BY unit", params)


def _where(chosen: Chosen) -> tuple[str, dict[str, object]]:
    tests, params = ["true"], dict[str, object]()
    if chosen.months is not None:
        tests.append("x_BillingMonth BETWEEN $first AND $last")
        params |= {"first": str(chosen.months[0]), "last": str(chosen.months[1])}
    if chosen.sources:
        tests.append("x_SourceId IN (SELECT unnest($sources))")
        params["sources"] = list(chosen.sources)
    return " AND ".join(tests), params


def _filled(column: Column, sql: str, units: Sequence[str]) -> str:
    if column.name in UNITS:
        arms = "".join(
            f" WHEN {_quoted(unit)} THEN {_quoted(focus_unit(unit))}" for unit in units if focus_unit(unit) != unit
        )
        return f"CASE {sql}{arms} ELSE {sql} END" if arms else sql
    if column.name in SAID_INSTEAD:
        return f"coalesce({sql}, {SAID_INSTEAD[column.name]})"
    if column.name in ONLY_WITH:
        owner, said = ONLY_WITH[column.name]
        return f"CASE WHEN {owner} IS NOT NULL THEN coalesce({sql}, {said}) END"
    return sql


def _lacks(column: Column, sql: str) -> str:
    if column.name in ONLY_WITH:
        return f"{sql} IS NULL AND {ONLY_WITH[column.name][0]} IS NOT NULL"
    return f"{sql} IS NULL"


def _written(column: Column, sql: str, form: ExportForm) -> str:
    """A value as the file holds it: in CSV, numbers without exponent or idle zeros, times in UTC as DateTimeFormat has them."""
    if column.type == "map":
        return f"CAST(CAST({sql} AS JSON) AS VARCHAR)"
    if form == "parquet":
        return sql
    if column.type == "time":
        return f"strftime({sql}, '%Y-%m-%dT%H:%M:%SZ')"
    if column.type in {"cost", "number"}:
        return f"rtrim(rtrim(CAST({sql} AS VARCHAR), '0'), '.')"
    return sql


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
