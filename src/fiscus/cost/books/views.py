"""As reported and restated, as SQL over the lake's views.

As reported: each closed month as the charges stood when it was closed; every other month as it stands. Restated: what is known
now, a correction counted in the month that it corrects (its ChargePeriodStart) and not in the one that it was billed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from fiscus.cost.books.types import EVERY_SOURCE
from fiscus.cost.views import (
    OWNER_DEFAULTS,
    bare_charges_sql,
    billing_month_sql,
    charges_sql,
    file_names,
    lake_charges_sql,
)

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
    ("assignments_version", "BIGINT"),
)
# Reversals that are not the exact opposite of as many charges that stand: what they reverse is nowhere, or reversed already. A
# charge stands under the month that it was billed in, and its reversal may be billed in a later one: they meet by the usage.
UNMATCHED_REVERSALS: Final = """
WITH reversals AS (
    SELECT ResourceId, SkuId, ServiceName, ChargePeriodStart, BillingCurrency, -BilledCost AS cost, count(*) AS n
    FROM {new} WHERE BilledCost < 0 GROUP BY ALL
), stood AS (
    SELECT ResourceId, SkuId, ServiceName, ChargePeriodStart, BillingCurrency, abs(BilledCost) AS cost, sum(sign(BilledCost)) AS n
    {standing} AND ChargePeriodStart IN (SELECT ChargePeriodStart FROM reversals)
    GROUP BY ALL
)
SELECT coalesce(sum(greatest(r.n - greatest(coalesce(s.n, 0), 0), 0)), 0) FROM reversals r LEFT JOIN stood s
    ON r.ResourceId IS NOT DISTINCT FROM s.ResourceId AND r.SkuId IS NOT DISTINCT FROM s.SkuId AND r.cost = s.cost
    AND r.ServiceName IS NOT DISTINCT FROM s.ServiceName AND r.ChargePeriodStart = s.ChargePeriodStart
    AND r.BillingCurrency = s.BillingCurrency"""
_KEY: Final = "x_SourceId, {month} AS x_BillingMonth, BillingCurrency"
_SUMS: Final = "sum(BilledCost) AS {b}, sum(EffectiveCost) AS {e}, count(*) AS {n}"
_NONE: Final = "CAST(0 AS DECIMAL(28,12)) AS {b}, CAST(0 AS DECIMAL(28,12)) AS {e}, 0 AS {n}"


def _part(of: str, month: str, stands: str, when: str = "true") -> str:
    """One side of the comparison: sums in the columns that begin with `stands`, nothing in the others."""
    sides = [
        (_SUMS if side == stands else _NONE).format(b=f"{side}_billed", e=f"{side}_effective", n=f"{side}_rows")
        for side in ("reported", "now", "away")
    ]
    key = _KEY.format(month=month)
    return (
        f"SELECT {key}, {', '.join(sides)} FROM {of} WHERE x_SourceId NOT LIKE 'gateway-%' AND {when} GROUP BY 1, 2, 3"
    )


def _corrections_sql(reported: str) -> str:
    """Per source, month and currency. Correction = Changed + Moved, so that nothing is lost or counted twice.

    Changed: what its bill says now, and what other months' bills correct of it, less what was reported. Moved: what its own bill
    corrects of other months.
    """
    moved = f"{RESTATED_MONTH} <> x_BillingMonth"
    parts = " UNION ALL ".join(
        [
            _part(reported, "x_BillingMonth", "reported"),
            _part("bare_charges", "x_BillingMonth", "now"),
            _part("bare_charges", RESTATED_MONTH, "now", moved),
            _part("bare_charges", "x_BillingMonth", "away", moved),
        ]
    )
    columns = ", ".join(
        f"reported_{name} AS Reported{title}, now_{name} - reported_{name} - away_{name} AS Correction{title}, "
        f"now_{name} - away_{name} AS Restated{title}, now_{name} - reported_{name} AS Changed{title}, "
        f"-away_{name} AS Moved{title}"
        for name, title in (("billed", "BilledCost"), ("effective", "EffectiveCost"), ("rows", "Rows"))
    )
    sums = ", ".join(
        f"sum({side}_{name}) AS {side}_{name}"
        for side in ("reported", "now", "away")
        for name in ("billed", "effective", "rows")
    )
    return f"""CREATE OR REPLACE VIEW corrections AS
