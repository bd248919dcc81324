"""`rates`, and `reported_` charges, counted and allocated charges: money as billed and in the reporting currency."""

from __future__ import annotations

from typing import Final

RATE_COLUMNS: Final = {
    "currency": "VARCHAR", "day": "DATE", "rate": "DECIMAL(20,12)", "published": "DATE", "reporting": "VARCHAR",
    "rate_on": "VARCHAR",
}  # fmt: skip
CONVERTED: Final = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
CHARGE_DAY: Final = "CAST(c.ChargePeriodStart AS DATE)"
LAST_DAY: Final = "CAST(c.BillingPeriodEnd AS DATE) - 1"  # the last day of the billing period, whose end is exclusive


def converted_name(column: str) -> str:
    """The column that holds `column` in the reporting currency."""
    return f"x_Reporting{column}"


def rate_views_sql(files_sql: str) -> list[str]:
    """`rates` over its table (`files_sql`: its files as SQL text, empty for none), and charges in both currencies."""
    if files_sql:
        rates = f"SELECT * FROM read_parquet([{files_sql}], hive_partitioning=false)"
    else:
        rates = (
            f"SELECT {', '.join(f'CAST(NULL AS {kind}) AS {name}' for name, kind in RATE_COLUMNS.items())} WHERE false"
        )
    # A charge's amount is rounded to the lake's 12 digits; the sum in the reporting currency is the sum of these amounts.
    converted = ", ".join(f"CAST(c.{name} * r.rate AS DECIMAL(28,12)) AS {converted_name(name)}" for name in CONVERTED)
    day = (
        f"CASE WHEN (SELECT any_value(rate_on) FROM rates) = 'billing_period_end' THEN {LAST_DAY} ELSE {CHARGE_DAY} END"
    )
    columns = (
        "c.*, r.reporting AS x_ReportingCurrency, r.rate AS x_ReportingRate, r.published AS x_ReportingRateDate, "
        + converted
    )
    joined = f"c LEFT JOIN rates r ON r.currency = c.BillingCurrency AND r.day = {day}"
    return [f"CREATE OR REPLACE VIEW rates AS {rates}"] + [
        f"CREATE OR REPLACE VIEW reported_{view} AS SELECT {columns} FROM {view} {joined}"
        for view in ("charges", "counted_charges", "allocated_charges")
    ]


def rate_day_sql(on: str) -> str:
    """The day whose rate a charge takes, over `charges` named c."""
    return LAST_DAY if on == "billing_period_end" else CHARGE_DAY
