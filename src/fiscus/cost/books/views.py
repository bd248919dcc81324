"""As reported and restated, as SQL over the lake's views.

As reported: each closed month as the charges stood when it was closed; every other month as it stands. Restated: what is known
now, a correction counted in the month that it corrects (its ChargePeriodStart) and not in the one that it was billed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fiscus.cost.views import bare_charges_sql, billing_month_sql, charges_sql, file_names, lake_charges_sql

REPORTED: Final = "lake_reported"
RESTATED_MONTH: Final = (
    "CASE WHEN ChargeClass = 'Correction' AND ChargePeriodStart < BillingPeriodStart "
    f"THEN {billing_month_sql('ChargePeriodStart')} ELSE x_BillingMonth END"
)
CLOSES: Final = (
    ("x_SourceId", "VARCHAR"),
    ("x_BillingMonth", "VARCHAR"),
    ("charges_version", "BIGINT"),
    ("kind", "VARCHAR"),
)
# Reversals that are not the exact opposite of as many charges that stand: what they reverse is nowhere.
UNMATCHED_REVERSALS: Final = """
WITH reversals AS (
    SELECT ResourceId, SkuId, ServiceName, ChargePeriodStart, BillingCurrency, -BilledCost AS cost, count(*) AS n
    FROM {new} WHERE BilledCost < 0 GROUP BY ALL
), stood AS (
    SELECT ResourceId, SkuId, ServiceName, ChargePeriodStart, BillingCurrency, BilledCost AS cost, count(*) AS n {standing}
    GROUP BY ALL
)
SELECT coalesce(sum(greatest(r.n - coalesce(s.n, 0), 0)), 0) FROM reversals r LEFT JOIN stood s
    ON r.ResourceId IS NOT DISTINCT FROM s.ResourceId AND r.SkuId IS NOT DISTINCT FROM s.SkuId AND r.cost = s.cost
    AND r.ServiceName IS NOT DISTINCT FROM s.ServiceName AND r.ChargePeriodStart = s.ChargePeriodStart
    AND r.BillingCurrency = s.BillingCurrency"""
_MONEY: Final = (
    "sum(BilledCost) AS billed, sum(EffectiveCost) AS effective, count(*) AS charges FROM {of} "
    "WHERE x_SourceId NOT LIKE 'gateway-%' GROUP BY ALL"
)
_CORRECTIONS: Final = f"""
CREATE OR REPLACE VIEW corrections AS
WITH reported AS (SELECT x_SourceId, x_BillingMonth, BillingCurrency, {_MONEY.format(of="{reported}")}),
restated AS (SELECT x_SourceId, {RESTATED_MONTH} AS x_BillingMonth, BillingCurrency, {_MONEY.format(of="bare_charges")})
SELECT
    x_SourceId, x_BillingMonth, BillingCurrency,
    (SELECT min(kind) FROM closes c
        WHERE c.x_BillingMonth = both_sides.x_BillingMonth AND c.x_SourceId IN ('', both_sides.x_SourceId)) AS x_Closed,
    coalesce(a.billed, 0) AS ReportedBilledCost, coalesce(b.billed, 0) - coalesce(a.billed, 0) AS CorrectionBilledCost,
    coalesce(b.billed, 0) AS RestatedBilledCost, coalesce(a.effective, 0) AS ReportedEffectiveCost,
    coalesce(b.effective, 0) - coalesce(a.effective, 0) AS CorrectionEffectiveCost,
    coalesce(b.effective, 0) AS RestatedEffectiveCost, coalesce(a.charges, 0) AS ReportedRows,
    coalesce(b.charges, 0) AS RestatedRows
FROM (SELECT x_SourceId, x_BillingMonth, BillingCurrency FROM reported
      UNION SELECT x_SourceId, x_BillingMonth, BillingCurrency FROM restated) both_sides
LEFT JOIN reported a USING (x_SourceId, x_BillingMonth, BillingCurrency)
LEFT JOIN restated b USING (x_SourceId, x_BillingMonth, BillingCurrency)"""


def book_views_sql(
    closes: Sequence[str], reported: Sequence[str] | None, stored: Sequence[str], promoted: Sequence[str]
) -> list[str]:
    """`closes`, `charges_as_reported`, `charges_restated` and `corrections`.

    `closes` and `reported` are files: of the table of closed months, and of the charges as reported (None: as they stand).
    """
    views, of = [_closes_sql(closes)], "bare_charges"
    if reported is not None:
        of = "bare_reported"
        views += [lake_charges_sql(reported, view=REPORTED), bare_charges_sql(stored, promoted, view=of, of=REPORTED)]
    return [
        *views,
        f"CREATE OR REPLACE VIEW bare_restated AS SELECT *, {RESTATED_MONTH} AS x_RestatedMonth FROM bare_charges",
        charges_sql("charges_as_reported", of),
        charges_sql("charges_restated", "bare_restated"),
        _CORRECTIONS.replace("{reported}", of),
    ]


def _closes_sql(files: Sequence[str]) -> str:
    if not files:
        typed = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in CLOSES)
        return f"CREATE OR REPLACE VIEW closes AS SELECT {typed} WHERE false"
    return (
        f"CREATE OR REPLACE VIEW closes AS SELECT * FROM read_parquet([{file_names(files)}], hive_partitioning=false)"
    )
