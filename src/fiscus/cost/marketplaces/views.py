"""What two feeds show alike, as SQL over the lake's views: `charges_counted_once` tells of it, `counted_charges` counts it once.

`charges_counted_once` is `charges` and, beside each, x_SeenTwice (the link), x_SeenTwiceSide, x_SeenTwiceIn (the other source),
x_SeenTwiceBasis, x_CountsBilledCost, x_CountsEffectiveCost, and the costs that count: x_BilledCostOnce and x_EffectiveCostOnce.

`counted_charges` has the columns and rows of `charges`, and 0 in a cost that counts in the other feed; all that adds up what was
spent asks it (docs/adr/0021). List and contracted cost, the cost in the pricing currency and the quantities are of the usage, and
go with EffectiveCost.
`counted_bare_charges` is the same without owners. Where nothing is seen twice, neither view joins anything; else only the charges
of sources and sellers of which something is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fiscus.cost.marketplaces.types import SAME_SPEND, SeenIn
from fiscus.cost.raw_values import quoted
from fiscus.cost.views import charges_sql, file_names, owned_sql

CHARGE_MONTH: Final = "strftime(make_timestamp(epoch_us(c.ChargePeriodStart)), '%Y-%m')"
_ADDED: Final = tuple((name, kind) for name, kind in SAME_SPEND if name.startswith(("x_SeenTwice", "x_Counts")))
_COST: Final = "DECIMAL(28,12)"
_QUANTITY: Final = "DECIMAL(38,18)"
COUNTED_WITH: Final[Mapping[str, tuple[str, str]]] = {
    "BilledCost": ("BilledCost", _COST),
    **dict.fromkeys(
        ("EffectiveCost", "PricingCurrencyEffectiveCost", "ListCost", "ContractedCost"), ("EffectiveCost", _COST)
    ),
    **dict.fromkeys(
        ("ConsumedQuantity", "PricingQuantity", "CommitmentDiscountQuantity"), ("EffectiveCost", _QUANTITY)
    ),
}
"""Column -> the cost that it counts with, and its type."""
_SAME: Final = (
    "LEFT JOIN same_spend s "
    "ON s.x_SourceId = c.x_SourceId AND s.ServiceProviderName = coalesce(c.ServiceProviderName, '') "
    f"AND s.BillingCurrency = c.BillingCurrency AND s.ChargeMonth = {CHARGE_MONTH} "
    "AND c.ChargeCategory IN ('Usage', 'Purchase') "
    "AND s.BillingAccountId = coalesce(c.BillingAccountId, '') AND s.SubAccountId = coalesce(c.SubAccountId, '')"
)


def once_views_sql(files: Sequence[str], seen: SeenIn | None = None, *, whole: bool = False) -> list[str]:
    """`same_spend` over its table's files, and what rests on it. `seen`: of whom it tells. `whole`: as `charges_sql` has it."""
    if files:
        source = f"SELECT * FROM read_parquet([{file_names(files)}], hive_partitioning=false)"
    else:
        typed = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in SAME_SPEND)
        source = f"SELECT {typed} WHERE false"
    bare, owned = "counted_bare_charges", f"({owned_sql(whole=whole)})"
    return [
        f"CREATE OR REPLACE VIEW same_spend AS {source}",
        f"CREATE OR REPLACE VIEW charges_counted_once AS {_told(owned) if files else _told_of_none(owned)}",
        f"CREATE OR REPLACE VIEW {bare} AS {_counted(seen) if seen else 'SELECT * FROM bare_charges'}",
        charges_sql("counted_charges", bare if seen else "bare_charges", whole=whole),
    ]


def _told(owned: str) -> str:
    added = ", ".join(
        f"coalesce(s.{name}, true) AS {name}" if name.startswith("x_Counts") else f"s.{name}" for name, _ in _ADDED
    )
    once = ", ".join(f"{_once(name)} AS x_{name}Once" for name in ("BilledCost", "EffectiveCost"))
    return f"SELECT c.*, {added}, {once} FROM {owned} c {_SAME}"


def _told_of_none(owned: str) -> str:
    added = ", ".join(
        f"true AS {name}" if name.startswith("x_Counts") else f"CAST(NULL AS {kind}) AS {name}" for name, kind in _ADDED
    )
    return (
        f"SELECT c.*, {added}, c.BilledCost AS x_BilledCostOnce, c.EffectiveCost AS x_EffectiveCostOnce FROM {owned} c"
    )


def _counted(seen: SeenIn) -> str:
    """Two halves, so that the rows of which nothing is seen twice, nearly all, are joined with nothing: a third of the time."""
    replaced = ", ".join(f"{_once(name)} AS {name}" for name in COUNTED_WITH)
    sources, sellers = (f"({', '.join(map(quoted, sorted(names)))})" for names in (seen.sources, seen.sellers))
    return (
        f"SELECT * FROM bare_charges WHERE x_SourceId NOT IN {sources} OR ServiceProviderName IS NULL "
        f"OR ServiceProviderName NOT IN {sellers} UNION ALL "
        f"SELECT c.* REPLACE ({replaced}) FROM bare_charges c {_SAME} "
        f"WHERE c.x_SourceId IN {sources} AND c.ServiceProviderName IN {sellers}"
    )


def _once(name: str) -> str:
    """Nothing stays nothing: what has no quantity is not given one of 0."""
    cost, kind = COUNTED_WITH[name]
    counts = f"s.x_Counts{cost} IS NULL OR s.x_Counts{cost} OR c.{name} IS NULL"
    return f"CASE WHEN {counts} THEN c.{name} ELSE CAST(0 AS {kind}) END"
