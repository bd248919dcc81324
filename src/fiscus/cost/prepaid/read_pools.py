"""Prepaid balances as the lake has them, by two queries: what was bought, and what draws on that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, cast

from fiscus.cost.conformance.currencies import ISO_4217
from fiscus.cost.ports import LakeReader
from fiscus.cost.prepaid.gather_pools import Pool, gather_pools
from fiscus.kernel.money import ZERO
from fiscus.kernel.periods import midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

_ROOM: Final = "fiscus.cost"
_PLAIN: Final = "CASE WHEN list_contains($iso, c.PricingCurrency) THEN NULL ELSE c.PricingCurrency END"
_PLAIN_COST: Final = "CAST(c.PricingCurrencyEffectiveCost AS DECIMAL(38,18))"
_KEYS: Final = "CASE WHEN list_contains($providers, coalesce(c.ServiceProviderName, '')) THEN c.x_Extra['{key}'] END"


def read_pools(lake: LakeReader, until: date) -> tuple[Sequence[Pool], Query]:
    """Every balance that a charge before `until` buys or draws on, and the query of its draws."""
    lots = cast(
        "list[dict[str, Any]]", list(lake.query(sql_text(_ROOM, "prepaid_lots"), {"until": midnight(until)}).dicts())
    )
    asked = draws_query(lots, until)
    draws = lake.query(asked.sql, asked.params).dicts()
    return gather_pools(lots, cast("Any", draws)), asked


def draws_query(lots: Sequence[dict[str, Any]], until: date) -> Query:
    """What draws on `lots`. x_ keys are looked into at providers that were paid in advance: few rows of a lake have them."""
    ahead = [lot for lot in lots if lot["effective"] == ZERO and not lot["commitment"]]
    providers = sorted({lot["provider"] for lot in ahead})
    params: dict[str, object] = {
        "until": midnight(until),
        "iso": sorted(ISO_4217),
        "providers": providers or [""],
        "commitments": sorted({lot["commitment"] for lot in lots if lot["commitment"]}) or ["-"],
        "skus": sorted({sku for lot in lots for sku in lot["skus"] or ()}) or ["-"],
    }
    virtual, cost = _PLAIN, _PLAIN_COST
    if providers:
        cost = f"coalesce(TRY_CAST({_KEYS.format(key='x_PricingCurrencyEffectiveCost')} AS DECIMAL(38,18)), {cost})"
        virtual = f"{_KEYS.format(key='x_PricingCurrency')}, {virtual}"
    text = sql_text(_ROOM, "prepaid_draws")
    text = text.replace("{{virtual}}", f"coalesce({virtual}, '')").replace("{{virtual_cost}}", cost)
    return Query(text, params)