SELECT x_SourceId, x_BillingMonth, BillingCurrency,
    (SELECT min(kind) FROM closes c
        WHERE c.x_BillingMonth = sides.x_BillingMonth AND c.x_SourceId IN ('', sides.x_SourceId)) AS x_Closed,
    {columns}
FROM (SELECT x_SourceId, x_BillingMonth, BillingCurrency, {sums} FROM ({parts}) GROUP BY ALL) sides"""


def book_views_sql(
    closes: Sequence[str],
    reported: Sequence[Sequence[str]] | None,
    stored: Collection[str],
    promoted: Sequence[str],
    owners: Mapping[int, Sequence[str]] | None = None,
) -> list[str]:
    """`closes`, `charges_as_reported`, `charges_restated` and `corrections`.

    `closes` are the files of the table of closed months, `reported` those of the charges as reported, alike ones together; None
    where charges are reported as they stand. `stored`: columns that some of those has.
    `owners`: the files of the assignments at each version that a close names; None where the closes name none.
    """
    views, of = [_closes_sql(closes)], "bare_charges"
    if reported is not None:
        of = "bare_reported"
        views += [lake_charges_sql(reported, view=REPORTED), bare_charges_sql(stored, promoted, view=of, of=REPORTED)]
    return [
        *views,
        f"CREATE OR REPLACE VIEW bare_restated AS SELECT *, {RESTATED_MONTH} AS x_RestatedMonth FROM bare_charges",
        *(_owned_then_sql(of, owners) if owners else [charges_sql("charges_as_reported", of)]),
        charges_sql("charges_restated", "bare_restated"),
        _corrections_sql(of),
    ]


def _owned_then_sql(of: str, owners: Mapping[int, Sequence[str]]) -> list[str]:
    """`charges_as_reported` with the owners of then. What nobody owned then has who owns it now: owners follow their bills."""
    names = ", ".join(OWNER_DEFAULTS)
    then = " UNION ALL ".join(
        f"SELECT x_AssignmentKey, {names}, CAST({version} AS BIGINT) AS x_Version "
        f"FROM read_parquet([{file_names(files)}], hive_partitioning=false)"
        for version, files in sorted(owners.items())
    )
    owned = ", ".join(
        f"coalesce(t.{name}, a.{name}, '{default}') AS {name}" for name, default in OWNER_DEFAULTS.items()
    )
    return [
        f"CREATE OR REPLACE VIEW assignments_reported AS {then}",
        f"""CREATE OR REPLACE VIEW charges_as_reported AS
SELECT c.*, {owned} FROM {of} c
LEFT JOIN closes s ON s.x_SourceId = '{EVERY_SOURCE}' AND s.x_BillingMonth = c.x_BillingMonth
LEFT JOIN closes v ON v.x_SourceId = c.x_SourceId AND v.x_BillingMonth = c.x_BillingMonth
LEFT JOIN assignments_reported t ON t.x_AssignmentKey = c.x_AssignmentKey
    AND t.x_Version = coalesce(s.assignments_version, v.assignments_version)
LEFT JOIN assignments a ON a.x_AssignmentKey = c.x_AssignmentKey""",
    ]


def _closes_sql(files: Sequence[str]) -> str:
    if not files:
        typed = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in CLOSES)
        return f"CREATE OR REPLACE VIEW closes AS SELECT {typed} WHERE false"
    return (
        f"CREATE OR REPLACE VIEW closes AS SELECT * FROM read_parquet([{file_names(files)}], hive_partitioning=false)"
    )
