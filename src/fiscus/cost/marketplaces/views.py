"""`charges_counted_once`, as SQL over the lake's views: every charge, and whether its two costs count.

Nothing is left out: what another feed shows too keeps its row, with x_SeenTwice (the link), x_SeenTwiceSide, x_SeenTwiceIn (the
other source), x_SeenTwiceBasis, x_CountsBilledCost, x_CountsEffectiveCost, and the costs that count: x_BilledCostOnce and
x_EffectiveCostOnce.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fiscus.cost.marketplaces.types import SAME_SPEND
from fiscus.cost.views import file_names

CHARGE_MONTH: Final = "strftime(make_timestamp(epoch_us(c.ChargePeriodStart)), '%Y-%m')"
_ADDED: Final = tuple(name for name, _ in SAME_SPEND if name.startswith(("x_SeenTwice", "x_Counts")))


def once_views_sql(files: Sequence[str]) -> list[str]:
    """`same_spend` over its table's files, and `charges_counted_once`."""
    if files:
        source = f"SELECT * FROM read_parquet([{file_names(files)}], hive_partitioning=false)"
    else:
        typed = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in SAME_SPEND)
        source = f"SELECT {typed} WHERE false"
    added = ", ".join(
        f"coalesce(s.{name}, true) AS {name}" if name.startswith("x_Counts") else f"s.{name}" for name in _ADDED
    )
    once = ", ".join(
        f"CASE WHEN s.x_Counts{name} IS NULL OR s.x_Counts{name} THEN c.{name} ELSE CAST(0 AS DECIMAL(28,12)) END "
        f"AS x_{name}Once"
        for name in ("BilledCost", "EffectiveCost")
    )
    charges = (
        f"SELECT c.*, {added}, {once} FROM charges c LEFT JOIN same_spend s "
        "ON s.x_SourceId = c.x_SourceId AND s.ServiceProviderName = coalesce(c.ServiceProviderName, '') "
        f"AND s.BillingCurrency = c.BillingCurrency AND s.ChargeMonth = {CHARGE_MONTH} "
        "AND c.ChargeCategory IN ('Usage', 'Purchase') "
        "AND s.BillingAccountId = coalesce(c.BillingAccountId, '') AND s.SubAccountId = coalesce(c.SubAccountId, '')"
    )
    return [
        f"CREATE OR REPLACE VIEW same_spend AS {source}",
        f"CREATE OR REPLACE VIEW charges_counted_once AS {charges}",
    ]
